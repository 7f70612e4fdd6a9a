"""Fixed windows of 60 seconds, aligned to the epoch minute."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from opsknight.directory.rate_limit import LIMIT, WINDOW_SECONDS, Minute

EDGE = datetime(2026, 11, 23, 3, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def test_the_figures_of_the_document() -> None:
    assert (LIMIT, WINDOW_SECONDS) == (120, 60)


def test_a_window_begins_at_the_minute_and_ends_before_the_next() -> None:
    before, at = Minute.of(EDGE - MOMENT), Minute.of(EDGE)
    assert at.number == before.number + 1
    assert before.end == EDGE
    assert Minute.of(EDGE + timedelta(seconds=60) - MOMENT) == at


def test_windows_are_counted_from_the_epoch() -> None:
    assert Minute.of(datetime(1970, 1, 1, tzinfo=UTC)).number == 0
    assert Minute.of(datetime(1970, 1, 1, 1, 0, 59, tzinfo=UTC)).number == 60


def test_a_time_of_another_zone_is_the_same_window() -> None:
    delhi = timezone(timedelta(hours=5, minutes=30))
    assert Minute.of(EDGE.astimezone(delhi)) == Minute.of(EDGE)


@pytest.mark.parametrize(
    ("before_the_end", "left"),
    [(60.0, 60), (59.999999, 60), (59, 59), (1.000001, 2), (1, 1), (0.5, 1), (0.000001, 1)],
    ids=str,
)
def test_seconds_left_are_whole_and_never_too_few(before_the_end: float, left: int) -> None:
    now = EDGE - timedelta(seconds=before_the_end)
    assert Minute(Minute.of(EDGE).number - 1).seconds_left(now) == left


@pytest.mark.parametrize("late", [0, 0.1, 30], ids=str)
def test_seconds_left_are_at_least_one_even_when_it_is_over(late: float) -> None:
    over = Minute(Minute.of(EDGE).number - 1)
    assert over.seconds_left(EDGE + timedelta(seconds=late)) == 1
