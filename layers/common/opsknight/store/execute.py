"""Carries out events and commands: decides and writes, again after each conflict.

What to decide is in `opsknight.incident`, how it is written in `transactions`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from opsknight.directory.entries import Service
from opsknight.incident.commands import Command
from opsknight.incident.decisions import Decision, Ignored, NotAllowed, Transitioned, Unchanged
from opsknight.incident.events import decide
from opsknight.incident.lifecycle import act
from opsknight.incident.model import NEVER, Actor, Event, Pointer, Timeouts
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Settling:
    """Carries out events."""

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
        """The decision, once it is written. `current` is the active incident of the dedup key, as
        it was read before. Raises Unavailable when DynamoDB is.
        """
        incident_id = self.new_id("inc", now)
        alert_id = self.new_id("al", now)

        def attempt(number: int) -> Decision:
            pointer = current
            if number:
                where = event.service_id, event.dedup_key
                pointer = self.table.pointer(*where, deadline, internal=event.internal)
            decision = decide(
                pointer,
                event,
                now=now,
                incident_id=incident_id,
                alert_id=alert_id,
                window=service.window_at(now),
                raising=raising or service.raises_urgency,
                timeouts=service.timeouts,
            )
            if not isinstance(decision, Ignored | Unchanged):
                # One token for one decision: repeated after an unknown outcome, it is written once.
                self.table.apply(decision, f"{alert_id}-{number}", deadline)
            return decision

        return decide_again(deadline, attempt)


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
    """Carries out a command: the decision, once it is written; None when there is no incident.

    `token` names this request, in at most 32 characters; `timeouts` are those of the service.
    Raises Unavailable when DynamoDB is, and ValueError for a snooze of an impossible length.
    """

    def attempt(number: int) -> Transitioned | Unchanged | NotAllowed | None:
        incident = table.incident(incident_id, deadline)
        if incident is None:
            return None
        decision = act(incident, command, actor=actor, now=now, timeouts=timeouts)
        if isinstance(decision, Transitioned):
            table.apply(decision, f"{token}-{number}", deadline)
        return decision

    # After a conflict somebody was faster: it may be done or impossible by now.
    return decide_again(deadline, attempt)
