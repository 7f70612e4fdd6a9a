"""The incidents of a message that told several: their list, live, and acknowledging them.

An act is on what its reader saw: the ids on the page, each in the epoch that it had there. What
else pages the reader stands apart, with a button of its own: the one for all of the message does
not include it.
"""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Final

from opsknight.classes import dataclass
from opsknight.http.gateway import Answer
from opsknight.incident.commands import Acknowledge
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import Incident, Status
from opsknight.notification.bundle import Bundled
from opsknight.notification.delivery import Delivery
from opsknight.notification.signed_link import BadLink
from opsknight.store.calls import Deadline, Unavailable
from respond.beside import LOOKED_UP, RANKS, beside, own_deliveries, page_of
from respond.list_page import ListView, Result, Row, list_page
from respond.pages import sentence_page
from respond.visit import UNKNOWN, Visit

# What else pages the reader may take so long; the message's own incidents do not wait for it.
BESIDE_SECONDS: Final = 2
_SEEN: Final = re.compile(r"(inc_[0-9a-f]{28})\.(\d{1,9})")
_COUNT: Final = re.compile(r"\d{1,3}")


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident as the reader saw it."""

    incident_id: str
    epoch: int


def show(visit: Visit, workers: Executor) -> Answer:
    told = _told(visit)
    known = visit.table.incidents(told, visit.deadline)
    if not known:
        raise BadLink
    rows = _rows(
        visit,
        [(known[each.incident_id], each) for each in told.values() if each.incident_id in known],
        visit.deadline,
    )
    others: Sequence[Row] | None = None
    more = False
    try:
        within = visit.deadline.within(BESIDE_SECONDS)
        services = {incident.service_id for incident in known.values()}
        found, more = beside(visit, told.keys(), services, workers, within)
        others = _rows(visit, found, within)
    except Unavailable as cause:
        visit.log_fields["beside"] = str(cause)
    view = ListView(
        reader=visit.reader.name,
        reader_id=visit.reader.id,
        rows=rows,
        beside=others,
        more=more,
        result=_result(visit),
        names=lambda user_id: visit.directory.user_name(user_id, visit.now, visit.deadline),
        zone=visit.zone,
        ends_at=visit.link.ends_at,
        hold=visit.hold,
    )
    return list_page(view, visit.now)


def act(visit: Visit, workers: Executor) -> Answer:
    """Acknowledges what the form names, each by itself: the failure of one harms no other."""
    form = visit.form()
    named = form.get("only") or (
        form.get("seen") if form.get("action") == ["acknowledge"] else None
    )
    wanted = [_seen(each) for each in named or ()]
    if not wanted or None in wanted:
        return sentence_page(400, *UNKNOWN)
    told = _told(visit)
    seen = [each for each in wanted if each is not None]
    theirs = {each.incident_id for each in seen} - told.keys()
    if len(theirs) > LOOKED_UP:
        return sentence_page(400, *UNKNOWN)
    # Not the list as it is now: by the time of a press, one of it may have been acknowledged, and
    # that must not keep the others from it.
    own = dict(zip(theirs, workers.map(lambda each: _own(visit, each), theirs), strict=True))
    # Whoever changes the form reaches no more than what has paged them. A page that has failed
    # since the list was shown keeps them from its incident (`page_of`), and not from the others.
    if any(found == [] for found in own.values()):
        return sentence_page(400, *UNKNOWN)
    known = visit.table.incidents((each.incident_id for each in seen), visit.deadline)
    results: list[bool | None] = [None for found in own.values() if found is None]
    running = []
    for each in seen:
        one, mine = known.get(each.incident_id), own.get(each.incident_id)
        if each.incident_id in told:
            via = told[each.incident_id].delivery_id
        elif mine and one and (page := page_of(visit, one, mine, bounced=True)) is not None:
            via = page.id
        else:
            continue
        if one is not None:
            running.append(workers.submit(_acknowledge, visit, one, each.epoch, via))
    results += [each.result() for each in running]
    done = sum(each is True for each in results)
    visit.log_fields.update(acknowledged=done, asked=len(seen))
    if done == 0 and None in results:
        raise Unavailable("none of the incidents could be acknowledged")
    return visit.back(f"?done={min(done, 999)}&left={min(len(seen) - done, 999)}")


def _acknowledge(visit: Visit, incident: Incident, epoch: int, via: str) -> bool | None:
    """Whether this did it; None when the store did not answer."""
    try:
        command = Acknowledge(by=visit.reader.id)
        decision = visit.perform(incident.id, incident.service_id, command, epoch, via)
    except Unavailable:
        return None
    return isinstance(decision, Transitioned)


def _own(visit: Visit, incident_id: str) -> list[Delivery] | None:
    """Every message to the reader about it; None when the store did not answer."""
    try:
        return own_deliveries(visit, incident_id, visit.deadline)
    except Unavailable:
        return None


def _seen(text: str) -> Seen | None:
    found = _SEEN.fullmatch(text)
    return Seen(found[1], int(found[2])) if found else None


def _told(visit: Visit) -> dict[str, Bundled]:
    """What the message told, by incident."""
    link = visit.link
    told = {each.incident_id: each for each in visit.table.bundle(link.delivery_id, visit.deadline)}
    first = Bundled(incident_id=link.incident_id, delivery_id=link.delivery_id)
    return told if link.incident_id in told else {link.incident_id: first, **told}


def _rows(
    visit: Visit, found: Iterable[tuple[Incident, Bundled]], deadline: Deadline
) -> Sequence[Row]:
    """Open ones first, then the most urgent, then the oldest."""
    rows = [
        Row(
            incident,
            visit.directory.service_name(incident.service_id, visit.now, deadline),
            visit.link_to(each.incident_id, each.delivery_id),
        )
        for incident, each in found
    ]
    return sorted(
        rows,
        key=lambda row: (
            row.incident.status is not Status.OPEN,
            RANKS[row.incident.urgency],
            row.incident.created_at,
        ),
    )


def _result(visit: Visit) -> Result | None:
    done, left = (visit.request.query.get(name, "") for name in ("done", "left"))
    if not (_COUNT.fullmatch(done) and _COUNT.fullmatch(left)):
        return None
    return Result(int(done), int(left))
