"""Who is on call, as `GET /v2/schedules/NAME/on-calls` answers it. An integration key is in the
hands of a monitor: it sees the schedules that its service pages by, and no others.
"""

from typing import Final

from events.integrations.opsgenie import sent
from events.integrations.opsgenie.visit import Refused, Visit
from opsknight.escalation.policy import Rota, TargetKind
from opsknight.http.gateway import Answer
from opsknight.oncall.schedules import on_call_at
from opsknight.oncall.wall_clock import FIRST, LAST

_TRUE: Final = "true"


def on_calls(visit: Visit) -> Answer:
    visit.reception.admit(visit.sender, visit.call, reads=True)
    at = visit.call.now
    if written := visit.query.get("date"):
        # A plus in a query is a space.
        asked = sent.moment(written.strip().replace(" ", "+"))
        if asked is None or not FIRST <= asked < LAST:
            raise Refused(422, "The query cannot be read", date="must be a time")
        at = asked
    rota = _rota(visit)
    if rota is None:
        raise Refused(404, "The service of this integration pages by no schedule of this name")
    users = visit.table.users(rota.user_ids, visit.call.deadline)
    absent = {each for each in rota.user_ids if each not in users or users[each].disabled}
    holder = on_call_at(rota.schedule, rota.overrides, at, disabled=absent)
    found = [] if holder is None else [users[holder]]
    parent = {"id": rota.schedule.id, "name": rota.schedule.name, "enabled": True}
    if visit.query.get("flat", "").lower() == _TRUE:
        return visit.data({"_parent": parent, "onCallRecipients": [each.email for each in found]})
    people = [{"id": each.id, "name": each.email, "type": "user"} for each in found]
    return visit.data({"_parent": parent, "onCallParticipants": people})


def _rota(visit: Visit) -> Rota | None:
    service, deadline = visit.sender.service, visit.call.deadline
    policy = visit.table.policy(service.policy_id, deadline) if service.policy_id else None
    targets = [each for step in policy.steps for each in step.targets] if policy else []
    for schedule_id in dict.fromkeys(
        each.id for each in targets if each.kind is TargetKind.SCHEDULE
    ):
        rota = visit.table.rota(schedule_id, deadline)
        if rota and visit.identifier in (rota.schedule.id, rota.schedule.name):
            return rota
    return None
