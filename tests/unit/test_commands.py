"""The second table of the contract, cell by cell: what people and timers do, or a 409."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsknight.commands import (
    TRANSITIONS,
    Acknowledge,
    AcknowledgementTimeout,
    AutoResolve,
    Command,
    Escalate,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unsnooze,
    Unsuppress,
)
from opsknight.incidents import TIMERS, Actor, ActorKind, Escalation, Incident, Status, Urgency
from opsknight.lifecycle import Moved, Refused, Unchanged, act, announced

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
    AcknowledgementTimeout(): (REFUSED, OPEN, REFUSED, REFUSED, REFUSED),
    AutoResolve(): (RESOLVED, RESOLVED, REFUSED, REFUSED, REFUSED),
}
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


def did(command: Command, status: Status = OPEN, **more: Any) -> Moved:
    decision = act(incident(status, **more), command, actor=ADA, now=NOW)
    assert isinstance(decision, Moved)
    return decision


def test_no_command_is_left_out() -> None:
    assert {type(command) for command in TABLE} == set(TRANSITIONS)


@pytest.mark.parametrize(("command", "before", "cell"), CELLS)
def test_the_second_table(command: Command, before: Status, cell: Status | str) -> None:
    seen = incident(before)
    decision = act(seen, command, actor=ADA, now=NOW)
    if cell == REFUSED:
        assert decision == Refused(before), "with the current status"
    elif cell == NO_CHANGE:
        assert decision == Unchanged(seen)
    else:
        assert isinstance(decision, Moved)
        assert decision.after.status is decision.change.status is cell
        assert decision.change.what == command.past
        assert decision.change.actor == ADA
        assert decision.change.at == NOW


@pytest.mark.parametrize(("command", "before", "cell"), CELLS)
def test_a_new_status_is_a_new_epoch_and_each_change_has_the_next_number(
    command: Command, before: Status, cell: Status | str
) -> None:
    decision = act(incident(before), command, actor=ADA, now=NOW)
    if isinstance(decision, Moved):
        epoch = 3 if cell == before else 4
        assert decision.after.epoch == decision.change.epoch == epoch
        assert decision.after.changes == decision.change.number == 6
        assert decision.sets["timers.announce"] == decision.sets["due_at"] == NOW
    else:
        assert cell in (REFUSED, NO_CHANGE)


@pytest.mark.parametrize(("command", "before", "cell"), CELLS)
def test_no_timer_outlives_its_status(command: Command, before: Status, cell: Status | str) -> None:
    timers = {"snooze": LATER, "window": LATER}
    decision = act(incident(before, timers=timers), command, actor=ADA, now=NOW)
    if isinstance(decision, Moved):
        ended = {name for name in timers if decision.sets.get(f"timers.{name}", NOW) is None}
        assert ended == {name for name in timers if TIMERS[name] is not cell}


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
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else str(value),
)
def test_what_becomes_of_the_paging(
    command: Command, status: Status, escalation: Escalation
) -> None:
    assert did(command, status).sets["escalation"] is escalation


@pytest.mark.parametrize(
    ("command", "status"),
    [(Unsnooze(), SNOOZED), (Unsuppress(), SUPPRESSED)],
    ids=["unsnooze", "unsuppress"],
)
@pytest.mark.parametrize(
    ("step", "escalation"),
    [(None, Escalation.NONE), (0, Escalation.ESCALATING), (2, Escalation.ESCALATING)],
    ids=["else begins", "at the first step", "at the third step"],
)
def test_resuming_pages_on_at_the_current_step(
    command: Command, status: Status, step: int | None, escalation: Escalation
) -> None:
    sets = did(command, status, step=step, escalation=Escalation.PAUSED).sets
    assert sets["escalation"] is escalation
    assert "step" not in sets, "the current step is kept"


def test_acknowledging_makes_the_person_the_assignee() -> None:
    assert did(Acknowledge(by="user_ada")).sets["assignee_id"] == "user_ada"
    assert did(Acknowledge(by="user_ada")).sets["acknowledged_at"] == NOW


@pytest.mark.parametrize("command", [Resolve(), AutoResolve()], ids=["by hand", "by timer"])
def test_resolving_says_when(command: Command) -> None:
    assert did(command).sets["resolved_at"] == NOW


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
        assert did(Snooze(until)).sets["timers.snooze"] == until
        return
    with pytest.raises(ValueError, match="within 7 days"):
        did(Snooze(until))


def test_snoozing_again_sets_the_new_end() -> None:
    again = did(Snooze(LATER), SNOOZED, timers={"snooze": BEFORE})
    assert again.sets["timers.snooze"] == LATER
    assert again.change.detail == {"until": LATER.isoformat()}


@pytest.mark.parametrize(
    ("command", "current", "step"),
    [
        (Escalate(), None, 0),
        (Escalate(), 0, 1),
        (Escalate(), 1, 2),
        (Escalate(step=0), 2, 0),
        (Escalate(step=4), None, 4),
    ],
    ids=["begins", "next", "next again", "a given earlier one", "a given later one"],
)
def test_escalating_takes_the_next_step_or_a_given_one(
    command: Escalate, current: int | None, step: int
) -> None:
    escalated = did(command, step=current)
    assert escalated.sets["step"] == step
    assert escalated.change.detail == {"step": str(step)}


@pytest.mark.parametrize("status", [OPEN, ACKNOWLEDGED, SNOOZED, SUPPRESSED], ids=str)
def test_reassigning_ends_the_policy_only_of_an_open_incident(status: Status) -> None:
    reassigned = did(Reassign("user_ben"), status)
    assert reassigned.sets["assignee_id"] == "user_ben"
    assert reassigned.change.detail == {"assignee": "user_ben"}
    assert ("escalation" in reassigned.sets) is (status is OPEN)


def test_an_acknowledgement_timeout_begins_again() -> None:
    sets = did(AcknowledgementTimeout(), ACKNOWLEDGED, step=2).sets
    assert sets["step"] is None


def test_the_window_that_suppressed_it_is_forgotten_with_its_end() -> None:
    assert did(Unsuppress(), SUPPRESSED, window_id="win_1").sets["window_id"] is None


def test_suppressed_by_hand_is_by_no_window() -> None:
    seen = incident(SUPPRESSED, window_id="win_1")
    for command in (Acknowledge(), Suppress()):
        decision = act(seen, command, actor=ADA, now=NOW)
        assert isinstance(decision, Moved)
        seen = seen.model_copy(update={"status": decision.after.status} | dict(decision.sets))
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
    assert announced(seen) == {"announced": 5, "timers.announce": None, "due_at": due}
