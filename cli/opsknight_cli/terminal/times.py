"""Times as operators write and read them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from opsknight.oncall.rotations import instant_of
from opsknight_cli.files.words import duration
from opsknight_cli.session import Refused


def moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A time by the zone's clock, an instant with an offset, or `+2h` from now. Raises Refused."""
    try:
        if text.startswith("+"):
            return now + duration(text[1:])
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f'"{text}" is no time. Write "2026-11-25 18:00" (by the clock of {zone.key}), '
            '"2026-11-25T17:00Z", or "+2h" for two hours from now.'
        ) from None
    return instant_of(zone, at) if at.tzinfo is None else at.astimezone(UTC)


def earlier(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A time as above, or how long ago it was: `2h`. Raises Refused."""
    try:
        return now - duration(text)
    except ValueError:
        pass
    try:
        return moment(text, now, zone)
    except Refused:
        raise Refused(
            f'"{text}" is no time. Write "2h" for two hours ago, "2026-11-25 18:00" (by the clock '
            f'of {zone.key}), or "2026-11-25T17:00Z".'
        ) from None


def span(text: str) -> timedelta:
    """Of "1h30m". Raises Refused."""
    try:
        found = duration(text)
    except ValueError as error:
        raise Refused(f'"{text}": {error}.') from None
    if not found:
        raise Refused("It has to last for some time.")
    return found


def shown(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a %d %b %H:%M} {local.tzname()}"


def stamp(at: datetime) -> str:
    """For programs."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
