"""How many minutes of work the longest queue holds, said while it matters.

A metric that comes each minute is billed all month, as much as three alarms. So this one comes only
with a backlog, and a while longer: the alarm counts three minutes that follow each other, and
CloudWatch would count three with gaps between them as well. What a cold function does not remember
costs those zeros, and nothing else.
"""

from datetime import datetime, timedelta
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit

from opsknight.classes import dataclass
from opsknight.runtime.telemetry import signal

LONG_MINUTES: Final = 1.0
# Longer than CloudWatch looks back for three minutes.
SAID_ON: Final = timedelta(minutes=10)


@dataclass(slots=True)
class Backlog:
    """One warm function's."""

    _long_at: datetime | None = None

    def say(self, minutes: float, now: datetime) -> None:
        if minutes >= LONG_MINUTES:
            self._long_at = now
        if self._long_at is not None and now - self._long_at <= SAID_ON:
            # CloudWatch has no unit for minutes.
            signal("QueueMinutes", minutes, MetricUnit.NoUnit)
