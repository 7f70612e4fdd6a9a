"""Schedules of other systems, and who is on call by them: here as there, whatever their shape.

What is there is worked out by going through the days, and without the product's clock.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.oncall.schedules import on_call_at
from opsknight_cli.importing.outcome import Harm, Imported
from opsknight_cli.importing.pagerduty.reading import imported
from opsknight_cli.importing.pagerduty.shapes import Export

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
DAY = timedelta(days=1)
PEOPLE = ["ada", "ben", "cem", "dora"]
ZONES = st.sampled_from(["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"])
# Turns of other lengths count real hours, and those of these the wall clock.
LENGTHS = st.sampled_from([3600, 4 * 3600, 12 * 3600, 86400, 2 * 86400, 604800, 14 * 86400])
MINUTES = st.integers(0, 24 * 60 - 1)
# Around NOW: what begins, ends and changes after an import as well as before.
MOMENTS = st.integers(-400 * 24 * 12, 40 * 24 * 12).map(
    lambda five: NOW + five * timedelta(minutes=5)
)
DAILY = st.fixed_dictionaries(
    {
        "type": st.just("daily_restriction"),
        "start_time_of_day": MINUTES.map(lambda minute: f"{minute // 60:02}:{minute % 60:02}:00"),
        "duration_seconds": st.integers(1, 24 * 60).map(lambda minutes: minutes * 60),
    }
)
WEEKLY = st.fixed_dictionaries(
    {
        "type": st.just("weekly_restriction"),
        "start_time_of_day": MINUTES.map(lambda minute: f"{minute // 60:02}:{minute % 60:02}:00"),
        "start_day_of_week": st.integers(1, 7),
        "duration_seconds": st.integers(1, 7 * 24 * 60).map(lambda minutes: minutes * 60),
    }
)
LAYERS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Days", "Nights", "Layer 1"]),
        "start": MOMENTS,
        "rotation_virtual_start": MOMENTS,
        "rotation_turn_length_seconds": LENGTHS,
        "users": st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=5),
        "restrictions": st.one_of(
            st.just([]), st.lists(DAILY, max_size=2), st.lists(WEEKLY, max_size=3)
        ),
    },
    optional={"end": MOMENTS},
)


def user(name: str) -> dict[str, Any]:
    address = f"{name}@example.com"
    method = {"id": f"m-{name}", "type": "email_contact_method", "address": address}
    rule = {"urgency": "high", "contact_method": method}
    named = {"id": name, "name": name, "email": address}
    return named | {"contact_methods": [method], "notification_rules": [rule]}


def exported(layers: Sequence[dict[str, Any]], zone: str, **more: Any) -> Export:
    return Export.model_validate(
        {
            "users": [user(each) for each in PEOPLE],
            "schedules": [
                {
                    "id": "S1",
                    "name": "Shop",
                    "time_zone": zone,
                    "schedule_layers": [
                        each | {"users": [{"user": {"id": one}} for one in each["users"]]}
                        for each in layers
                    ],
                    **more,
                }
            ],
        }
    )


def here(found: Imported, at: datetime) -> str | None:
    [schedule] = found.configuration.schedules.values()
    user_id = on_call_at(schedule, found.overrides.get(schedule.id, ()), at)
    return user_id.removeprefix("user_") if user_id else None


def there(layers: Sequence[dict[str, Any]], zone: str, at: datetime) -> str | None:
    """The first layer that has somebody."""
    users = (in_layer(each, zone, at) for each in layers)
    return next(filter(None, users), None)


def in_layer(layer: dict[str, Any], zone: str, at: datetime) -> str | None:
    if at < layer["start"] or ("end" in layer and at >= layer["end"]):
        return None
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if layer["restrictions"] and not any(covers(each, wall) for each in layer["restrictions"]):
        return None
    anchor = layer["rotation_virtual_start"].astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    turn = (wall - anchor) // timedelta(seconds=layer["rotation_turn_length_seconds"])
    return str(layer["users"][turn % len(layer["users"])])


def covers(restriction: dict[str, Any], wall: datetime) -> bool:
    hours, minutes, _ = map(int, restriction["start_time_of_day"].split(":"))
    for back in range(9):
        start = wall.replace(hour=hours, minute=minutes, second=0) - back * DAY
        if restriction.get("start_day_of_week") not in (None, start.isoweekday()):
            continue
        if start <= wall < start + timedelta(seconds=restriction["duration_seconds"]):
            return True
    return False


def is_repeated(at: datetime, zone: str) -> bool:
    """Whether the wall clock shows this hour for the second time: there is no telling whose it is
    there.
    """
    return bool(at.astimezone(ZoneInfo(zone)).fold)


@pytest.mark.soak
@given(st.lists(LAYERS, min_size=1, max_size=3), ZONES, st.lists(MOMENTS, min_size=20))
def test_the_same_person_is_on_call_by_layers_of_any_shape(
    layers: list[dict[str, Any]], zone: str, moments: list[datetime]
) -> None:
    whole = [each for each in layers if not is_repeated(each["rotation_virtual_start"], zone)]
    if not whole:
        return
    found = imported(exported(whole, zone), NOW)
    for at in moments:
        later = at if at >= NOW else NOW + (NOW - at)
        if not is_repeated(later, zone):
            assert here(found, later) == there(whole, zone, later), later


def rendered(layers: Sequence[dict[str, Any]], zone: str) -> dict[str, Any]:
    """Each hour of four weeks; the times of these layers are whole hours."""
    hour = timedelta(hours=1)
    entries = [
        {"start": start, "end": start + hour, "user": {"id": user}}
        for start in (NOW + number * hour for number in range(28 * 24))
        if (user := there(layers, zone, start))
    ]
    return {"final_schedule": {"rendered_schedule_entries": entries}}


def layer(*users: str, **more: Any) -> dict[str, Any]:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return {
        "name": users[0],
        "start": start,
        "rotation_virtual_start": start,
        "rotation_turn_length_seconds": 604800,
        "users": [*users],
        "restrictions": [],
        **more,
    }


NIGHTS = [
    {
        "type": "daily_restriction",
        "start_time_of_day": "20:00:00",
        "duration_seconds": 12 * 3600,
    }
]


def test_the_rendered_schedule_shows_which_layer_comes_first() -> None:
    layers = [layer("cem", restrictions=NIGHTS), layer("ada", "ben")]
    for order in (layers, layers[::-1]):
        found = imported(exported(order, "UTC", **rendered(layers, "UTC")), NOW)
        assert here(found, datetime(2026, 11, 24, 2, tzinfo=UTC)) == "cem"
        assert here(found, datetime(2026, 11, 24, 12, tzinfo=UTC)) == "ada"
        assert not found.losses


def test_an_order_that_cannot_be_checked_is_said() -> None:
    found = imported(exported([layer("ada"), layer("ben")], "UTC"), NOW)
    assert [each.harm for each in found.losses] == [Harm.PAGED_OTHERWISE]
    assert "order of its layers" in found.losses[0].sentence


def test_a_layer_that_begins_within_a_turn_to_come_has_the_rest_of_it_first() -> None:
    begins = datetime(2026, 12, 2, 15, tzinfo=UTC)
    found = imported(exported([layer("ada", "ben", "cem", start=begins)], "UTC"), NOW)
    [schedule] = found.configuration.schedules.values()
    assert len(schedule.layers) == 2
    assert here(found, begins - timedelta(minutes=1)) is None
    assert here(found, begins) == "cem"
    assert here(found, datetime(2026, 12, 7, 9, tzinfo=UTC)) == "ada"


def test_whoever_is_not_in_the_file_keeps_the_turns_of_the_others_where_they_are() -> None:
    found = imported(exported([layer("ada", "zoe", "ben")], "UTC"), NOW)
    weeks = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (23, 30)]
    weeks += [datetime(2026, 12, day, 12, tzinfo=UTC) for day in (7, 14)]
    assert [here(found, each) for each in weeks] == ["ben", "ben", "ada", "ben"]
    assert found.losses[0].harm is Harm.NOT_PAGED
    assert "zoe is not in the file" in found.losses[0].sentence


def test_turns_that_are_no_hours_are_lost_and_said_first() -> None:
    found = imported(
        exported([layer("ada", rotation_turn_length_seconds=5400), layer("ben")], "UTC"), NOW
    )
    assert here(found, NOW) == "ben"
    assert "Layer ada is not in the file" in found.losses[0].sentence


def test_an_override_to_come_takes_over_and_one_that_is_over_does_not() -> None:
    def entry(start: int, end: int, user: str) -> dict[str, Any]:
        return {
            "start": NOW + timedelta(hours=start),
            "end": NOW + timedelta(hours=end),
            "user": {"id": user},
        }

    entries = [entry(-5, -1, "dora"), entry(2, 4, "dora"), entry(5, 6, "zoe")]
    found = imported(
        exported(
            [layer("ada")], "UTC", overrides_subschedule={"rendered_schedule_entries": entries}
        ),
        NOW,
    )
    assert [here(found, NOW + timedelta(hours=hour)) for hour in (1, 2, 4, 5)] == [
        "ada",
        "dora",
        "ada",
        "ada",
    ]
    [[only]] = found.overrides.values()
    assert only.user_id == "user_dora"
    assert "zoe, who is not in the file" in found.losses[0].sentence


def test_turns_counted_from_a_day_to_come_go_on_backwards() -> None:
    anchor = datetime(2026, 12, 7, 9, tzinfo=UTC)
    layers = [layer("ada", "ben", "cem", rotation_virtual_start=anchor)]
    found = imported(exported(layers, "UTC"), NOW)
    weeks = [anchor + number * timedelta(weeks=1) for number in range(-2, 2)]
    assert [here(found, each) for each in weeks] == ["ben", "cem", "ada", "ben"]
