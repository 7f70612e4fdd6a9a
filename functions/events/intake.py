"""Takes one event: counts it while it reads what is there, decides, writes. Two round trips unless
somebody else writes at the same time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, assert_never

from events.rate_limit_reports import Refusals
from opsknight.directory.entries import ApiKey, IntegrationKey, Service
from opsknight.directory.rate_limit import Minute
from opsknight.http.rate_limiter import Limiter, LimitReached
from opsknight.incident.decisions import Decision, Ignored, Merged, Opened, Transitioned, Unchanged
from opsknight.incident.model import Event, Pointer
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Deadline
from opsknight.store.execute import Settling
from opsknight.store.table import Table

REPORT_PATIENCE_SECONDS: Final = 1
# Connecting and answering may take the limiter 0.3 seconds each; a trickling answer, for ever.
LIMITER_SECONDS: Final = 0.7


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """The outcome of an event, for its answer."""

    action: str
    incident: Pointer | None
    remaining: int | None = None
    """Requests the key has left in this minute, where the limiter could tell."""


@dataclass(frozen=True, slots=True)
class Intake:
    table: Table
    limiter: Limiter
    new_id: Callable[[str, datetime], str]
    background: ThreadPoolExecutor
    """Runs a call while the request goes on."""
    refusals: Refusals = field(default_factory=Refusals)

    def take(
        self,
        event: Event,
        key: IntegrationKey | ApiKey,
        service: Service,
        now: datetime,
        deadline: Deadline,
    ) -> IntakeResult:
        """Raises LimitReached, or Unavailable when DynamoDB is."""
        minute = Minute.of(now)
        if self.limiter.is_full(key.id, minute):
            self._report(self.refusals.note(key, event, minute), key, service, now, deadline)
            raise LimitReached
        counting = self.background.submit(self.limiter.count, key.id, minute)
        current = self.table.pointer(event.service_id, event.dedup_key, deadline)
        try:
            remaining = counting.result(timeout=LIMITER_SECONDS)
        except TimeoutError:
            remaining = None
        except LimitReached:
            self._report(self.refusals.note(key, event, minute), key, service, now, deadline)
            raise
        action, incident = self._settled(event, service, current, now, deadline)
        self._report(self.refusals.left(key, service.id, minute), key, service, now, deadline)
        return IntakeResult(action, incident, remaining)

    def _settled(
        self,
        event: Event,
        service: Service,
        current: Pointer | None,
        now: datetime,
        deadline: Deadline,
        *,
        raising: bool = False,
    ) -> tuple[str, Pointer | None]:
        settled = self._settling().settle(event, service, current, now, deadline, raising=raising)
        return _outcome(settled)

    def _settling(self) -> Settling:
        return Settling(self.table, self.new_id, self.background)

    def _report(
        self,
        report: Event | None,
        key: IntegrationKey | ApiKey,
        service: Service,
        now: datetime,
        deadline: Deadline,
    ) -> None:
        """Opens or adds to the incident about refused events. It is not limited itself."""
        if report is None:
            return
        # The answer does not depend on this report, and must neither wait for it nor fail with it:
        # an accepted event that became a 500 would be sent again.
        deadline = deadline.within(REPORT_PATIENCE_SECONDS)
        try:
            where = report.service_id, report.dedup_key
            current = self.table.pointer(*where, deadline, internal=report.internal)
            self._settled(report, service, current, now, deadline, raising=True)
        except Exception:
            # The count is kept for the next report.
            logger.exception("refused events could not be reported", service_id=service.id)
        else:
            self.refusals.reported(key, service.id)


def _outcome(decision: Decision) -> tuple[str, Pointer | None]:
    """The action of the answer, and the incident as it is afterwards."""
    match decision:
        case Opened(incident):
            return "triggered", incident
        case Merged(seen, _, raised):
            return "deduplicated", raised.after if raised else seen
        case Transitioned(_, after, change):
            return change.what, after
        case Unchanged(seen):
            return "acknowledged", seen
        case Ignored():
            return "ignored", None
        case _:
            assert_never(decision)
