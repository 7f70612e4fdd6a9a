"""One row of a timeline for one fact."""

from datetime import UTC, datetime, timedelta
from typing import Any

from opsknight.escalation.pages import StepTaken, Why
from opsknight.incident.model import Actor, ActorKind, Status
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.views.story import story

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
ADA = Actor(kind=ActorKind.USER, id="user_ada", name="Ada")


def change(number: int, what: ChangeKind, seconds: float = 0, **detail: str) -> Change:
    at = AT + timedelta(seconds=seconds)
    more: dict[str, Any] = {"status": Status.OPEN, "epoch": 0, "detail": detail}
    return Change(incident_id="inc_1", number=number, at=at, what=what, actor=ADA, **more)


def step(
    number: int, reason: Why, *users: str, seconds: float = 0, of: int | None = 0
) -> StepTaken:
    at = AT + timedelta(seconds=seconds)
    more: dict[str, Any] = {"step": of, "round": 0, "user_ids": users, "reason": reason}
    return StepTaken(incident_id="inc_1", page_no=number, at=at, **more)


def told(changes: list[Change], steps: list[StepTaken]) -> list[str]:
    return [sentence for _, _, sentence in story(changes, steps, lambda each: each, str)]


def test_whoever_was_given_it_is_not_paged_in_a_row_of_its_own() -> None:
    changes = [change(2, ChangeKind.REASSIGNED, assignee="ben")]
    steps = [step(1, Why.REASSIGNED, "ben", seconds=3, of=None)]
    assert told(changes, steps) == ["Given to ben by Ada: paged"]


def test_an_escalation_and_whom_it_paged_are_one_row() -> None:
    changes = [change(2, ChangeKind.ESCALATED, step="1"), change(3, ChangeKind.NOTED, note="x")]
    steps = [step(1, Why.DUE, "ada", seconds=-60), step(2, Why.ASKED, "ben", seconds=2, of=1)]
    assert told(changes, steps) == [
        "Paged ada (step 1)",
        "Escalated to step 2 by Ada: paged ben (step 2)",
        "Ada: x",
    ]


def test_an_end_of_the_policy_is_told_once() -> None:
    changes = [change(2, ChangeKind.EXHAUSTED)]
    assert told(changes, [step(2, Why.EXHAUSTED)]) == ["All steps are over, and nobody acted"]
    assert told([], [step(2, Why.EXHAUSTED)]) == ["All steps are over, and nobody acted"]


def test_what_has_nothing_to_do_with_each_other_stays_apart() -> None:
    given = change(2, ChangeKind.REASSIGNED, assignee="ben")
    late = step(1, Why.REASSIGNED, "ben", seconds=300, of=None)
    before = step(1, Why.REASSIGNED, "ben", seconds=-1, of=None)
    due = step(1, Why.DUE, "ben", seconds=1)
    for each in (late, before, due):
        assert len(told([given], [each])) == 2
    # Of two that asked, the last one before the step.
    twice = [given, change(3, ChangeKind.REASSIGNED, 1, assignee="cleo")]
    assert told(twice, [step(1, Why.REASSIGNED, "cleo", seconds=2, of=None)]) == [
        "Given to ben by Ada",
        "Given to cleo by Ada: paged",
    ]
