"""Zones that are not the clock of any place: abbreviations and fixed offsets. Most have no summer
time, which whoever writes them seldom means.

https://data.iana.org/time-zones/tz-link.html: names without a city are kept for old programs.
"""

import re
from collections.abc import Iterator
from typing import Final

from opsknight.config.configuration import Configuration, Path, path_of
from opsknight.config.finding import Finding, Severity

_CITIES: Final = {
    "EST": "America/New_York",
    "EST5EDT": "America/New_York",
    "CST6CDT": "America/Chicago",
    "MST": "America/Denver",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "HST": "Pacific/Honolulu",
    "WET": "Europe/Lisbon",
    "GMT": "Europe/London",
    "CET": "Europe/Berlin",
    "MET": "Europe/Berlin",
    "EET": "Europe/Helsinki",
}
_OFFSET: Final = re.compile(r"(Etc/)?GMT([+-])(\d+)")


def findings(configuration: Configuration) -> Iterator[Finding]:
    for path, zone in _zones(configuration):
        if said := _why(zone):
            yield Finding(Severity.WARNING, path, said)


def _zones(configuration: Configuration) -> Iterator[tuple[Path, str]]:
    for user in configuration.users.values():
        if user.zone:
            yield (*path_of(user), "zone"), user.zone
        if user.quiet_hours and user.quiet_hours.zone != user.zone:
            yield (*path_of(user), "quiet_hours", "zone"), user.quiet_hours.zone
    for schedule in configuration.schedules.values():
        yield (*path_of(schedule), "zone"), schedule.zone
    for service in configuration.services.values():
        if service.support_hours:
            yield (*path_of(service), "support_hours", "zone"), service.support_hours.zone


def _why(zone: str) -> str | None:
    if city := _CITIES.get(zone):
        return (
            f"{zone} is an abbreviation, and not every clock that has it is turned in summer: name"
            f" a city, such as {city}."
        )
    found = _OFFSET.fullmatch(zone)
    if found is None or found[3] == "0":
        return None
    # In these names the signs are those of POSIX.
    side = "behind" if found[2] == "+" else "ahead of"
    return (
        f"{zone} is {found[3]} hours {side} UTC, in summer too: name a city, such as Europe/Berlin."
    )
