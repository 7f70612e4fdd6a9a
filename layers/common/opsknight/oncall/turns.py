"""Turns as people see them: uninterrupted time on call, when it is handed over, and what a change
of a schedule does to whom.

Pure: instants are arguments. Who has which shift is in `schedules`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from opsknight.oncall.schedules import Override, Schedule, shifts

# Whoever had the schedule last, and so lately, has it still: office hours are handed over once a
# week, and not each morning.
STILL_THEIRS: Final = timedelta(hours=24)


class Turn(NamedTuple):
    """A user is on call from `start` until just before `end`, by however many layers."""

    start: datetime
    end: datetime
    user_id: str


class Handover(NamedTuple):
    """A turn that somebody takes over, from a user or after nobody."""

    turn: Turn
    before: str | None


def turns(
    schedule: Schedule,
    overrides: Iterable[Override],
    start: datetime,
    end: datetime,
    *,
    disabled: Set[str] = frozenset(),
) -> list[Turn]:
    """In the order of time, clipped to these bounds."""
    found: list[Turn] = []
    for each in shifts(schedule, overrides, start, end, disabled=disabled):
        last = found[-1] if found else None
        if last and (last.user_id, last.end) == (each.user_id, each.start):
            found[-1] = last._replace(end=each.end)
        else:
            found.append(Turn(each.start, each.end, each.user_id))
    return found


def handovers(
    schedule: Schedule,
    overrides: Iterable[Override],
    after: datetime,
    until: datetime,
    *,
    disabled: Set[str] = frozenset(),
    ahead: timedelta = timedelta(days=14),
) -> list[Handover]:
    """Those that begin in (after, until]. A turn that ends later than `ahead` after `until` ends
    there.
    """
    first = after - STILL_THEIRS
    known = turns(schedule, tuple(overrides), first, until + ahead, disabled=disabled)
    found = []
    for number, turn in enumerate(known):
        if not after < turn.start <= until:
            continue
        before = known[number - 1] if number else None
        lately = before is not None and turn.start - before.end <= STILL_THEIRS
        if before is None or not lately:
            found.append(Handover(turn, None))
        elif before.user_id != turn.user_id:
            found.append(Handover(turn, before.user_id))
    return found


class Difference(NamedTuple):
    """What a user has on call after a change, and had before it."""

    new: tuple[Turn, ...]
    gone: tuple[Turn, ...]


def differences(before: Iterable[Turn], after: Iterable[Turn]) -> Mapping[str, Difference]:
    """By user, for those for whom something changes."""
    had, has = _by_user(before), _by_user(after)
    found = {}
    for user_id in had.keys() | has.keys():
        new = tuple(_without(has[user_id], had[user_id]))
        gone = tuple(_without(had[user_id], has[user_id]))
        if new or gone:
            found[user_id] = Difference(new, gone)
    return found


def _by_user(found: Iterable[Turn]) -> defaultdict[str, list[Turn]]:
    by_user: defaultdict[str, list[Turn]] = defaultdict(list)
    for each in found:
        by_user[each.user_id].append(each)
    return by_user


def _without(found: Iterable[Turn], others: Iterable[Turn]) -> list[Turn]:
    """The times of one user's turns that no turn among the others has."""
    left = list(found)
    for other in others:
        left = [
            part
            for each in left
            for part in (
                each._replace(end=min(each.end, other.start)),
                each._replace(start=max(each.start, other.end)),
            )
            if part.start < part.end
        ]
    return left
