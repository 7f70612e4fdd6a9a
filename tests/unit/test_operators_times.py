"""Times and durations as operators write them: read, or rejected with a sentence."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opsknight_cli.session import UsageError
from opsknight_cli.terminal.times import earlier, is_by_a_clock, moment, span

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-25 18:00", "2026-11-25T17:00+00:00"),
        ("2026-11-25T17:00Z", "2026-11-25T17:00+00:00"),
        ("+2h", "2026-11-25T05:00+00:00"),
        # By that clock it is 04:00.
        ("18:00", "2026-11-25T17:00+00:00"),
        ("3:59", "2026-11-26T02:59+00:00"),
        ("04:00", "2026-11-26T03:00+00:00"),
        ("2100-12-31", "2100-12-30T23:00+00:00"),
    ],
)
def test_a_moment_is_by_the_clock_of_the_zone(text: str, at: str) -> None:
    assert moment(text, NOW, ZoneInfo("Europe/Berlin")) == datetime.fromisoformat(at)


def test_a_time_of_a_day_is_the_first_after_another_or_the_last_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    evening = moment("22:00", NOW, berlin)
    assert moment("09:00", NOW, berlin, evening) == evening + timedelta(hours=11)
    assert earlier("04:00", NOW, berlin) == NOW
    assert earlier("18:00", NOW, berlin) == NOW - timedelta(hours=10)
    # The clock jumps over it in the night of that Sunday, to 03:00.
    saturday = datetime(2026, 3, 28, 12, 0, tzinfo=berlin)
    assert moment("02:30", saturday, berlin) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert is_by_a_clock("18:00")


def test_a_duration_alone_is_ago_where_the_past_is_meant() -> None:
    assert earlier("2h", NOW, ZoneInfo("UTC")) == NOW - timedelta(hours=2)
    assert earlier("9999d", NOW, ZoneInfo("UTC")) == NOW - timedelta(days=9999)


@pytest.mark.parametrize("read", [moment, earlier])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31",
        "9999-12-31 23:59",
        "9999-12-31T23:59-12:00",
        "0001-01-01",
        "0001-01-01T00:00+12:00",
        "+9999999d",
        "+9999999w",
        "2102-01-01",
        "1969-01-01",
    ],
)
def test_a_time_at_the_ends_of_the_calendar_is_too_far_away(
    text: str, zone: str, read: Callable[[str, datetime, ZoneInfo], datetime]
) -> None:
    with pytest.raises(UsageError, match=r"is too far away\. Give a time in the years 1970 to"):
        read(text, NOW, ZoneInfo(zone))


@pytest.mark.parametrize(
    "text", ["9999999d", "9999999w", "2026-13-01", "tomorrow", "", "24:00", "8:5"]
)
def test_what_is_no_time_says_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="Write"):
        moment(text, NOW, ZoneInfo("UTC"))


def test_a_long_time_ago_is_too_far_away() -> None:
    with pytest.raises(UsageError, match="too far away"):
        earlier("9999999d", NOW, ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9999999d", "too long. The longest duration is 3650d"),
        ("9999999w", "too long"),
        ("0m", "must be longer than zero"),
        ("soon", "must look like"),
    ],
)
def test_a_duration_that_cannot_be_meant_is_rejected(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        span(text)
    assert span("3650d") == timedelta(days=3650)
