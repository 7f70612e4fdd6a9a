"""The hours of the coming week in which a policy would reach nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any

from opsknight.escalation.policy import Policy, Rota, Step, Target, TargetKind
from opsknight.health.coming_week import findings
from opsknight.health.findings import Verdict
from opsknight.oncall.rotations import Layer
from opsknight.oncall.schedules import Override, Schedule

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
"""A Monday."""


def rota(name: str, *overrides: Override, **layer: Any) -> Rota:
    known = {
        "id": "layer_a",
        "name": "a",
        "users": ["user_ada"],
        "length": {"count": 1, "unit": "WEEKS"},
        "handoff": "09:00",
        "start": "2026-11-02T09:00:00Z",
    }
    made = (Layer.model_validate(known | layer),)
    return Rota(Schedule(id=name, name=name, zone="UTC", layers=made), overrides)


def policy(*steps: tuple[tuple[TargetKind, str], ...]) -> Policy:
    made = tuple(Step(targets=tuple(Target(kind=k, id=n) for k, n in step)) for step in steps)
    return Policy(id="pol_shop", name="Shop", version=1, steps=made)


def said(policies: list[Policy], *rotas: Rota) -> list[tuple[Verdict, str]]:
    known = {each.schedule.id: each for each in rotas}
    found = findings(policies, known, frozenset({"user_gone"}), NOW)
    return [(each.verdict, each.said) for each in found]


WEB, DB = (TargetKind.SCHEDULE, "sch_web"), (TargetKind.SCHEDULE, "sch_db")
WELL = [(Verdict.OK, "Every policy reaches somebody at every hour of the next seven days.")]


def test_a_week_without_gaps_is_ok_and_so_is_a_policy_with_a_person() -> None:
    assert said([policy((WEB,))], rota("sch_web")) == WELL
    ends = {"end": (NOW + timedelta(days=2)).isoformat()}
    person = (TargetKind.USER, "user_ben")
    assert said([policy((WEB,), (person,))], rota("sch_web", **ends)) == WELL
    assert said([policy((WEB,), (DB,))], rota("sch_web", **ends), rota("sch_db")) == WELL


def test_hours_that_no_schedule_of_a_policy_covers_are_said() -> None:
    ends = {"end": (NOW + timedelta(days=2)).isoformat()}
    [(verdict, sentence)] = said([policy((WEB, DB))], rota("sch_web", **ends))
    assert verdict is Verdict.WARNING
    assert sentence == (
        "Policy shop reaches nobody for 120 hours of the next seven days, first"
        " Wed 25 Nov 10:00 UTC to Mon 30 Nov 10:00 UTC."
    )
    [(_, sentence)] = said([policy((WEB,))], rota("sch_web", users=["user_gone"]))
    assert "168 hours" in sentence
    assert "first now" in sentence


def test_an_override_fills_a_gap() -> None:
    middle = NOW + timedelta(days=2)
    filled = Override(
        id="ovr_1",
        user_id="user_ben",
        start=middle,
        end=NOW + timedelta(days=8),
        created_at=NOW,
    )
    assert said([policy((WEB,))], rota("sch_web", filled, end=middle.isoformat())) == WELL
