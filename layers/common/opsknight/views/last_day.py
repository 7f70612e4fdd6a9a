"""What the last day was like, counted for the daily report."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from opsknight.health.report import LastDay
from opsknight.incident.canary import is_canary
from opsknight.incident.model import ACTIVE, Incident, Status
from opsknight.store.calls import Deadline
from opsknight.store.listings import LOOKED_AT, Listed, Listings, Place, Wanted
from opsknight.store.resolved import KINDS, Resolved, ResolvedPlace
from opsknight.store.table import Table

DAY: Final = timedelta(days=1)
# After a storm, an estimate on time is worth more than an exact count that a function dies over.
MOST_BATCHES: Final = 10
MOST_LOOKED_INTO: Final = 200


def last_day(table: Table, now: datetime, deadline: Deadline) -> LastDay:
    """Raises Unavailable."""
    since = now - DAY
    resolved, resolved_whole = _resolved(table, since, deadline)
    active, active_whole = _active(table, now, deadline)
    # One that was resolved between the two queries is in both.
    over = {each.id for each in resolved}
    active = [each for each in active if each.id not in over]
    opened = [each for each in (*resolved, *active) if each.created_at >= since]
    looked_into = [each.id for each in opened[:MOST_LOOKED_INTO]]
    incidents = table.incidents(looked_into, deadline)
    waited = [
        (it.acknowledged_at - it.created_at).total_seconds()
        for it in incidents.values()
        if it.acknowledged_at
    ]
    return LastDay(
        opened=dict(Counter(each.urgency for each in opened)),
        resolved=len(resolved),
        unpaged=sum(map(_never_paged, incidents.values())),
        # The number of a step's pages is on the steps; most incidents take one, or none.
        pages=sum(len(table.pages(it.id, deadline)) for it in incidents.values() if it.page_no),
        acknowledged=len(waited),
        to_acknowledge=timedelta(seconds=int(median(waited))) if waited else None,
        active=dict(Counter(each.status for each in active)),
        is_whole=resolved_whole and active_whole and len(opened) <= MOST_LOOKED_INTO,
    )


def _never_paged(incident: Incident) -> bool:
    """What a window or a shadow kept quiet is not meant, nor what somebody took by themselves."""
    touched = incident.page_no or incident.acknowledged_at or incident.window_id
    return incident.status is Status.RESOLVED and not touched


def _resolved(table: Table, since: datetime, deadline: Deadline) -> tuple[list[Listed], bool]:
    found: list[Listed] = []
    place: ResolvedPlace | None = ResolvedPlace()
    wanted = Wanted({Status.RESOLVED}, resolved_since=since)
    with ThreadPoolExecutor(max_workers=len(KINDS)) as workers:
        for _ in range(MOST_BATCHES):
            more, place = Resolved(table, workers).page(wanted, place, LOOKED_AT, deadline)
            found += more
            if place is None:
                break
    return found, place is None


def _active(table: Table, now: datetime, deadline: Deadline) -> tuple[list[Listed], bool]:
    found: list[Listed] = []
    place: Place | None = None
    for _ in range(MOST_BATCHES):
        more, place = Listings(table).page(Wanted(ACTIVE), place, LOOKED_AT, now, deadline)
        found += more
        if place is None:
            break
    return list(_without_canary(found)), place is None


def _without_canary(found: list[Listed]) -> Iterator[Listed]:
    return (each for each in found if not is_canary(each.id))
