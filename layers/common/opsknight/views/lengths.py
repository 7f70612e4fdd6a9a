"""Lengths of time as the configuration file has them."""

from datetime import timedelta
from typing import Final

# Without weeks: people say 14 days.
_UNITS: Final = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def in_words(span: timedelta) -> str:
    """The shortest text that means this span, in whole seconds: `1h30m`."""
    left, text = span, ""
    for letter, unit in _UNITS.items():
        count, left = divmod(left, unit)
        text += f"{count}{letter}" if count else ""
    return text or "0s"
