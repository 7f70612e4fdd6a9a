"""Times and durations as operators write and read them."""

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


def moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A time by the zone's clock, an instant with an offset, or `+2h` from now. Raises
    UsageError.
    """
    try:
        return _bounded(text, lambda: _moment(text, now, zone))
    except ValueError:
        raise UsageError(
            f'"{text}" is not a time. Write "2026-11-25 18:00" ({_by(zone)}), '
            '"2026-11-25T17:00Z", or "+2h" for two hours from now.'
        ) from None


def _by(zone: ZoneInfo) -> str:
    return "in UTC" if zone.key == "UTC" else f"by the clock of {zone.key}"


def is_by_a_clock(text: str) -> bool:
    """Whether it is a time by whatever clock, and neither an instant nor so long from now."""
    try:
        return datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def earlier(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A time as above, or `2h` for two hours ago. Raises UsageError."""
    try:
        return _bounded(text, lambda: _earlier(text, now, zone))
    except ValueError:
        raise UsageError(
            f'"{text}" is not a time. Write "2h" for two hours ago, "2026-11-25 18:00" '
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


def _moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    if text.startswith("+"):
        return now + duration(text[1:])
    at = datetime.fromisoformat(text)
    return instant_of(zone, at) if at.tzinfo is None else at.astimezone(UTC)


def _earlier(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    try:
        ago = duration(text)
    except ValueError:
        return _moment(text, now, zone)
    return now - ago


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
