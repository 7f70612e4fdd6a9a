"""What holds for every schedule, in all zones of the tz database, about the turns of their clocks.

What goes through the zones one by one takes a sample of them in `make test`, all in `make soak`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Override, Schedule, Shift, on_call_at, shifts
from opsknight.oncall.wall_clock import Restriction, Weekday, instant_of, wall_at
from tests.unit.rotas import hours

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MOMENT = timedelta.resolution
SPAN = 16 * DAY

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
# Half-hour DST, a skipped day, clocks turned at midnight, at one minute past it, by two hours,
# twice within Ramadan, a changed standard time, no turns at all.
ODD = [
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "UTC",
]
SAMPLE = sorted({*ODD, *ZONES[::25]})
names = st.sampled_from(ODD) | st.sampled_from(ZONES)
# Since 1973 all offsets are multiples of 15 minutes, which the slow calculations below rely on.
FIRST, LAST = datetime(1973, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)
USERS = ["ada", "ben", "cleo", "dan"]
BY_WALL_CLOCK = [
    hours(1),
    hours(8),
    hours(12),
    hours(48),
    Length(count=1, unit=Unit.DAYS),
    Length(count=3, unit=Unit.DAYS),
    Length(count=1, unit=Unit.WEEKS),
]
BY_REAL_HOURS = [hours(5), hours(36), hours(100)]


def zones(full_size: bool) -> list[str]:
    return ZONES if full_size else SAMPLE


@cache
def clock_turns(name: str) -> tuple[datetime, ...]:
    """When the clock of a zone is turned, found by looking at it."""
    zone = ZoneInfo(name)

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(zone).utcoffset()

    found = []
    step = 5 * DAY
    at = FIRST
    while at < LAST:
        if offset(at) != offset(at + step):
            before, after = at, at + step
            while after - before > MINUTE:
                middle = before + (after - before) // (2 * MINUTE) * MINUTE
                before, after = (
                    (middle, after) if offset(middle) == offset(before) else (before, middle)
                )
            found.append(after)
        at += step
    return tuple(found)


def naive(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def first_minute(zone: ZoneInfo, wall: datetime) -> datetime:
    """When the clock first shows `wall` or later, by watching it for two days."""
    at = wall.replace(tzinfo=UTC) - 26 * HOUR
    while naive(at, zone) < wall:
        at += MINUTE
    return at


def turns_of(name: str) -> tuple[datetime, ...]:
    """At full hours; any day will do where clocks are never turned."""
    turns = clock_turns(name) or (datetime(2026, 3, 29, tzinfo=UTC),)
    return tuple(turn.replace(minute=0) for turn in turns)


def times_about(turn: datetime, days: int) -> st.SearchStrategy[datetime]:
    quarters = days * DAY // QUARTER
    return st.integers(-quarters, quarters).map(lambda number: turn + number * QUARTER)


wall_times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
weekdays = st.sampled_from(Weekday)


@st.composite
def restrictions(draw: st.DrawFn) -> Restriction:
    start, end = draw(wall_times), draw(wall_times)
    days = tuple(draw(st.lists(weekdays, min_size=1, max_size=7, unique=True)))
    end_day = draw(st.none() | weekdays)
    if end_day in days and start == end:
        end_day = None
    return Restriction(days=days, start=start, end=end, end_day=end_day)


@st.composite
def layers(draw: st.DrawFn, turn: datetime, number: int = 0) -> Layer:
    start = draw(times_about(turn, days=20))
    return Layer(
        id=f"layer {number}",
        name="",
        users=tuple(draw(st.lists(st.sampled_from(USERS), max_size=4))),
        length=draw(st.sampled_from(BY_WALL_CLOCK + BY_REAL_HOURS)),
        handoff=draw(wall_times),
        start=start,
        end=draw(st.none() | st.integers(1, 4000).map(lambda n: start + n * QUARTER)),
        restrictions=tuple(draw(st.lists(restrictions(), max_size=3))),
        priority=draw(st.integers(-1, 1)),
    )


@st.composite
def overrides(draw: st.DrawFn, turn: datetime, number: int = 0) -> Override:
    start = draw(times_about(turn, days=10))
    user = draw(st.sampled_from(USERS))
    return Override(
        id=f"override {number}",
        user_id=user,
        replaces=draw(st.none() | st.sampled_from([other for other in USERS if other != user])),
        start=start,
        end=start + draw(st.integers(1, 1500)) * QUARTER,
        created_at=FIRST + draw(st.integers(0, 3)) * DAY,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Schedule, list[Override], frozenset[str], datetime]:
    """A schedule with overrides and disabled users, and a time to look at."""
    name = draw(names)
    turn = draw(st.sampled_from(turns_of(name)))
    return (
        Schedule(
            id="s",
            name="S",
            zone=name,
            layers=tuple(draw(layers(turn, number)) for number in range(draw(st.integers(0, 3)))),
        ),
        [draw(overrides(turn, number)) for number in range(draw(st.integers(0, 4)))],
        frozenset(draw(st.sets(st.sampled_from(USERS), max_size=2))),
        draw(times_about(turn, days=12)),
    )


def user_in(found: tuple[Shift, ...], at: datetime) -> str | None:
    users = [shift.user_id for shift in found if shift.start <= at < shift.end]
    assert len(users) <= 1, "one user at a time"
    return users[0] if users else None


def single(zone: str, length: Length, handoff: time, start: datetime) -> Schedule:
    layer = Layer(id="l", name="", users=tuple(USERS), length=length, handoff=handoff, start=start)
    return Schedule(id="s", name="S", zone=zone, layers=(layer,))


def windows(name: str, full_size: bool) -> Iterator[tuple[Schedule, datetime, datetime]]:
    """Unrestricted layers of all kinds of length, about each turn of the clock in some years."""
    turns = turns_of(name)
    lengths = BY_WALL_CLOCK + BY_REAL_HOURS
    for number, turn in enumerate(turns if full_size else turns[-60::2]):
        length = lengths[number % len(lengths)]
        # Handoffs at the hours and half-hours about the turn, where it bites, and at others.
        handoff = time((number // 3) % 4 if number % 4 else (turn.hour + number) % 24, 30)
        start = turn - timedelta(days=number % 9, hours=number % 24)
        span = min(3 * length.span, timedelta(weeks=4))
        yield single(name, length, handoff, start), start, max(turn, start) + span


@pytest.mark.soak
def test_the_wall_clock_never_runs_backwards(full_size: bool) -> None:
    for name in zones(full_size):
        zone = ZoneInfo(name)
        turns = clock_turns(name)
        for turn in turns if full_size else turns[::12]:
            latest = naive(turn - 2 * DAY, zone)
            for step in range(-180, 180):
                at = turn + step * QUARTER
                latest = max(latest, naive(at - MOMENT, zone))
                assert wall_at(zone, at - MOMENT) == latest, (name, at)
                latest = max(latest, naive(at, zone))
                assert wall_at(zone, at) == latest, (name, at)


@pytest.mark.soak
def test_the_first_instant_of_a_wall_time(full_size: bool) -> None:
    for name in zones(full_size):
        zone = ZoneInfo(name)
        turns = clock_turns(name)
        for turn in turns[-24:] if full_size else turns[-24::8]:
            for minutes in (-60, -30, -15, -1, 0, 1, 15, 30, 45, 60):
                wall = naive(turn, zone) + minutes * MINUTE
                at = instant_of(zone, wall)
                assert at == first_minute(zone, wall), (name, wall)
                assert wall_at(zone, at) >= wall > wall_at(zone, at - MOMENT), (name, wall)


@pytest.mark.soak
def test_the_shifts_of_an_unrestricted_layer_tile_time(full_size: bool) -> None:
    for name in zones(full_size):
        for plan, start, end in windows(name, full_size):
            found = shifts(plan, (), start, end)
            assert (found[0].start, found[-1].end) == (start, end)
            for one, next_one in pairwise(found):
                assert one.end == next_one.start, (name, one.end)
                assert one.user_id != next_one.user_id, (name, one.end)
            assert all(shift.start < shift.end for shift in found)


@pytest.mark.soak
def test_handoffs_are_on_time_and_nobody_is_skipped(full_size: bool) -> None:
    """By the wall clock at the configured time, or at the end of the gap that has it; and the
    number of turns between two shifts is the number of handoffs that the clock has passed.
    """
    for name in zones(full_size):
        zone = ZoneInfo(name)
        for plan, start, end in windows(name, full_size):
            layer = plan.layers[0]
            span = layer.length.span
            found = shifts(plan, (), start, end)
            begins = [shift.start for shift in found[1:]]
            turn = USERS.index(found[0].user_id)
            if layer.length in BY_REAL_HOURS:
                assert {later - begin for begin, later in pairwise(begins)} <= {span}
                assert [USERS.index(s.user_id) for s in found] == [
                    (turn + number) % len(USERS) for number in range(len(found))
                ]
                continue
            handoff = datetime.combine(layer.start.astimezone(zone), layer.handoff)
            while handoff > naive(start, zone):
                handoff -= span
            for one, next_one in pairwise(found):
                at = next_one.start
                before, now = naive(at - MOMENT, zone), naive(at, zone)
                due = []
                while handoff <= now:
                    due += [handoff] if before < handoff else []
                    handoff += span
                assert due, (name, at, "is not at a handoff")
                if now - before == MOMENT:
                    assert due == [now], (name, at, "is no gap")
                    assert at.astimezone(zone).fold == 0, (name, at)
                step = USERS.index(next_one.user_id) - USERS.index(one.user_id)
                assert step % len(USERS) == len(due) % len(USERS), (name, at)


@pytest.mark.soak
@given(data=st.data())
def test_turns_are_those_of_someone_who_watches_the_clock(data: st.DataObject) -> None:
    """A slow calculation with nothing in common: looks at the clock each quarter of an hour,
    remembers the latest time it has shown, and hands over when that reaches the next handoff.
    """
    name = data.draw(names)
    zone = ZoneInfo(name)
    layer = data.draw(layers(data.draw(st.sampled_from(turns_of(name)))))
    plan = Schedule(id="s", name="S", zone=name, layers=(layer,))
    start = layer.start
    span = layer.length.span
    first = datetime.combine(start.astimezone(zone), layer.handoff)
    # In which time handoffs count, and the 50 turns before the first user's.
    by_wall = layer.length in BY_WALL_CLOCK
    begin = first if by_wall else first_minute(zone, first)
    handoff, turn = begin - 50 * span, -51
    at = start - DAY
    latest = naive(at, zone)
    while at < start + SPAN:
        latest = max(latest, naive(at - MOMENT, zone), naive(at, zone))
        while handoff <= (latest if by_wall else at):
            handoff, turn = handoff + span, turn + 1
        expected = None
        if (
            layer.users
            and start <= at
            and (layer.end is None or at < layer.end)
            and (not layer.restrictions or any(covered(r, latest) for r in layer.restrictions))
        ):
            expected = layer.users[turn % len(layer.users)]
        assert on_call_at(plan, (), at) == expected, (name, at)
        at += QUARTER


def covered(restriction: Restriction, wall: datetime) -> bool:
    """By going back through the last eight days, one by one."""
    week = list(Weekday)
    for back in range(8):
        begin = datetime.combine(wall - back * DAY, restriction.start)
        if week[begin.weekday()] not in restriction.days:
            continue
        end = datetime.combine(begin, restriction.end)
        while end <= begin or restriction.end_day not in (None, week[end.weekday()]):
            end += DAY
        if begin <= wall < end:
            return True
    return False


@pytest.mark.soak
@given(situation=situations(), offsets=st.lists(st.integers(0, SPAN // MOMENT), max_size=20))
def test_both_questions_agree_at_every_instant(
    situation: tuple[Schedule, list[Override], frozenset[str], datetime], offsets: list[int]
) -> None:
    plan, given_overrides, disabled, start = situation
    end = start + SPAN
    found = shifts(plan, given_overrides, start, end, disabled=disabled)
    for one, next_one in pairwise(found):
        assert one.end <= next_one.start
        if one.end == next_one.start:
            assert (one.user_id, one.because) != (next_one.user_id, next_one.because), "maximal"
    for shift in found:
        assert start <= shift.start < shift.end <= end
        assert shift.start.tzinfo is UTC
        assert shift.end.tzinfo is UTC
        assert shift.user_id not in disabled
    edges = [at for shift in found for at in (shift.start, shift.end)]
    asked = [start + offset * MOMENT for offset in offsets]
    asked += [edge + nudge for edge in edges for nudge in (-MOMENT, 0 * MOMENT, MOMENT)]
    for at in asked:
        if start <= at < end:
            user = on_call_at(plan, given_overrides, at, disabled=disabled)
            assert user == user_in(found, at), at


@pytest.mark.soak
@given(situation=situations(), cut=st.integers(1, SPAN // QUARTER - 1))
def test_shifts_do_not_depend_on_where_one_looks(
    situation: tuple[Schedule, list[Override], frozenset[str], datetime], cut: int
) -> None:
    plan, given_overrides, disabled, start = situation
    middle, end = start + cut * QUARTER, start + SPAN
    whole = shifts(plan, given_overrides, start, end, disabled=disabled)
    parts = shifts(plan, given_overrides, start, middle, disabled=disabled) + shifts(
        plan, given_overrides, middle, end, disabled=disabled
    )
    for shift in whole:
        inside = [part for part in parts if shift.start <= part.start and part.end <= shift.end]
        assert {(part.user_id, part.because.id) for part in inside} == {
            (shift.user_id, shift.because.id)
        }
    assert sum((s.end - s.start for s in whole), timedelta()) == sum(
        (s.end - s.start for s in parts), timedelta()
    )


@pytest.mark.soak
@given(situation=situations())
def test_the_highest_layer_that_has_someone(
    situation: tuple[Schedule, list[Override], frozenset[str], datetime],
) -> None:
    plan, _, disabled, start = situation
    alone = [
        shifts(plan.model_copy(update={"layers": (layer,)}), (), start, start + SPAN)
        for layer in sorted(plan.layers, key=lambda layer: layer.priority, reverse=True)
    ]
    for at in sorted({start, *(shift.start for found in alone for shift in found)}):
        users = [user for found in alone if (user := user_in(found, at)) not in {None, *disabled}]
        expected = users[0] if users else None
        assert on_call_at(plan, (), at, disabled=disabled) == expected, at


@pytest.mark.soak
@given(situation=situations(), user=st.sampled_from(USERS))
def test_disabling_a_user_changes_nothing_but_the_shifts_of_that_user(
    situation: tuple[Schedule, list[Override], frozenset[str], datetime], user: str
) -> None:
    plan, given_overrides, disabled, start = situation
    end = start + SPAN
    with_user = shifts(plan, given_overrides, start, end, disabled=disabled - {user})
    without = shifts(plan, given_overrides, start, end, disabled=disabled | {user})
    assert user not in {shift.user_id for shift in without}
    for at in sorted({start, *(at for s in with_user + without for at in (s.start, s.end))}):
        before = user_in(with_user, at)
        if before != user:
            assert user_in(without, at) == before, at


@pytest.mark.soak
@given(situation=situations(), data=st.data())
def test_the_newest_override_does_what_it_says_and_nothing_else(
    situation: tuple[Schedule, list[Override], frozenset[str], datetime], data: st.DataObject
) -> None:
    plan, given_overrides, disabled, start = situation
    newest = data.draw(overrides(start, 9)).model_copy(update={"created_at": LAST})
    end = start + SPAN
    before = shifts(plan, given_overrides, start, end, disabled=disabled)
    after = shifts(plan, [newest, *given_overrides], start, end, disabled=disabled)
    in_force = [o for o in given_overrides if o.replaces is not None]
    for at in sorted({start, *(at for s in before + after for at in (s.start, s.end))} - {end}):
        was, now = user_in(before, at), user_in(after, at)
        if not newest.start <= at < newest.end or newest.user_id in disabled:
            assert now == was, at
        elif newest.replaces in (None, was):
            assert now == newest.user_id, at
        elif not any(o.start <= at < o.end for o in in_force):
            assert now == was or newest.replaces in disabled, at
        else:
            assert now in (was, newest.user_id), at
