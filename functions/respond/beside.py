"""What else pages the reader of a list, beside what its message told.

Reads; acts on nothing.
"""

from collections.abc import Iterable, Set
from concurrent.futures import Executor
from typing import Final

from opsknight.incident.model import Incident, Status, Urgency
from opsknight.notification.bundle import Bundled
from opsknight.notification.delivery import Delivery, State, is_wanted
from opsknight.notification.message import PageReason
from opsknight.store.calls import Deadline
from opsknight.store.listings import Listings, Wanted
from respond.visit import Visit

# It is searched for among so many open ones, and the deliveries of so many of them are read.
NEWEST_OPEN: Final = 200
LOOKED_UP: Final = 40
RANKS: Final = {urgency: rank for rank, urgency in enumerate(Urgency)}
_PAGING: Final = (State.SENT, State.PENDING)


def beside(
    visit: Visit, told: Set[str], services: Set[str], workers: Executor, deadline: Deadline
) -> tuple[list[tuple[Incident, Bundled]], bool]:
    """Open incidents that page the reader, without those in `told`: in a storm, one link is enough.
    And whether there may be more, because not all open ones were looked at.

    Looks at the reader's own first, then at the most urgent, then at those of `services`, then at
    the newest: of several people that a step pages, only the first is the assignee. Raises
    Unavailable.
    """
    wanted = Wanted(statuses=frozenset({Status.OPEN}))
    listed, following = Listings(visit.table).page(wanted, None, NEWEST_OPEN, visit.now, deadline)
    others = [each for each in listed if each.id not in told]
    others.sort(
        key=lambda each: (
            each.assignee_id != visit.reader.id,
            RANKS[each.urgency],
            each.service_id not in services,
        )
    )
    ids = [each.id for each in others[:LOOKED_UP]]
    known = visit.table.incidents(ids, deadline)
    owned = workers.map(lambda each: own_deliveries(visit, each, deadline), ids)
    found: list[tuple[Incident, Bundled]] = []
    for incident_id, own in zip(ids, owned, strict=True):
        incident = known.get(incident_id)
        if incident is not None and (page := page_of(visit, incident, own)) is not None:
            found.append((incident, Bundled(incident_id=incident_id, delivery_id=page.id)))
    return found, following is not None or len(others) > len(ids)


def own_deliveries(visit: Visit, incident_id: str, deadline: Deadline) -> list[Delivery]:
    """Every message about the incident to the reader, in the order in which they were to leave."""
    return [
        each
        for each in visit.table.deliveries(incident_id, deadline)
        if each.pages and each.user_id == visit.reader.id
    ]


def given_away(incident: Incident, reader_id: str, own: Iterable[Delivery]) -> bool:
    """Whether somebody has given it to another person, and it has not paged the reader since."""
    since = incident.reassigned_at
    if since is None or incident.assignee_id == reader_id:
        return False
    return all(each.at <= since for each in own if each.about is PageReason.PAGED)


def page_of(
    visit: Visit, incident: Incident, own: Iterable[Delivery], *, bounced: bool = False
) -> Delivery | None:
    """The message by which it pages the reader: the first that went out, else one that still will.
    None if it pages them no more, or none of its messages left.

    `bounced`: or one that came back. Between a list and a press a call may go unanswered.
    """
    states = (*_PAGING, State.BOUNCED) if bounced else _PAGING
    pages = [
        each
        for each in own
        if each.about is PageReason.PAGED
        and each.state in states
        and is_wanted(each, incident, visit.now)
    ]
    if not pages or given_away(incident, visit.reader.id, pages):
        return None
    return min(pages, key=lambda each: states.index(each.state))
