"""How each change of an incident is recorded: numbered, on the timeline, and due to be announced.

What changes is up to `lifecycle` and `urgency`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from opsknight.incident.changes import Changes, applied
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import Actor, Escalation, Pointer, Timer
from opsknight.incident.timeline import Change, ChangeKind

# The escalation begins again: nothing remains of how far it came.
FROM_THE_START: Final = Changes(
    policy_id=None,
    policy_version=None,
    step=None,
    next_step=None,
    round=None,
    requested_step=None,
    reached=None,
    round_from=None,
    round_over=None,
    uncounted=None,
    empty_since=None,
    escalation=Escalation.NONE,
)
# Somebody is paged anew: the fallback address waits for how that ends.
ANEW: Final = Changes(timers={Timer.FALLBACK: None, Timer.REMINDER: None})


def record(
    before: Pointer,
    what: ChangeKind,
    actor: Actor,
    now: datetime,
    changes: Changes,
    detail: Mapping[str, str],
) -> Transitioned:
    """The change as the next one of the timeline. All changes are to be announced: due at once."""
    changes |= Changes(changes=before.changes + 1, timers={Timer.ANNOUNCE: now}, due_at=now)
    after = applied(before, changes)
    change = Change(
        incident_id=before.id,
        number=after.changes,
        at=now,
        what=what,
        actor=actor,
        status=after.status,
        epoch=after.epoch,
        detail=dict(detail),
    )
    return Transitioned(before, after, change, changes)
