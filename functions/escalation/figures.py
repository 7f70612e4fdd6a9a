"""Makes the figures of days that are over, a few incidents with each tick, until yesterday's are
there. What counts is in `opsknight.analytics`.

Every tick asks one item how far it is. One that dies has lost a slice, which the next makes again;
days that were missed, in an outage or before an upgrade, are caught up in their order.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from escalation.directory import Directory
from opsknight.analytics.days import bounded, bounds, merged, one
from opsknight.analytics.facts import Facts, facts
from opsknight.classes import dataclass
from opsknight.incident.model import Status
from opsknight.runtime.telemetry import logger
from opsknight.store.analytics import Analytics, Progress
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.listings import Wanted
from opsknight.store.resolved import KINDS, Resolved
from opsknight.store.table import Table

# After midnight in UTC: by then the index has all that was resolved before it.
AFTER: Final = timedelta(minutes=30)
# How far back the first tick of a deployment begins.
FIRST: Final = timedelta(days=92)
INCIDENTS: Final = 25
SLICES: Final = 4
"""With one tick. 10,000 incidents of a day take an hour and 40 minutes."""


@dataclass(frozen=True, slots=True)
class Figures:
    table: Table
    now: datetime
    deadline: Deadline
    at_once: int = INCIDENTS
    """In a slice."""

    def attend(self) -> None:
        """Raises Unavailable."""
        rows = Analytics(self.table)
        progress = rows.progress(self.deadline)
        with ThreadPoolExecutor(len(KINDS)) as workers:
            for _ in range(SLICES):
                wanted = progress or Progress(day=(self.now - FIRST).date())
                if bounds(wanted.day)[1] + AFTER > self.now:
                    return
                try:
                    following = self._go_on(wanted, Resolved(self.table, workers))
                    rows.advance(progress, following, self.deadline)
                except Conflict:
                    logger.info("another tick makes the figures")
                    return
                progress = rows.progress(self.deadline)

    def _go_on(self, progress: Progress, resolved: Resolved) -> Progress:
        """Makes a slice, and the whole day if it was the last one."""
        rows, day = Analytics(self.table), progress.day
        since, until = bounds(day)
        wanted = Wanted(
            statuses={Status.RESOLVED},
            resolved_since=since,
            resolved_until=until,
        )
        listed, place = resolved.page(
            wanted, progress.place, self.at_once, self.deadline, oldest_first=True
        )
        found = self._facts([each.id for each in listed])
        made = merged(one(each, day) for each in found)
        if place is not None:
            rows.put_slice(day, progress.slices, made.values(), self.now, self.deadline)
            return progress.after(place)
        earlier = rows.slices(day, progress.slices, self.deadline)
        whole = merged([*earlier, *made.values()])
        for each in whole.values():
            rows.put_day(bounded(each), self.deadline)
        if whole:
            logger.info("figures made", day=day.isoformat(), services=len(whole))
        return Progress(day=day + timedelta(days=1))

    def _facts(self, incident_ids: list[str]) -> list[Facts]:
        rows = Analytics(self.table)
        incidents = self.table.incidents(incident_ids, self.deadline)
        pages = {each: rows.pages(each, self.deadline) for each in incidents}
        user_ids = {page.user_id for mine in pages.values() for page in mine}
        users = Directory(self.table, self.deadline).users(user_ids)

        def clock(user_id: str) -> ZoneInfo:
            user = users.get(user_id)
            return user.clock if user is not None else ZoneInfo("UTC")

        return [
            facts(
                incident,
                self.table.changes(incident.id, self.deadline),
                rows.steps(incident.id, self.deadline),
                pages[incident.id],
                clock,
            )
            for incident in incidents.values()
            if incident.resolved_at is not None
        ]
