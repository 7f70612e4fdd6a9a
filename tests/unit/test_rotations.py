"""Turns, handoffs and restrictions of one layer; the expected instants are worked out by hand."""

import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from opsknight.oncall.rotations import Length
from opsknight.oncall.schedules import on_call_at, shifts
from opsknight.oncall.wall_clock import Restriction, Weekday
from tests.unit.rotas import (
    DAILY,
    NIGHTS,
    WEEKEND,
    WEEKLY,
    at,
    between,
    hours,
    layer,
    only,
    schedule,
)

MOMENT = timedelta(microseconds=1)


def test_users_take_turns_in_order() -> None:
    plan = schedule(layer("ada", "ben", "cleo"))
    assert between(plan, "2026-01-05T00:00Z", "2026-01-09T00:00Z") == [
        ("01-05 09:00", "01-06 09:00", "ada"),
        ("01-06 09:00", "01-07 09:00", "ben"),
        ("01-07 09:00", "01-08 09:00", "cleo"),
        ("01-08 09:00", "01-09 00:00", "ada"),
    ]


def test_a_shift_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    plan = schedule(layer("ada", "ben"))
    handoff = at("2026-01-06T09:00Z")
    assert on_call_at(plan, (), handoff - MOMENT) == "ada"
    assert on_call_at(plan, (), handoff) == "ben"


def test_the_weekday_of_the_start_is_that_of_the_handoff() -> None:
    plan = schedule(layer("ada", "ben", length=WEEKLY, start="2026-01-07T15:00Z"))
    assert between(plan, "2026-01-01T00:00Z", "2026-01-22T00:00Z") == [
        ("01-07 15:00", "01-14 09:00", "ada"),
        ("01-14 09:00", "01-21 09:00", "ben"),
        ("01-21 09:00", "01-22 00:00", "ada"),
    ]


def test_the_day_of_the_start_is_a_day_in_the_zone() -> None:
    # 23:00 UTC on Sunday is Monday in Auckland, so handoffs are on Mondays at 09:00+13:00.
    plan = schedule(
        layer("ada", "ben", length=WEEKLY, start="2026-01-04T23:00Z"), zone="Pacific/Auckland"
    )
    assert between(plan, "2026-01-04T00:00Z", "2026-01-12T00:00Z") == [
        ("01-04 23:00", "01-11 20:00", "ada"),
        ("01-11 20:00", "01-12 00:00", "ben"),
    ]


def test_a_start_before_the_handoff_of_its_day_falls_into_the_turn_before() -> None:
    plan = schedule(layer("day", "night", length=hours(12), start="2026-01-05T00:00Z"))
    assert between(plan, "2026-01-05T00:00Z", "2026-01-06T00:00Z") == [
        ("01-05 00:00", "01-05 09:00", "night"),
        ("01-05 09:00", "01-05 21:00", "day"),
        ("01-05 21:00", "01-06 00:00", "night"),
    ]


def test_of_three_the_last_has_what_is_before_the_first_handoff() -> None:
    """The example of docs/configuration.md."""
    plan = schedule(layer("ada", "ben", "cem", start="2026-01-05T08:00Z"))
    assert between(plan, "2026-01-05T00:00Z", "2026-01-07T00:00Z") == [
        ("01-05 08:00", "01-05 09:00", "cem"),
        ("01-05 09:00", "01-06 09:00", "ada"),
        ("01-06 09:00", "01-07 00:00", "ben"),
    ]


def test_a_layer_has_nobody_before_its_start_and_from_its_end() -> None:
    plan = schedule(layer("ada", end="2026-01-06T10:00Z"))
    assert between(plan, "2026-01-01T00:00Z", "2026-02-01T00:00Z") == [
        ("01-05 09:00", "01-06 10:00", "ada")
    ]
    assert on_call_at(plan, (), at("2026-01-05T09:00Z") - MOMENT) is None
    assert on_call_at(plan, (), at("2026-01-06T10:00Z")) is None


def test_a_user_may_come_several_times() -> None:
    plan = schedule(layer("ada", "ada", "ben"))
    assert between(plan, "2026-01-05T09:00Z", "2026-01-09T09:00Z") == [
        ("01-05 09:00", "01-07 09:00", "ada"),
        ("01-07 09:00", "01-08 09:00", "ben"),
        ("01-08 09:00", "01-09 09:00", "ada"),
    ]


def test_nobody() -> None:
    when = at("2026-01-06T09:00Z")
    for plan in (schedule(), schedule(layer())):
        assert on_call_at(plan, (), when) is None
        assert shifts(plan, (), when, when + timedelta(days=9)) == ()


def test_no_time_has_no_shifts() -> None:
    plan, when = schedule(layer("ada")), at("2026-01-06T09:00Z")
    assert shifts(plan, (), when, when) == ()
    assert shifts(plan, (), when, when - MOMENT) == ()


def test_shifts_are_in_utc_whatever_the_zone_of_the_question() -> None:
    plan = schedule(layer("ada"))
    start = datetime.fromisoformat("2026-01-06T02:00+05:00")
    (shift,) = shifts(plan, (), start, start + timedelta(hours=1))
    assert (shift.start.tzinfo, shift.end.tzinfo) == (UTC, UTC)
    assert shift.start == start


@pytest.mark.parametrize(
    ("zone", "handoff", "length", "starts"),
    [
        pytest.param(
            "Europe/Berlin",
            "02:30",
            DAILY,
            ["2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
            id="an hour is skipped",
        ),
        pytest.param(
            "Europe/Berlin",
            "02:30",
            DAILY,
            ["2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
            id="an hour comes twice",
        ),
        pytest.param(
            "Europe/Berlin",
            "03:00",
            DAILY,
            ["2026-10-24T03:00+02:00", "2026-10-25T03:00+01:00", "2026-10-26T03:00+01:00"],
            id="the end of the hour that comes twice comes once",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "02:15",
            DAILY,
            ["2026-10-03T02:15+10:30", "2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
            id="half an hour is skipped",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "01:45",
            DAILY,
            ["2026-04-04T01:45+11:00", "2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
            id="half an hour comes twice",
        ),
        pytest.param(
            "America/Sao_Paulo",
            "00:00",
            DAILY,
            ["2018-11-03T00:00-03:00", "2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"],
            id="midnight is skipped in Brazil",
        ),
        pytest.param(
            "America/Sao_Paulo",
            "00:00",
            DAILY,
            ["2019-02-16T00:00-02:00", "2019-02-17T00:00-03:00", "2019-02-18T00:00-03:00"],
            id="the clock is put back at midnight in Brazil",
        ),
        pytest.param(
            "America/Sao_Paulo",
            "23:30",
            DAILY,
            ["2019-02-15T23:30-02:00", "2019-02-16T23:30-02:00", "2019-02-17T23:30-03:00"],
            id="the hour before midnight comes twice in Brazil",
        ),
        pytest.param(
            "Asia/Beirut",
            "00:00",
            DAILY,
            ["2024-03-30T00:00+02:00", "2024-03-31T01:00+03:00", "2024-04-01T00:00+03:00"],
            id="midnight is skipped in Lebanon",
        ),
        pytest.param(
            "Asia/Pyongyang",
            "23:45",
            DAILY,
            ["2018-05-03T23:45+08:30", "2018-05-05T00:00+09:00", "2018-05-05T23:45+09:00"],
            id="another standard time",
        ),
        pytest.param(
            "Pacific/Apia",
            "09:00",
            DAILY,
            ["2011-12-29T09:00-10:00", "2011-12-31T00:00+14:00", "2011-12-31T09:00+14:00"],
            id="a day is skipped",
        ),
        pytest.param(
            "Europe/Berlin",
            "08:00",
            WEEKLY,
            ["2026-03-23T08:00+01:00", "2026-03-30T08:00+02:00", "2026-04-06T08:00+02:00"],
            id="weeks keep the time of day in spring",
        ),
        pytest.param(
            "Europe/Berlin",
            "08:00",
            hours(48),
            ["2026-10-23T08:00+02:00", "2026-10-25T08:00+01:00", "2026-10-27T08:00+01:00"],
            id="48 hours are two days of the calendar",
        ),
        pytest.param(
            "Europe/Berlin",
            "20:00",
            hours(12),
            ["2026-03-28T20:00+01:00", "2026-03-29T08:00+02:00", "2026-03-29T20:00+02:00"],
            id="12 hours divide the day, even one of 23 hours",
        ),
        pytest.param(
            "Europe/Berlin",
            "08:00",
            hours(36),
            ["2026-03-28T08:00+01:00", "2026-03-29T21:00+02:00", "2026-03-31T09:00+02:00"],
            id="36 hours are real ones",
        ),
        pytest.param(
            "Europe/Berlin",
            "22:00",
            hours(5),
            ["2026-10-24T22:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T07:00+01:00"],
            id="5 hours are real ones",
        ),
        pytest.param(
            "Europe/Berlin",
            "02:30",
            hours(36),
            ["2026-03-29T03:00+02:00", "2026-03-30T15:00+02:00", "2026-04-01T03:00+02:00"],
            id="real hours count from a first handoff in the gap",
        ),
    ],
)
def test_handoffs(zone: str, handoff: str, length: Length, starts: list[str]) -> None:
    first, second, third = map(at, starts)
    plan = schedule(
        layer("ada", "ben", "cleo", length=length, handoff=handoff, start=starts[0]), zone=zone
    )
    found = shifts(plan, (), first, third + MOMENT)
    assert [(s.start, s.user_id) for s in found] == [
        (first, "ada"),
        (second, "ben"),
        (third, "cleo"),
    ]
    for begin, end, user in ((first, second, "ada"), (second, third, "ben")):
        while begin < end:
            assert on_call_at(plan, (), begin) == user, begin
            begin += timedelta(minutes=15)
        assert on_call_at(plan, (), end - MOMENT) == user


def test_turns_that_begin_in_one_gap_are_empty_but_the_last() -> None:
    plan = schedule(
        layer(
            "ada", "ben", "cleo", length=hours(12), handoff="09:00", start="2011-12-29T09:00-10:00"
        ),
        zone="Pacific/Apia",
    )
    # 30 December does not exist: neither does the turn of cleo, which is all within it.
    assert between(plan, "2011-12-29T19:00Z", "2011-12-31T07:00Z") == [
        ("12-29 19:00", "12-30 07:00", "ada"),
        ("12-30 07:00", "12-30 10:00", "ben"),
        ("12-30 10:00", "12-30 19:00", "ada"),
        ("12-30 19:00", "12-31 07:00", "ben"),
    ]


def test_an_hour_that_comes_twice_belongs_to_one_turn() -> None:
    plan = schedule(
        layer("ada", "ben", "cleo", length=hours(1), start="2026-10-25T01:00+02:00"),
        zone="Europe/Berlin",
    )
    # The turns begin at 01:00, 02:00 (which lasts two hours) and 03:00 by the wall clock.
    found = between(plan, "2026-10-24T23:00Z", "2026-10-25T03:00Z")
    assert [(start[6:], end[6:]) for start, end, _ in found] == [
        ("23:00", "00:00"),
        ("00:00", "02:00"),
        ("02:00", "03:00"),
    ]
    assert len({user for *_, user in found}) == 3


def test_an_old_layer_is_no_more_work_than_a_new_one() -> None:
    def steps(length: Length, when: str) -> int:
        plan = schedule(
            layer("ada", "ben", length=length, start="1970-01-05T09:00Z"), zone="Europe/Berlin"
        )
        taken = 0

        def step(_frame: FrameType, _event: str, _argument: Any) -> None:
            nonlocal taken
            taken += 1

        sys.setprofile(step)
        try:
            on_call_at(plan, (), at(when))
        finally:
            sys.setprofile(None)
        return taken

    for length in (hours(1), hours(7)):
        assert steps(length, "2199-07-01T12:00Z") <= steps(length, "1970-07-01T12:00Z") + 50


@pytest.mark.parametrize(
    ("restriction", "inside", "outside"),
    [
        pytest.param(
            NIGHTS,
            ["2026-01-12T22:00Z", "2026-01-13T00:00Z", "2026-01-13T05:59Z"],
            ["2026-01-12T21:59Z", "2026-01-13T06:00Z", "2026-01-13T12:00Z"],
            id="every night",
        ),
        pytest.param(
            only("22:00", "06:00", Weekday.SUNDAY),
            ["2026-01-11T22:00Z", "2026-01-12T05:59Z"],
            ["2026-01-11T05:00Z", "2026-01-12T22:00Z", "2026-01-12T06:00Z"],
            id="a night belongs to the day it begins on, across the end of the week",
        ),
        pytest.param(
            WEEKEND,
            ["2026-01-09T18:00Z", "2026-01-11T23:59Z", "2026-01-12T00:00Z", "2026-01-12T07:59Z"],
            ["2026-01-09T17:59Z", "2026-01-12T08:00Z", "2026-01-14T18:00Z"],
            id="Friday evening to Monday morning",
        ),
        pytest.param(
            only("00:00", "00:00", Weekday.SATURDAY, Weekday.SUNDAY),
            ["2026-01-10T00:00Z", "2026-01-11T12:00Z", "2026-01-11T23:59Z"],
            ["2026-01-09T23:59Z", "2026-01-12T00:00Z"],
            id="whole days",
        ),
        pytest.param(
            only("12:00", "11:00", Weekday.MONDAY, end_day=Weekday.MONDAY),
            ["2026-01-12T12:00Z", "2026-01-15T00:00Z", "2026-01-12T10:59Z"],
            ["2026-01-12T11:00Z", "2026-01-12T11:59Z"],
            id="all week but an hour",
        ),
        pytest.param(
            only("09:00", "17:30", Weekday.MONDAY),
            ["2026-01-12T09:00Z", "2026-01-12T17:29Z", "2026-01-19T09:00Z"],
            ["2026-01-12T08:59Z", "2026-01-12T17:30Z", "2026-01-13T09:00Z"],
            id="office hours of one day",
        ),
    ],
)
def test_a_layer_counts_within_its_restriction(
    restriction: Restriction, inside: list[str], outside: list[str]
) -> None:
    plan = schedule(layer("ada", restrictions=(restriction,)))
    for when in inside:
        assert on_call_at(plan, (), at(when)) == "ada", when
    for when in outside:
        assert on_call_at(plan, (), at(when)) is None, when


def test_a_layer_counts_while_any_of_its_restrictions_does() -> None:
    office = only("09:00", "17:00", Weekday.FRIDAY)
    plan = schedule(layer("ada", restrictions=(office, WEEKEND)))
    assert between(plan, "2026-01-09T00:00Z", "2026-01-13T00:00Z") == [
        ("01-09 09:00", "01-09 17:00", "ada"),
        ("01-09 18:00", "01-12 08:00", "ada"),
    ]


def test_turns_go_on_outside_of_restrictions() -> None:
    office = only("10:00", "16:00")
    plan = schedule(layer("ada", "ben", length=hours(12), handoff="12:00", restrictions=(office,)))
    assert between(plan, "2026-01-06T00:00Z", "2026-01-07T00:00Z") == [
        ("01-06 10:00", "01-06 12:00", "ben"),
        ("01-06 12:00", "01-06 16:00", "ada"),
    ]


@pytest.mark.parametrize(
    ("start", "end", "day", "expected"),
    [
        ("02:30", "06:00", "2026-03-29", ["2026-03-29T03:00+02:00", "2026-03-29T06:00+02:00"]),
        ("22:00", "02:30", "2026-03-28", ["2026-03-28T22:00+01:00", "2026-03-29T03:00+02:00"]),
        ("02:15", "02:45", "2026-03-29", []),
        ("02:30", "06:00", "2026-10-25", ["2026-10-25T02:30+02:00", "2026-10-25T06:00+01:00"]),
        ("22:00", "02:30", "2026-10-24", ["2026-10-24T22:00+02:00", "2026-10-25T02:30+02:00"]),
        ("02:00", "03:00", "2026-10-25", ["2026-10-25T02:00+02:00", "2026-10-25T03:00+01:00"]),
    ],
    ids=[
        "begins in a gap",
        "ends in a gap",
        "is all within a gap",
        "begins in an hour that comes twice",
        "ends in an hour that comes twice",
        "is the hour that comes twice",
    ],
)
def test_restrictions_follow_the_wall_clock(
    start: str, end: str, day: str, expected: list[str]
) -> None:
    weekday = list(Weekday)[datetime.fromisoformat(day).weekday()]
    plan = schedule(
        layer("ada", restrictions=(only(start, end, weekday),)),
        zone="Europe/Berlin",
    )
    noon = at(f"{day}T12:00Z")
    around = shifts(plan, (), noon - timedelta(days=1), noon + timedelta(days=1))
    assert [edge for s in around for edge in (s.start, s.end)] == [at(edge) for edge in expected]
    for shift in around:
        assert on_call_at(plan, (), shift.start - MOMENT) is None
        assert on_call_at(plan, (), shift.start) == "ada"
        assert on_call_at(plan, (), shift.end - MOMENT) == "ada"
        assert on_call_at(plan, (), shift.end) is None
    for step in range(-96, 96):
        when = noon + step * timedelta(minutes=15)
        inside = any(shift.start <= when < shift.end for shift in around)
        assert (on_call_at(plan, (), when) is not None) == inside, when


def test_the_layer_brings_the_zones() -> None:
    """The Lambda runtime has no zone files; without any, zoneinfo reads the package tzdata."""
    lock = (Path(__file__).parents[2] / "layers/common/requirements.txt").read_text("utf-8")
    assert "\ntzdata==" in lock
    zoneinfo.reset_tzpath(to=())
    try:
        berlin = zoneinfo.ZoneInfo.no_cache("Europe/Berlin")
    finally:
        zoneinfo.reset_tzpath()
    assert at("2026-07-01T12:00Z").astimezone(berlin).hour == 14
