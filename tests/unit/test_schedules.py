"""Layers above each other, disabled users, overrides, and what is refused."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from opsknight.oncall.schedules import Override, Schedule, on_call_at, shifts
from tests.unit.rotas import (
    NIGHTS,
    WEEKEND,
    at,
    between,
    hours,
    layer,
    override,
    schedule,
    told,
)

MOMENT = timedelta(microseconds=1)


def test_the_layer_with_the_highest_priority_that_has_someone() -> None:
    plan = schedule(
        layer("low", layer_id="low", priority=-1),
        layer("night", layer_id="night", priority=2, restrictions=(NIGHTS,)),
        layer("first", layer_id="first", priority=1, end="2026-01-07T00:00Z"),
    )
    assert between(plan, "2026-01-06T12:00Z", "2026-01-08T00:00Z") == [
        ("01-06 12:00", "01-06 22:00", "first"),
        ("01-06 22:00", "01-07 06:00", "night"),
        ("01-07 06:00", "01-07 22:00", "low"),
        ("01-07 22:00", "01-08 00:00", "night"),
    ]


def test_of_equal_layers_the_first_listed() -> None:
    plan = schedule(layer("ada", layer_id="one"), layer("ben", layer_id="two"))
    assert on_call_at(plan, (), at("2026-01-06T00:00Z")) == "ada"


def test_a_shift_says_which_layer_it_comes_from() -> None:
    one = layer("ada", layer_id="one", end="2026-01-06T09:00Z", priority=1)
    two = layer("ada", layer_id="two")
    found = shifts(schedule(one, two), (), one.start, one.start + timedelta(days=2))
    assert [s.because for s in found] == [one, two], "one user, but two shifts"


def test_a_disabled_user_keeps_the_turn_and_nobody_has_it() -> None:
    plan = schedule(layer("ada", "ben", "cleo"))
    assert between(plan, "2026-01-05T09:00Z", "2026-01-09T09:00Z", disabled={"ben"}) == [
        ("01-05 09:00", "01-06 09:00", "ada"),
        ("01-07 09:00", "01-08 09:00", "cleo"),
        ("01-08 09:00", "01-09 09:00", "ada"),
    ]


def test_the_turn_of_a_disabled_user_falls_to_the_layer_below() -> None:
    plan = schedule(
        layer("ada", "ben", priority=1), layer("cleo", "dan", length=hours(12), layer_id="below")
    )
    assert between(plan, "2026-01-05T09:00Z", "2026-01-08T09:00Z", disabled={"ben"}) == [
        ("01-05 09:00", "01-06 09:00", "ada"),
        ("01-06 09:00", "01-06 21:00", "cleo"),
        ("01-06 21:00", "01-07 09:00", "dan"),
        ("01-07 09:00", "01-08 09:00", "ada"),
    ]


def test_an_override_by_a_disabled_user_does_nothing() -> None:
    plan = schedule(layer("ada"))
    covered = override("ben", "2026-01-06T00:00Z", "2026-01-07T00:00Z")
    assert on_call_at(plan, [covered], at("2026-01-06T12:00Z")) == "ben"
    assert on_call_at(plan, [covered], at("2026-01-06T12:00Z"), disabled={"ben"}) == "ada"


def test_the_turn_of_a_disabled_user_can_still_be_taken_over() -> None:
    plan = schedule(layer("ada", "ben", priority=1), layer("cleo", layer_id="below"))
    taken = override("dan", "2026-01-05T09:00Z", "2026-01-07T09:00Z", replaces="ben")
    asked = ("2026-01-05T09:00Z", "2026-01-07T09:00Z")
    expected = [("01-05 09:00", "01-06 09:00", "ada"), ("01-06 09:00", "01-07 09:00", "dan")]
    assert between(plan, *asked, taken) == expected
    assert between(plan, *asked, taken, disabled={"ben"}) == expected


def test_an_override_fills_in_where_nobody_is() -> None:
    plan = schedule(layer("ada", restrictions=(NIGHTS,)))
    filled = override("ben", "2026-01-06T05:00Z", "2026-01-06T08:00Z")
    found = shifts(plan, [filled], at("2026-01-06T00:00Z"), at("2026-01-06T12:00Z"))
    assert told(found) == [
        ("01-06 00:00", "01-06 05:00", "ada"),
        ("01-06 05:00", "01-06 08:00", "ben"),
    ]
    assert [s.because for s in found] == [plan.layers[0], filled]


def test_an_override_replaces_one_user_in_the_turns_of_that_user_only() -> None:
    plan = schedule(layer("ada", "ben"))
    holiday = override("cleo", "2026-01-05T12:00Z", "2026-01-08T12:00Z", replaces="ben")
    assert between(plan, "2026-01-05T09:00Z", "2026-01-09T09:00Z", holiday) == [
        ("01-05 09:00", "01-06 09:00", "ada"),
        ("01-06 09:00", "01-07 09:00", "cleo"),
        ("01-07 09:00", "01-08 09:00", "ada"),
        ("01-08 09:00", "01-08 12:00", "cleo"),
        ("01-08 12:00", "01-09 09:00", "ben"),
    ]


def test_an_override_that_replaces_leaves_gaps_alone() -> None:
    plan = schedule(layer("ada", restrictions=(NIGHTS,)))
    replaced = override("ben", "2026-01-06T00:00Z", "2026-01-07T00:00Z", replaces="ada")
    assert between(plan, "2026-01-06T00:00Z", "2026-01-07T00:00Z", replaced) == [
        ("01-06 00:00", "01-06 06:00", "ben"),
        ("01-06 22:00", "01-07 00:00", "ben"),
    ]


def test_a_user_of_a_lower_layer_is_not_on_call_and_not_replaced() -> None:
    plan = schedule(layer("ada", priority=1), layer("ben", layer_id="below"))
    replaced = override("cleo", "2026-01-06T00:00Z", "2026-01-07T00:00Z", replaces="ben")
    assert on_call_at(plan, [replaced], at("2026-01-06T12:00Z")) == "ada"
    assert on_call_at(plan, [replaced], at("2026-01-06T12:00Z"), disabled={"ada"}) == "cleo"


DAY = ("2026-01-06T00:00Z", "2026-01-07T00:00Z")
OLD, NEW, NEWEST = "2026-01-01T00:00Z", "2026-01-02T00:00Z", "2026-01-03T00:00Z"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        pytest.param(
            [override("ben", *DAY, created=NEW), override("cleo", *DAY, created=OLD)],
            "ben",
            id="of two that fill in the newest",
        ),
        pytest.param(
            [
                override("ben", *DAY, replaces="ada", created=NEW),
                override("cleo", *DAY, replaces="ada", created=OLD),
            ],
            "ben",
            id="of two that replace the same user the newest",
        ),
        pytest.param(
            [
                override("ben", *DAY, replaces="ada", created=OLD),
                override("cleo", *DAY, replaces="ben", created=NEW),
            ],
            "cleo",
            id="a substitute is replaced",
        ),
        pytest.param(
            [
                override("ben", *DAY, replaces="ada", created=NEW),
                override("cleo", *DAY, replaces="ben", created=OLD),
            ],
            "ben",
            id="not by an older override",
        ),
        pytest.param(
            [
                override("ben", *DAY, created=OLD),
                override("cleo", *DAY, replaces="ben", created=NEW),
            ],
            "cleo",
            id="who fills in is replaced",
        ),
        pytest.param(
            [
                override("ben", *DAY, created=OLD),
                override("cleo", *DAY, replaces="ada", created=NEW),
            ],
            "ben",
            id="who is not on call since another fills in is not replaced",
        ),
        pytest.param(
            [
                override("ben", *DAY, created=NEW),
                override("cleo", *DAY, replaces="ada", created=OLD),
            ],
            "ben",
            id="filling in is newer than a replacement",
        ),
        pytest.param(
            [
                override("ben", *DAY, replaces="ada", created=OLD),
                override("cleo", *DAY, replaces="ben", created=NEW),
                override("dan", *DAY, replaces="ada", created=NEWEST),
            ],
            "dan",
            id="the newest replacement stands above the substitutes of an older one",
        ),
        pytest.param(
            [
                override("ben", *DAY, replaces="ada", created=OLD),
                override("ada", *DAY, replaces="ben", created=NEW),
            ],
            "ada",
            id="there and back",
        ),
        pytest.param(
            [
                override("ben", *DAY, override_id="ovr_1"),
                override("cleo", *DAY, override_id="ovr_2"),
            ],
            "cleo",
            id="of the same age the last id",
        ),
        pytest.param(
            [override("ben", "2026-01-06T12:00Z", DAY[1], created=NEW)],
            "ben",
            id="from its first moment",
        ),
        pytest.param(
            [override("ben", DAY[0], "2026-01-06T12:00Z", created=NEW)],
            "ada",
            id="until just before its end",
        ),
    ],
)
def test_overlapping_overrides(overrides: list[Override], expected: str) -> None:
    plan, noon = schedule(layer("ada")), at("2026-01-06T12:00Z")
    for given in (overrides, overrides[::-1]):
        assert on_call_at(plan, given, noon) == expected
        (shift,) = shifts(plan, given, noon, noon + MOMENT)
        assert shift.user_id == expected


def test_a_disabled_substitute_leaves_the_turn_to_the_one_before() -> None:
    plan, noon = schedule(layer("ada")), at("2026-01-06T12:00Z")
    overrides = [
        override("ben", *DAY, replaces="ada", created=OLD),
        override("cleo", *DAY, replaces="ben", created=NEW),
    ]
    assert on_call_at(plan, overrides, noon, disabled={"ben"}) == "cleo", "moves nobody else"
    assert on_call_at(plan, overrides, noon, disabled={"cleo"}) == "ben"
    assert on_call_at(plan, overrides, noon, disabled={"ben", "cleo"}) == "ada"
    assert on_call_at(plan, overrides, noon, disabled={"ada", "ben", "cleo"}) is None


SCHEDULE = {"id": "s", "name": "S", "zone": "UTC"}
LAYER = {
    "id": "l",
    "name": "L",
    "users": ["ada"],
    "length": {"count": 1, "unit": "WEEKS"},
    "handoff": "09:00",
    "start": "2026-01-05T09:00Z",
}
OVERRIDE = {
    "id": "o",
    "user_id": "ada",
    "start": "2026-01-05T09:00Z",
    "end": "2026-01-06T09:00Z",
    "created_at": "2026-01-01T00:00Z",
}


def plan_of(**fields: object) -> object:
    return Schedule.model_validate(SCHEDULE | {"layers": [LAYER | fields]})


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Atlantis",
        "europe/berlin",
        "Europe",
        "",
        "/etc/localtime",
        "../zoneinfo/UTC",
        "right/UTC",
        "posix/UTC",
        "localtime",
        "Factory",
        "+02:00",
        "zone.tab",
        "nul\0",
        "x" * 1000,
    ],
)
def test_a_zone_is_one_of_the_tz_database(zone: str) -> None:
    with pytest.raises(ValidationError, match="is no zone of the tz database"):
        Schedule.model_validate(SCHEDULE | {"zone": zone})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"end": "2026-01-05T09:00Z"}, "a layer ends after its start"),
        ({"start": "1969-12-31T23:59Z"}, "times between 1970 and 2200"),
        ({"end": "2200-01-01T00:00Z"}, "times between 1970 and 2200"),
        ({"start": "2026-01-05T09:00"}, "timezone"),
        ({"length": {"count": 0, "unit": "WEEKS"}}, "greater than or equal to 1"),
        ({"length": {"count": -1, "unit": "HOURS"}}, "greater than or equal to 1"),
        ({"length": {"count": 367, "unit": "DAYS"}}, "a turn lasts at most 366 days"),
        ({"length": {"count": 10**30, "unit": "WEEKS"}}, "less than or equal to 8784"),
        ({"length": {"count": 1, "unit": "MONTHS"}}, "'HOURS', 'DAYS' or 'WEEKS'"),
        ({"handoff": 22 * 60}, "YAML needs the quotes"),
        ({"handoff": "09:00+02:00"}, "a wall-clock time has no offset"),
        ({"handoff": "09:00:30"}, "a wall-clock time is a whole minute"),
        ({"handoff": "24:00"}, "valid time"),
        ({"restrictions": [{"days": [], "start": "09:00", "end": "17:00"}]}, "at least 1 item"),
        ({"restrictions": [{"days": ["MON"], "start": "09:00", "end": "17:00"}]}, "'MONDAY'"),
        (
            {"restrictions": [{"start": "09:00", "end": "09:00", "end_day": "MONDAY"}]},
            "a restriction that ends when it starts is either nothing or all week",
        ),
    ],
)
def test_a_layer_is_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        plan_of(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"length": {"count": 8784, "unit": "HOURS"}},
        {"length": {"count": 366, "unit": "DAYS"}},
        {"start": "1970-01-01T00:00Z", "end": "2199-12-31T23:59Z"},
        {"restrictions": [{"start": "00:00", "end": "00:00"}]},
        {"users": []},
        {"of a newer version": 1},
    ],
)
def test_a_layer_is_accepted(fields: dict[str, object]) -> None:
    assert plan_of(**fields)


def test_the_layers_of_a_schedule_have_different_ids() -> None:
    with pytest.raises(ValidationError, match="different ids"):
        schedule(layer("ada"), layer("ben"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"end": "2026-01-05T09:00Z"}, "an override ends after its start"),
        ({"end": "2026-01-05T08:00Z"}, "an override ends after its start"),
        ({"replaces": "ada"}, "an override replaces a user by another one"),
        ({"end": "2026-01-06T09:00"}, "timezone"),
        ({"end": "9999-12-31T23:59-01:00"}, "times between 1970 and 2200"),
        ({"start": "0001-01-01T00:00+01:00"}, "times between 1970 and 2200"),
    ],
)
def test_an_override_is_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Override.model_validate(OVERRIDE | fields)


def test_a_schedule_survives_being_stored() -> None:
    plan = schedule(layer("ada", end="2026-02-01T00:00Z", restrictions=(WEEKEND, NIGHTS)))
    assert Schedule.model_validate_json(plan.model_dump_json()) == plan
    assert Schedule.model_validate(plan.model_dump(mode="json")) == plan
