"""Takes events: counts the request while it reads what is there, decides, writes. One event takes
two round trips unless somebody else writes at the same time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field, replace
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final, NoReturn, assert_never

from events.call import Call, Sender
from events.rate_limit_reports import Refusals, too_large
from opsknight.classes import dataclass
from opsknight.directory.rate_limit import Minute
from opsknight.http.rate_limiter import Limiter, LimitReached
from opsknight.incident.commands import Note
from opsknight.incident.decisions import Ignored, Merged, Opened, Repeated, Transitioned, Unchanged
from opsknight.incident.members import GroupDecision, Joined, LastLeft, Left, OpenedGroup
from opsknight.incident.model import Event, Pointer
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.calls import Unavailable
from opsknight.store.execute import Settling, perform
from opsknight.store.groups import Groups
from opsknight.store.incidents import IncidentRows
from opsknight.store.rows import sound

if TYPE_CHECKING:
    from opsknight.directory.integrations import Integration

REPORT_PATIENCE_SECONDS: Final = 1
# Connecting and answering may take the limiter 0.3 seconds each; a trickling answer, for ever.
LIMITER_SECONDS: Final = 0.7
# Events of one batch that are written at the same time.
SIDE_BY_SIDE: Final = 8


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """The outcome of an event, for its answer."""

    action: str
    incident: Pointer | None
    remaining: int | None = None  # Requests the key has left in this minute, if that is known.
    dropped_by: str | None = None  # The route that dropped the event.
    routed_to: str | None = None  # The service of the last incident of its key, if none is active.

    @property
    def counted_as(self) -> str:
        return "dropped" if self.dropped_by else self.action


type BeginRouted = Callable[
    ["Intake", Event, Sender, Integration, Call], Callable[[], IntakeResult]
]


@dataclass(frozen=True, slots=True)
class Intake:
    table: IncidentRows
    limiter: Limiter
    new_id: Callable[[str, datetime], str]
    background: ThreadPoolExecutor
    """Runs a call while the request goes on."""
    refusals: Refusals = field(default_factory=Refusals)
    counted_within: float = LIMITER_SECONDS

    def take(self, event: Event, sender: Sender, call: Call) -> IntakeResult:
        """Raises LimitReached, or Unavailable when DynamoDB is."""
        counting = None if call.is_counted else self._begin_counting([event], sender, call)
        settle = self._begun(event, sender, call)
        remaining = None if counting is None else self._counted(counting, [event], sender, call)
        result = settle()
        self._report_refused(sender, call)
        return replace(result, remaining=remaining)

    def take_further(self, event: Event, sender: Sender, call: Call) -> IntakeResult:
        """One of several that a request which is counted already brings. Raises Unavailable."""
        return self._begun(event, sender, call)()

    def take_all(
        self, events: Sequence[Event], sender: Sender, call: Call
    ) -> tuple[list[IntakeResult | None], int | None]:
        """The events of one request, which counts as one of the limit. Each is tried, whatever
        becomes of the others: the result is None where it was not stored for our sake. Also returns
        how many requests the key has left.

        Raises LimitReached, or Unavailable when nothing could be read.
        """
        counting = self._begin_counting(events, sender, call)
        keys = dict.fromkeys(event.dedup_key for event in events)
        routed = _routes(sender)
        current = {} if routed else self.table.pointers(sender.service.id, keys, call.deadline)
        remaining = self._counted(counting, events, sender, call)
        in_turn: dict[str, list[int]] = {}
        for number, event in enumerate(events):
            in_turn.setdefault(event.dedup_key, []).append(number)
        results: list[IntakeResult | None] = [None] * len(events)

        def settle(dedup_key: str) -> None:
            """Those of one key in their order, as each changes what the next one finds."""
            seen = sound(current.get(dedup_key))
            own = [events[number] for number in in_turn[dedup_key]]
            is_group = any(event.member is not None or event.rest for event in own)
            if is_group and routed is not None:
                settle_group = import_module("events.routed_groups").settle
                for place, result in settle_group(self, own, sender, routed, call):
                    results[in_turn[dedup_key][place]] = result
                return
            if is_group:
                groups = Groups(self._settling(), sender.service, call.now, call.deadline)
                for place, decision in groups.settle_all(own, seen):
                    results[in_turn[dedup_key][place]] = IntakeResult(*outcome(decision))
                return
            for place, number in enumerate(in_turn[dedup_key]):
                event = events[number]
                if routed:
                    results[number] = self._begun(event, sender, call)()
                    continue
                if place:
                    seen = self.table.pointer(event.service_id, dedup_key, call.deadline)
                results[number] = IntakeResult(*self._settled(event, sender, seen, call))

        for failed in _side_by_side(settle, in_turn):
            if not isinstance(failed, Unavailable):
                raise failed
            logger.warning("an event of a batch was not stored", cause=str(failed))
        self._report_refused(sender, call)
        return results, remaining

    def note(self, incident_id: str, text: str, sender: Sender, call: Call) -> None:
        """Writes on the timeline of an incident what its sender says beside the event."""
        perform(
            self.table,
            incident_id,
            Note(text),
            actor=sender.key.actor,
            now=call.now,
            token=self.new_id("no", call.now),
            deadline=call.deadline,
        )

    def refuse_large(self, size: int, most: int, sender: Sender, call: Call) -> None:
        """Reports a body that nobody reads, as it is too large. Raises LimitReached."""
        self._counted(self._begin_counting((), sender, call), (), sender, call)
        self._report(too_large(sender.key, sender.service.id, size, most), sender, call)

    def _begin_counting(
        self, events: Iterable[Event], sender: Sender, call: Call
    ) -> "Future[int | None]":
        """Raises LimitReached for a key that is known to be at its limit."""
        minute = Minute.of(call.now)
        if self.limiter.is_full(sender.key.id, minute):
            self._refuse(events, sender, call)
        return self.background.submit(self.limiter.count, sender.key.id, minute)

    def _counted(
        self, counting: "Future[int | None]", events: Iterable[Event], sender: Sender, call: Call
    ) -> int | None:
        """How many requests are left. Raises LimitReached."""
        try:
            return counting.result(timeout=self.counted_within)
        except TimeoutError:
            return None
        except LimitReached:
            self._refuse(events, sender, call)

    def _refuse(self, events: Iterable[Event], sender: Sender, call: Call) -> NoReturn:
        """Raises LimitReached."""
        minute = Minute.of(call.now)
        noted = [self.refusals.note(sender.key, event, minute) for event in events]
        # A later report holds what is in an earlier one.
        self._report_refusals(next((each for each in reversed(noted) if each), None), sender, call)
        raise LimitReached

    def _report_refused(self, sender: Sender, call: Call) -> None:
        """What an earlier minute still owes, now that the key is within its limit."""
        left = self.refusals.left(sender.key, sender.service.id, Minute.of(call.now))
        self._report_refusals(left, sender, call)

    def admit(
        self, event: Event | None, sender: Sender, call: Call, *, reads: bool = False
    ) -> int | None:
        """Counts a request that is no event; how many the key has left, where the limiter can tell.
        `event` is what is lost when the request is refused. Raises LimitReached.
        """
        minute = Minute.of(call.now)
        name = f"{sender.key.id}:reads" if reads else sender.key.id
        lost = [event] if event else []
        if self.limiter.is_full(name, minute):
            self._refuse(lost, sender, call)
        try:
            return self.limiter.count(name, minute)
        except LimitReached:
            self._refuse(lost, sender, call)

    def _begun(self, event: Event, sender: Sender, call: Call) -> Callable[[], IntakeResult]:
        """Reads what is there. What it returns decides and writes."""
        if (integration := _routes(sender)) is not None:
            # With all that routes need: those of other integrations do not wait for it.
            begin: BeginRouted = import_module("events.routed").begin
            return begin(self, event, sender, integration, call)
        current = self.table.pointer(event.service_id, event.dedup_key, call.deadline)
        return lambda: IntakeResult(*self._settled(event, sender, current, call))

    def _settled(
        self,
        event: Event,
        sender: Sender,
        current: Pointer | None,
        call: Call,
        *,
        raising: bool = False,
    ) -> tuple[str, Pointer | None]:
        settled = self._settling().settle(
            event,
            sender.service,
            current,
            call.now,
            call.deadline,
            raising=raising,
            beside=call.beside,
        )
        return outcome(settled)

    def _settling(self) -> Settling:
        return Settling(self.table, self.new_id, self.background)

    def _report_refusals(self, report: Event | None, sender: Sender, call: Call) -> None:
        # If it fails, the count is kept for the next report.
        if report is not None and self._report(report, sender, call):
            self.refusals.reported(sender.key, sender.service.id)

    def _report(self, report: Event, sender: Sender, call: Call) -> bool:
        """Opens or adds to the incident about refused events. It is not limited itself."""
        # The answer does not depend on this report, and must neither wait for it nor fail with it:
        # an accepted event that became a 500 would be sent again.
        brief = replace(call.within(REPORT_PATIENCE_SECONDS), beside=None)
        try:
            where = report.service_id, report.dedup_key
            current = self.table.pointer(*where, brief.deadline, internal=report.internal)
            self._settled(report, sender, current, brief, raising=True)
        except Exception as error:
            if not isinstance(error, Unavailable):
                signal("Failures")
            logger.exception("refused events could not be reported", service_id=sender.service.id)
            return False
        return True


def _side_by_side(settle: Callable[[str], None], keys: Mapping[str, object]) -> list[Exception]:
    """Calls it for each key; returns what went wrong. In this thread if there is but one."""
    failed: list[Exception] = []

    def attempt(key: str) -> None:
        try:
            settle(key)
        except Exception as error:
            failed.append(error)

    if len(keys) < 2:
        for key in keys:
            attempt(key)
        return failed
    with ThreadPoolExecutor(min(len(keys), SIDE_BY_SIDE), "batch") as pool:
        list(pool.map(attempt, keys))
    return failed


def _routes(sender: Sender) -> "Integration | None":
    """The sender's integration if its events may belong anywhere else than to its service."""
    found = sender.integration
    routed = found is not None and (found.remembers or found.routing or found.page_after)
    return found if routed else None


def outcome(decision: GroupDecision) -> tuple[str, Pointer | None]:
    """The action of the answer, and the incident as it is afterwards."""
    match decision:
        case Opened(incident) | OpenedGroup(Opened(incident)):
            return "triggered", incident
        case Joined(seen, _, _, changed):
            action = "joined" if decision.joins else "deduplicated"
            return action, changed.after if changed else seen
        case Left(seen):
            return "left", seen
        case Merged(seen, _, raised):
            return "deduplicated", raised.after if raised else seen
        case Transitioned(_, after, change) | LastLeft(Transitioned(_, after, change)):
            return change.what, after
        case Repeated(seen):
            return "deduplicated", seen
        case Unchanged(seen):
            return "acknowledged", seen
        case Ignored():
            return "ignored", None
        case _:
            assert_never(decision)
