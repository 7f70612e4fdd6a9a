"""Maintenance windows that come once, or again and again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from opsknight.directory.entries import Service
from opsknight.directory.windows import MaintenanceWindow, Occurrence, Repetition
from tests.unit.rotas import at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEGIN = at("2026-10-20T02:00+02:00")


def weekly(**more: object) -> MaintenanceWindow:
    repeats = Repetition.model_validate({"days": 7, "zone": "Europe/Berlin"} | more)
    return MaintenanceWindow(
        id="mw_1", start=BEGIN, end=BEGIN + 2 * HOUR, reason="Backups", repeats=repeats
    )


def once() -> MaintenanceWindow:
    return MaintenanceWindow(id="mw_1", start=BEGIN, end=BEGIN + 2 * HOUR, reason="Upgrade")


def test_one_that_comes_once() -> None:
    window = once()
    assert window.next(BEGIN - DAY) == window.next(BEGIN + HOUR) == (BEGIN, BEGIN + 2 * HOUR)
    assert window.next(BEGIN + 2 * HOUR) is None
    assert (window.in_force(BEGIN - timedelta(seconds=1)), window.in_force(BEGIN)) == (
        None,
        Occurrence(BEGIN, BEGIN + 2 * HOUR),
    )


def test_it_comes_again_at_the_same_time_of_the_day() -> None:
    # The clock went back on 25 October.
    following = weekly().next(BEGIN + DAY)
    assert following == (at("2026-10-27T02:00+01:00"), at("2026-10-27T04:00+01:00"))
    assert weekly().in_force(at("2026-10-27T01:30+01:00")) is None
    assert weekly().in_force(at("2026-10-27T03:59+01:00")) == following


def test_it_never_begins_before_its_first_time() -> None:
    assert weekly().next(BEGIN - 100 * DAY) == (BEGIN, BEGIN + 2 * HOUR)


def test_it_begins_no_more_from_its_end_on() -> None:
    window = weekly(until=BEGIN + 8 * DAY)
    assert window.next(BEGIN + 7 * DAY)
    assert window.next(BEGIN + 8 * DAY) is None


def test_the_one_in_force_can_end_and_the_next_one_comes() -> None:
    now = BEGIN + HOUR
    stopped = weekly().without_current(now)
    assert stopped
    assert stopped.in_force(now) is None
    assert stopped.next(now) == (at("2026-10-27T02:00+01:00"), at("2026-10-27T04:00+01:00"))


@pytest.mark.parametrize("make", [once, weekly], ids=["once", "weekly"])
def test_it_can_be_over_for_good(make: Callable[[], MaintenanceWindow]) -> None:
    window = make()
    over = window.ended(BEGIN + HOUR)
    assert over
    assert over.next(BEGIN + HOUR) is None
    # It is known for a while that it was in force.
    assert over.next(BEGIN - DAY)
    assert window.ended(BEGIN - HOUR) is None


def test_one_that_would_never_end_is_refused() -> None:
    with pytest.raises(ValidationError, match="well before it begins again"):
        MaintenanceWindow(
            id="mw_1",
            start=BEGIN,
            end=BEGIN + 23 * HOUR,
            reason="x",
            repeats=Repetition(days=1, zone="UTC"),
        )


def test_of_several_in_force_the_one_that_ends_last_counts() -> None:
    longer = once().model_copy(update={"id": "mw_2", "end": BEGIN + 3 * HOUR})
    service = Service(id="svc_1", name="S", team_id="t", windows=(weekly(), longer))
    found = service.window_at(BEGIN + HOUR)
    assert found
    assert (found.id, found.end) == ("mw_2", BEGIN + 3 * HOUR)
    later = service.window_at(at("2026-11-03T02:30+01:00"))
    assert later
    assert (later.id, later.end) == ("mw_1", at("2026-11-03T04:00+01:00"))


@given(
    st.integers(0, 400 * 24 * 4),
    st.integers(1, 30),
    st.integers(1, 21),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
)
def test_it_is_in_force_exactly_while_one_of_its_times_lasts(
    quarters: int, days: int, hours: int, zone: str
) -> None:
    window = MaintenanceWindow(
        id="mw_1",
        start=BEGIN,
        end=BEGIN + hours * HOUR,
        reason="x",
        repeats=Repetition(days=days, zone=zone),
    )
    now = BEGIN + quarters * timedelta(minutes=15)
    following = window.next(now)
    assert following
    assert following.end > now
    assert following.end - following.start == hours * HOUR
    assert following.start - now <= days * DAY + HOUR
    current = window.in_force(now)
    assert current == (following if following.start <= now else None)
    if current is None:
        assert window.in_force(now + (following.start - now) / 2) is None
