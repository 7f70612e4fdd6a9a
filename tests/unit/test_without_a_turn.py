"""A rotation in which somebody never has a turn is said, and no other."""

from datetime import UTC, datetime
from typing import Any

import pytest

from opsknight.config.coverage import schedule_findings
from opsknight.oncall.rotations import Layer
from opsknight.oncall.schedules import Schedule, shifts

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
"""A Monday."""
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
WEEKDAYS = [{"days": DAYS, "start": "00:00", "end": "00:00"}]


def idle(users: int, count: int, unit: str, **more: Any) -> list[str]:
    layer = Layer.model_validate(
        {
            "id": "layer_a",
            "name": "a",
            "users": [f"user_u{number}" for number in range(1, users + 1)],
            "length": {"count": count, "unit": unit},
            "handoff": "00:00",
            "start": "2026-11-02T00:00:00Z",
            **more,
        }
    )
    schedule = Schedule(id="sch_a", name="a", zone="UTC", layers=(layer,))
    planned = shifts(schedule, (), NOW, NOW.replace(month=12))
    found = schedule_findings(schedule, planned, frozenset(), NOW)
    return [each.sentence.split()[1] for each in found if "never on call" in each.sentence]


@pytest.mark.parametrize(
    ("users", "count", "unit", "expected"),
    [
        (7, 1, "DAYS", ["u6", "u7"]),
        (14, 1, "DAYS", ["u6", "u7", "u13", "u14"]),
        (6, 1, "DAYS", []),
        (2, 1, "WEEKS", []),
        (14, 12, "HOURS", ["u11", "u12", "u13", "u14"]),
    ],
)
def test_who_never_has_a_turn_is_named(
    users: int, count: int, unit: str, expected: list[str]
) -> None:
    assert idle(users, count, unit, restrictions=WEEKDAYS) == expected


def test_without_restrictions_everybody_has_one() -> None:
    assert idle(7, 1, "DAYS") == []
