"""Times and durations as operators write and read them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.directory.windows import Repetition
from opsknight.files.values import duration
from opsknight.oncall.wall_clock import instant_of
from opsknight.views.lengths import in_words
from opsknight_cli.session import UsageError

UTC_ZONE: Final = ZoneInfo("UTC")
# Within these bounds no sum of a time and a duration leaves the calendar of the library, which ends
# with the year 9999.
YEARS: Final = range(1970, 2101)
LONGEST: Final = timedelta(days=3650)
_OF_A_DAY: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAY: Final = timedelta(days=1)


def moment(text: str, now: datetime, zone: ZoneInfo, after: datetime | None = None) -> datetime:
    """A time by the zone's clock, an instant with an offset, or `+2h` from now. `18:00` is the
    first after `after`, or from now. Raises UsageError.
    """
    try:
        return _bounded(text, lambda: _moment(text, now, zone, after or now))
    except ValueError:
        raise UsageError(
            f'"{text}" is not a time. Write "18:00" or "2026-11-25 18:00" ({_by(zone)}), '
            '"2026-11-25T17:00Z", or "+2h" for two hours from now.'
        ) from None


def _by(zone: ZoneInfo) -> str:
    return "in UTC" if zone.key == "UTC" else f"by the clock of {zone.key}"


def is_by_a_clock(text: str) -> bool:
    """Whether it is a time by whatever clock, and neither an instant nor so long from now."""
    try:
        return bool(_OF_A_DAY.fullmatch(text)) or datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def earlier(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A time as above, or `2h` for two hours ago; `18:00` is the last one. Raises UsageError."""
    try:
        return _bounded(text, lambda: _earlier(text, now, zone))
    except ValueError:
        raise UsageError(
            f'"{text}" is not a time. Write "2h" for two hours ago, "18:00" or "2026-11-25 18:00" '
            f'({_by(zone)}), or "2026-11-25T17:00Z".'
        ) from None


def span(text: str) -> timedelta:
    """The duration that "1h30m" stands for. Raises UsageError."""
    try:
        found = duration(text)
    except ValueError as error:
        raise UsageError(f'"{text}": {error}.') from None
    if not found:
        raise UsageError("The duration must be longer than zero.")
    if found > LONGEST:
        raise UsageError(f'"{text}" is too long. The longest duration is {in_words(LONGEST)}.')
    return found


def shown(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a %d %b %H:%M} {local.tzname()}"


def rhythm(repeats: Repetition, zone: ZoneInfo) -> str:
    """How often a window comes again: `every week`, `every 3 days until Mon 30 Nov 03:00 GMT`."""
    weeks, rest = divmod(repeats.days, 7)
    unit, number = ("day", repeats.days) if rest else ("week", weeks)
    every = f"every {unit}" if number == 1 else f"every {number} {unit}s"
    return every if repeats.until is None else f"{every} until {shown(repeats.until, zone)}"


def stamp(at: datetime) -> str:
    """For programs."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: str, now: datetime, zone: ZoneInfo, after: datetime) -> datetime:
    if text.startswith("+"):
        return now + duration(text[1:])
    if (found := _of_a_day(text, after, zone)) is not None:
        return min(each for each in found if each > after)
    at = datetime.fromisoformat(text)
    return instant_of(zone, at) if at.tzinfo is None else at.astimezone(UTC)


def _earlier(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    if (found := _of_a_day(text, now, zone)) is not None:
        return max(each for each in found if each <= now)
    try:
        ago = duration(text)
    except ValueError:
        return _moment(text, now, zone, now)
    return now - ago


def _of_a_day(text: str, near: datetime, zone: ZoneInfo) -> list[datetime] | None:
    """When the zone's clock shows this around that moment; None for what is no time of a day."""
    found = _OF_A_DAY.fullmatch(text)
    if found is None:
        return None
    local = near.astimezone(zone).replace(
        hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0, tzinfo=None
    )
    return [instant_of(zone, local + days * _DAY) for days in (-1, 0, 1, 2)]


def _bounded(text: str, read: Callable[[], datetime]) -> datetime:
    try:
        at = read()
        if at.year in YEARS:
            return at
    except OverflowError:
        pass
    raise UsageError(
        f'"{text}" is too far away. Give a time in the years {YEARS[0]} to {YEARS[-1]}.'
    )
