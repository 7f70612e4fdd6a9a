"""The wall clock, and ids that sort by it. Only entry points and wiring use them: everything else
takes `now` and new ids as arguments.
"""

from datetime import UTC, datetime
from secrets import token_hex


def now() -> datetime:
    return datetime.now(UTC)


def new_id(prefix: str, at: datetime) -> str:
    """Sorts by time: 48 bits of milliseconds, then 64 random bits, in hexadecimal."""
    return f"{prefix}_{int(at.timestamp() * 1000):012x}{token_hex(8)}"
