"""Plans the daily reports when they are due: once a day each, whichever tick is faster, and none is
lost to one that dies.

Each tick reads one item, which says when to look again: when the next report is due, at the latest
in a quarter of an hour, as the configuration may change. Without reports nothing is written.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from escalation.directory import Directory
from escalation.outbox import Outbox
from opsknight.classes import dataclass
from opsknight.directory.reports import TOLD_WITHIN, DailyReport
from opsknight.health import report
from opsknight.health.findings import Finding, failed
from opsknight.notification.delivery import Delivery
from opsknight.oncall.hours import zone_or_utc
from opsknight.runtime.lanes import lane_of
from opsknight.runtime.lenient import readable
from opsknight.runtime.telemetry import logger
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.rosters import Rosters
from opsknight.store.table import Table
from opsknight.views.health import Sight
from opsknight.views.last_day import last_day

LOOKED_AT_EVERY: Final = timedelta(minutes=15)
# One that was configured since is not told of the time before; this covers the way to the tick.
NEW_FOR: Final = timedelta(minutes=30)
# A report reads the whole configuration, and nobody else waits for it.
PATIENCE_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Reports:
    table: Table
    outbox: Outbox
    clock: Callable[[], datetime]

    def attend(self, deadline: Deadline) -> None:
        """At least once: plans first, then records it. Planned again, it is the same messages."""
        rosters, now = Rosters(self.table), self.clock()
        state = rosters.reports(deadline)
        if state.due_at is not None and now < state.due_at:
            return
        entries = self.table.readable(DailyReport, self.table.reports(deadline))
        known = list(entries)
        if not known and state.due_at is None:
            return
        told = {each.id: each.due(now)[0].isoformat() for each in known}
        due = [each for each in known if state.told.get(each.id) != told[each.id]]
        due = [each for each in due if _is_wanted(each, now, is_new=each.id not in state.told)]
        if due:
            deadline = Deadline.after(PATIENCE_SECONDS)
            self._tell(due, now, deadline)
        following = min([now + LOOKED_AT_EVERY, *(each.next_due(now) for each in known)])
        try:
            rosters.advance_reports(state, told, following, deadline)
        except Conflict:
            logger.info("another tick has planned the reports")

    def _tell(self, due: Sequence[DailyReport], now: datetime, deadline: Deadline) -> None:
        sight = readable(partial(Sight.read, self.table, now, deadline))
        day = last_day(self.table, now, deadline)
        planned: list[Delivery] = []
        for each in due:
            on, at = each.due(now)
            users = Directory(self.table, deadline).users(set(each.user_ids)).values()
            # Each reads its times by their own clock; who has none, and channels, by the report's.
            for zone in {each.zone, *(user.zone or each.zone for user in users)}:
                found = sight.findings(zone_or_utc(zone)) if sight else [_UNREADABLE]
                said = report.report(each.name, on, found, day)
                if said.is_quiet and not each.quiet_days:
                    break
                readers = [user for user in users if (user.zone or each.zone) == zone]
                receivers = each.receivers if zone == each.zone else ()
                planned += report.deliveries(each, readers, receivers, said, at, now)
        for delivery in planned:
            self.table.plan_delivery(delivery, deadline)
        wakeups = [(lane_of(each), delivery_wakeup(each, each.not_before)) for each in planned]
        self.outbox.lanes.enqueue(wakeups, now)
        logger.info("planned daily reports", deliveries=len(planned))


_UNREADABLE: Final[Finding] = failed(
    "configuration",
    "An entry of the configuration cannot be read, so this report does not say what is wrong.",
    "`opsknight plan` names the entry; apply the file again.",
)


def _is_wanted(entry: DailyReport, now: datetime, *, is_new: bool) -> bool:
    _, at = entry.due(now)
    return now - at < (NEW_FOR if is_new else TOLD_WITHIN)
