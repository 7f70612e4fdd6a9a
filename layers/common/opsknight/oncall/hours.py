"""Times of the week by the wall clock of a zone: a service's support hours, a user's quiet hours.

Pure: instants are arguments. What follows from them is for their owners to say.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from opsknight.incident.model import Model
from opsknight.oncall.wall_clock import DAY, TICK, WEEK, Restriction, instant_of, wall_at


class WeeklyHours(Model):
    zone: str
    """IANA name. An older tz database may lack it: then it is UTC, and the rest stays readable."""
    times: Annotated[tuple[Restriction, ...], Field(min_length=1)]
    """It is within the hours while any of them holds."""

    @property
    def clock(self) -> ZoneInfo:
        return zone_or_utc(self.zone)

    def covers(self, at: datetime) -> bool:
        wall = wall_at(self.clock, at)
        return any(each.covers(wall) for each in self.times)

    def begin_after(self, at: datetime) -> datetime | None:
        """When they next begin; None while they always last."""
        return next((edge for edge in self._edges(at) if self.covers(edge)), None)

    def end_after(self, at: datetime) -> datetime | None:
        """When they next end; None while they always last."""
        return next((edge for edge in self._edges(at) if not self.covers(edge)), None)

    def _edges(self, at: datetime) -> Iterator[datetime]:
        """In order, all instants of a week from then on at which they begin or end."""
        zone = self.clock
        wall = wall_at(zone, at)
        walls = {edge for each in self.times for edge in each.edges(wall, wall + WEEK + DAY)}
        for edge in sorted(instant_of(zone, each) for each in walls):
            # Hours that touch are one.
            if edge > at and self.covers(edge) is not self.covers(edge - TICK):
                yield edge


def zone_or_utc(name: str | None) -> ZoneInfo:
    """The zone of that name; UTC without a name, and where the tz database is too old for it."""
    try:
        return ZoneInfo(name or "UTC")
    except (LookupError, OSError, ValueError):
        return ZoneInfo("UTC")
