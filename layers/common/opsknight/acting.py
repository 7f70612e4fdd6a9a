"""What a person does to an incident, carried out: read, decide, write, until what was decided on is
what was there.
"""

from datetime import datetime

from opsknight.commands import Command
from opsknight.incidents import Actor
from opsknight.lifecycle import Moved, Refused, Unchanged, act
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.table import Table


def perform(
    table: Table,
    incident_id: str,
    command: Command,
    *,
    actor: Actor,
    now: datetime,
    token: str,
    deadline: Deadline,
) -> Moved | Unchanged | Refused | None:
    """What was decided and, if it is Moved, written; None for an incident that does not exist.

    `token` names this act, in at most 32 characters. Raises Unavailable when DynamoDB is, and
    ValueError for a snooze of an impossible length.
    """
    attempt = 0
    while True:
        incident = table.incident(incident_id, deadline)
        if incident is None:
            return None
        decision = act(incident, command, actor=actor, now=now)
        if not isinstance(decision, Moved):
            return decision
        try:
            table.apply(decision, f"{token}-{attempt}", deadline)
        except Conflict as conflict:
            # Somebody was faster, and it may be done or impossible by now.
            deadline.pause(attempt, conflict)
            attempt += 1
        else:
            return decision
