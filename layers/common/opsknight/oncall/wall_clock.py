"""The wall clock of an IANA zone, and times of the week by it.

Everything rests on a wall clock that never runs backwards: `wall_at` shows it, `instant_of` finds
the first instant at which it shows a time or a later one. A time inside a gap is reached at the end
of the gap, and a time that occurs twice counts when it first occurs. So turns and restrictions are
plain arithmetic on wall times, however old they are.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from opsknight.incident.model import Model

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)
TICK: Final = timedelta.resolution
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The tz database is complete since 1970 only, and arithmetic must stay clear of datetime's ends.
FIRST: Final = EPOCH
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_MONDAY: Final = EPOCH.replace(tzinfo=None, day=5)


def wall_at(zone: ZoneInfo, at: datetime) -> datetime:
    """The latest time (naive) that the zone's wall clock has shown until `at` (aware).

    While the clock repeats an hour, this stands still at the last moment before the change.
    """
    local = at.astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    turned = _turned(zone, local.replace(fold=0), at)
    return (turned - TICK).astimezone(zone).replace(tzinfo=None)


def instant_of(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first instant (aware UTC) at which the zone's wall clock shows `wall` (naive) or later:
    the first of two for a time that occurs twice, the end of the gap for one that does not exist.
    """
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # PEP 495: in a gap, fold=0 counts with the offset before it and lands behind, fold=1 in front.
    return _turned(zone, wall.replace(tzinfo=zone, fold=1), at)


def _turned(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The instant in (before, after] at which the clock was changed; it is a whole second."""
    second = timedelta(seconds=1)
    start, end = ((at.astimezone(UTC) - EPOCH) // second for at in (before, after))
    offset = _offset(zone, start)
    later = range(start + 1, end)
    passed = bisect_left(later, True, key=lambda at: _offset(zone, at) != offset)
    return EPOCH + (start + 1 + passed) * second


def _offset(zone: ZoneInfo, second: int) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()


def _in_utc(at: datetime) -> datetime:
    if not FIRST <= at < LAST:
        raise ValueError("schedules are made for times between 1970 and 2200")
    return at.astimezone(UTC)


def _no_number(value: object) -> object:
    # YAML 1.1 reads 22:00 without quotes as 22 * 60, and pydantic takes that for seconds: 00:22.
    if isinstance(value, int | float):
        raise ValueError('a wall-clock time is text, such as "22:00"; YAML needs the quotes')
    return value


def _whole_minute(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a wall-clock time has no offset: the schedule's zone says which clock")
    if at.second or at.microsecond:
        raise ValueError("a wall-clock time is a whole minute, such as 08:30")
    return at


type Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
type WallTime = Annotated[time, BeforeValidator(_no_number), AfterValidator(_whole_minute)]


class Weekday(StrEnum):
    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


_AFTER_MONDAY: Final = {day: number * DAY for number, day in enumerate(Weekday)}


class Restriction(Model):
    """The times of the week at which a layer counts, by the wall clock.

    On each of `days` from `start` until the clock next shows `end`: 22:00 to 06:00 lasts over
    night, 00:00 to 00:00 the whole day. With `end_day`, until `end` of the next such day: FRIDAY
    18:00 to MONDAY 08:00.
    """

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = tuple(Weekday)
    start: WallTime
    end: WallTime
    end_day: Weekday | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.end_day in self.days and self.start == self.end:
            raise ValueError("a restriction that ends when it starts is either nothing or all week")
        return self

    def covers(self, wall: datetime) -> bool:
        return any(self._since(day, wall) < self._lasts(day) for day in self.days)

    def edges(self, wall: datetime, until: datetime) -> Iterator[datetime]:
        """The wall times at which it begins and ends, those in (wall, until] among them."""
        for day in self.days:
            begins = wall - self._since(day, wall)
            while begins <= until:
                yield begins
                yield begins + self._lasts(day)
                begins += WEEK

    def _since(self, day: Weekday, wall: datetime) -> timedelta:
        return (wall - _MONDAY - _AFTER_MONDAY[day] - _into_day(self.start)) % WEEK

    def _lasts(self, day: Weekday) -> timedelta:
        span = _into_day(self.end) - _into_day(self.start)
        if self.end_day is None:
            return span % DAY or DAY
        return (_AFTER_MONDAY[self.end_day] - _AFTER_MONDAY[day] + span) % WEEK


@cache
def _into_day(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute)
