"""Times of the week in other systems, as restrictions of ours. Pure."""

from collections.abc import Iterable
from datetime import time, timedelta
from typing import Final

from opsknight.oncall.wall_clock import DAY, WEEK, Restriction, Weekday

_DAYS: Final = tuple(Weekday)
MINUTE: Final = timedelta(minutes=1)


def spanning(day: Weekday | None, start: timedelta, lasts: timedelta) -> Restriction | None:
    """From `start` after midnight of that day, of every day without one. None for all week. Whole
    minutes: parts of one at either end count.
    """
    end = start + lasts
    start, end = start - start % MINUTE, end + -end % MINUTE
    lasts = end - start
    if lasts >= (DAY if day is None else WEEK):
        return None
    if day is None or lasts <= DAY:
        days = _DAYS if day is None else (day,)
        return Restriction(days=days, start=_clock(start), end=_clock(end))
    last = _DAYS[(_DAYS.index(day) + end // DAY) % 7]
    return Restriction(days=(day,), start=_clock(start), end=_clock(end), end_day=last)


def merged(found: Iterable[Restriction | None]) -> tuple[Restriction, ...]:
    """All of them, those with the same times in one; none if one of them is all week."""
    days: dict[tuple[time, time, Weekday | None], list[Weekday]] = {}
    for each in found:
        if each is None:
            return ()
        # What ends on a named day ends there on whichever day it begins.
        place = (each.start, each.end, each.end_day)
        days.setdefault(place, []).extend(each.days)
    return tuple(
        Restriction(
            days=tuple(day for day in _DAYS if day in wanted),
            start=start,
            end=end,
            end_day=end_day,
        )
        for (start, end, end_day), wanted in days.items()
    )


def _clock(at: timedelta) -> time:
    minutes = at % DAY // MINUTE
    return time(minutes // 60, minutes % 60)


def into_day(text: str) -> timedelta:
    """How long after midnight a time such as `08:00:00` is. Raises ValueError."""
    hours, minutes, *rest = (int(each) for each in text.removesuffix("Z").split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=sum(rest))
