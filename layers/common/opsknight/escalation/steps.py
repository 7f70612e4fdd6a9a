"""Who is paged next, and when: how an incident goes through an escalation policy.

Pure: instants, policies and people are arguments. The engine asks `proceed` what is next; if that
is a step, it finds out whom the step reaches (`policies.reach`) and asks `take` what follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime

from opsknight.escalation.policy import Policy, Target, TargetKind
from opsknight.incident.lifecycle import Transitioned, noted
from opsknight.incident.model import (
    ACTIVE,
    OPSKNIGHT,
    TIMERS,
    Escalation,
    Incident,
    Model,
    RequestedStep,
    Status,
    timed,
    timers,
)

# DynamoDB takes 100 writes in a transaction; the incident and its timeline are among them.
PAGES_AT_ONCE: Final = 90
# A gap in a schedule must not burn the policy: for so long, rounds without anybody do not count.
LONGEST_GAP: Final = timedelta(hours=24)
# An announcement that waits for longer was missed by the stream.
ANNOUNCED_WITHIN: Final = timedelta(minutes=1)
# How long an overdue timer of a newer version is not looked at again: cheap after a rollback, and
# soon enough in the minutes of a deploy, in which both versions run.
LEFT_TO_NEWER: Final = timedelta(minutes=5)


class Why(StrEnum):
    """What the timeline says of a step, and a page of what brought it about."""

    DUE = "due"
    AGAIN = "again"
    ASKED = "asked"
    REASSIGNED = "reassigned"
    EXHAUSTED = "exhausted"
    """No step: all rounds are over."""


class PageState(StrEnum):
    """How far a page is; none before its deliveries are planned."""

    PLANNED = "PLANNED"
    REACHED = "REACHED"
    """A provider took one of its messages."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Page(Model):
    """Somebody is to be told, by the rules of that user."""

    incident_id: str
    page_no: int
    user_id: str
    step: int | None = None
    """None when the incident was reassigned to the user."""
    epoch: int
    at: datetime
    reason: Why
    state: PageState | None = None
    reach_deadline: AwareDatetime | None = None
    """When a provider must have taken one of its messages."""
    due_at: AwareDatetime | None = None
    """When something must look at it again: to plan it, then to record how it ended."""


class StepTaken(Model):
    """A step on the timeline; without users it reached nobody."""

    incident_id: str
    page_no: int
    at: datetime
    step: int | None = None
    round: int
    user_ids: tuple[str, ...] = ()
    reason: Why


@dataclass(frozen=True, slots=True)
class Advanced:
    """The escalation of `seen` moves on: `sets` (None removes), and the timeline and pages if any.

    Not applied unless the incident and all its timers are as seen.
    """

    seen: Incident
    what: str
    sets: Mapping[str, object]
    taken: StepTaken | None = None
    pages: tuple[Page, ...] = ()
    told: Transitioned | None = None
    """What of it is a change of the incident, and told to its receivers."""


@dataclass(frozen=True, slots=True)
class Turn:
    """This step is to be taken now; `sets` is what leads up to it. None: the assignee's turn."""

    seen: Incident
    policy: Policy
    step: int | None
    why: Why
    sets: Mapping[str, object]

    @property
    def targets(self) -> tuple[Target, ...]:
        if self.step is not None:
            return self.policy.steps[self.step].targets
        assignee = self.seen.assignee_id
        return () if assignee is None else (Target(kind=TargetKind.USER, id=assignee),)


def proceed(incident: Incident, policy: Policy, now: datetime) -> Advanced | Turn:
    """What the escalation of an OPEN incident does next, its `timers.step` having come.

    `policy` is the one it began by, else the one to begin by. Another one than it began by means
    that its own is gone: it begins again.
    """
    asked = incident.asked
    if incident.escalation is Escalation.COMPLETED:
        # Reassigned: the policy is over, and who has the incident is paged.
        return Turn(incident, policy, None, Why.REASSIGNED, {})
    if (policy.id, policy.version) != (incident.policy_id, incident.policy_version):
        return _begin(incident, policy, now)
    following = incident.next_step or 0
    if asked is RequestedStep.CURRENT:
        again = following if incident.step is None else incident.step
        return Turn(incident, policy, min(again, len(policy.steps) - 1), Why.AGAIN, {})
    if asked is RequestedStep.NEXT:
        step = following if following < len(policy.steps) else 0
        return Turn(incident, policy, step, Why.ASKED, {})
    if following < len(policy.steps):
        return Turn(incident, policy, following, Why.DUE, {})
    return _next_round(incident, policy, now)


def _begin(incident: Incident, policy: Policy, now: datetime) -> Advanced | Turn:
    sets: dict[str, object] = {
        "policy_id": policy.id,
        "policy_version": policy.version,
        "escalation": Escalation.ESCALATING,
        "step": None,
        "round": None,
        "reached": None,
    }
    step = 0
    if incident.asked is None:
        begins = incident.timers.get("step", now) + policy.steps[0].delay
        if begins > now:
            sets |= {"next_step": 0, "timers.step": begins}
            return Advanced(incident, "begun", _settled(incident, sets))
    elif incident.asked is RequestedStep.NEXT and (incident.next_step or 0) < len(policy.steps):
        step = incident.next_step or 0
    return Turn(incident, policy, step, Why.DUE if incident.asked is None else Why.ASKED, sets)


def _next_round(incident: Incident, policy: Policy, now: datetime) -> Advanced | Turn:
    rounds = incident.round or 0
    since = incident.empty_since
    if incident.reached or (since is not None and now - since >= LONGEST_GAP):
        if rounds >= policy.repeat:
            return _exhausted(incident, now)
        rounds += 1
    sets: dict[str, object] = {"round": rounds or None, "reached": None, "next_step": 0}
    if policy.steps[0].delay:
        sets["timers.step"] = now + policy.steps[0].delay
        return Advanced(incident, "round begun", _settled(incident, sets))
    return Turn(incident, policy, 0, Why.DUE, sets)


def _exhausted(incident: Incident, now: datetime) -> Advanced:
    taken = StepTaken(
        incident_id=incident.id,
        page_no=incident.page_no + 1,
        at=now,
        round=incident.round or 0,
        reason=Why.EXHAUSTED,
    )
    sets: dict[str, object] = {
        "escalation": Escalation.EXHAUSTED,
        "page_no": taken.page_no,
        "timers.step": None,
        "timers.fallback": now,
        "timers.announce": now,
    }
    told = noted(incident, "exhausted", OPSKNIGHT, now, {})
    return Advanced(incident, "exhausted", _settled(incident, sets), taken, told=told)


def take(turn: Turn, user_ids: Sequence[str], now: datetime) -> Advanced:
    """The step is taken: these are paged, and it is known when the next one is due."""
    seen = turn.seen
    sets: dict[str, object] = {**turn.sets, "page_no": seen.page_no + 1, "asked": None}
    if turn.step is None:
        sets |= {"timers.step": None, "timers.fallback": None if user_ids else now}
    else:
        sets |= _after_step(turn, turn.step, bool(user_ids), now)
    if user_ids and seen.assignee_id is None:
        sets["assignee_id"] = user_ids[0]
    rounds = turn.sets.get("round", seen.round) or 0
    taken = StepTaken(
        incident_id=seen.id,
        page_no=seen.page_no + 1,
        at=now,
        step=turn.step,
        round=rounds if isinstance(rounds, int) else 0,
        user_ids=tuple(user_ids),
        reason=turn.why,
    )
    if len(user_ids) > PAGES_AT_ONCE:
        # The step is taken by the first of several writes. Whoever acknowledges in between drops
        # the rest, and a death forgets none of it.
        sets |= {"paged": PAGES_AT_ONCE, "timers.pages": now}
    pages = _pages(taken, seen.epoch, 0)
    return Advanced(seen, "step taken", _settled(seen, sets), taken, pages)


def pages_on(incident: Incident, taken: StepTaken | None) -> Advanced:
    """The next pages of a step that reaches too many for one write; `taken` is that step's row."""
    written = incident.paged or 0
    pages = _pages(taken, incident.epoch, written) if taken else ()
    written += len(pages)
    over = taken is None or written >= len(taken.user_ids)
    sets: dict[str, object] = {"paged": None, "timers.pages": None} if over else {"paged": written}
    return Advanced(incident, "pages written", _settled(incident, sets), None, pages)


def _pages(taken: StepTaken, epoch: int, written: int) -> tuple[Page, ...]:
    return tuple(
        Page(
            incident_id=taken.incident_id,
            page_no=taken.page_no,
            user_id=user_id,
            step=taken.step,
            epoch=epoch,
            at=taken.at,
            reason=taken.reason,
            due_at=taken.at,
        )
        for user_id in taken.user_ids[written : written + PAGES_AT_ONCE]
    )


def _after_step(turn: Turn, step: int, reached: bool, now: datetime) -> dict[str, object]:
    steps, following = turn.policy.steps, step + 1
    over = following == len(steps)
    before = bool(turn.sets.get("reached", turn.seen.reached))
    sets: dict[str, object] = {
        "escalation": Escalation.ESCALATING,
        "step": step,
        "next_step": following,
        "reached": True if reached or before else None,
    }
    if over:
        sets["timers.step"] = now + turn.policy.pause
    else:
        # Nobody was reached: there is nobody to wait for.
        sets["timers.step"] = now + steps[following].delay if reached else now
    if reached:
        sets["empty_since"] = None
    elif over and not before and turn.seen.empty_since is None:
        sets |= {"empty_since": now, "timers.fallback": now}
    return sets


def _forgiven(incident: Incident) -> dict[str, object]:
    return {"failures": None} if incident.failures else {}


def _settled(incident: Incident, sets: Mapping[str, object]) -> dict[str, object]:
    return timed(incident, {**sets, **_forgiven(incident)})


def settled(incident: Incident, sets: Mapping[str, object], what: str) -> Advanced:
    """Timers change without a step: `sets`, and when something is due after them."""
    return Advanced(incident, what, _settled(incident, sets))


def due(incident: Incident, now: datetime) -> str | None:
    """The name of the timer to be handled first; announcing is not for the engine, and names that
    this version does not know are for the newer one that set them.
    """
    waiting = {name: at for name, at in _ours(incident).items() if at <= now}
    if "pages" in incident.timers:
        # Before the next step, whatever the clocks of two processes say: that has its own number.
        return "pages"
    return min(waiting, key=lambda name: waiting[name], default=None)


def unannounced(incident: Incident, now: datetime) -> bool:
    """Whether the stream seems to have lost the record of a change."""
    at = incident.timers.get("announce")
    return at is not None and at + ANNOUNCED_WITHIN <= now


def next_due(incident: Incident) -> datetime | None:
    """The next of its times that the engine has to meet to the second."""
    return min(_ours(incident).values(), default=None)


def _ours(incident: Incident) -> dict[str, datetime]:
    known = TIMERS.keys() - {"announce"}
    return {name: at for name, at in incident.timers.items() if name in known}


def resting(incident: Incident, now: datetime) -> Advanced | None:
    """What puts `due_at` right when nothing is due that this version handles; None when it is.

    Else every tick would look at the incident again. A timer that only a newer version knows has
    come when that version should act: it looks at the timers, whatever `due_at` says, and is left
    the rest of the time in which nobody else looks.
    """
    strange = {name for name, at in incident.timers.items() if name not in TIMERS and at <= now}
    if not strange:
        right = settled(incident, {}, "due time corrected")
        return None if right.sets["due_at"] == incident.due_at else right
    later = min(
        [at for name, at in incident.timers.items() if name not in strange],
        default=now + LEFT_TO_NEWER,
    )
    later = min(later, now + LEFT_TO_NEWER)
    if incident.due_at is not None and now < incident.due_at <= later:
        return None
    what = "left to a newer version"
    return Advanced(incident, what, {**_forgiven(incident), "due_at": later})


def repaired(incident: Incident, now: datetime) -> Advanced | None:
    """What puts an active incident right that would wait for ever; None when nothing is wrong.

    A safety net: no known sequence of writes needs it.
    """
    if incident.status not in ACTIVE:
        return None
    waiting = incident.timers
    sets: dict[str, object] = {}
    if incident.announced < incident.changes and "announce" not in waiting:
        sets["timers.announce"] = now
    if incident.status is Status.SNOOZED and "snooze" not in waiting:
        sets["timers.snooze"] = now
    escalating = incident.escalation in (Escalation.NONE, Escalation.ESCALATING)
    if incident.status is Status.OPEN and escalating and "step" not in waiting:
        sets["timers.step"] = now
    # What a newer version waits for may be looked at later on purpose, and what failed too.
    after = timers(incident, sets)
    known = min((at for name, at in after.items() if name in TIMERS or at > now), default=None)
    if incident.due_at is None:
        lost = bool(after)
    else:
        lost = known is not None and incident.due_at > known and not incident.failures
    if not sets and not lost:
        return None
    return settled(incident, sets, "repaired")
