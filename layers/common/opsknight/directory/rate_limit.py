"""The rate limit: 120 requests of a key in each minute of the clock (docs/events-api.md).

Pure. The counters are in `opsknight.store.counters`.
"""

from datetime import UTC, datetime
from math import ceil
from typing import Final

from opsknight.classes import dataclass

LIMIT: Final = 120
WINDOW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Minute:
    """A window of 60 seconds aligned to the epoch minute; `number` counts them from the epoch."""

    number: int

    @classmethod
    def of(cls, now: datetime) -> "Minute":
        return cls(int(now.timestamp()) // WINDOW_SECONDS)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp((self.number + 1) * WINDOW_SECONDS, UTC)

    def seconds_left(self, now: datetime) -> int:
        """Whole seconds until the window ends, at least 1."""
        return max(1, ceil((self.end - now).total_seconds()))
