"""Carries out events and commands: decides and writes, again after each conflict.

What to decide is in `opsknight.incident`, how it is written in `transactions`. A merge that raises
nothing is two plain writes side by side: why, and what may come between them, is in ADR 27.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.incident.canary import id_prefix
from opsknight.incident.commands import AlsoPage, Command
from opsknight.incident.decisions import (
    Decision,
    Ignored,
    Merged,
    NotAllowed,
    Opened,
    Repeated,
    Transitioned,
    Unchanged,
)
from opsknight.incident.events import decide
from opsknight.incident.lifecycle import act
from opsknight.incident.members import GROUP, GroupDecision
from opsknight.incident.model import NEVER, Action, Actor, Alert, Event, Incident, Pointer, Timeouts
from opsknight.incident.quiet import Window
from opsknight.store import incident_items
from opsknight.store.calls import Conflict, Deadline, decide_again
from opsknight.store.incidents import IncidentRows
from opsknight.store.places import Place, let_out, remembered

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


type Beside = Callable[[GroupDecision | NotAllowed], Sequence[Write]]
"""Asked at each attempt for what is to be written in the same transaction as the decision. Nothing
is, where the decision writes nothing.
"""


class Running(Protocol):
    """A call that may be under way: a `Future`."""

    def cancel(self) -> bool:
        """Whether the call had not begun, and never will."""

    def result(self) -> None:
        """Waits for its end, and raises what it raised."""


class Background(Protocol):
    """Makes calls while the request goes on: an `Executor`."""

    def submit(self, call: Callable[[], None], /) -> Running: ...


class _NotBegun:
    def cancel(self) -> bool:
        return True

    def result(self) -> None:
        """There is nothing to wait for."""


class _Nowhere:
    def submit(self, call: Callable[[], None], /) -> Running:
        return _NotBegun()


NOWHERE: Final[Background] = _Nowhere()
"""Makes no call: whoever submits it makes it in its turn."""


@dataclass(frozen=True, slots=True)
class Settling:
    """Carries out events."""

    table: IncidentRows
    new_id: Callable[[str, datetime], str]
    background: Background = NOWHERE

    def settle(
        self,
        event: Event,
        service: Service,
        current: Pointer | None,
        now: datetime,
        deadline: Deadline,
        *,
        raising: bool = False,
        beside: Beside | None = None,
    ) -> Decision:
        """The decision, once it is written. `current` is the active incident of the dedup key, as
        it was read before. Raises Unavailable when DynamoDB is.
        """

        def again() -> Place:
            where = event.service_id, event.dedup_key
            pointer = self.table.pointer(*where, deadline, internal=event.internal)
            return Place(event, service, pointer)

        first = Place(event, service, current)
        return self.settle_at(first, again, now, deadline, raising=raising, beside=beside)

    def settle_at(
        self,
        first: Place,
        again: Callable[[], Place],
        now: datetime,
        deadline: Deadline,
        *,
        raising: bool = False,
        beside: Beside | None = None,
    ) -> Decision:
        """As `settle` does. `again` looks for the place once more after a conflict."""
        incident_id, alert_id = self.new_ids(first.event, now)
        strays: dict[str, _Stray] = {}

        def attempt(number: int) -> Decision:
            place = again() if number else first
            decision = self.decided(place, incident_id, alert_id, now, deadline, raising=raising)
            more = [*(beside(decision) if beside else ()), *remembered(place.remember, decision)]
            match decision:
                case Merged(_, alert, None) if not more:
                    self._merge(alert, strays, deadline)
                case Opened() | Merged() | Transitioned():
                    # One token for one decision: repeated after an unknown outcome, it is written
                    # once. In a burst of first triggers all but one find that it was opened.
                    token = f"{alert_id}-{number}"
                    self.table.apply(decision, token, deadline, yields=True, beside=more)
                case Repeated(before, datetime() as seen_at):
                    self.table.note_seen(before, seen_at, deadline)
                case Repeated() | Unchanged() | Ignored():
                    pass
                case _:
                    assert_never(decision)
            return decision

        try:
            decision = decide_again(deadline, attempt)
            if isinstance(decision, Merged) and first.pages_with is not None:
                let_out(self.table, decision.alert, first.pages_with, now, deadline)
            if isinstance(decision, Merged) and first.event.occurrence is not None:
                # Should this be lost, the next repeat is one more alert.
                self.table.note_occurrence(decision.before, first.event.occurrence, now, deadline)
            return decision
        finally:
            # Last, as opening is urgent, and also where `again` found no place here any more.
            # Without an end of it there is no answer but a 503: whoever is told 202 has one alert.
            for stray in strays.values():
                stray.running.result()
                self.table.remove_alert(stray.alert, deadline)

    def new_ids(self, event: Event, now: datetime) -> tuple[str, str]:
        """Of the incident and of the alert that the event may make."""
        incident_id = self.new_id(id_prefix(event.service_id), now)
        if event.member is not None:
            incident_id = incident_id[: -len(GROUP)] + GROUP
        return incident_id, self.new_id("al", now)

    def decided(
        self,
        place: Place,
        incident_id: str,
        alert_id: str,
        now: datetime,
        deadline: Deadline,
        *,
        raising: bool = False,
    ) -> Decision:
        """What the event does, not written yet."""
        service = place.service
        return decide(
            place.current,
            place.event,
            now=now,
            incident_id=incident_id,
            alert_id=alert_id,
            window=self._window(place, now, deadline),
            raising=raising or service.raises_urgency,
            timeouts=service.timeouts,
            hours=service.out_of_hours(now),
            opening=place.opening,
        )

    def _window(self, place: Place, now: datetime, deadline: Deadline) -> Window | None:
        """The window that keeps what the event opens quiet. The caller may remember the service:
        before anybody stays asleep, it is read again, as somebody may have ended the window.
        """
        window = place.service.window_at(now)
        opens = place.current is None and place.event.action is Action.TRIGGER
        if window is None or not opens:
            return window
        fresh = self.table.service(place.service.id, deadline)
        return None if fresh is None else fresh.window_at(now)

    def _merge(self, alert: Alert, strays: "dict[str, _Stray]", deadline: Deadline) -> None:
        """Counts and stores the alert. Raises Conflict when its incident is not active any more;
        `strays`, by incident, then gets the alert, if it may have been stored.
        """

        item, chunks = incident_items.alert_items(alert, self.table.retention)

        def put() -> None:
            # Without a condition: its outcome never leads to another decision.
            self.table.put_all([item], deadline)

        self.table.put_all(chunks, deadline)
        running = self.background.submit(put)
        try:
            self.table.count_alert(alert, deadline)
        except Conflict:
            if not running.cancel():
                strays[alert.incident_id] = _Stray(alert, running)
            raise
        strays.pop(alert.incident_id, None)
        # The background may be busy with calls that hang: what it has not begun is done here.
        if running.cancel():
            put()
        else:
            running.result()


@dataclass(frozen=True, slots=True)
class _Stray:
    """An alert that may lie on an incident which refused to count it."""

    alert: Alert
    running: Running


def _in_shadow(table: IncidentRows, incident: Incident, now: datetime, deadline: Deadline) -> bool:
    if not incident.shadow:
        return False
    service = table.service(incident.service_id, deadline)
    return service is not None and service.in_shadow(now)


def perform(
    table: IncidentRows,
    incident_id: str,
    command: Command,
    *,
    actor: Actor,
    now: datetime,
    token: str,
    deadline: Deadline,
    timeouts: Timeouts = NEVER,
    epoch: int | None = None,
    via: str | None = None,
    beside: Beside | None = None,
) -> Transitioned | Unchanged | NotAllowed | None:
    """Carries out a command: the decision, once it is written; None when there is no incident.

    `token` names this request, in at most 32 characters; `timeouts` are those of the service;
    `epoch` is the one in which whoever commands it saw the incident, and in another it is refused;
    `via` is the delivery whose link, button or number was used, which the timeline then names.
    Raises Unavailable when DynamoDB is, and ValueError for a snooze of an impossible length.
    """

    def attempt(number: int) -> Transitioned | Unchanged | NotAllowed | None:
        incident = table.incident(incident_id, deadline)
        if incident is None:
            return None
        if epoch is not None and incident.epoch != epoch:
            return NotAllowed(incident.status, "it has changed since it was looked at")
        if isinstance(command, AlsoPage) and _in_shadow(table, incident, now, deadline):
            return NotAllowed(incident.status, "its service is in shadow, and pages nobody")
        decision = act(incident, command, actor=actor, now=now, timeouts=timeouts)
        if isinstance(decision, Transitioned) and via is not None:
            decision = replace(decision, change=decision.change.acted_on(via))
        more = beside(decision) if beside else ()
        if isinstance(decision, Transitioned):
            table.apply(decision, f"{token}-{number}", deadline, beside=more)
        return decision

    # After a conflict somebody was faster: it may be done or impossible by now.
    return decide_again(deadline, attempt)
