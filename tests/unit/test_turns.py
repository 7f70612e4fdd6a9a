"""Turns as people see them, when they are handed over, and what a change does to whom."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.oncall.schedules import Override
from opsknight.oncall.turns import Handover, Turn, differences, handovers, turns
from tests.unit.rotas import at, layer, only, schedule

MONDAY = at("2026-11-23T00:00+00:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = schedule(layer("user_ada", "user_ben"))


def test_layers_of_the_same_user_are_one_turn() -> None:
    both = schedule(
        layer("user_ada", restrictions=(only("09:00", "17:00"),)), layer("user_ada", layer_id="all")
    )
    assert turns(both, (), MONDAY, MONDAY + 3 * DAY) == [Turn(MONDAY, MONDAY + 3 * DAY, "user_ada")]


def test_a_turn_is_handed_over_where_another_user_takes_it() -> None:
    nine = MONDAY + 9 * HOUR
    [found] = handovers(DAILY, (), nine - HOUR, nine, ahead=3 * DAY)
    assert found.turn.start == nine
    assert {found.turn.user_id, found.before} == {"user_ada", "user_ben"}
    assert found.turn.end == nine + DAY
    assert handovers(DAILY, (), nine, nine + 23 * HOUR) == []


def test_office_hours_are_handed_over_once_a_week() -> None:
    weekdays = only("09:00", "17:00", *only("09:00", "17:00").days[:5])
    office = schedule(layer("user_ada", restrictions=(weekdays,)))
    found = handovers(office, (), MONDAY, MONDAY + 14 * DAY)
    assert [each.turn.start for each in found] == [
        MONDAY + 9 * HOUR,
        MONDAY + 7 * DAY + 9 * HOUR,
    ]
    assert {each.before for each in found} == {None}


def test_a_shift_that_is_handed_away_is_not_announced() -> None:
    nine = MONDAY + 9 * HOUR
    [planned] = handovers(DAILY, (), nine - HOUR, nine)
    away = Override(
        id="ovr_1", user_id="user_zoe", start=nine - HOUR, end=nine + 2 * DAY, created_at=MONDAY
    )
    found = handovers(DAILY, (away,), nine - 2 * HOUR, nine + HOUR)
    assert [each.turn.user_id for each in found] == ["user_zoe"]
    assert planned.turn.user_id != "user_zoe"


def test_what_an_override_changes_is_new_for_one_and_gone_for_the_other() -> None:
    nine = MONDAY + 9 * HOUR
    cover = Override(
        id="ovr_1", user_id="user_zoe", start=nine + HOUR, end=nine + 3 * HOUR, created_at=MONDAY
    )
    before = turns(DAILY, (), MONDAY, MONDAY + 7 * DAY)
    after = turns(DAILY, (cover,), MONDAY, MONDAY + 7 * DAY)
    found = differences(before, after)
    loser = before[1].user_id
    span = (nine + HOUR, nine + 3 * HOUR)
    assert found.keys() == {"user_zoe", loser}
    assert found["user_zoe"].new == (Turn(*span, "user_zoe"),)
    assert (found["user_zoe"].gone, found[loser].new) == ((), ())
    assert found[loser].gone == (Turn(*span, loser),)


def test_a_change_that_changes_nothing_for_anybody_is_none() -> None:
    before = turns(DAILY, (), MONDAY, MONDAY + 7 * DAY)
    renamed = DAILY.model_copy(update={"name": "Another name"})
    assert differences(before, turns(renamed, (), MONDAY, MONDAY + 7 * DAY)) == {}


@pytest.mark.parametrize("lead", [DAY, HOUR])
def test_the_first_turn_of_all_is_handed_over_by_nobody(lead: timedelta) -> None:
    new = schedule(layer("user_ada", start="2026-11-24T09:00+00:00"))
    start = at("2026-11-24T09:00+00:00")
    assert handovers(new, (), start - lead, start, ahead=DAY) == [
        Handover(Turn(start, start + DAY, "user_ada"), None)
    ]


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10), st.sampled_from(["a", "b"])), max_size=6
)


def _turns(spans: list[tuple[int, int, str]]) -> list[Turn]:
    return [Turn(MONDAY + s * HOUR, MONDAY + (s + n) * HOUR, who) for s, n, who in spans]


def _hours(found: object) -> set[tuple[int, str]]:
    return {
        (hour, each.user_id)
        for each in found  # type: ignore[attr-defined]
        for hour in range((each.start - MONDAY) // HOUR, (each.end - MONDAY) // HOUR)
    }


@given(SPANS, SPANS)
def test_new_and_gone_are_exactly_the_hours_that_differ(
    was: list[tuple[int, int, str]], becomes: list[tuple[int, int, str]]
) -> None:
    before, after = _turns(was), _turns(becomes)
    found = differences(before, after).values()
    assert _hours(turn for each in found for turn in each.new) == _hours(after) - _hours(before)
    assert _hours(turn for each in found for turn in each.gone) == _hours(before) - _hours(after)
