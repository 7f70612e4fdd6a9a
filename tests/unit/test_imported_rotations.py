"""Opsgenie's schedules: everybody who is on call there is on call here, whatever their shape."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.oncall.schedules import on_call_at
from opsknight_cli.importing.opsgenie.reading import imported
from opsknight_cli.importing.opsgenie.shapes import Export
from opsknight_cli.importing.outcome import Harm, Imported
from tests.unit.test_imported_schedules import (
    DAY,
    MOMENTS,
    NOW,
    PEOPLE,
    ZONES,
    is_repeated,
)

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
HOURS = {
    "startHour": st.integers(0, 23),
    "startMin": st.sampled_from([0, 30]),
    "endHour": st.integers(0, 23),
    "endMin": st.sampled_from([0, 30, 59]),
}
DAILY = st.fixed_dictionaries(
    {"type": st.just("time-of-day"), "restriction": st.fixed_dictionaries(HOURS)}
)
WEEKLY = st.fixed_dictionaries(
    {
        "type": st.just("weekday-and-time-of-day"),
        "restrictions": st.lists(
            st.fixed_dictionaries(
                HOURS | {"startDay": st.sampled_from(WEEKDAYS), "endDay": st.sampled_from(WEEKDAYS)}
            ),
            min_size=1,
            max_size=3,
        ),
    }
)
ROTATIONS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Days", "Nights", "Rota"]),
        "startDate": MOMENTS,
        "type": st.sampled_from(["weekly", "daily"]),
        "length": st.integers(1, 3),
        "participants": st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4),
    },
    optional={"timeRestriction": st.one_of(DAILY, WEEKLY), "endDate": MOMENTS},
)


def exported(rotations: Sequence[dict[str, Any]], zone: str, **more: Any) -> Export:
    return Export.model_validate(
        {
            "users": [
                {"id": f"id-{each}", "username": f"{each}@example.com", "fullName": each}
                for each in PEOPLE
            ],
            "schedules": [
                {
                    "id": "S1",
                    "name": "Shop",
                    "timezone": zone,
                    "rotations": [
                        each
                        | {
                            "id": f"r{number}",
                            "participants": [
                                {"type": "user", "username": f"{user}@example.com"}
                                for user in each["participants"]
                            ],
                        }
                        for number, each in enumerate(rotations)
                    ],
                    **more,
                }
            ],
            "escalations": [
                {
                    "id": "E1",
                    "name": "Shop",
                    "rules": [{"recipient": {"type": "schedule", "name": "Shop"}}],
                }
            ],
        }
    )


def here(found: Imported, at: datetime) -> set[str]:
    """Those whom the escalation pages."""
    paged = {
        on_call_at(found.configuration.schedules[target.id], found.overrides.get(target.id, ()), at)
        for policy in found.configuration.policies.values()
        for step in policy.steps
        for target in step.targets
    }
    return {each.removeprefix("user_") for each in paged if each}


def there(rotations: Sequence[dict[str, Any]], zone: str, at: datetime) -> set[str]:
    return {user for each in rotations if (user := in_rotation(each, zone, at))}


def in_rotation(rotation: dict[str, Any], zone: str, at: datetime) -> str:
    if at < rotation["startDate"] or ("endDate" in rotation and at >= rotation["endDate"]):
        return ""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    given_hours = rotation.get("timeRestriction", {})
    hours = given_hours.get("restrictions") or [given_hours.get("restriction")]
    if given_hours and not any(covers(each, wall) for each in hours):
        return ""
    anchor = rotation["startDate"].astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    length = rotation["length"] * (7 * DAY if rotation["type"] == "weekly" else DAY)
    people = rotation["participants"]
    return str(people[(wall - anchor) // length % len(people)])


def covers(hours: dict[str, Any], wall: datetime) -> bool:
    """Goes back day by day to where it begins, and on to where it ends."""
    for back in range(9):
        start = (wall - back * DAY).replace(hour=hours["startHour"], minute=hours["startMin"])
        if "startDay" in hours and WEEKDAYS[start.weekday()] != hours["startDay"]:
            continue
        end = start.replace(hour=hours["endHour"], minute=hours["endMin"])
        while end <= start or ("endDay" in hours and WEEKDAYS[end.weekday()] != hours["endDay"]):
            end += DAY
        if start <= wall < end:
            return True
    return False


@pytest.mark.soak
@given(st.lists(ROTATIONS, min_size=1, max_size=4), ZONES, st.lists(MOMENTS, min_size=20))
def test_the_same_people_are_on_call_by_rotations_of_any_shape(
    rotations: list[dict[str, Any]], zone: str, moments: list[datetime]
) -> None:
    whole = [each for each in rotations if not is_repeated(each["startDate"], zone)]
    if not whole:
        return
    found = imported(exported(whole, zone), NOW)
    for at in moments:
        later = at if at >= NOW else NOW + (NOW - at)
        if not is_repeated(later, zone):
            assert here(found, later) == there(whole, zone, later), later


def rotation(*people: str, **more: Any) -> dict[str, Any]:
    return {
        "name": people[0],
        "startDate": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "type": "weekly",
        "length": 1,
        "participants": [*people],
        **more,
    }


NIGHTS = {
    "type": "time-of-day",
    "restriction": {"startHour": 20, "startMin": 0, "endHour": 8, "endMin": 0},
}
DAYS = {
    "type": "time-of-day",
    "restriction": {"startHour": 8, "startMin": 0, "endHour": 20, "endMin": 0},
}


def test_rotations_that_overlap_become_schedules_of_their_own() -> None:
    found = imported(exported([rotation("ada"), rotation("ben", "cem")], "UTC"), NOW)
    assert [*found.configuration.schedules] == ["sch_shop-ada", "sch_shop-ben"]
    assert here(found, NOW) == {"ada", "cem"}


def test_rotations_that_share_the_day_are_layers_of_one() -> None:
    rotations = [rotation("ada", timeRestriction=DAYS), rotation("ben", timeRestriction=NIGHTS)]
    found = imported(exported(rotations, "UTC"), NOW)
    [schedule] = found.configuration.schedules.values()
    assert len(schedule.layers) == 2
    assert here(found, NOW) == {"ben"}


def test_an_override_of_one_rotation_leaves_the_others_their_turns() -> None:
    rotations = [rotation("ada", timeRestriction=DAYS), rotation("ben", timeRestriction=NIGHTS)]
    override = {
        "user": {"type": "user", "username": "cem@example.com"},
        "startDate": NOW,
        "endDate": NOW + DAY,
        "rotations": [{"id": "r0"}],
    }
    found = imported(exported(rotations, "UTC", scheduleOverrideList=[override]), NOW)
    assert here(found, NOW + timedelta(hours=6)) == {"cem"}
    assert here(found, NOW + timedelta(hours=20)) == {"ben"}
    assert here(found, NOW + timedelta(hours=30)) == {"ada"}


def test_turns_of_nobody_and_of_a_team_are_those_of_whoever_is_next() -> None:
    export = exported([rotation("ada", "ben", "cem")], "UTC").model_dump()
    people = export["schedules"][0]["rotations"][0]["participants"]
    people[0] = {"type": "none"}
    people[1] = {"type": "team", "name": "Platform"}
    found = imported(Export.model_validate(export), NOW)
    assert here(found, NOW) == {"cem"}
    harms = {each.harm: each.sentence for each in found.losses if "rotation" in each.where}
    assert "team Platform" in harms[Harm.NOT_PAGED]
    assert "turns of nobody" in harms[Harm.PAGED_MORE]
