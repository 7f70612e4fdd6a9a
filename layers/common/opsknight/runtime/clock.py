"""The wall clock, chance, and ids that sort by time. Only entry points and wiring use them:
everything else takes `now` and new ids as arguments.
"""

from datetime import UTC, datetime
from random import SystemRandom
from secrets import token_hex


def now() -> datetime:
    return datetime.now(UTC)


def chance() -> float:
    """From 0 to 1. From the system: processes restored from one snapshot share no chance."""
    return SystemRandom().random()


def new_id(prefix: str, at: datetime) -> str:
    """Sorts by time: 48 bits of milliseconds, then 64 random bits, in hexadecimal."""
    return f"{prefix}_{int(at.timestamp() * 1000):012x}{token_hex(8)}"
