"""What is going on now, for a page that asks every few seconds: one query and at most one read of
names, whatever there is, and an answer without a body while nothing has changed.
"""

import json
from hashlib import sha256
from typing import Final

from opsknight.http.gateway import Answer
from opsknight.incident.model import ACTIVE, Status, Urgency
from opsknight.store.listings import Listed, Listings, Wanted
from opsknight.views import answers
from opsknight.views.names import of_listed
from opsknight.views.pulse_models import Pulse, PulseCounts
from opsknight.views.wire import to_json
from respond.incidents import services_of
from respond.request import ApiCall, Query

SHOWN: Final = 50
COUNTED: Final = 200
# At half a read unit each. The few that are left out are there when the page asks again.
MOST_NAMES: Final = 22
_RANKS: Final = {urgency: rank for rank, urgency in enumerate(Urgency)}


def show_pulse(call: ApiCall) -> Answer:
    query = Query(call.request.query)
    urgencies, service_id, team_id = query.urgencies(), query.text("service"), query.text("team")
    query.check()
    wanted = Wanted(
        statuses=ACTIVE, service_ids=services_of(service_id, team_id, call), urgencies=urgencies
    )
    found, more = Listings(call.table).glance(wanted, COUNTED, call.deadline)
    mine = call.caller.user.id

    def order(each: Listed) -> tuple[bool, bool, int]:
        return (each.assignee_id != mine, each.status is not Status.OPEN, _RANKS[each.urgency])

    # Newest first within each, as they come.
    rows = sorted(found, key=order)[:SHOWN]
    names = call.names(of_listed(rows), MOST_NAMES)
    is_open = [each for each in found if each.status is Status.OPEN]
    pulse = Pulse(
        incidents=[answers.listed(each, names) for each in rows],
        counts=PulseCounts(
            active=len(found),
            open=len(is_open),
            high=sum(each.urgency is Urgency.HIGH for each in is_open),
            mine=sum(each.assignee_id == mine for each in found),
            complete=not more,
        ),
    )
    tag = _tag(pulse, mine)
    if call.request.headers.get("if-none-match") == tag:
        return Answer(304, "", {"ETag": tag})
    return Answer(200, pulse, {"ETag": tag})


def _tag(pulse: Pulse, user_id: str) -> str:
    """The same for the same answer to the same user."""
    text = json.dumps([user_id, to_json(pulse)], sort_keys=True)
    return f'"{sha256(text.encode()).hexdigest()[:32]}"'
