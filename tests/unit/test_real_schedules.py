"""Schedules as teams have them, about the days on which clocks are turned.

Every expected instant is written by hand, with its offset, from a calendar and the dates on which
each country turns its clocks in 2026: Germany and Britain on 29 March and 25 October at 01:00 UTC,
the United States on 8 March and 1 November at 02:00 local time.
"""

from datetime import datetime

from opsknight.oncall.schedules import Override, Schedule, on_call_at, shifts
from opsknight.oncall.wall_clock import Weekday
from tests.unit.rotas import WEEKEND, WEEKLY, at, hours, layer, only, override, schedule

MONDAY_TO_FRIDAY = only("08:00", "18:00", Weekday.MONDAY, end_day=Weekday.FRIDAY)


def check(
    plan: Schedule, expected: str, *overrides: Override, disabled: frozenset[str] = frozenset()
) -> None:
    """`expected` has a line for each shift: start, end, user."""
    lines = [line.split() for line in expected.strip().splitlines()]
    planned = [(at(start), at(end), user) for start, end, user in lines]
    start, end = planned[0][0], planned[-1][1]
    found = shifts(plan, overrides, start, end, disabled=disabled)
    assert [(s.start, s.end, s.user_id) for s in found] == planned
    for begin, until, user in planned:
        for when in (begin, begin + (until - begin) / 2, until - datetime.resolution):
            assert on_call_at(plan, overrides, when, disabled=disabled) == user, when


FOLLOW_THE_SUN = schedule(
    layer("europe", "america", "asia", length=hours(8), handoff="08:00", start="2026-03-02T08:00Z"),
    zone="Europe/London",
)


def test_follow_the_sun_in_three_shifts_of_eight_hours_in_spring() -> None:
    check(
        FOLLOW_THE_SUN,
        """
        2026-03-28T08:00+00:00  2026-03-28T16:00+00:00  europe
        2026-03-28T16:00+00:00  2026-03-29T00:00+00:00  america
        2026-03-29T00:00+00:00  2026-03-29T08:00+01:00  asia
        2026-03-29T08:00+01:00  2026-03-29T16:00+01:00  europe
        2026-03-29T16:00+01:00  2026-03-30T00:00+01:00  america
        2026-03-30T00:00+01:00  2026-03-30T08:00+01:00  asia
        """,
    )


def test_follow_the_sun_in_three_shifts_of_eight_hours_in_autumn() -> None:
    check(
        FOLLOW_THE_SUN,
        """
        2026-10-24T08:00+01:00  2026-10-24T16:00+01:00  europe
        2026-10-24T16:00+01:00  2026-10-25T00:00+01:00  america
        2026-10-25T00:00+01:00  2026-10-25T08:00+00:00  asia
        2026-10-25T08:00+00:00  2026-10-25T16:00+00:00  europe
        2026-10-25T16:00+00:00  2026-10-26T00:00+00:00  america
        2026-10-26T00:00+00:00  2026-10-26T08:00+00:00  asia
        """,
    )


# Each region has its hours, and two people who take weeks in turn.
REGIONS = schedule(
    layer(
        "aiko",
        "bao",
        length=WEEKLY,
        handoff="22:00",
        start="2026-01-04T22:00Z",
        restrictions=(only("22:00", "06:00"),),
        layer_id="asia",
    ),
    layer(
        "carla",
        "dirk",
        length=WEEKLY,
        handoff="06:00",
        start="2026-01-05T06:00Z",
        restrictions=(only("06:00", "14:00"),),
        layer_id="europe",
    ),
    layer(
        "eve",
        "finn",
        length=WEEKLY,
        handoff="14:00",
        start="2026-01-05T14:00Z",
        restrictions=(only("14:00", "22:00"),),
        layer_id="america",
    ),
)


def test_follow_the_sun_with_a_rotation_in_each_region() -> None:
    check(
        REGIONS,
        """
        2026-01-10T22:00Z  2026-01-11T06:00Z  aiko
        2026-01-11T06:00Z  2026-01-11T14:00Z  carla
        2026-01-11T14:00Z  2026-01-11T22:00Z  eve
        2026-01-11T22:00Z  2026-01-12T06:00Z  bao
        2026-01-12T06:00Z  2026-01-12T14:00Z  dirk
        2026-01-12T14:00Z  2026-01-12T22:00Z  finn
        2026-01-12T22:00Z  2026-01-13T06:00Z  bao
        """,
    )
    check(
        REGIONS,
        """
        2026-01-18T14:00Z  2026-01-18T22:00Z  finn
        2026-01-18T22:00Z  2026-01-19T06:00Z  aiko
        2026-01-19T06:00Z  2026-01-19T14:00Z  carla
        """,
    )


def test_a_holiday_in_one_region() -> None:
    holiday = override("gus", "2026-01-12T00:00Z", "2026-01-13T10:00Z", replaces="dirk")
    check(
        REGIONS,
        """
        2026-01-11T22:00Z  2026-01-12T06:00Z  bao
        2026-01-12T06:00Z  2026-01-12T14:00Z  gus
        2026-01-12T14:00Z  2026-01-12T22:00Z  finn
        2026-01-12T22:00Z  2026-01-13T06:00Z  bao
        2026-01-13T06:00Z  2026-01-13T10:00Z  gus
        2026-01-13T10:00Z  2026-01-13T14:00Z  dirk
        """,
        holiday,
    )


WEEKDAYS_AND_WEEKENDS = schedule(
    layer(
        "anna",
        "bert",
        length=WEEKLY,
        handoff="08:00",
        start="2026-03-16T08:00+01:00",
        restrictions=(MONDAY_TO_FRIDAY,),
        layer_id="weekdays",
    ),
    layer(
        "clara",
        "dora",
        "emil",
        length=WEEKLY,
        handoff="18:00",
        start="2026-03-13T18:00+01:00",
        restrictions=(WEEKEND,),
        layer_id="weekends",
    ),
    zone="Europe/Berlin",
)


def test_weekdays_and_weekends_in_spring() -> None:
    check(
        WEEKDAYS_AND_WEEKENDS,
        """
        2026-03-23T08:00+01:00  2026-03-27T18:00+01:00  bert
        2026-03-27T18:00+01:00  2026-03-30T08:00+02:00  emil
        2026-03-30T08:00+02:00  2026-04-03T18:00+02:00  anna
        2026-04-03T18:00+02:00  2026-04-06T08:00+02:00  clara
        2026-04-06T08:00+02:00  2026-04-10T18:00+02:00  bert
        """,
    )


def test_weekdays_and_weekends_in_autumn() -> None:
    # 19 October is 31 weeks after 16 March, 23 October is 32 weeks after 13 March.
    check(
        WEEKDAYS_AND_WEEKENDS,
        """
        2026-10-19T08:00+02:00  2026-10-23T18:00+02:00  bert
        2026-10-23T18:00+02:00  2026-10-26T08:00+01:00  emil
        2026-10-26T08:00+01:00  2026-10-30T18:00+01:00  anna
        2026-10-30T18:00+01:00  2026-11-02T08:00+01:00  clara
        """,
    )


def test_easter_is_a_long_weekend() -> None:
    good_friday = override("clara", "2026-04-03T00:00+02:00", "2026-04-03T18:00+02:00")
    easter_monday = override("dora", "2026-04-06T08:00+02:00", "2026-04-07T08:00+02:00")
    check(
        WEEKDAYS_AND_WEEKENDS,
        """
        2026-03-30T08:00+02:00  2026-04-03T00:00+02:00  anna
        2026-04-03T00:00+02:00  2026-04-03T18:00+02:00  clara
        2026-04-03T18:00+02:00  2026-04-06T08:00+02:00  clara
        2026-04-06T08:00+02:00  2026-04-07T08:00+02:00  dora
        2026-04-07T08:00+02:00  2026-04-10T18:00+02:00  bert
        """,
        good_friday,
        easter_monday,
    )


def test_somebody_leaves_and_the_others_keep_their_weekends() -> None:
    check(
        WEEKDAYS_AND_WEEKENDS,
        """
        2026-03-23T08:00+01:00  2026-03-27T18:00+01:00  bert
        2026-03-30T08:00+02:00  2026-04-03T18:00+02:00  anna
        2026-04-03T18:00+02:00  2026-04-06T08:00+02:00  clara
        2026-04-06T08:00+02:00  2026-04-10T18:00+02:00  bert
        2026-04-10T18:00+02:00  2026-04-13T08:00+02:00  dora
        """,
        disabled=frozenset({"emil"}),
    )


DAY_AND_NIGHT = schedule(
    layer("day", "night", length=hours(12), handoff="07:00", start="2026-03-02T07:00-05:00"),
    zone="America/New_York",
)


def test_twelve_hours_of_day_and_of_night_in_spring() -> None:
    check(
        DAY_AND_NIGHT,
        """
        2026-03-07T07:00-05:00  2026-03-07T19:00-05:00  day
        2026-03-07T19:00-05:00  2026-03-08T07:00-04:00  night
        2026-03-08T07:00-04:00  2026-03-08T19:00-04:00  day
        2026-03-08T19:00-04:00  2026-03-09T07:00-04:00  night
        """,
    )


def test_twelve_hours_of_day_and_of_night_in_autumn() -> None:
    check(
        DAY_AND_NIGHT,
        """
        2026-10-31T07:00-04:00  2026-10-31T19:00-04:00  day
        2026-10-31T19:00-04:00  2026-11-01T07:00-05:00  night
        2026-11-01T07:00-05:00  2026-11-01T19:00-05:00  day
        2026-11-01T19:00-05:00  2026-11-02T07:00-05:00  night
        """,
    )


def test_days_and_nights_with_people_who_take_weeks_in_turn() -> None:
    plan = schedule(
        layer(
            "ann",
            "bob",
            length=WEEKLY,
            handoff="07:00",
            start="2026-03-02T07:00-05:00",
            restrictions=(only("07:00", "19:00"),),
            layer_id="days",
        ),
        layer(
            "cat",
            "dan",
            length=WEEKLY,
            handoff="19:00",
            start="2026-03-02T19:00-05:00",
            restrictions=(only("19:00", "07:00"),),
            layer_id="nights",
        ),
        zone="America/New_York",
    )
    check(
        plan,
        """
        2026-03-07T07:00-05:00  2026-03-07T19:00-05:00  ann
        2026-03-07T19:00-05:00  2026-03-08T07:00-04:00  cat
        2026-03-08T07:00-04:00  2026-03-08T19:00-04:00  ann
        2026-03-08T19:00-04:00  2026-03-09T07:00-04:00  cat
        2026-03-09T07:00-04:00  2026-03-09T19:00-04:00  bob
        2026-03-09T19:00-04:00  2026-03-10T07:00-04:00  dan
        2026-03-10T07:00-04:00  2026-03-10T19:00-04:00  bob
        """,
    )
