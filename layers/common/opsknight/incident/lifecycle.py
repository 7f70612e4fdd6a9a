"""The life of an incident: what people and timers do to it, and how every transition is made.

Pure: `now`, ids and what the store holds are arguments, and the answer is a decision for the store
to write. What an event does is in `events`; who is paged, and when, is in `opsknight.escalation`.

An incident is active until it is RESOLVED, which is final:

    OPEN --acknowledge--> ACKNOWLEDGED --escalate, unacknowledge, or too long unresolved--> OPEN
    OPEN, ACKNOWLEDGED --snooze--> SNOOZED --unsnooze, or its end--> OPEN
    OPEN, ACKNOWLEDGED, SNOOZED --suppress--> SUPPRESSED --unsuppress, or window over--> OPEN
    SNOOZED, SUPPRESSED --acknowledge--> ACKNOWLEDGED; any of the four --resolve--> RESOLVED

`commands.TRANSITIONS` is the whole map: for each command the statuses from which it is possible,
and the status it leads to. A missing cell is `NotAllowed`. The cells in `IDEMPOTENT` are
`Unchanged`: to acknowledge twice is no error and no news. Three notions hold it all together.

*Epoch.* Every change of status starts a new epoch; a change within a status (a note, an urgency, a
new assignee) does not. A page carries the epoch in which it was made, and whoever is about to send
one compares: a page of an older epoch has become pointless, even if the incident is OPEN again.

*Changes.* Whatever happens to an incident is one change of its timeline, and its number is its key
in the table: of two writers who both saw number 5 one gets a conflict, and decides again. While
`announced`, the last change whose notices are planned, lags behind `changes`, the timer ANNOUNCE is
set. A change and the `Changes` (attribute by attribute) that go with it are one transaction.

*Timers.* What has to happen later is a time in the incident's `timers`, by what is to be done then.
`due_at` is the earliest of them; the sweep finds the incident by it, whatever messages get lost. A
timer belongs to statuses (`commands.TIMERS`): leaving them stops it. Entering a status starts the
timeouts that the service sets for it.

What the table of transitions cannot hold, and `act` adds:

- A snooze has to end after now, and within seven days.
- Escalate is refused while the step that was requested before has not been taken.
- Prioritize says raised or lowered on the timeline; raising an OPEN incident pages again.
- Reassign pages the new assignee only if the incident is OPEN; its policy is over then. Asked for
  once more, as by somebody who got no answer, it changes nothing.
- AutoResolve holds only if no alert has come meanwhile, and Unreached only for the current step.
- The first change that lets an incident out of its maintenance window is what receivers hear of as
  its trigger (`announced_from`).
- AcknowledgementTimeout and Unacknowledge let the escalation begin again from the first step.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from opsknight.incident.changes import KEEP, Changes
from opsknight.incident.commands import (
    IDEMPOTENT,
    LONGEST_SNOOZE,
    TIMERS,
    TRANSITIONS,
    Acknowledge,
    AcknowledgementTimeout,
    AlsoPage,
    Amend,
    AutoResolve,
    Command,
    Escalate,
    Note,
    Prioritize,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unacknowledge,
    Unreached,
    Unsnooze,
    Unsuppress,
    is_reassigned,
)
from opsknight.incident.decisions import NotAllowed, Require, Transitioned, Unchanged
from opsknight.incident.model import (
    NEVER,
    Actor,
    Escalation,
    Incident,
    Pointer,
    RequestedStep,
    Status,
    Timeouts,
    Timer,
)
from opsknight.incident.recording import ANEW, FROM_THE_START, record
from opsknight.incident.taking import acknowledged_by_none, pages_on, taken
from opsknight.incident.timeline import ChangeKind
from opsknight.incident.urgency import prioritize
from opsknight.incident.watched import timeouts_of


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
    changes = Changes()
    match command:
        case Acknowledge() | Resolve() | AutoResolve():
            changes = end_of_paging(incident, command, now)
        case Snooze(until):
            if not now < until <= now + LONGEST_SNOOZE:
                raise ValueError("a snooze ends after now and within 7 days")
            changes = Changes(escalation=Escalation.PAUSED, timers={Timer.SNOOZE: until})
            detail = {"until": until.isoformat()}
        case Suppress():
            changes = Changes(escalation=Escalation.PAUSED)
        case Unsnooze() | Unsuppress():
            begun = incident.policy_version is not None
            changes = pages_on(incident, now) | Changes(
                escalation=Escalation.ESCALATING if begun else Escalation.NONE,
                requested_step=RequestedStep.CURRENT if begun else None,
                timers={Timer.STEP: now},
            )
        case Escalate() if incident.requested_step is RequestedStep.NEXT:
            # Of two requests in the moment before a step is taken, one would be forgotten.
            return NotAllowed(incident.status, "the step asked for before has not been taken yet")
        case Escalate(step):
            changes = ANEW | pages_on(incident, now)
            changes |= Changes(
                escalation=Escalation.ESCALATING,
                requested_step=RequestedStep.NEXT,
                reached=None,
                round_from=incident.page_no + 1,
                uncounted=None,
                empty_since=None,
                timers={Timer.STEP: now},
            )
            if step is not None:
                changes |= Changes(next_step=step)
                detail = {"step": str(step)}
        case Reassign(to) if is_reassigned(incident, to, now):
            return Unchanged(incident)
        case Reassign(to):
            changes = taken(now) | Changes(assignee_id=to, reassigned_at=now)
            if incident.status is Status.OPEN:
                changes |= ANEW | Changes(
                    escalation=Escalation.COMPLETED,
                    requested_step=RequestedStep.CURRENT,
                    timers={Timer.STEP: now},
                )
            detail = {"assignee": to}
        case AlsoPage(whom, user_ids):
            detail = {"whom": whom, "users": " ".join(user_ids)}
        case Prioritize(urgency):
            return prioritize(incident, urgency, actor, now)
        case Note(text, public):
            detail = {"note": text, **({"public": "yes"} if public else {})}
        case Amend(said):
            detail = dict(said)
        case AcknowledgementTimeout() | Unacknowledge():
            changes = FROM_THE_START | ANEW | pages_on(incident, now)
            changes |= Changes(timers={Timer.STEP: now})
        case Unreached(user_id, moves_on, untried):
            over = incident.escalation is Escalation.COMPLETED  # Nobody is left to page.
            then = {Timer.FALLBACK if over else Timer.STEP: now}
            changes = Changes(timers=then if moves_on else {})
            detail = {"user": user_id, **({"untried": "yes"} if untried else {})}
        case _:
            assert_never(command)
    decision = transition(incident, command, command.past, actor, now, changes, detail, timeouts)
    if not isinstance(decision, Transitioned):
        return decision
    if isinstance(command, AutoResolve):
        # It is resolved for its silence: an alert that came meanwhile must not go down with it.
        return replace(decision, require=Require(last_alert_at=incident.last_alert_at))
    if isinstance(command, Unreached):
        # A step that is over by now must not move on.
        return replace(decision, require=Require(page_no=incident.page_no))
    comes_out = incident.status is not Status.OPEN or Timer.STEP in decision.changes.timers
    if decision.after.status is not Status.OPEN or not comes_out:
        return decision
    if not incident.announced_from:
        # Out of its window: from here on all its receivers hear of it.
        heard = Changes(announced_from=decision.change.number)
        return replace(decision, changes=decision.changes | heard)
    return decision


def end_of_paging(
    before: Pointer, command: Acknowledge | Resolve | AutoResolve, now: datetime
) -> Changes:
    if not isinstance(command, Acknowledge):
        return Changes(escalation=Escalation.COMPLETED, resolved_at=now)
    changes = Changes(escalation=Escalation.COMPLETED, acknowledged_at=now)
    if command.by is None:
        return changes | acknowledged_by_none(before, now)
    return changes | taken(now) | Changes(assignee_id=command.by)


def begin_paging(before: Pointer, actor: Actor, now: datetime, alerts: int | None) -> Transitioned:
    """It has not resolved itself while nobody heard of it (`events.Opening`): the first step is due
    now, and this change is what its receivers hear of as its trigger. `alerts` are those that it
    waited for.
    """
    detail = {} if alerts is None else {"alerts": str(alerts)}
    due = Changes(timers={Timer.STEP: now})
    waited = record(before, ChangeKind.WAITED, actor, now, due, detail)
    heard = Changes(announced_from=waited.change.number)
    return replace(waited, changes=waited.changes | heard)


def transition(
    before: Pointer,
    command: Command,
    what: ChangeKind,
    actor: Actor,
    now: datetime,
    changes: Changes,
    detail: dict[str, str],
    timeouts: Timeouts,
) -> Transitioned | Unchanged | NotAllowed:
    """Looks up the command in the table; `changes` is what it does besides."""
    status = TRANSITIONS[type(command)].get(before.status)
    if status is None:
        return NotAllowed(before.status)
    if (type(command), before.status) in IDEMPOTENT:
        return Unchanged(before)
    epoch = before.epoch + (status is not before.status)
    timers = _starts(before.status, status, timeouts_of(before, timeouts), now)
    moved = Changes(status=status, epoch=epoch, timers=timers)
    return record(before, what, actor, now, _ENDS[status] | moved | changes, detail)


def _ends(status: Status) -> Changes:
    return Changes(
        requested_step=KEEP if status is Status.OPEN else None,
        paged=KEEP if status is Status.OPEN else None,
        window_id=KEEP if status is Status.SUPPRESSED else None,
        timers={timer: None for timer, owners in TIMERS.items() if status not in owners},
    )


# In each status, what belongs to others has ended.
_ENDS: Final = {status: _ends(status) for status in Status}


def _starts(
    before: Status, status: Status, timeouts: Timeouts, now: datetime
) -> dict[Timer, datetime | None]:
    """The timers that a new status starts."""
    timers: dict[Timer, datetime | None] = {}
    if status is Status.ACKNOWLEDGED is not before and timeouts.acknowledgement is not None:
        timers[Timer.ACKNOWLEDGEMENT] = now + timeouts.acknowledgement
    watched = TIMERS[Timer.AUTO_RESOLVE]
    if status in watched and before not in watched and timeouts.auto_resolve is not None:
        timers[Timer.AUTO_RESOLVE] = now + timeouts.auto_resolve
    return timers
