"""Takes one event: counts it while it reads what is there, decides, writes. Two round trips unless
somebody else writes at the same time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, assert_never

from events.call import Call, Sender
from events.rate_limit_reports import Refusals
from opsknight.directory.rate_limit import Minute
from opsknight.http.rate_limiter import Limiter, LimitReached
from opsknight.incident.decisions import Decision, Ignored, Merged, Opened, Transitioned, Unchanged
from opsknight.incident.model import Event, Pointer
from opsknight.runtime.telemetry import logger
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

    def take(self, event: Event, sender: Sender, call: Call) -> IntakeResult:
        """Raises LimitReached, or Unavailable when DynamoDB is."""
        key, minute = sender.key, Minute.of(call.now)
        if self.limiter.is_full(key.id, minute):
            self._report(self.refusals.note(key, event, minute), sender, call)
            raise LimitReached
        counting = self.background.submit(self.limiter.count, key.id, minute)
        current = self.table.pointer(event.service_id, event.dedup_key, call.deadline)
        try:
            remaining = counting.result(timeout=LIMITER_SECONDS)
        except TimeoutError:
            remaining = None
        except LimitReached:
            self._report(self.refusals.note(key, event, minute), sender, call)
            raise
        action, incident = self._settled(event, sender, current, call)
        self._report(self.refusals.left(key, sender.service.id, minute), sender, call)
        return IntakeResult(action, incident, remaining)

    def _settled(
        self,
        event: Event,
        sender: Sender,
        current: Pointer | None,
        call: Call,
        *,
        raising: bool = False,
    ) -> tuple[str, Pointer | None]:
        settling = Settling(self.table, self.new_id, self.background)
        settled = settling.settle(
            event, sender.service, current, call.now, call.deadline, raising=raising
        )
        return _outcome(settled)

    def _report(self, report: Event | None, sender: Sender, call: Call) -> None:
        """Opens or adds to the incident about refused events. It is not limited itself."""
        if report is None:
            return
        # The answer does not depend on this report, and must neither wait for it nor fail with it:
        # an accepted event that became a 500 would be sent again.
        brief = call.within(REPORT_PATIENCE_SECONDS)
        try:
            where = report.service_id, report.dedup_key
            current = self.table.pointer(*where, brief.deadline, internal=report.internal)
            self._settled(report, sender, current, brief, raising=True)
        except Exception:
            # The count is kept for the next report.
            logger.exception("refused events could not be reported", service_id=sender.service.id)
        else:
            self.refusals.reported(sender.key, sender.service.id)


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
