"""A grouped incident and its members: one alert of the sender each, which fires or is resolved. The
last one that is resolved resolves the incident.

Pure. An event that names a member is decided here; all others in `events`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.changes import NOTHING, Changes, applied
from opsknight.incident.decisions import Decision, Ignored, Opened, Repeated, Transitioned
from opsknight.incident.model import (
    OPSKNIGHT,
    Action,
    Alert,
    Event,
    Incident,
    Model,
    Pointer,
    Status,
    Timeouts,
)
from opsknight.incident.occurrences import is_news, is_over, is_repeat
from opsknight.incident.recording import record
from opsknight.incident.timeline import ChangeKind

# Of further ones nobody knows whether they still fire; only what they said last is kept.
MOST_MEMBERS: Final = 500
LONGEST_TITLE: Final = 200
GROUP: Final = "ffff"
"""What the id of an incident that opens as a group ends with, so that a list knows which of its
incidents to read for their counts. Where chance has made another end so, it reads one in vain.
"""
# Somebody has it, or has put it off: what joins is news for them.
_HELD: Final = frozenset({Status.ACKNOWLEDGED, Status.SNOOZED})


class MemberState(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class Member(Model):
    incident_id: str
    key: str
    """The sender's, as it is stored."""
    title: str
    state: MemberState
    at: AwareDatetime
    """Since when it is in this state, or has said this."""
    seen_content: str | None = None
    seen_started_at: AwareDatetime | None = None
    overflow: bool | None = None
    """One of those over `MOST_MEMBERS`: it counts as no member, whatever its sender says of it, and
    stands here so that a repeat is known as one.
    """

    @property
    def fires(self) -> bool:
        return self.state is MemberState.FIRING


@dataclass(frozen=True, slots=True)
class MemberChange:
    before: Member | None
    """None for one that was never in this incident."""
    after: Member


@dataclass(frozen=True, slots=True)
class Joined:
    """A member fires, or says something else: one more alert of the incident."""

    before: Incident
    alert: Alert
    member: MemberChange
    transition: Transitioned | None = None
    """Its line on the timeline, or that it raises the urgency."""

    @property
    def joins(self) -> bool:
        before, after = self.member.before, self.member.after
        return after.fires and (before is None or not before.fires)

    @property
    def is_new(self) -> bool:
        """Whether the incident has one member more."""
        return self.member.before is None and not self.member.after.overflow


@dataclass(frozen=True, slots=True)
class Left:
    """A member is resolved, and others still fire."""

    before: Incident
    member: MemberChange


@dataclass(frozen=True, slots=True)
class LastLeft:
    """The last member is resolved, and with it the incident."""

    resolved: Transitioned
    member: MemberChange


@dataclass(frozen=True, slots=True)
class OpenedGroup:
    opened: Opened
    member: MemberChange


type GroupDecision = Decision | OpenedGroup | Joined | Left | LastLeft


def decide_member(
    current: Incident | None,
    known: Member | None,
    event: Event,
    alert_id: str,
    now: datetime,
    timeouts: Timeouts,
    plainly: Callable[[Event], Decision],
    raised: Callable[[Incident], Transitioned | None],
) -> GroupDecision:
    """What an event about one member does, given the active incident of its group and what is known
    of the member. `plainly`: what it would do if it named none; `raised`: whether it raises the
    urgency, and how.
    """
    # What is seen is remembered of the member, and not of the incident.
    whole = replace(event, occurrence=None)
    if event.action is Action.TRIGGER:
        if current is None:
            return _opened(plainly(whole), event, now)
        return _fires(current, known, event, alert_id, now, timeouts, raised)
    if event.action is Action.ACKNOWLEDGE:
        return plainly(whole)
    if current is None or known is None or not known.fires or is_over(known, event.occurrence):
        return Ignored()
    done = known.model_copy(update={"state": MemberState.RESOLVED, "at": now})
    leaves = MemberChange(known, done)
    if (current.firing or 0) > 1 or current.untracked:
        return Left(current, leaves)
    resolved = plainly(whole)
    if not isinstance(resolved, Transitioned):
        raise AssertionError("a resolve of an active incident changes it")
    firing = replace(resolved.require, firing=current.firing)
    return LastLeft(replace(resolved, require=firing), leaves)


def decide_rest(current: Incident | None, plainly: Callable[[], Decision]) -> Decision:
    """All of a group is resolved, says its sender: that counts for those that have no member."""
    if current is None or not current.untracked or current.firing:
        return Ignored()
    resolved = plainly()
    if not isinstance(resolved, Transitioned):
        return resolved
    # One that joins meanwhile must not go down with the others.
    return replace(resolved, require=replace(resolved.require, firing=0))


def _opened(decision: Decision, event: Event, now: datetime) -> OpenedGroup:
    if not isinstance(decision, Opened):
        raise AssertionError("a trigger of a group without an incident opens one")
    incident = decision.incident.model_copy(update={"members": 1, "firing": 1})
    member = MemberChange(None, _firing(incident, event, now))
    return OpenedGroup(replace(decision, incident=incident), member)


def _fires(
    current: Incident,
    known: Member | None,
    event: Event,
    alert_id: str,
    now: datetime,
    timeouts: Timeouts,
    raised: Callable[[Incident], Transitioned | None],
) -> GroupDecision:
    if known is not None and (known.fires or known.overflow) and is_repeat(known, event.occurrence):
        news = is_news(current.last_alert_at, now, timeouts.auto_resolve)
        return Repeated(current, now if news else None)
    alert = Alert(id=alert_id, incident_id=current.id, at=now, actor=event.actor, body=event.body)
    is_counted = known is not None and not known.overflow
    if not is_counted and (current.members or 0) >= MOST_MEMBERS:
        return _overflows(current, known, event, alert, now, raised(current))
    joined = Joined(current, alert, MemberChange(known, _firing(current, event, now)))
    transition = raised(current)
    if joined.joins and current.status in _HELD:
        # One line for both: that it joins is what its assignee hears of.
        changes = NOTHING if transition is None else transition.changes
        detail = {"alert": event.summary[:LONGEST_TITLE]}
        transition = record(current, ChangeKind.JOINED, event.actor, now, changes, detail)
    return replace(joined, transition=transition)


def _overflows(
    current: Incident,
    known: Member | None,
    event: Event,
    alert: Alert,
    now: datetime,
    raised: Transitioned | None,
) -> Joined:
    overflow = {"state": MemberState.RESOLVED, "overflow": True}
    seen = MemberChange(known, _firing(current, event, now).model_copy(update=overflow))
    if current.untracked:
        return Joined(current, alert, seen, raised)
    note = (
        f"Over {MOST_MEMBERS} alerts: of further ones nobody knows whether they still fire. The "
        "incident resolves when the sender says so of the whole group."
    )
    untracked = Changes(untracked=True)
    if raised is None:
        noted = record(current, ChangeKind.NOTED, OPSKNIGHT, now, untracked, {"note": note})
        return Joined(current, alert, seen, noted)
    # One line for both: that it pages is more urgent.
    change = raised.change.model_copy(update={"detail": {**raised.change.detail, "note": note}})
    after = applied(raised.after, untracked)
    both = replace(raised, after=after, change=change, changes=raised.changes | untracked)
    return Joined(current, alert, seen, both)


def _firing(incident: Pointer, event: Event, now: datetime) -> Member:
    occurrence = event.occurrence
    return Member(
        incident_id=incident.id,
        key=event.member or "",
        title=event.summary[:LONGEST_TITLE],
        state=MemberState.FIRING,
        at=now,
        seen_content=occurrence.content if occurrence else None,
        seen_started_at=occurrence.started_at if occurrence else None,
    )


def after(decision: GroupDecision, now: datetime) -> Incident | None:
    """The active incident after a decision about its group, given that it was one before."""
    match decision:
        case OpenedGroup(Opened(incident)):
            return incident
        case Joined(before, alert, _, transition):
            return _with(
                transition.after if transition else before,
                alert_count=before.alert_count + 1,
                last_alert_at=alert.at,
                firing=(before.firing or 0) + decision.joins,
                members=(before.members or 0) + decision.is_new,
            )
        case Left(before):
            return _with(before, firing=(before.firing or 0) - 1)
        case Repeated(before, seen_at):
            return _with(before, last_alert_at=seen_at) if seen_at else _with(before)
        case _:
            return None


def _with(incident: Pointer, **changed: object) -> Incident:
    return _whole(incident).model_copy(update=changed)


def _whole(incident: Pointer) -> Incident:
    if not isinstance(incident, Incident):
        raise AssertionError("a group is decided on by its incident, not by its pointer")
    return incident
