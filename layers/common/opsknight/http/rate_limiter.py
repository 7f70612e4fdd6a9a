"""How often a key may ask: 120 requests a minute, counted in the table of rates. Which key that is,
`auth` says.
"""

from typing import Final

from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.counters import Counters, NotCounted

MOST_REMEMBERED: Final = 1000


class LimitReached(Exception):
    """The key has used up its window."""


class Limiter:
    """Remembers each key at its limit, and refuses it from memory until the window ends."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._full: dict[str, Minute] = {}

    def is_full(self, key_id: str, minute: Minute) -> bool:
        return self._full.get(key_id) == minute

    def count(self, key_id: str, minute: Minute) -> int | None:
        """How many requests the window has left after this one; None when the limiter cannot tell.

        Raises LimitReached.
        """
        try:
            counted = self._counters.count(key_id, minute)
        except Exception:
            # A fault in counting must be seen, as nothing is limited now, and must not cost a page.
            signal("Failures")
            logger.exception("requests cannot be counted", key_id=key_id)
            return None
        match counted:
            case NotCounted.REFUSED:
                if len(self._full) >= MOST_REMEMBERED:
                    self._full.clear()
                self._full[key_id] = minute
                raise LimitReached
            case NotCounted.THROTTLED:
                # A flood. If the key was at its limit a minute ago, this is more of the same.
                seen = self._full.get(key_id)
                if seen is not None and minute.number - seen.number <= 1:
                    raise LimitReached
                return None
            case NotCounted.UNKNOWN:
                return None
            case used:
                return LIMIT - used
