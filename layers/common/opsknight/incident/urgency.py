"""How an incident becomes more or less urgent: by events, by people, and by the support hours of
its service.

Pure, like `lifecycle`, which explains how a transition is made. Outside its support hours a service
may say that incidents are less urgent. Such an incident remembers how urgent it is within them
(`urgency_in_hours`), and the timer SUPPORT_HOURS raises it when they begin, in whatever status it
is by then; if it is OPEN, its escalation begins again, with the people of that hour. What a person
says of its urgency stands: nothing raises it afterwards but an event.
"""

from dataclasses import replace
from datetime import datetime

from opsknight.incident.changes import NOTHING, Changes
from opsknight.incident.commands import TRANSITIONS, Prioritize
from opsknight.incident.decisions import NotAllowed, Transitioned, Unchanged
from opsknight.incident.model import (
    URGENCY,
    Actor,
    Escalation,
    Event,
    Incident,
    OutOfHours,
    Pointer,
    RequestedStep,
    Status,
    Timer,
    Urgency,
)
from opsknight.incident.recording import ANEW, FROM_THE_START, record
from opsknight.incident.timeline import ChangeKind


def raise_urgency(
    before: Pointer, urgency: Urgency, actor: Actor, now: datetime, more: Changes = NOTHING
) -> Transitioned:
    detail = {"urgency": str(urgency), "before": str(before.urgency)}
    pages = before.status is Status.OPEN
    changes = more | Changes(urgency=urgency, timers={Timer.STEP: now} if pages else {})
    raised = record(before, ChangeKind.RAISED, actor, now, changes, detail)
    if not pages:
        return raised
    # Somebody may have asked for the next step a moment before: that pages as well.
    return replace(raised, set_if_absent=Changes(requested_step=RequestedStep.CURRENT))


def raised_by_event(
    before: Pointer, event: Event, now: datetime, hours: OutOfHours | None
) -> Transitioned | None:
    """None when the event is not more urgent than the incident is, or will be."""
    full = URGENCY[event.severity]
    urgency = full if hours is None else hours.lowered(full)
    raises = urgency.exceeds(before.urgency)
    planned = before.urgency_in_hours or before.urgency
    if hours is None or not full.exceeds(planned) or not full.exceeds(urgency):
        return raise_urgency(before, urgency, event.actor, now) if raises else None
    later = Changes(urgency_in_hours=full, timers={Timer.SUPPORT_HOURS: hours.look_at})
    if raises:
        return raise_urgency(before, urgency, event.actor, now, later)
    note = f"A {event.severity} alert outside the support hours: {full} when they begin."
    return record(before, ChangeKind.NOTED, event.actor, now, later, {"note": note})


def raised_in_hours(
    before: Incident, urgency: Urgency, actor: Actor, now: datetime, left: Changes
) -> Transitioned:
    """The support hours have begun, or its service has changed them. `left`: what becomes of the
    timer.
    """
    if before.status is Status.OPEN and before.escalation is Escalation.COMPLETED:
        # Reassigned: its assignee is paged again.
        return raise_urgency(before, urgency, actor, now, left)
    changes = left | Changes(urgency=urgency)
    # What waits, as it may resolve itself (`events.Opening`), waits on.
    if before.status is Status.OPEN and (before.announced_from or urgency is Urgency.HIGH):
        # Whoever was paged before was not to be woken: it begins with those who are there now.
        changes |= FROM_THE_START | ANEW | Changes(timers={Timer.STEP: now})
    detail = {
        "urgency": str(urgency),
        "before": str(before.urgency),
        "because": "support hours",
    }
    return record(before, ChangeKind.RAISED, actor, now, changes, detail)


# A person has said how urgent it is.
_BY_HAND = Changes(urgency_in_hours=None, timers={Timer.SUPPORT_HOURS: None})


def prioritize(
    before: Incident, urgency: Urgency, actor: Actor, now: datetime
) -> Transitioned | Unchanged | NotAllowed:
    if before.status not in TRANSITIONS[Prioritize]:
        return NotAllowed(before.status)
    if urgency is before.urgency:
        return Unchanged(before)
    if urgency.exceeds(before.urgency):
        return raise_urgency(before, urgency, actor, now, _by_hand(before))
    detail = {"urgency": str(urgency), "before": str(before.urgency)}
    changes = _by_hand(before) | Changes(urgency=urgency)
    return record(before, ChangeKind.LOWERED, actor, now, changes, detail)


def _by_hand(before: Incident) -> Changes:
    return NOTHING if before.urgency_in_hours is None else _BY_HAND
