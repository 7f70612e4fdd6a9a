"""What a warm function remembers of the hold: at most ten seconds old.

If it cannot be read there is no hold: a store in trouble must never be what silences OpsKnight.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from opsknight.escalation.hold import NO_HOLD, Hold
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.holds import Holds
from opsknight.store.table import Table

READ_EVERY: Final = timedelta(seconds=10)
# A page must not wait for longer to hear that there is no hold.
PATIENCE_SECONDS: Final = 1.0


class HoldMemory:
    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._holds = Holds(table)
        self._clock = clock
        self._known: tuple[datetime, Hold] | None = None

    def __call__(self) -> Hold:
        now = self._clock()
        if self._known is not None:
            read_at, hold = self._known
            if timedelta() <= now - read_at < READ_EVERY:
                return hold
        hold = self._read()
        self._known = now, hold
        return hold

    def is_on(self) -> bool:
        return self().is_on(self._clock())

    def _read(self) -> Hold:
        try:
            return self._holds.read(Deadline.after(PATIENCE_SECONDS))
        except (Unavailable, ValidationError, BotoCoreError, ClientError):
            logger.exception("the hold cannot be read: there is none")
            return NO_HOLD
