"""Daily reports: who hears how the deployment is doing, and when. Pure. What a report says is in
`opsknight.health.report`.
"""

from datetime import date, datetime, timedelta
from typing import Final

from opsknight.directory.receivers import Receiver
from opsknight.incident.model import Model
from opsknight.oncall.hours import zone_or_utc
from opsknight.oncall.wall_clock import WallTime, instant_of

# Later than this, tomorrow's says it better.
TOLD_WITHIN: Final = timedelta(hours=12)


class DailyReport(Model):
    id: str
    name: str
    at: WallTime
    """When it is sent, by the clock of `zone`."""
    zone: str
    """An IANA zone; days begin and end by it."""
    user_ids: tuple[str, ...] = ()
    """They get it by e-mail, at the address that the configuration has of them."""
    receivers: tuple[Receiver, ...] = ()
    quiet_days: bool = False
    """Whether it is sent when there is nothing to say."""

    def due(self, now: datetime) -> tuple[date, datetime]:
        """The day of the report that is due, or was due last, and the instant it was due."""
        zone = zone_or_utc(self.zone)
        today = now.astimezone(zone).date()
        at = instant_of(zone, datetime.combine(today, self.at))
        if at > now:
            today -= timedelta(days=1)
            at = instant_of(zone, datetime.combine(today, self.at))
        return today, at

    def next_due(self, now: datetime) -> datetime:
        """The first time after now."""
        day, _ = self.due(now)
        tomorrow = datetime.combine(day + timedelta(days=1), self.at)
        return instant_of(zone_or_utc(self.zone), tomorrow)
