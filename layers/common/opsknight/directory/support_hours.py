"""When people look after a service, and how much less urgent its incidents are outside. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from pydantic import Field

from opsknight.incident.model import OutOfHours, Urgency
from opsknight.oncall.hours import WeeklyHours

# Hours that are changed or removed, and a new tz database, raise what waits for them this soon.
HOURS_CHECKED: Final = timedelta(hours=1)
DEFAULT_OUTSIDE: Final[Mapping[Urgency, Urgency]] = MappingProxyType({Urgency.MEDIUM: Urgency.LOW})


class SupportHours(WeeklyHours):
    """When people look after the service; outside, some incidents are less urgent."""

    outside: dict[Urgency, Urgency] = Field(default_factory=lambda: dict(DEFAULT_OUTSIDE))
    """What the urgency on the left is until the hours begin."""

    def at(self, now: datetime) -> OutOfHours | None:
        """None within the hours."""
        if self.covers(now):
            return None
        begin = self.begin_after(now) or now
        return OutOfHours(self.outside, min(begin, now + HOURS_CHECKED))
