"""What each event, command and timer does to an incident.

Pure: `now`, ids and what the store holds are arguments; the answer is a decision for `store` to
apply. The rules are the two tables of docs/events-api.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from opsknight.incident.commands import (
    IDEMPOTENT,
    LONGEST_SNOOZE,
    TRANSITIONS,
    Acknowledge,
    AcknowledgementTimeout,
    AutoResolve,
    Command,
    Escalate,
    Note,
    Prioritize,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unreached,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.model import (
    NEVER,
    TIMERS,
    URGENCY,
    Action,
    Actor,
    Alert,
    Change,
    Escalation,
    Event,
    Incident,
    Pointer,
    RequestedStep,
    Status,
    Timeouts,
    Urgency,
    Window,
    timed,
)

# A window that is shortened or removed releases what it suppressed within so long, whoever changed
# it and however.
WINDOW_CHECKED: Final = timedelta(minutes=5)
# How far its escalation came: forgotten when it begins again.
_PROGRESS: Final = (
    "policy_id",
    "policy_version",
    "step",
    "next_step",
    "round",
    "asked",
    "reached",
    "empty_since",
    "timers.fallback",
)
# What ends with the statuses it belongs to.
_OWNED: Final = {
    **{f"timers.{name}": owners for name, owners in TIMERS.items()},
    "asked": frozenset({Status.OPEN}),
    "paged": frozenset({Status.OPEN}),
    "window_id": frozenset({Status.SUPPRESSED}),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """No active incident: a new one, its pointer and its first alert."""

    incident: Incident
    alert: Alert


@dataclass(frozen=True, slots=True)
class Merged:
    """One more alert for the incident; `raised` when its urgency counts as well."""

    seen: Pointer
    alert: Alert
    raised: "Transitioned | None" = None


@dataclass(frozen=True, slots=True)
class Transitioned:
    """The incident changes as `sets` says (None removes a field), and the timeline tells it."""

    seen: Pointer
    after: Pointer
    change: Change
    sets: Mapping[str, object] = field(default_factory=dict[str, object])
    given: Mapping[str, object] = field(default_factory=dict[str, object])
    """What it was decided on besides the status: not applied unless it is still so."""
    unless_set: Mapping[str, object] = field(default_factory=dict[str, object])
    """The same as `sets`, for fields that keep what they hold, if anything."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """It is so already; nothing is written or told."""

    seen: Pointer


@dataclass(frozen=True, slots=True)
class Ignored:
    """No active incident matches: nothing at all happens."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Not possible in this status (409 for people; a timer that comes too late)."""

    status: Status
    why: str | None = None
    """When it is not the status that forbids it."""


type Decision = Opened | Merged | Transitioned | Unchanged | Ignored


def decide(
    current: Pointer | None,
    event: Event,
    *,
    now: datetime,
    incident_id: str,
    alert_id: str,
    window: Window | None = None,
    raising: bool = False,
    timeouts: Timeouts = NEVER,
) -> Decision:
    """What `event` does, given the active incident of its dedup key (the first table of
    docs/events-api.md).

    `incident_id` and `alert_id` are used where an incident or an alert comes into being. `window`
    is the service's maintenance window in force. `raising`: a more urgent trigger raises the
    incident's urgency, and pages again if it is OPEN.
    """
    match event.action:
        case Action.TRIGGER:
            if current is None:
                return _open(event, now, incident_id, alert_id, window, timeouts)
            alert = Alert(
                id=alert_id, incident_id=current.id, at=now, actor=event.actor, body=event.body
            )
            urgency = URGENCY[event.severity]
            raised = raising and urgency.exceeds(current.urgency)
            return Merged(
                current, alert, _raise(current, urgency, event.actor, now) if raised else None
            )
        case Action.ACKNOWLEDGE | Action.RESOLVE:
            if current is None:
                return Ignored()
            command = Acknowledge() if event.action is Action.ACKNOWLEDGE else Resolve()
            detail = {"summary": event.summary}
            sets = _settled(command, now)
            moved = _transition(current, command, event.actor, now, sets, detail, timeouts)
            if isinstance(moved, NotAllowed):
                raise AssertionError(f"{event.dedup_key!r} points at a resolved incident")
            return moved
        case _:
            assert_never(event.action)


def act(
    incident: Incident,
    command: Command,
    *,
    actor: Actor,
    now: datetime,
    timeouts: Timeouts = NEVER,
) -> Transitioned | Unchanged | NotAllowed:
    """What a person or a timer does to an incident (the second table of docs/events-api.md).

    Raises ValueError for a snooze that does not end after `now` and within 7 days.
    """
    detail: dict[str, str] = {}
    sets: dict[str, object] = {}
    match command:
        case Acknowledge() | Resolve() | AutoResolve():
            sets = _settled(command, now)
        case Snooze(until):
            if not now < until <= now + LONGEST_SNOOZE:
                raise ValueError("a snooze ends after now and within 7 days")
            sets = {"escalation": Escalation.PAUSED, "timers.snooze": until}
            detail = {"until": until.isoformat()}
        case Suppress():
            sets = {"escalation": Escalation.PAUSED}
        case Unsnooze() | Unsuppress():
            begun = incident.policy_version is not None
            sets = {
                "escalation": Escalation.ESCALATING if begun else Escalation.NONE,
                "timers.step": now,
                "asked": RequestedStep.CURRENT if begun else None,
            }
        case Escalate() if incident.asked is RequestedStep.NEXT:
            # Asked twice in the moment before a step is taken, one of the two would be forgotten.
            return NotAllowed(incident.status, "the step asked for before has not been taken yet")
        case Escalate(step):
            sets = {
                "escalation": Escalation.ESCALATING,
                "timers.step": now,
                "asked": RequestedStep.NEXT,
            }
            if step is not None:
                sets["next_step"] = step
                detail = {"step": str(step)}
        case Reassign(to):
            sets = {"assignee_id": to}
            if incident.status is Status.OPEN:
                sets |= {
                    "escalation": Escalation.COMPLETED,
                    "timers.step": now,
                    "asked": RequestedStep.CURRENT,
                    "timers.fallback": None,
                }
            detail = {"assignee": to}
        case Prioritize(urgency):
            return _prioritized(incident, urgency, actor, now)
        case Note(text, public):
            detail = {"note": text, **({"public": "yes"} if public else {})}
        case AcknowledgementTimeout():
            sets = dict.fromkeys(_PROGRESS) | {"escalation": Escalation.NONE, "timers.step": now}
        case Unreached(user_id, moves_on):
            sets = {"timers.step": now} if moves_on else {}
            detail = {"user": user_id}
        case _:
            assert_never(command)
    moved = _transition(incident, command, actor, now, sets, detail, timeouts)
    if not isinstance(moved, Transitioned):
        return moved
    if isinstance(command, AutoResolve):
        # It is resolved for its silence: an alert that came meanwhile must not go down with it.
        return replace(moved, given={"last_alert_at": incident.last_alert_at})
    if isinstance(command, Unreached):
        # Of a step that is over by now, nothing moves on.
        return replace(moved, given={"page_no": incident.page_no})
    if moved.after.status is Status.OPEN and not incident.told_from:
        # Out of its window: from here on everybody hears of it.
        return replace(moved, sets={**moved.sets, "told_from": moved.change.number})
    return moved


def look_at(end: datetime, now: datetime) -> datetime:
    """When to look again at a window that ends at `end`."""
    return min(end, now + WINDOW_CHECKED)


def noted(
    seen: Pointer, what: str, actor: Actor, now: datetime, sets: Mapping[str, object]
) -> Transitioned:
    """Something on the timeline, and to be announced, that changes no status."""
    return _transitioned(seen, {}, what, actor, now, dict(sets), {})


def announced(incident: Incident) -> Mapping[str, object]:
    """What to set once the notices of all its changes so far are planned: its next timer becomes
    due.
    """
    return timed(incident, {"announced": incident.changes, "timers.announce": None})


def _open(
    event: Event,
    now: datetime,
    incident_id: str,
    alert_id: str,
    window: Window | None,
    timeouts: Timeouts,
) -> Opened:
    if window is None:
        # A step is due at once, policy or not: with the stream switched off a tick begins it.
        timers = {"announce": now, "step": now} | _silence_ends(now, timeouts)
    else:
        # Nobody is told of what opens in a maintenance window: there is nothing to announce.
        timers = {"window": look_at(window.end, now)}
    incident = Incident(
        id=incident_id,
        service_id=event.service_id,
        dedup_key=event.dedup_key,
        title=event.summary,
        urgency=URGENCY[event.severity],
        status=Status.OPEN if window is None else Status.SUPPRESSED,
        created_at=now,
        escalation=Escalation.NONE if window is None else Escalation.PAUSED,
        first_alert_id=alert_id,
        last_alert_at=now,
        window_id=window.id if window else None,
        announced=0 if window is None else 1,
        told_from=1 if window is None else 0,
        timers=timers,
        due_at=min(timers.values()),
    )
    alert = Alert(id=alert_id, incident_id=incident_id, at=now, actor=event.actor, body=event.body)
    return Opened(incident, alert)


def _settled(command: Acknowledge | Resolve | AutoResolve, now: datetime) -> dict[str, object]:
    """The end of paging."""
    sets: dict[str, object] = {"escalation": Escalation.COMPLETED}
    if isinstance(command, Acknowledge):
        sets["acknowledged_at"] = now
        if command.by is not None:
            sets["assignee_id"] = command.by
    else:
        sets["resolved_at"] = now
    return sets


def _raise(seen: Pointer, urgency: Urgency, actor: Actor, now: datetime) -> Transitioned:
    detail = {"urgency": str(urgency), "before": str(seen.urgency)}
    after: dict[str, object] = {"urgency": urgency}
    if seen.status is not Status.OPEN:
        return _transitioned(seen, after, "raised", actor, now, {}, detail)
    raised = _transitioned(seen, after, "raised", actor, now, {"timers.step": now}, detail)
    # Somebody may have asked for the next step a moment before: it pages as well.
    return replace(raised, unless_set={"asked": RequestedStep.CURRENT})


def _prioritized(
    seen: Incident, urgency: Urgency, actor: Actor, now: datetime
) -> Transitioned | Unchanged | NotAllowed:
    if seen.status not in TRANSITIONS[Prioritize]:
        return NotAllowed(seen.status)
    if urgency is seen.urgency:
        return Unchanged(seen)
    if urgency.exceeds(seen.urgency):
        return _raise(seen, urgency, actor, now)
    detail = {"urgency": str(urgency), "before": str(seen.urgency)}
    return _transitioned(seen, {"urgency": urgency}, "lowered", actor, now, {}, detail)


def _silence_ends(now: datetime, timeouts: Timeouts) -> dict[str, datetime]:
    return {} if timeouts.auto_resolve is None else {"auto_resolve": now + timeouts.auto_resolve}


def _begun(before: Status, status: Status, timeouts: Timeouts, now: datetime) -> dict[str, object]:
    """The timers that a new status starts."""
    starts: dict[str, datetime] = {}
    if status is Status.ACKNOWLEDGED is not before and timeouts.acknowledgement is not None:
        starts["acknowledgement"] = now + timeouts.acknowledgement
    watched = TIMERS["auto_resolve"]
    if status in watched and before not in watched:
        starts |= _silence_ends(now, timeouts)
    return {f"timers.{name}": at for name, at in starts.items()}


def _transition(
    seen: Pointer,
    command: Command,
    actor: Actor,
    now: datetime,
    sets: dict[str, object],
    detail: dict[str, str],
    timeouts: Timeouts,
) -> Transitioned | Unchanged | NotAllowed:
    status = TRANSITIONS[type(command)].get(seen.status)
    if status is None:
        return NotAllowed(seen.status)
    if (type(command), seen.status) in IDEMPOTENT:
        return Unchanged(seen)
    ended = {name: None for name, owners in _OWNED.items() if status not in owners}
    sets = ended | _begun(seen.status, status, timeouts, now) | sets
    after = {"status": status, "epoch": seen.epoch + (status is not seen.status)}
    return _transitioned(seen, after, command.past, actor, now, sets, detail)


def _transitioned(
    seen: Pointer,
    after: dict[str, object],
    what: str,
    actor: Actor,
    now: datetime,
    sets: dict[str, object],
    detail: dict[str, str],
) -> Transitioned:
    known = seen.model_copy(update=after | {"changes": seen.changes + 1})
    change = Change(
        incident_id=seen.id,
        number=known.changes,
        at=now,
        what=what,
        actor=actor,
        status=known.status,
        epoch=known.epoch,
        detail=detail,
    )
    # Whatever happens to an incident is to be announced, so it is due at once.
    return Transitioned(seen, known, change, sets | {"timers.announce": now, "due_at": now})
