"""Cron expressions: when something is to happen, by a wall clock. Pure.

Five fields, as crontab(5) has them: minute, hour, day of the month, month, day of the week. Lists,
ranges, steps and English names; 7 is Sunday as well. Where both kinds of day are given, either will
do. What crontabs disagree about (`L`, `#`, `?`, seconds) is refused.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.oncall.wall_clock import EPOCH, instant_of, wall_at

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORDS: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_PART: Final = re.compile(r"(\*|[0-9a-z]+(?:-[0-9a-z]+)?)(?:/([0-9]+))?")
# From one 29 February to the next may be eight years.
_FARTHEST: Final = 8 * 366 + 1
_SAMPLED: Final = 1000


@dataclass(frozen=True, slots=True)
class Cron:
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """Sunday is 0."""
    either: bool
    """Whether a day of the month or of the week will do; otherwise it has to be both."""

    def following(self, zone: ZoneInfo, after: datetime) -> datetime | None:
        """The first time after this one. A time that the clock leaves out comes when it goes on,
        one that it repeats only once. None where there is none in eight years.
        """
        return next(self._following(zone, after), None)

    def longest(self, zone: ZoneInfo) -> timedelta | None:
        """How long it is at most from one time to the next, as far as a sample shows. None where
        there are no two.
        """
        longest = None
        before = None
        for number, at in enumerate(self._following(zone, EPOCH.replace(year=2024))):
            if before is not None:
                longest = max(at - before, longest or timedelta(0))
            before = at
            if number == _SAMPLED:
                break
        return longest

    def _following(self, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
        wall = wall_at(zone, after)
        for number in range(_FARTHEST):
            day = wall.date() + timedelta(days=number)
            if not self._has(day):
                continue
            for hour in self.hours:
                for minute in self.minutes:
                    at = instant_of(zone, datetime.combine(day, time(hour, minute)))
                    if at > after:
                        yield at
                        after = at

    def _has(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.either else by_month and by_week


@cache
def cron(text: str) -> Cron:
    """Raises ValueError with a sentence for whoever wrote it."""
    fields = _WORDS.get(text.strip().lower(), text).lower().split()
    if len(fields) != 5:
        raise ValueError(
            "has five fields: minute, hour, day of the month, month, day of the week, such as "
            "30 2 * * 1-5"
        )
    minutes, hours, days, months, weekdays = fields
    found = Cron(
        tuple(sorted(_read(minutes, "minute", 0, 59))),
        tuple(sorted(_read(hours, "hour", 0, 23))),
        frozenset(_read(days, "day of the month", 1, 31)),
        frozenset(_read(months, "month", 1, 12, _MONTHS)),
        frozenset(each % 7 for each in _read(weekdays, "day of the week", 0, 7, _DAYS)),
        either=not days.startswith("*") and not weekdays.startswith("*"),
    )
    if found.following(ZoneInfo("UTC"), EPOCH) is None:
        raise ValueError("never comes: no month has such a day")
    return found


def _read(field: str, name: str, least: int, most: int, names: tuple[str, ...] = ()) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        read = _PART.fullmatch(part)
        if read is None:
            raise ValueError(f"{part!r} is no {name}")
        span, step = read[1], int(read[2] or 1)
        if span == "*":
            first, last = least, most
        else:
            begin, _, end = span.partition("-")
            first = _number(begin, name, least, most, names)
            last = _number(end, name, least, most, names) if end else first
            if read[2] and not end:
                # As cron has it: 5/10 is 5 and every tenth after it.
                last = most
        if first > last or not 0 < step <= most:
            raise ValueError(f"{part!r} is no {name}")
        found |= set(range(first, last + 1, step))
    return found


def _number(text: str, name: str, least: int, most: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + least
    if not text.isdecimal() or not least <= int(text[:4]) <= most:
        raise ValueError(f"{text!r} is no {name}: {least} to {most}")
    return int(text[:4])
