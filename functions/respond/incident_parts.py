"""What belongs to one incident, batch by batch: its alerts, its timeline, its deliveries. The whole
incident shows the newest of each.
"""

import re
from collections.abc import Sequence
from typing import Final

from opsknight.escalation.pages import StepTaken
from opsknight.http.gateway import Answer, HttpError
from opsknight.incident.timeline import Change
from opsknight.store.paged import Paged
from opsknight.views import answers
from opsknight.views import part_models as models
from opsknight.views.incident_records import IncidentRecords, as_seen
from opsknight.views.names import of_owner, of_users
from respond.incidents import visible
from respond.request import ApiCall, Query, opaque

_ALERTS: Final = re.compile(r"alerts (alert#[0-9a-z_]{1,60})")
_DELIVERIES: Final = re.compile(r"deliveries (delivery#[0-9a-z_]{1,60})")
# The number of the change and of the page that were shown last.
_TIMELINE: Final = re.compile(r"timeline (\d{1,7}) (\d{1,7})")
_FROM_THE_NEWEST: Final = 1_000_000


def list_alerts(call: ApiCall) -> Answer:
    [incident_id] = call.ids
    query = Query(call.request.query)
    limit, place = query.limit(), query.position(_ALERTS)
    query.check()
    visible(incident_id, call)
    found, following = Paged(call.table).alerts(
        incident_id, place[1] if place else None, limit, call.deadline
    )
    shown = [answers.alert(each) for each in found]
    after = None if following is None else opaque(f"alerts {following}")
    return Answer(200, models.Alerts(alerts=shown, cursor=after))


def show_alert(call: ApiCall) -> Answer:
    """With its event, as it was sent."""
    incident_id, alert_id = call.ids
    visible(incident_id, call)
    found = call.table.alert(incident_id, alert_id, call.deadline)
    if found is None:
        raise HttpError(404, "Alert not found")
    return Answer(200, models.ShownAlert(alert=answers.alert(found), event=found.body))


def list_deliveries(call: ApiCall) -> Answer:
    [incident_id] = call.ids
    query = Query(call.request.query)
    limit, place = query.limit(), query.position(_DELIVERIES)
    query.check()
    incident = visible(incident_id, call)
    found, following = Paged(call.table).deliveries(
        incident_id, place[1] if place else None, limit, call.deadline
    )
    # The newest acts: each names its delivery.
    changes = call.table.latest_changes(incident.id, limit, call.deadline)
    names = call.names(of_owner(each) for each in found)
    shown = [answers.delivery(as_seen(each, incident), names, changes) for each in found]
    after = None if following is None else opaque(f"deliveries {following}")
    return Answer(200, models.Deliveries(deliveries=shown, cursor=after))


def list_timeline(call: ApiCall) -> Answer:
    """Changes and steps, the newest first. How messages ended is told by the deliveries."""
    [incident_id] = call.ids
    query = Query(call.request.query)
    limit, place = query.limit(), query.position(_TIMELINE)
    query.check()
    incident = visible(incident_id, call)
    before_change, before_page = (
        (int(place[1]), int(place[2])) if place else (_FROM_THE_NEWEST, _FROM_THE_NEWEST)
    )
    paged = Paged(call.table)
    changes = paged.changes(incident.id, before_change, limit, call.deadline)
    steps = paged.steps(incident.id, before_page, limit, call.deadline)
    kept_changes, kept_steps = _newest(changes, steps, limit)
    records = IncidentRecords(
        incident=incident,
        first=call.table.alert(incident.id, incident.first_alert_id, call.deadline),
        changes=kept_changes,
        steps=kept_steps,
        alerts=(),
        deliveries=(),
    )
    users = {user_id for step in kept_steps for user_id in step.user_ids}
    users |= {each.detail["assignee"] for each in kept_changes if "assignee" in each.detail}
    names = call.names(of_users(users))
    ended = len(kept_changes) == len(changes) < limit and len(kept_steps) == len(steps) < limit
    rows = answers.timeline(records, names, call.caller.user.clock, opening=ended)
    after = None
    if not ended:
        last_change = kept_changes[-1].number if kept_changes else before_change
        last_page = kept_steps[-1].page_no if kept_steps else before_page
        after = opaque(f"timeline {last_change} {last_page}")
    return Answer(200, models.TimelineBatch(timeline=rows[::-1], cursor=after))


def _newest(
    changes: Sequence[Change], steps: Sequence[StepTaken], limit: int
) -> tuple[list[Change], list[StepTaken]]:
    """The `limit` newest of both; each is given with the newest first."""
    rows: list[Change | StepTaken] = sorted(
        [*steps, *changes], key=lambda each: each.at, reverse=True
    )
    kept = rows[:limit]
    return (
        [each for each in kept if isinstance(each, Change)],
        [each for each in kept if isinstance(each, StepTaken)],
    )
