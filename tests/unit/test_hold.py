"""The rules of the hold: how long, and which time counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.escalation.hold import CATCHING_UP, HIGH_FIRST, KEPT, LONGEST, NO_HOLD, Hold, Spell
from opsknight.notification.reaching import REACHED_WITHIN, TRIED_WITHIN, fails_at

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def held(*spells: tuple[int, int]) -> Hold:
    """Minutes after NOW."""
    return Hold(
        spells=tuple(Spell(start=NOW + a * MINUTE, end=NOW + b * MINUTE) for a, b in spells)
    )


def test_a_hold_is_on_from_its_start_until_it_lapses() -> None:
    hold = NO_HOLD.begun(NOW, 15 * MINUTE, "grace", "deploy")
    assert [hold.is_on(NOW + each * MINUTE) for each in (-1, 0, 14, 15, 16)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_hold_lasts_four_hours_from_its_start_however_often_it_is_renewed() -> None:
    hold = NO_HOLD.begun(NOW, LONGEST, "grace", "")
    later = NOW + timedelta(hours=3)
    with pytest.raises(ValueError):
        hold.begun(later, timedelta(hours=1, seconds=1), "grace", "")
    with pytest.raises(ValueError):
        NO_HOLD.begun(NOW, LONGEST + timedelta(seconds=1), "grace", "")
    assert hold.begun(later, timedelta(hours=1), "grace", "").spells[0].end == NOW + LONGEST
    assert len(hold.begun(later, timedelta(hours=1), "grace", "").spells) == 1


def test_ending_a_hold_leaves_what_it_was_and_old_ones_are_forgotten() -> None:
    hold = NO_HOLD.begun(NOW, 15 * MINUTE, "grace", "").ended(NOW + 5 * MINUTE)
    assert hold == Hold(spells=(Spell(start=NOW, end=NOW + 5 * MINUTE, by="grace"),))
    assert hold.ended(NOW + 6 * MINUTE) == hold
    later = NOW + 5 * MINUTE + KEPT
    assert len(hold.begun(later - MINUTE, MINUTE, "", "").spells) == 2
    assert len(hold.begun(later, MINUTE, "", "").spells) == 1


@pytest.mark.parametrize(
    ("spells", "start", "lasts", "expected"),
    [
        ([], 0, 5, 5),
        # Before it, after it, around it, within it.
        ([(10, 20)], 0, 5, 5),
        ([(10, 20)], 23, 5, 28),
        ([(10, 20)], 8, 5, 26),
        ([(10, 20)], 15, 5, 28),
        # Catching up counts for nothing, too.
        ([(10, 20)], 21, 5, 28),
        # One that begins while the first is caught up with; and one further on.
        ([(10, 20), (21, 30)], 8, 5, 36),
        ([(10, 20), (40, 50)], 8, 20, 54),
    ],
)
def test_time_under_hold_does_not_count(
    spells: list[tuple[int, int]], start: int, lasts: int, expected: int
) -> None:
    assert timedelta(minutes=3) == CATCHING_UP
    found = held(*spells).counted(NOW + start * MINUTE, lasts * MINUTE)
    assert (found - NOW) / MINUTE == expected


@given(
    st.lists(st.integers(0, 500), min_size=2, max_size=8, unique=True),
    st.integers(0, 500),
    st.integers(0, 60),
)
def test_as_much_time_counts_as_was_asked_for(edges: list[int], start: int, lasts: int) -> None:
    edges = sorted(edges[: len(edges) // 2 * 2])
    spells = list(zip(edges[::2], edges[1::2], strict=True))
    found = held(*spells).counted(NOW + start * MINUTE, lasts * MINUTE)
    end = int((found - NOW) / MINUTE)
    counted = [
        minute
        for minute in range(start, end)
        if not any(a <= minute < b + CATCHING_UP / MINUTE for a, b in spells)
    ]
    assert len(counted) == lasts


def test_what_is_overdue_was_not_late_under_the_hold() -> None:
    hold = held((10, 20))
    assert hold.lateness(NOW, NOW + 30 * MINUTE) == 20 * MINUTE
    assert hold.lateness(NOW + 12 * MINUTE, NOW + 15 * MINUTE) == timedelta()
    assert hold.lateness(NOW + 25 * MINUTE, NOW + 30 * MINUTE) == 5 * MINUTE


def test_just_after_a_hold_others_wait_for_what_is_high() -> None:
    hold, until = held((10, 20)), NOW + 20 * MINUTE + HIGH_FIRST
    assert hold.others_wait_until(NOW + 9 * MINUTE) is None
    assert hold.others_wait_until(NOW + 20 * MINUTE) == until
    assert hold.others_wait_until(until) is None


def test_an_untried_page_fails_later_by_the_time_under_hold() -> None:
    deadline = NOW + REACHED_WITHIN
    assert fails_at((), deadline) == NOW + TRIED_WITHIN
    hold = NO_HOLD.begun(NOW + MINUTE, 30 * MINUTE, "grace", "")
    assert fails_at((), deadline, hold) == NOW + TRIED_WITHIN + 30 * MINUTE + CATCHING_UP
