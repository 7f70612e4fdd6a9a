"""Maintenance windows of a service: once, or again and again by a wall clock.

Pure: instants are arguments. What becomes of incidents in a window is in `opsknight.incident`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Annotated, Final, NamedTuple, Self

from pydantic import AwareDatetime, Field, model_validator

from opsknight.incident.model import Model
from opsknight.oncall.hours import zone_or_utc
from opsknight.oncall.wall_clock import DAY, instant_of, wall_at

# A window is as long as before the clock changes, and takes two hours of the day more at most.
SHIFTED: Final = timedelta(hours=2)


class Occurrence(NamedTuple):
    """From `start` until just before `end`."""

    start: datetime
    end: datetime


class Repetition(Model):
    """A window comes again every so many days, at the same time of the day by a wall clock."""

    days: Annotated[int, Field(ge=1, le=366)]
    zone: str
    """IANA name. An older tz database may lack it: then it is UTC."""
    until: AwareDatetime | None = None
    """It does not begin again from then on; None for never."""
    ended_at: AwareDatetime | None = None
    """When somebody ended the one that was in force."""


class MaintenanceWindow(Model):
    id: str
    start: AwareDatetime
    end: AwareDatetime
    """Of the first, if it is repeated."""
    reason: str
    keep_suppressed: bool = False
    """Whether the incidents that it suppressed stay SUPPRESSED when it ends."""
    repeats: Repetition | None = None
    by: str | None = None
    """The name of whoever made it; None for one of an older version."""

    @model_validator(mode="after")
    def _is_over_before_the_next(self) -> Self:
        if self.repeats and self.end - self.start > self.repeats.days * DAY - SHIFTED:
            raise ValueError("a window that is repeated ends well before it begins again")
        return self

    def next(self, now: datetime) -> Occurrence | None:
        """The one in force, else the next one; None when it is over."""
        found = (each for each in self._from(now) if each.end > max(now, each.start))
        return next(found, None)

    def in_force(self, now: datetime) -> Occurrence | None:
        found = self.next(now)
        return found if found and found.start <= now else None

    def without_current(self, now: datetime) -> "MaintenanceWindow | None":
        """Ended now if it is in force; it may come again. None for one that was still to come."""
        if self.repeats is None:
            return self.model_copy(update={"end": now}) if self.start < now else None
        repeats = self.repeats.model_copy(update={"ended_at": now})
        return self.model_copy(update={"repeats": repeats})

    def ended(self, now: datetime) -> "MaintenanceWindow | None":
        """Over from now on. None for one that has never begun."""
        if self.repeats is None or self.start >= now:
            return self.without_current(now) if self.start < now else None
        repeats = self.repeats.model_copy(update={"ended_at": now, "until": now})
        return self.model_copy(update={"repeats": repeats})

    def _from(self, now: datetime) -> Iterator[Occurrence]:
        if self.repeats is None:
            yield Occurrence(self.start, self.end)
            return
        repeats, zone = self.repeats, zone_or_utc(self.repeats.zone)
        first, every = wall_at(zone, self.start), repeats.days * DAY
        # The one before may be in force still.
        passed = (wall_at(zone, max(now, self.start)) - first) // every - 1
        for number in count(max(passed, 0)):
            start = instant_of(zone, first + number * every) if number else self.start
            if repeats.until is not None and start >= repeats.until:
                return
            end = start + (self.end - self.start)
            if repeats.ended_at is not None and start <= repeats.ended_at:
                end = min(end, repeats.ended_at)
            yield Occurrence(start, end)
