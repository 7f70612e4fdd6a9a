"""The second table of the contract, cell by cell: what people and timers do, or a 409."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsknight.incident.changes import KEEP, Changes, announced, applied
from opsknight.incident.commands import (
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
)
from opsknight.incident.decisions import (
    NO_REQUIREMENT,
    NotAllowed,
    Require,
    Transitioned,
    Unchanged,
)
from opsknight.incident.lifecycle import act
from opsknight.incident.model import (
    Actor,
    ActorKind,
    Escalation,
    Incident,
    RequestedStep,
    Status,
    Timeouts,
    Timer,
    Urgency,
)

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=4)
BEFORE = NOW - timedelta(hours=1)
ADA = Actor(kind=ActorKind.USER, id="user_ada", name="Ada")
OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED, RESOLVED = Status
NO_CHANGE = "no change"
REFUSED = "409"

# What stands in each cell: the status afterwards, no change, or 409 with the current status.
TABLE: dict[Command, tuple[Status | str, ...]] = {
    Acknowledge(by="user_ada"): (ACKNOWLEDGED, NO_CHANGE, ACKNOWLEDGED, ACKNOWLEDGED, REFUSED),
    Resolve(): (RESOLVED, RESOLVED, RESOLVED, RESOLVED, REFUSED),
    Snooze(LATER): (SNOOZED, SNOOZED, SNOOZED, REFUSED, REFUSED),
    Unsnooze(): (REFUSED, REFUSED, OPEN, REFUSED, REFUSED),
    Suppress(): (SUPPRESSED, SUPPRESSED, SUPPRESSED, NO_CHANGE, REFUSED),
    Unsuppress(): (REFUSED, REFUSED, REFUSED, OPEN, REFUSED),
    Escalate(): (OPEN, OPEN, REFUSED, REFUSED, REFUSED),
    Reassign("user_ben"): (OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED, REFUSED),
    AlsoPage("Ben", ("user_ben",)): (OPEN, ACKNOWLEDGED, REFUSED, REFUSED, REFUSED),
    Prioritize(Urgency.LOW): (OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED, REFUSED),
    Prioritize(Urgency.HIGH): (NO_CHANGE, NO_CHANGE, NO_CHANGE, NO_CHANGE, REFUSED),
    Note("It is the database."): (OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED, REFUSED),
    Amend((("message", "It is worse."),)): (OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED, REFUSED),
    Unacknowledge(): (REFUSED, OPEN, REFUSED, REFUSED, REFUSED),
    AcknowledgementTimeout(): (REFUSED, OPEN, REFUSED, REFUSED, REFUSED),
    AutoResolve(): (RESOLVED, RESOLVED, REFUSED, RESOLVED, REFUSED),
    Unreached("user_ada", moves_on=True): (OPEN, REFUSED, REFUSED, REFUSED, REFUSED),
}
ANEW = Escalate | Reassign | AcknowledgementTimeout | Unacknowledge
CELLS = [
    pytest.param(command, before, cell, id=f"{type(command).__name__}-{before}")
    for command, cells in TABLE.items()
    for before, cell in zip(Status, cells, strict=True)
]


def incident(status: Status = OPEN, **more: Any) -> Incident:
    known: dict[str, Any] = {
        "id": "inc_1",
        "service_id": "svc_1",
        "dedup_key": "cpu",
        "title": "CPU",
        "urgency": Urgency.HIGH,
        "status": status,
        "created_at": BEFORE,
        "epoch": 3,
        "changes": 5,
        "escalation": Escalation.ESCALATING,
        "step": 1,
        "first_alert_id": "al_1",
        "last_alert_at": BEFORE,
    }
    return Incident.model_validate(known | more)


def did(command: Command, status: Status = OPEN, **more: Any) -> Transitioned:
    decision = act(incident(status, **more), command, actor=ADA, now=NOW)
    assert isinstance(decision, Transitioned)
    return decision


def test_no_command_is_left_out() -> None:
    assert {type(command) for command in TABLE} == set(TRANSITIONS)


@pytest.mark.parametrize(("command", "before", "cell"), CELLS)
def test_the_second_table(command: Command, before: Status, cell: Status | str) -> None:
    seen = incident(before)
    decision = act(seen, command, actor=ADA, now=NOW)
    if cell == REFUSED:
        assert decision == NotAllowed(before), "with the current status"
    elif cell == NO_CHANGE:
        assert decision == Unchanged(seen)
    else:
        assert isinstance(decision, Transitioned)
        assert decision.after.status is decision.change.status is cell
        what = "lowered" if isinstance(command, Prioritize) else command.past
        assert decision.change.what == what
        assert decision.change.actor == ADA
        assert decision.change.at == NOW


@pytest.mark.parametrize(("command", "before", "cell"), CELLS)
def test_a_new_status_is_a_new_epoch_and_each_change_has_the_next_number(
    command: Command, before: Status, cell: Status | str
) -> None:
    decision = act(incident(before), command, actor=ADA, now=NOW)
    if isinstance(decision, Transitioned):
        epoch = 3 if cell == before else 4
        assert decision.after.epoch == decision.change.epoch == epoch
        assert decision.after.changes == decision.change.number == 6
        assert decision.changes.timers[Timer.ANNOUNCE] == decision.changes.due_at == NOW
    else:
        assert cell in (REFUSED, NO_CHANGE)


@pytest.mark.parametrize(("command", "before", "cell"), CELLS)
def test_no_timer_outlives_its_status(command: Command, before: Status, cell: Status | str) -> None:
    timers = dict.fromkeys(TIMERS, LATER)
    decision = act(incident(before, timers=timers), command, actor=ADA, now=NOW)
    # Another urgency leaves no status, and so ends nothing.
    if isinstance(decision, Transitioned) and not isinstance(command, Prioritize):
        left = {name for name in timers if decision.changes.timers.get(name, LATER) is not None}
        # A command that pages somebody anew stops the notice to the fallback.
        anew = isinstance(command, ANEW) and cell is OPEN
        stopped = {Timer.FALLBACK, Timer.REMINDER} if anew else set()
        assert left == {name for name, owners in TIMERS.items() if cell in owners} - stopped


@pytest.mark.parametrize(
    ("command", "status", "escalation"),
    [
        (Acknowledge(), OPEN, Escalation.COMPLETED),
        (Resolve(), SNOOZED, Escalation.COMPLETED),
        (AutoResolve(), ACKNOWLEDGED, Escalation.COMPLETED),
        (Snooze(LATER), OPEN, Escalation.PAUSED),
        (Suppress(), OPEN, Escalation.PAUSED),
        (Escalate(), ACKNOWLEDGED, Escalation.ESCALATING),
        (Reassign("user_ben"), OPEN, Escalation.COMPLETED),
        (AcknowledgementTimeout(), ACKNOWLEDGED, Escalation.NONE),
        (Unacknowledge(), ACKNOWLEDGED, Escalation.NONE),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else str(value),
)
def test_what_becomes_of_the_paging(
    command: Command, status: Status, escalation: Escalation
) -> None:
    assert did(command, status).changes.escalation is escalation


@pytest.mark.parametrize(
    ("command", "status"),
    [(Unsnooze(), SNOOZED), (Unsuppress(), SUPPRESSED)],
    ids=["unsnooze", "unsuppress"],
)
@pytest.mark.parametrize(
    ("version", "escalation", "asked"),
    [
        (None, Escalation.NONE, None),
        (0, Escalation.ESCALATING, RequestedStep.CURRENT),
        (7, Escalation.ESCALATING, RequestedStep.CURRENT),
    ],
    ids=["else begins", "implicit policy", "policy"],
)
def test_resuming_pages_on_at_the_current_step(
    command: Command,
    status: Status,
    version: int | None,
    escalation: Escalation,
    asked: RequestedStep | None,
) -> None:
    changes = did(command, status, policy_version=version, escalation=Escalation.PAUSED).changes
    assert (changes.escalation, changes.requested_step) == (escalation, asked)
    assert changes.timers[Timer.STEP] == NOW
    assert changes.step is changes.next_step is KEEP, "the current step is kept"


def test_acknowledging_makes_the_person_the_assignee() -> None:
    assert did(Acknowledge(by="user_ada")).changes.assignee_id == "user_ada"
    assert did(Acknowledge(by="user_ada")).changes.acknowledged_at == NOW


@pytest.mark.parametrize("command", [Resolve(), AutoResolve()], ids=["by hand", "by timer"])
def test_resolving_says_when(command: Command) -> None:
    assert did(command).changes.resolved_at == NOW


@pytest.mark.parametrize(
    ("until", "allowed"),
    [
        (NOW, False),
        (BEFORE, False),
        (NOW + timedelta(microseconds=1), True),
        (NOW + timedelta(days=7), True),
        (NOW + timedelta(days=7, microseconds=1), False),
    ],
    ids=["now", "in the past", "a moment", "7 days", "over 7 days"],
)
def test_a_snooze_ends_within_seven_days(until: datetime, allowed: bool) -> None:
    if allowed:
        assert did(Snooze(until)).changes.timers[Timer.SNOOZE] == until
        return
    with pytest.raises(ValueError, match="within 7 days"):
        did(Snooze(until))


def test_snoozing_again_sets_the_new_end() -> None:
    again = did(Snooze(LATER), SNOOZED, timers={"snooze": BEFORE})
    assert again.changes.timers[Timer.SNOOZE] == LATER
    assert again.change.detail == {"until": LATER.isoformat()}


@pytest.mark.parametrize("status", [OPEN, ACKNOWLEDGED], ids=str)
def test_escalating_takes_the_next_step_now(status: Status) -> None:
    escalated = did(Escalate(), status)
    assert escalated.changes.timers[Timer.STEP] == NOW
    assert escalated.changes.requested_step is RequestedStep.NEXT
    assert escalated.changes.next_step is KEEP, "which one that is, the store knows"
    assert escalated.change.detail == {}


@pytest.mark.parametrize("command", [Escalate(), Escalate(3)], ids=["next", "given"])
def test_asking_for_a_step_before_the_last_one_asked_for_is_taken_is_refused(
    command: Escalate,
) -> None:
    refused = act(incident(OPEN, requested_step=RequestedStep.NEXT), command, actor=ADA, now=NOW)
    assert isinstance(refused, NotAllowed)
    assert refused.status is OPEN
    assert refused.why is not None
    assert isinstance(did(command, requested_step=RequestedStep.CURRENT), Transitioned)


@pytest.mark.parametrize("step", [0, 4])
def test_escalating_takes_a_given_step_now(step: int) -> None:
    escalated = did(Escalate(step))
    assert escalated.changes.timers[Timer.STEP] == NOW
    assert escalated.changes.requested_step is RequestedStep.NEXT
    assert escalated.changes.next_step == step
    assert escalated.change.detail == {"step": str(step)}


@pytest.mark.parametrize("status", [OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED], ids=str)
def test_reassigning_ends_the_policy_only_of_an_open_incident(status: Status) -> None:
    reassigned = did(Reassign("user_ben"), status)
    assert reassigned.changes.assignee_id == "user_ben"
    assert reassigned.change.detail == {"assignee": "user_ben"}
    assert (reassigned.changes.escalation is not KEEP) is (status is OPEN)
    paged = (reassigned.changes.timers.get(Timer.STEP), reassigned.changes.requested_step)
    assert paged == ((NOW, RequestedStep.CURRENT) if status is OPEN else (None, None))


@pytest.mark.parametrize("status", [OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED], ids=str)
def test_reassigned_once_more_for_want_of_an_answer_nobody_is_told_twice(status: Status) -> None:
    given = {"assignee_id": "user_ben", "escalation": Escalation.COMPLETED}
    seen = incident(status, **given, reassigned_at=NOW - timedelta(seconds=119))
    assert act(seen, Reassign("user_ben"), actor=ADA, now=NOW) == Unchanged(seen)
    others = [
        incident(status, **given, reassigned_at=NOW - timedelta(minutes=2)),
        # The first that a policy pages is the assignee, too, and was given nothing.
        incident(status, **given),
        incident(status, **given | {"assignee_id": "user_eve"}, reassigned_at=NOW),
    ]
    if status is OPEN:
        escalated = given | {"escalation": Escalation.ESCALATING}
        others.append(incident(status, **escalated, reassigned_at=NOW))
    for other in others:
        again = act(other, Reassign("user_ben"), actor=ADA, now=NOW)
        assert isinstance(again, Transitioned)
        assert again.changes.reassigned_at == NOW


@pytest.mark.parametrize("command", [AcknowledgementTimeout(), Unacknowledge()])
def test_an_acknowledgement_that_ends_begins_again(command: Command) -> None:
    changes = did(command, ACKNOWLEDGED, step=2).changes
    assert changes.policy_id is changes.policy_version is None
    assert changes.step is changes.next_step is changes.round is changes.requested_step is None
    assert changes.reached is changes.empty_since is None
    assert changes.timers[Timer.STEP] == NOW


MINUTES = Timeouts(timedelta(minutes=10), timedelta(minutes=30))


@pytest.mark.parametrize(("command", "before", "cell"), CELLS)
def test_a_new_status_starts_the_timeouts_of_the_service(
    command: Command, before: Status, cell: Status | str
) -> None:
    decision = act(incident(before), command, actor=ADA, now=NOW, timeouts=MINUTES)
    if not isinstance(decision, Transitioned):
        return
    acknowledged = cell is ACKNOWLEDGED is not before
    at = NOW + timedelta(minutes=10) if acknowledged else None
    assert decision.changes.timers.get(Timer.ACKNOWLEDGEMENT) == at
    watched = {OPEN, ACKNOWLEDGED}
    starts = cell in watched and before not in watched
    at = NOW + timedelta(minutes=30) if starts else None
    assert decision.changes.timers.get(Timer.AUTO_RESOLVE) == at
    if cell in watched and before in watched:
        assert Timer.AUTO_RESOLVE not in decision.changes.timers, "its silence goes on"


def test_only_silence_as_seen_resolves_by_itself() -> None:
    assert did(AutoResolve()).require == Require(last_alert_at=BEFORE)
    assert did(Resolve()).require == NO_REQUIREMENT


def test_the_window_that_suppressed_it_is_forgotten_with_its_end() -> None:
    assert did(Unsuppress(), SUPPRESSED, window_id="win_1").changes.window_id is None


def test_suppressed_by_hand_is_by_no_window() -> None:
    seen = incident(SUPPRESSED, window_id="win_1")
    for command in (Acknowledge(), Suppress()):
        decision = act(seen, command, actor=ADA, now=NOW)
        assert isinstance(decision, Transitioned)
        seen = applied(seen, decision.changes)
    assert (seen.status, seen.window_id) == (SUPPRESSED, None)


@pytest.mark.parametrize(
    ("timers", "due"),
    [
        ({}, None),
        ({"snooze": LATER}, LATER),
        ({"window": LATER}, LATER),
        ({"snooze": LATER, "window": NOW}, NOW),
        ({"of a newer version": LATER}, LATER),
    ],
    ids=["no timer", "snooze", "window", "the earliest", "one that this version does not know"],
)
def test_once_announced_the_next_timer_is_due(
    timers: dict[str, datetime], due: datetime | None
) -> None:
    seen = incident(OPEN, timers={"announce": BEFORE, **timers}, due_at=BEFORE)
    assert announced(seen) == Changes(announced=5, timers={Timer.ANNOUNCE: None}, due_at=due)


def test_a_page_that_failed_moves_the_step_on_only_if_it_is_told_to() -> None:
    moved = did(Unreached("user_ada", moves_on=True), page_no=4)
    assert moved.changes.timers[Timer.STEP] == NOW
    assert moved.require == Require(page_no=4), "of a later step nothing moves on"
    assert moved.change.detail == {"user": "user_ada"}
    assert Timer.STEP not in did(Unreached("user_ada", moves_on=False)).changes.timers
    reassigned = did(Unreached("user_ada", moves_on=True), escalation=Escalation.COMPLETED)
    assert reassigned.changes.timers[Timer.FALLBACK] == NOW
    assert Timer.STEP not in reassigned.changes.timers


def test_what_a_window_kept_quiet_is_announced_from_its_opening_on() -> None:
    out = did(Unsuppress(), SUPPRESSED, announced_from=0)
    assert out.changes.announced_from == out.change.number
    assert did(Unsuppress(), SUPPRESSED).changes.announced_from is KEEP, "announced already"
    assert did(Resolve(), SUPPRESSED, announced_from=0).changes.announced_from is KEEP, (
        "nobody ever hears"
    )


def test_more_urgency_pages_again_and_less_does_not() -> None:
    raised = did(Prioritize(Urgency.HIGH), urgency=Urgency.LOW)
    assert (raised.after.urgency, raised.change.what) == (Urgency.HIGH, "raised")
    assert raised.change.detail == {"urgency": "HIGH", "before": "LOW"}
    assert raised.changes.timers[Timer.STEP] == NOW
    lowered = did(Prioritize(Urgency.LOW))
    assert (lowered.after.urgency, lowered.change.what) == (Urgency.LOW, "lowered")
    assert lowered.change.detail == {"urgency": "LOW", "before": "HIGH"}
    assert Timer.STEP not in lowered.changes.timers
    quiet = did(Prioritize(Urgency.HIGH), ACKNOWLEDGED, urgency=Urgency.LOW)
    assert Timer.STEP not in quiet.changes.timers


def test_a_note_is_kept_and_changes_nothing_else() -> None:
    noted = did(Note("It is the database.", public=True))
    assert noted.change.detail == {"note": "It is the database.", "public": "yes"}
    assert did(Note("Secret.")).change.detail == {"note": "Secret."}
    changed = {name for name, value in noted.changes.values().items() if value is not None}
    assert changed == {"status", "epoch", "changes", "due_at"}, "and status and epoch are as before"
    assert {timer for timer, at in noted.changes.timers.items() if at} == {Timer.ANNOUNCE}
    assert noted.after.status is OPEN
    assert noted.after.epoch == 3
