"""Which step of the escalation policy is next, and what taking it changes.

Pure: instants, policies and people are arguments. The engine asks `proceed` what is next; if that
is a step, it finds out whom the step reaches (`policy.reach`) and asks `take` what follows.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from opsknight.classes import dataclass
from opsknight.escalation.pages import PAGES_AT_ONCE, Page, StepTaken, Taken, Why, pages_of
from opsknight.escalation.policy import Policy, Target, TargetKind, repeat_after
from opsknight.incident.changes import KEEP, NOTHING, Changes, with_due_time
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import OPSKNIGHT, Escalation, Incident, RequestedStep, Timer
from opsknight.incident.recording import record
from opsknight.incident.timeline import ChangeKind

# So long a provider that refuses, or a gap in a schedule, does not use up the policy.
LONGEST_GAP: Final = timedelta(hours=24)
FORGIVEN: Final = Changes(failures=None)


class Progress(StrEnum):
    """How an escalation or its timers moved on, as the log says."""

    BEGUN = "begun"
    ROUND_BEGUN = "round begun"
    ROUND_COUNTS = "round counts"
    ROUND_NOT_COUNTED = "round does not count"
    STEP_TAKEN = "step taken"
    HELD_UP = "held up by a hold"
    HELD_BY_QUIET_HOURS = "held by quiet hours"
    DELAYED = "delayed by an untried page"
    PAGES_WRITTEN = "pages written"
    EXHAUSTED = "exhausted"
    FALLBACK_ASKED = "fallback asked for"
    REMINDED = "reminded already"
    OUT_OF_HOURS = "outside support hours"
    SUPPORT_HOURS_CLEARED = "support hours cleared"
    WINDOW_IN_FORCE = "window in force"
    WINDOW_ENDED = "window ended"
    WINDOW_CLEARED = "window cleared"
    STILL_ALERTED = "still alerted"
    AUTO_RESOLVE_CLEARED = "auto_resolve cleared"
    ACKNOWLEDGEMENT_CLEARED = "acknowledgement cleared"
    DUE_TIME_CORRECTED = "due time corrected"
    LEFT_TO_NEWER = "left to a newer version"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class Advanced:
    """The escalation or the timers of an incident move on, with a step and its pages, if any.

    The store refuses to write it unless the incident and all its timers are still as `before`.
    """

    before: Incident
    what: Progress
    changes: Changes
    taken: StepTaken | None = None
    pages: tuple[Page, ...] = ()
    transition: Transitioned | None = None
    """The entry of the timeline that receivers hear of; its changes are among `changes`."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Take this step now; None is the assignee's turn. `changes` lead up to it."""

    before: Incident
    policy: Policy
    step: int | None
    why: Why
    changes: Changes = NOTHING

    @property
    def targets(self) -> tuple[Target, ...]:
        if self.step is not None:
            return self.policy.steps[self.step].targets
        assignee = self.before.assignee_id
        return () if assignee is None else (Target(kind=TargetKind.USER, id=assignee),)


type TakenAt = Callable[[int], Taken | None]  # `timers.Directory.taken_at`, from a page on.


def proceed(
    incident: Incident, policy: Policy, now: datetime, taken_at: TakenAt
) -> Advanced | Turn:
    """What the escalation of an OPEN incident does next, now that its timer STEP has come.

    `policy` is the version by which it began, or the one by which to begin. Any other version means
    that its own is gone: the escalation begins again.
    """
    if incident.escalation is Escalation.COMPLETED:
        # Reassigned: the policy is over, and the assignee is paged.
        return Turn(incident, policy, None, Why.REASSIGNED)
    if (policy.id, policy.version) != (incident.policy_id, incident.policy_version):
        return _begin(incident, policy, now)
    following = incident.next_step or 0
    if incident.requested_step is RequestedStep.CURRENT:
        again = following if incident.step is None else incident.step
        # Should it reach nobody, the fallback address is to hear of that, though it did before.
        anew = Changes(empty_since=None)
        return Turn(incident, policy, min(again, len(policy.steps) - 1), Why.AGAIN, anew)
    if incident.requested_step is RequestedStep.NEXT:
        step = following if following < len(policy.steps) else 0
        return Turn(incident, policy, step, Why.ASKED)
    if following < len(policy.steps):
        return Turn(incident, policy, following, Why.DUE)
    return _after_round(incident, policy, now, taken_at)


def _begin(incident: Incident, policy: Policy, now: datetime) -> Advanced | Turn:
    changes = Changes(
        policy_id=policy.id,
        policy_version=policy.version,
        escalation=Escalation.ESCALATING,
        step=None,
        round=None,
        reached=None,
        round_from=incident.page_no + 1,
        round_over=None,
        empty_since=None,
    )
    requested = incident.requested_step
    if requested is None:
        begins = incident.timers.get(Timer.STEP, now) + policy.steps[0].delay
        if begins > now:
            changes |= Changes(next_step=0, timers={Timer.STEP: begins})
            return settled(incident, changes, Progress.BEGUN)
        return Turn(incident, policy, 0, Why.DUE, changes)
    following = incident.next_step or 0
    is_next = requested is RequestedStep.NEXT and following < len(policy.steps)
    return Turn(incident, policy, following if is_next else 0, Why.ASKED, changes)


def _after_round(
    incident: Incident, policy: Policy, now: datetime, taken_at: TakenAt
) -> Advanced | Turn:
    """The next round once the pause is over, the same one again if it did not count, or the end."""
    first = taken_at(incident.round_from or 0) if incident.reached else None
    taken = None if first is None else first.at
    since, over = incident.empty_since, incident.round_over
    if first and first.held and (not over or over < first.at) and now < first.at + policy.pause:
        # All have slept: the pause begins when the first of them can be told.
        held = Changes(round_over=first.at, timers={Timer.STEP: first.at + policy.pause})
        return settled(incident, held, Progress.HELD_BY_QUIET_HOURS)
    if taken is not None or (since is not None and now - since >= LONGEST_GAP):
        changes = Changes(empty_since=None, uncounted=None) if taken is not None else NOTHING
        rest = _later(incident, policy.pause)
        if rest is not None and taken is not None and since is not None:
            # Until then it reached nobody: the pause begins there.
            changes |= Changes(round_over=max(rest - policy.pause, taken))
            rest = max(rest, taken + policy.pause)
        if rest is not None and now < rest:
            # The last page failed, or it was time to see whether the round counts.
            changes |= Changes(timers={Timer.STEP: rest})
            return settled(incident, changes, Progress.ROUND_COUNTS)
        rounds = incident.round or 0
        if rounds >= policy.repeat:
            return _exhausted(incident, now)
        changes |= Changes(round=rounds + 1, reached=None, round_from=incident.page_no + 1)
        return _begin_round(incident, policy, now, changes)
    asks = Changes(empty_since=incident.round_over or now, timers={Timer.FALLBACK: now})
    changes = asks if since is None else NOTHING
    repeats = incident.uncounted or 0
    rest = _later(incident, repeat_after(policy, repeats))
    if rest is not None and now < rest:
        waits = changes | Changes(timers={Timer.STEP: rest})
        return settled(incident, waits, Progress.ROUND_NOT_COUNTED)
    return _begin_round(incident, policy, now, changes | Changes(uncounted=repeats + 1))


def _later(incident: Incident, pause: timedelta) -> datetime | None:
    """None when an older version took the last step: it has waited already."""
    return None if incident.round_over is None else incident.round_over + pause


def _begin_round(
    incident: Incident, policy: Policy, now: datetime, changes: Changes
) -> Advanced | Turn:
    changes |= Changes(next_step=0, round_over=None)
    if delay := policy.steps[0].delay:
        changes |= Changes(timers={Timer.STEP: now + delay})
        return settled(incident, changes, Progress.ROUND_BEGUN)
    return Turn(incident, policy, 0, Why.DUE, changes)


def _exhausted(incident: Incident, now: datetime) -> Advanced:
    taken = StepTaken(
        incident_id=incident.id,
        page_no=incident.page_no + 1,
        at=now,
        round=incident.round or 0,
        reason=Why.EXHAUSTED,
    )
    changes = Changes(
        escalation=Escalation.EXHAUSTED,
        page_no=taken.page_no,
        timers={Timer.STEP: None, Timer.FALLBACK: now},
    )
    transition = record(incident, ChangeKind.EXHAUSTED, OPSKNIGHT, now, changes, {})
    moved = settled(incident, transition.changes, Progress.EXHAUSTED)
    return replace(moved, taken=taken, transition=transition)


def take(turn: Turn, user_ids: Sequence[str], now: datetime) -> Advanced:
    """Pages these users, and sets when the next step is due."""
    before = turn.before
    changes = turn.changes | Changes(page_no=before.page_no + 1, requested_step=None)
    if turn.step is None:
        changes |= Changes(timers=_unless_somebody_acts(turn, bool(user_ids), now))
    else:
        changes |= _after_step(turn, turn.step, bool(user_ids), now)
    reminder = before.timers.get(Timer.REMINDER)
    if reminder is not None and before.requested_step is not None:
        # A raise, as all else has stopped it. It is nobody's answer, and the time is that of the
        # urgency before: look again how often the address is to hear of it.
        soon = now if turn.step is None and not user_ids else now + repeat_after(turn.policy, 0)
        changes |= Changes(timers={Timer.REMINDER: min(reminder, soon)})
    if user_ids and before.assignee_id is None:
        changes |= Changes(assignee_id=user_ids[0])
    taken = StepTaken(
        incident_id=before.id,
        page_no=before.page_no + 1,
        at=now,
        step=turn.step,
        round=(before.round if changes.round is KEEP else changes.round) or 0,
        user_ids=tuple(user_ids),
        reason=turn.why,
    )
    if len(user_ids) > PAGES_AT_ONCE:
        # The first of several writes takes the step. An acknowledgement in between drops the rest,
        # and a death in between forgets none of it.
        changes |= Changes(paged=PAGES_AT_ONCE, timers={Timer.PAGES: now})
    moved = settled(before, changes, Progress.STEP_TAKEN)
    return replace(moved, taken=taken, pages=pages_of(taken, before.epoch, before.urgency, 0))


def _unless_somebody_acts(turn: Turn, reached: bool, now: datetime) -> dict[Timer, datetime | None]:
    """The policy is over. When nobody acts within its pause, the fallback address is notified."""
    known = turn.before.timers
    if Timer.REMINDER in known:
        # It has been notified, and will be reminded.
        return {Timer.STEP: None}
    at = now + turn.policy.pause if reached else now
    # A raise pages the assignee again, and is nobody's answer.
    return {Timer.STEP: None, Timer.FALLBACK: min(at, known.get(Timer.FALLBACK, at))}


def _after_step(turn: Turn, step: int, reached: bool, now: datetime) -> Changes:
    steps, following = turn.policy.steps, step + 1
    before, led = turn.before, turn.changes
    known = before.reached if led.reached is KEEP else led.reached
    changes = Changes(
        escalation=Escalation.ESCALATING,
        step=step,
        next_step=following,
        reached=True if reached or known else None,
        # After a repetition by hand the round is not over any more.
        round_over=None,
    )
    if following < len(steps):
        # A step that reached nobody has nobody to wait for.
        at = now + steps[following].delay if reached else now
        return changes | Changes(timers={Timer.STEP: at})
    repeats = (before.uncounted if led.uncounted is KEEP else led.uncounted) or 0
    # Time to see whether the round counts. If it does, the rest of the pause follows.
    wait = min(turn.policy.pause, repeat_after(turn.policy, repeats))
    changes |= Changes(round_over=now, timers={Timer.STEP: now + wait})
    since = before.empty_since if led.empty_since is KEEP else led.empty_since
    if changes.reached is None and since is None:
        changes |= Changes(empty_since=now, timers={Timer.FALLBACK: now})
    return changes


def pages_on(incident: Incident, taken: StepTaken | None) -> Advanced:
    """The next pages of a step that reaches too many for one write; `taken` is that step's row."""
    written = incident.paged or 0
    pages = pages_of(taken, incident.epoch, incident.urgency, written) if taken else ()
    written += len(pages)
    if taken is None or written >= len(taken.user_ids):
        changes = Changes(paged=None, timers={Timer.PAGES: None})
    else:
        changes = Changes(paged=written)
    return replace(settled(incident, changes, Progress.PAGES_WRITTEN), pages=pages)


def settled(incident: Incident, changes: Changes, what: Progress) -> Advanced:
    """Ends the work that was due: sets when something is due next, and forgives failures."""
    if incident.failures:
        changes |= FORGIVEN
    return Advanced(incident, what, with_due_time(incident, changes))
