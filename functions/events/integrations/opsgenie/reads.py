"""What a sender reads in Opsgenie's dialect: one alert, many, and what became of a request. It sees
the alerts that its integration made, and no other's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import batched
from typing import Any, Final
from urllib.parse import urlencode

from events.integrations.opsgenie import request_ids, shown
from events.integrations.opsgenie.request_ids import SENTENCES
from events.integrations.opsgenie.search import Search, read_search
from events.integrations.opsgenie.visit import Refused, Visit
from opsknight.http.gateway import Answer
from opsknight.incident.model import Incident
from opsknight.incident.taking import taken_on_by
from opsknight.store.listings import Listings, Wanted
from opsknight.store.rows import LARGEST_BATCH
from opsknight.views.wire import time

# So many of the service's newest alerts a list looks through.
LOOKED_AT: Final = 500
_DEFAULT_LIMIT: Final = 20
_MOST: Final = 100


def get(visit: Visit) -> Answer:
    visit.reception.admit(visit.sender, visit.call, reads=True)
    found = visit.own(visit.incident())
    if found is not None and (key := visit.alone(found.incident)) is not None:
        found = replace(found, alias=key)
    if found is None:
        raise Refused(404, f"No alert of this integration has this {visit.by}")
    return visit.data(shown.whole(found, _integration(visit), _owner(found.incident, visit)))


def request_status(visit: Visit) -> Answer:
    """By the id alone; the incident only gives its alias."""
    visit.reception.admit(visit.sender, visit.call, reads=True)
    processed = request_ids.processed_by(visit.identifier)
    if processed is None:
        raise Refused(404, "No request has this id")
    alias = ""
    if processed.incident_id is not None:
        incident = visit.service_incident(processed.incident_id, processed.digest)
        if incident is None:
            raise Refused(404, "No request has this id")
        one = processed.digest and visit.named(incident.id, processed.digest)
        alias = one or incident.dedup_key
    success = processed.outcome.is_success
    return visit.data(
        {
            "success": success,
            "action": processed.act.word,
            "processedAt": time(processed.at),
            "integrationId": visit.sender.key.actor.id,
            "isSuccess": success,
            "status": SENTENCES[processed.outcome],
            "alertId": request_ids.alert_id(processed.incident_id or "", processed.digest),
            "alias": alias,
        }
    )


def list_alerts(visit: Visit) -> Answer:
    visit.reception.admit(visit.sender, visit.call, reads=True)
    offset, limit = _number("offset", 0, visit), _number("limit", _DEFAULT_LIMIT, visit)
    if not 1 <= limit <= _MOST or offset + limit > LOOKED_AT:
        bounds = f"limit is 1 to {_MOST}, and with offset at most {LOOKED_AT}"
        raise Refused(422, "The query cannot be read", limit=bounds)
    for name, only in (("sort", "createdAt"), ("order", "desc")):
        if visit.query.get(name, only).lower() != only.lower():
            raise Refused(422, "The query cannot be read", **{name: f"only {only} is there"})
    search = read_search(visit.query.get("query", ""))
    wanted = [Wanted(each, {visit.sender.service.id}) for each in search.lists]
    call = visit.call
    listed = Listings(visit.table).newest(wanted, LOOKED_AT, call.now, call.deadline)
    found: list[shown.Seen] = []
    for ids in batched((each.id for each in listed), LARGEST_BATCH, strict=False):
        found += _own(ids, search, visit)
        if len(found) > offset + limit:
            break
    more = len(found) > offset + limit
    batch = found[offset : offset + limit]
    data = [shown.brief(each, _integration(visit), _owner(each.incident, visit)) for each in batch]
    paging = {"next": _next(visit, offset + limit, limit)} if more else {}
    return visit.data(data, paging=paging)


def _own(ids: Iterable[str], search: Search, visit: Visit) -> list[shown.Seen]:
    """Those that this integration made and the search finds, newest first."""
    incidents = visit.table.incidents(ids, visit.call.deadline)
    maybe = [each for each in incidents.values() if search.may_be(each)]
    openers = visit.table.opening_alerts(maybe, visit.call.deadline)
    found = []
    for each in sorted(maybe, key=lambda one: one.id, reverse=True):
        first = openers.get(each.id)
        seen = visit.seen(each, first) if first and visit.made(first.actor) else None
        if seen is not None and search.is_met_by(seen):
            found.append(seen)
    return found


def _next(visit: Visit, offset: int, limit: int) -> str:
    query = {**visit.query, "offset": str(offset), "limit": str(limit)}
    host = visit.call.request.headers.get("host", "")
    return f"{f'https://{host}' if host else ''}{visit.call.request.path}?{urlencode(query)}"


def _number(name: str, default: int, visit: Visit) -> int:
    text = visit.query.get(name, str(default)).strip()
    if text.isascii() and text.isdigit() and len(text) < 6:
        return int(text)
    raise Refused(422, "The query cannot be read", **{name: "must be a number"})


def _integration(visit: Visit) -> Mapping[str, Any]:
    mine = visit.sender.key.actor
    return {"id": mine.id, "name": mine.name, "type": "API"}


def _owner(incident: Incident, visit: Visit) -> str:
    who = taken_on_by(incident)
    if who is None:
        return ""
    return visit.reception.directory.user_name(who, visit.call.now, visit.call.deadline)
