"""What every way in has in common: the key is noted, the event is counted and taken, and the log
and the answer learn of both. How the answer looks is up to the way in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events.intake import Intake, IntakeResult
from opsknight.directory.entries import ApiKey, IntegrationKey, Service
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.rate_limiter import LimitReached
from opsknight.incident.model import Event
from opsknight.store.calls import Deadline


@dataclass(frozen=True, slots=True)
class Received:
    result: IntakeResult | None
    """None when the key has used up its minute."""
    headers: Mapping[str, str]
    """What the answer says about the key's limit."""


@dataclass(frozen=True, slots=True)
class Reception:
    directory: DirectoryCache
    intake: Intake

    def receive(
        self,
        event: Event,
        hashed: str,
        key: IntegrationKey | ApiKey,
        service: Service,
        now: datetime,
        deadline: Deadline,
        log_fields: dict[str, Any],
    ) -> Received:
        """Raises Unavailable when DynamoDB is. `hashed` is the key's hash."""
        minute = Minute.of(now)
        reset = str(minute.seconds_left(now))
        limits = {"RateLimit-Limit": str(LIMIT), "RateLimit-Reset": reset}
        self.directory.note_use(hashed, key, now, deadline)
        try:
            result = self.intake.take(event, key, service, now, deadline)
        except LimitReached:
            return Received(None, limits | {"RateLimit-Remaining": "0", "Retry-After": reset})
        if result.remaining is not None:
            limits["RateLimit-Remaining"] = str(result.remaining)
        log_fields["result"] = result.action
        if result.incident is not None:
            log_fields["incident_id"] = result.incident.id
        return Received(result, limits)
