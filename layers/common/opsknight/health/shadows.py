"""Services in shadow, which page nobody."""

from collections.abc import Iterable
from datetime import UTC, datetime

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import Service


def in_shadow(services: Iterable[Service], now: datetime) -> list[Service]:
    return [each for each in services if each.in_shadow(now) and not each.disabled]


def sentence(found: Iterable[Service]) -> str:
    """Of services that are in shadow."""
    named = ", ".join(
        f"{slug_of(each.id)} until {each.shadow_until.astimezone(UTC):%a %d %b %H:%M} UTC"
        for each in found
        if each.shadow_until
    )
    return f"IN SHADOW, paging nobody: {named}."
