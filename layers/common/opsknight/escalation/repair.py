"""Puts `due_at` and timers right where something went wrong, or only a newer version knows better.

Pure. What a timer does once it has come is in `timers`.
"""

import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from opsknight.escalation.steps import FORGIVEN, Advanced, Progress, settled
from opsknight.incident.changes import NOTHING, Changes, applied
from opsknight.incident.model import ACTIVE, Escalation, Incident, Status, Timer

# How long to leave an overdue timer of a newer version alone: cheap after a rollback, and soon
# enough in the minutes of a deploy, when both versions run.
LEFT_TO_NEWER: Final = timedelta(minutes=5)


def resting(incident: Incident, now: datetime) -> Advanced | None:
    """Corrects `due_at` when nothing is due that this version handles; None when it is right.

    Otherwise every tick would look at the incident again. When the time of a timer comes that only
    a newer version knows, that version should act: it goes by the timers, whatever `due_at` says,
    and this one keeps out of its way for a while.
    """
    strange = {
        name for name, at in incident.timers.items() if not isinstance(name, Timer) and at <= now
    }
    if not strange:
        right = settled(incident, Changes(), Progress.DUE_TIME_CORRECTED)
        return None if right.changes.due_at == incident.due_at else right
    later = min(
        [at for name, at in incident.timers.items() if name not in strange],
        default=now + LEFT_TO_NEWER,
    )
    later = min(later, now + LEFT_TO_NEWER)
    if incident.due_at is not None and now < incident.due_at <= later:
        return None
    changes = Changes(due_at=later) | (FORGIVEN if incident.failures else NOTHING)
    return Advanced(incident, Progress.LEFT_TO_NEWER, changes)


# Reminders that were missing come spread over this time.
SPREAD: Final = timedelta(hours=1)
# While one of these is set, somebody will be told of the incident.
_TELLING: Final = frozenset({Timer.STEP, Timer.PAGES, Timer.FALLBACK, Timer.REMINDER})


def repaired(
    incident: Incident, now: datetime, remind_every: Callable[[], timedelta | None]
) -> Advanced | None:
    """Puts an active incident right that would wait for ever; None when nothing is wrong.

    An OPEN incident may lack its reminder when an older version ended its escalation, or when its
    service did not want to remind until now (`remind_every`). No known sequence of writes needs the
    rest.
    """
    if incident.status not in ACTIVE:
        return None
    missing: dict[Timer, datetime | None] = {}
    if incident.announced < incident.changes and Timer.ANNOUNCE not in incident.timers:
        missing[Timer.ANNOUNCE] = now
    if incident.status is Status.SNOOZED and Timer.SNOOZE not in incident.timers:
        missing[Timer.SNOOZE] = now
    escalating = incident.escalation in (Escalation.NONE, Escalation.ESCALATING)
    if incident.status is Status.OPEN and escalating and Timer.STEP not in incident.timers:
        missing[Timer.STEP] = now
    elif (
        incident.status is Status.OPEN
        and not _TELLING & incident.timers.keys()
        and remind_every() is not None
    ):
        missing[Timer.REMINDER] = now + SPREAD * (zlib.crc32(incident.id.encode()) / 2**32)
    if incident.urgency_in_hours is not None and Timer.SUPPORT_HOURS not in incident.timers:
        missing[Timer.SUPPORT_HOURS] = now
    changes = Changes(timers=missing)
    # `due_at` may be later on purpose: for a timer of a newer version, and after a failure.
    after = applied(incident, changes).timers
    known = min(
        (at for name, at in after.items() if isinstance(name, Timer) or at > now), default=None
    )
    if incident.due_at is None:
        lost = bool(after)
    else:
        lost = known is not None and incident.due_at > known and not incident.failures
    if not missing and not lost:
        return None
    return settled(incident, changes, Progress.REPAIRED)
