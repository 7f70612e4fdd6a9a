"""Services in shadow, which page nobody."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import Service
from opsknight.health.findings import day_and_time


def in_shadow(services: Iterable[Service], now: datetime) -> list[Service]:
    return [each for each in services if each.in_shadow(now) and not each.disabled]


def sentence(found: Iterable[Service], zone: tzinfo = UTC) -> str:
    """Of services that are in shadow; `zone`: by whose clock."""
    named = ", ".join(
        f"{slug_of(each.id)} until {day_and_time(each.shadow_until, zone)}"
        for each in found
        if each.shadow_until
    )
    return f"IN SHADOW, paging nobody: {named}."
