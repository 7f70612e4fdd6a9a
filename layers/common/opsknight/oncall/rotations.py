"""Whose turn it is in one layer of a schedule. Overrides are in `schedules`, the times that a
layer counts in `wall_clock`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count, takewhile
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from opsknight.incident.model import Model
from opsknight.oncall.wall_clock import (
    DAY,
    WEEK,
    Instant,
    Restriction,
    WallTime,
    instant_of,
    wall_at,
)

LONGEST_TURN: Final = 366 * DAY


class Unit(StrEnum):
    HOURS = "HOURS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"


_UNITS: Final = {Unit.HOURS: timedelta(hours=1), Unit.DAYS: DAY, Unit.WEEKS: WEEK}


class Length(Model):
    """How long one user's turn lasts: from an hour to 366 days."""

    count: Annotated[int, Field(ge=1, le=LONGEST_TURN // _UNITS[Unit.HOURS])]
    unit: Unit

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.span > LONGEST_TURN:
            raise ValueError("a turn lasts at most 366 days")
        return self

    @property
    def span(self) -> timedelta:
        return self.count * _UNITS[self.unit]

    @property
    def by_wall_clock(self) -> bool:
        """Whether handoffs keep their time of day; otherwise the length counts real hours."""
        return not (self.span % DAY and DAY % self.span)


class Layer(Model):
    """Users who take turns, in order.

    The first user's turn begins at `handoff` on the day of `start`, all others follow from there,
    before it too: a `start` earlier that day falls into the last user's turn. So the weekday of
    `start` is the weekday of a weekly handoff. Turns go on whether restrictions let them count or
    not. A layer without users has nobody.
    """

    id: str
    name: str
    users: tuple[str, ...]
    """User ids; a user may have several turns."""
    length: Length
    handoff: WallTime
    start: Instant
    end: Instant | None = None
    restrictions: tuple[Restriction, ...] = ()
    """It counts while any of them does; always without any."""
    priority: int = 0
    """The highest number wins; among equals, the layer that the schedule lists first."""

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("a layer ends after its start")
        return self

    def user_at(self, zone: ZoneInfo, at: datetime, wall: datetime) -> str | None:
        """Whose turn it is at the instant `at`, when `wall_at` is `wall`; None for nobody's."""
        if not self.users or at < self.start or (self.end is not None and at >= self.end):
            return None
        if self.restrictions and not any(r.covers(wall) for r in self.restrictions):
            return None
        return self.users[self._turn(zone, at, wall) % len(self.users)]

    def edges(self, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants at which `user_at` may change, those in (start, end) among them."""
        yield self.start
        if self.end is not None:
            yield self.end
        start, end = max(start, self.start), min(end, self.end or end)
        if start >= end:
            return
        wall, until = wall_at(zone, start), wall_at(zone, end)
        begins = (self._begin(zone, turn) for turn in count(self._turn(zone, start, wall) + 1))
        yield from takewhile(lambda begin: begin < end, begins)
        for restriction in self.restrictions:
            for edge in restriction.edges(wall, until):
                yield instant_of(zone, edge)

    def _turn(self, zone: ZoneInfo, at: datetime, wall: datetime) -> int:
        """The number of the turn; that of the first user on the day of `start` is 0."""
        if self.length.by_wall_clock:
            return (wall - self._first_handoff(zone)) // self.length.span
        return (at - instant_of(zone, self._first_handoff(zone))) // self.length.span

    def _begin(self, zone: ZoneInfo, turn: int) -> datetime:
        """Turns that begin in the same gap begin together: all but the last of them are empty."""
        first = self._first_handoff(zone)
        if self.length.by_wall_clock:
            return instant_of(zone, first + turn * self.length.span)
        return instant_of(zone, first) + turn * self.length.span

    def _first_handoff(self, zone: ZoneInfo) -> datetime:
        return datetime.combine(self.start.astimezone(zone), self.handoff)
