"""Events and acts carried out: decide and write, until what was decided on is what was there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from opsknight.directory.entries import Service
from opsknight.incident.commands import Command
from opsknight.incident.decisions import Decision, Ignored, NotAllowed, Transitioned, Unchanged
from opsknight.incident.events import decide
from opsknight.incident.lifecycle import act
from opsknight.incident.model import NEVER, Actor, Event, Pointer, Timeouts
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Settling:
    """What an event does."""

    table: Table
    new_id: Callable[[str, datetime], str]

    def settle(
        self,
        event: Event,
        service: Service,
        current: Pointer | None,
        now: datetime,
        deadline: Deadline,
        *,
        raising: bool = False,
    ) -> Decision:
        """What was decided and, if there is something to write, written. `current` is the active
        incident of its dedup key. Raises Unavailable when DynamoDB is.
        """
        incident_id = self.new_id("inc", now)
        alert_id = self.new_id("al", now)
        attempt = 0
        while True:
            decision = decide(
                current,
                event,
                now=now,
                incident_id=incident_id,
                alert_id=alert_id,
                window=service.window_at(now),
                raising=raising or service.raises_urgency,
                timeouts=service.timeouts,
            )
            if isinstance(decision, Ignored | Unchanged):
                return decision
            try:
                # One token for one decision: repeated after an unknown outcome it is written once.
                self.table.apply(decision, f"{alert_id}-{attempt}", deadline)
            except Conflict as conflict:
                deadline.pause(attempt, conflict)
                current = self.table.pointer(event.service_id, event.dedup_key, deadline)
                attempt += 1
            else:
                return decision


def perform(
    table: Table,
    incident_id: str,
    command: Command,
    *,
    actor: Actor,
    now: datetime,
    token: str,
    deadline: Deadline,
    timeouts: Timeouts = NEVER,
) -> Transitioned | Unchanged | NotAllowed | None:
    """What a person does: what was decided and, if it is Transitioned, written; None for an
    incident that does not exist.

    `token` names this act, in at most 32 characters; `timeouts` are those of the service. Raises
    Unavailable when DynamoDB is, and ValueError for a snooze of an impossible length.
    """
    attempt = 0
    while True:
        incident = table.incident(incident_id, deadline)
        if incident is None:
            return None
        decision = act(incident, command, actor=actor, now=now, timeouts=timeouts)
        if not isinstance(decision, Transitioned):
            return decision
        try:
            table.apply(decision, f"{token}-{attempt}", deadline)
        except Conflict as conflict:
            # Somebody was faster, and it may be done or impossible by now.
            deadline.pause(attempt, conflict)
            attempt += 1
        else:
            return decision
