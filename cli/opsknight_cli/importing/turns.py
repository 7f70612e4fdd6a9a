"""A rotation of another system as layers of ours. Pure.

There a rotation has an anchor, from which turns are counted, and begins to count some time later or
earlier. Here a layer's first turn begins on the day of its start. So one that begins in the middle
of a turn that is still to come becomes two layers: the rest of that turn, then all others.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.oncall.rotations import LONGEST_TURN, Layer, Length, Unit
from opsknight.oncall.wall_clock import DAY, WEEK, Restriction, instant_of, wall_at

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Turns:
    slug: str
    name: str
    users: tuple[str, ...]
    """Ids of ours, in turn; at least one."""
    length: Length
    anchor: datetime
    """The first user's turn begins then, or has a whole number of turns before or after."""
    start: datetime
    """Nobody is on call by it before."""
    end: datetime | None
    restrictions: tuple[Restriction, ...]
    priority: int = 0


def length_of(span: timedelta) -> Length | None:
    """None for one that is no number of hours, or too long."""
    if not HOUR <= span <= LONGEST_TURN or span % HOUR:
        return None
    for unit, whole in ((Unit.WEEKS, WEEK), (Unit.DAYS, DAY)):
        if not span % whole:
            return Length(count=span // whole, unit=unit)
    return Length(count=span // HOUR, unit=Unit.HOURS)


def layers(turns: Turns, zone: ZoneInfo, now: datetime) -> tuple[Layer, ...]:
    """None of those that are over. Before `now` they may differ: nobody is paged in the past."""
    if turns.end is not None and turns.end <= max(now, turns.start):
        return ()
    begins = _Begins(turns, zone)
    if turns.start <= now:
        number = min(begins.number(now), 0)
        # Whole cycles, so that the users stay in their order.
        number -= number % len(turns.users)
        return (_layer(turns, begins.at(number), begins, number),)
    number = begins.number(turns.start)
    if begins.at(number) == turns.start or len(set(turns.users)) == 1:
        return (_layer(turns, turns.start, begins, number),)
    following = begins.at(number + 1)
    first = replace(turns, users=(begins.user(number),), end=_earlier(turns.end, following))
    rest = _layer(turns, following, begins, number + 1)
    head = _layer(first, turns.start, begins, 0)
    head = head.model_copy(
        update={"id": f"{head.id}-first", "name": f"{head.name}, the first turn"[:200]}
    )
    return (head,) if turns.end is not None and turns.end <= following else (head, rest)


@dataclass(frozen=True, slots=True)
class _Begins:
    """When turns begin: 0 is the one that begins at the anchor."""

    turns: Turns
    zone: ZoneInfo

    @property
    def _wall(self) -> datetime:
        return wall_at(self.zone, self.turns.anchor)

    def number(self, at: datetime) -> int:
        """The number of the turn at that time, counted from the anchor."""
        length = self.turns.length
        if length.by_wall_clock:
            return (wall_at(self.zone, at) - self._wall) // length.span
        return (at - self.turns.anchor) // length.span

    def at(self, number: int) -> datetime:
        length = self.turns.length
        if length.by_wall_clock:
            return instant_of(self.zone, self._wall + number * length.span)
        return self.turns.anchor + number * length.span

    def user(self, number: int) -> str:
        return self.turns.users[number % len(self.turns.users)]

    def handoff(self, number: int) -> datetime:
        """The wall time at which it begins."""
        length = self.turns.length
        if length.by_wall_clock:
            return self._wall + number * length.span
        return wall_at(self.zone, self.at(number))


def _layer(turns: Turns, start: datetime, begins: _Begins, number: int) -> Layer:
    """Its first turn is the one of this number."""
    users = turns.users
    first = number % len(users)
    wall = wall_at(begins.zone, start)
    handoff = wall if len(set(users)) == 1 else begins.handoff(number)
    return Layer(
        id=f"layer_{turns.slug}",
        name=turns.name,
        users=(*users[first:], *users[:first]),
        length=turns.length,
        handoff=handoff.time().replace(second=0, microsecond=0),
        start=start,
        end=turns.end,
        restrictions=turns.restrictions,
        priority=turns.priority,
    )


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
