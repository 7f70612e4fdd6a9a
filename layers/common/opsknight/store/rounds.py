"""Whether the round of an escalation has reached anybody, by its pages and their deliveries."""

from datetime import datetime
from itertools import islice
from typing import Final

from pydantic import ValidationError

from opsknight.escalation.pages import Page, PageState, Taken
from opsknight.incident.model import Incident, Urgency
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.throttle import MIN_INTERVAL, ReceiverState
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.paging import Paging
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table
from opsknight.store.wire import plain

# The pace of a receiver ends one interval after a message that it took: this adds another one.
LATELY: Final = max(MIN_INTERVAL.values())
# More pages than this are not read. A round of so many counts.
MOST_PAGES: Final = 1000


def taken_at(
    table: Table, incident: Incident, since: int, now: datetime, deadline: Deadline
) -> Taken | None:
    """When a provider first took one of the incident's pages from the page number `since` on; if
    none has yet, when the quiet hours end that the first of them waits for, unless it was raised
    meanwhile; now, if one still waits at a receiver that works; None for none of these.
    """
    incident_id = incident.id
    first, last = (items.page_key(incident_id, n, "")["sk"] for n in (since, 999_999))
    pk = items.incident_key(incident_id)["pk"]
    condition = "pk = :pk AND sk BETWEEN :first AND :last"
    found = table.query(condition, {":pk": pk, ":first": first, ":last": last}, deadline)
    planned, read = False, 0
    times: list[datetime] = []
    for item in islice(found, MOST_PAGES):
        read += 1
        try:
            page = Page.model_validate(plain(item))
        except ValidationError:
            # Nobody knows, and that alone must not page for a day.
            return Taken(now)
        if page.state is PageState.REACHED:
            times.append(page.reached_at or page.at)
        planned = planned or page.state is PageState.PLANNED
    if not times and read == MOST_PAGES:
        return Taken(now)
    if not times and not planned:
        return None
    ends = quiet_ends(table, incident, since, deadline)
    if times:
        return Taken(min(times), held=bool(ends))
    if later := [each for each in ends if each > now]:
        return Taken(later[0], held=True)
    pending = _pending(table, incident_id, since, deadline)
    waiting = {
        each.destination for each in pending if each.quiet_until is None or each.quiet_until <= now
    }
    states = Receivers(table).states(waiting, deadline)
    return Taken(now) if any(_works(state, now) for state in states.values()) else None


def slept_until(
    table: Table, incident: Incident, page_no: int, deadline: Deadline
) -> datetime | None:
    """When the quiet hours end, or have ended, that the first message of a step had to wait for;
    None where one went before, and where all pages of the step have failed since.
    """
    ends = quiet_ends(table, incident, page_no, deadline)
    if not ends:
        return None
    pages = Paging(table).of_step(incident.id, page_no, deadline)
    failed = pages and all(each.state is PageState.FAILED for each in pages)
    return None if failed else ends[0]


def quiet_ends(
    table: Table, incident: Incident, page_no: int, deadline: Deadline
) -> list[datetime]:
    """When the quiet hours end, or have ended, that messages of the pages from this number on had
    to wait for, the soonest first. None where one went before, or what is LOW no more.
    """
    if incident.urgency is not Urgency.LOW:
        return []
    found = [
        each
        for each in table.deliveries(incident.id, deadline)
        if each.page_no is not None and each.page_no >= page_no
    ]
    waiting = (each.quiet_until for each in found if each.state in (State.SENT, State.PENDING))
    ends = sorted(each for each in waiting if each is not None)
    before = (each.not_before < ends[0] for each in found if each.state is State.SENT and ends)
    return [] if any(before) else ends


def _pending(table: Table, incident_id: str, since: int, deadline: Deadline) -> list[Delivery]:
    return [
        each
        for each in table.deliveries(incident_id, deadline)
        if each.state is State.PENDING and each.page_no is not None and each.page_no >= since
    ]


def _works(state: ReceiverState, now: datetime) -> bool:
    """Whether it has taken a message lately, and nothing has failed since."""
    if state.failing_since is not None or state.is_circuit_open or state.next_at is None:
        return False
    return now <= state.next_at + LATELY
