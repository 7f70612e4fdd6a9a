"""Cron expressions, by wall clocks that are changed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.directory.heartbeats import Heartbeat
from opsknight.oncall.cron import cron

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "after", "following"),
    [
        ("30 2 * * *", "2026-11-23T02:29", "2026-11-23T02:30"),
        ("30 2 * * *", "2026-11-23T02:30", "2026-11-24T02:30"),
        ("*/15 * * * *", "2026-11-23T02:31", "2026-11-23T02:45"),
        ("5/20 * * * *", "2026-11-23T02:26", "2026-11-23T02:45"),
        ("0 9-17/4 * * *", "2026-11-23T09:00", "2026-11-23T13:00"),
        # 2026-11-27 is a Friday.
        ("0 8 * * mon-fri", "2026-11-27T08:00", "2026-11-30T08:00"),
        ("0 8 * * 7", "2026-11-27T08:00", "2026-11-29T08:00"),
        ("0 8 * * 5-7", "2026-11-28T08:00", "2026-11-29T08:00"),
        ("0 0 1 jan,JUL *", "2026-11-27T08:00", "2027-01-01T00:00"),
        # Either kind of day.
        ("0 0 13 * fri", "2026-11-27T00:00", "2026-12-04T00:00"),
        ("0 0 13 * fri", "2026-12-11T00:00", "2026-12-13T00:00"),
        ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("@weekly", "2026-11-27T08:00", "2026-11-29T00:00"),
        ("@daily", "2026-11-27T08:00", "2026-11-28T00:00"),
    ],
)
def test_the_time_that_follows(text: str, after: str, following: str) -> None:
    assert cron(text).following(UTC, at(after)) == at(following)


def test_a_time_that_the_clock_leaves_out_comes_when_it_goes_on() -> None:
    spring = cron("30 2 * * *").following(BERLIN, at("2026-03-28T12:00+01:00"))
    assert spring == at("2026-03-29T03:00+02:00")


def test_a_time_that_the_clock_repeats_comes_once() -> None:
    autumn = cron("30 2 * * *")
    first = autumn.following(BERLIN, at("2026-10-24T12:00+02:00"))
    assert first == at("2026-10-25T02:30+02:00")
    assert first is not None
    assert autumn.following(BERLIN, first) == at("2026-10-26T02:30+01:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30 2 * *",
        "0 30 2 * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/999 * * * *",
        "L * * * *",
        "* * ? * *",
        "* * * * mon#1",
        "-1 * * * *",
        "1,,2 * * * *",
        "0 0 31 2 *",
        "@often",
        "²  * * * *",
        f"{'9' * 5000} * * * *",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        cron(text)


def test_the_longest_time_between_two() -> None:
    """An older version watches by that."""
    assert cron("0 8 * * mon-fri").longest(UTC) == timedelta(days=3)
    assert cron("30 2 * * *").longest(BERLIN) == timedelta(days=1, hours=1)
    assert cron("0 0 29 2 *").longest(UTC) == timedelta(days=4 * 365 + 1)


def test_a_beat_a_moment_early_is_that_of_its_time() -> None:
    beats = Heartbeat(every=timedelta(days=1), cron="30 2 * * *", grace=timedelta(minutes=30))
    on_time = at("2026-11-24T03:00")
    assert beats.due_after(at("2026-11-23T02:29:30")) == on_time
    assert beats.due_after(at("2026-11-23T02:31")) == on_time
    assert beats.due_after(at("2026-11-23T02:20")) == at("2026-11-23T03:00")


_FIELDS = st.tuples(
    st.sampled_from(["*", "*/7", "3", "0,30", "10-20"]),
    st.sampled_from(["*", "*/5", "2", "1,2,3", "22-23"]),
    st.sampled_from(["*", "1", "31", "*/10"]),
    st.sampled_from(["*", "2", "3,10", "mar-oct"]),
    st.sampled_from(["*", "0", "7", "mon-fri", "sat"]),
)


@given(
    _FIELDS,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 10 * 366 * 1440).map(lambda minute: at("2020-01-01") + minute * MINUTE),
)
def test_times_follow_each_other_and_match(
    fields: tuple[str, ...], zone: str, after: datetime
) -> None:
    try:
        known = cron(" ".join(fields))
    except ValueError:
        return
    clock = ZoneInfo(zone)
    for _ in range(3):
        following = known.following(clock, after)
        assert following is not None
        assert following > after
        wall = following.astimezone(clock)
        # But for a time in a gap, it is by the wall clock what the fields say.
        before = (following - timedelta(minutes=1)).astimezone(clock)
        if wall.utcoffset() == before.utcoffset():
            assert (wall.minute in known.minutes, wall.hour in known.hours) == (True, True)
        after = following
