"""What every way in has in common: the key is noted, the event is counted and taken, and the log
and the answer learn of both. How the answer looks is up to the way in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from events.call import Call, Sender
from events.intake import Intake, IntakeResult
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.rate_limiter import LimitReached
from opsknight.incident.model import Event


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

    def receive(self, event: Event, sender: Sender, call: Call) -> Received:
        """Raises Unavailable when DynamoDB is."""
        reset = str(Minute.of(call.now).seconds_left(call.now))
        limits = {"RateLimit-Limit": str(LIMIT), "RateLimit-Reset": reset}
        self.directory.note_use(sender.hashed, sender.key, call.now, call.deadline)
        try:
            result = self.intake.take(event, sender, call)
        except LimitReached:
            return Received(None, limits | {"RateLimit-Remaining": "0", "Retry-After": reset})
        if result.remaining is not None:
            limits["RateLimit-Remaining"] = str(result.remaining)
        call.log(result=result.action)
        if result.incident is not None:
            call.log(incident_id=result.incident.id)
        return Received(result, limits)
