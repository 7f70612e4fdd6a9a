"""What people do to incidents of a service with a mirror, noted for the other system if the service
says so. Events are noted as they come, by the events function.
"""

import json
from collections.abc import Iterable
from typing import Final

from opsknight.directory.mirror import MARK
from opsknight.directory.passing_on import Passed
from opsknight.incident.event_request import parsed
from opsknight.incident.members import Member, MemberState
from opsknight.incident.model import Action, ActorKind, Incident
from opsknight.incident.timeline import Change
from opsknight.runtime.lenient import readable
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.mirrors import Mirrors
from opsknight.store.table import Table

_ACTIONS: Final = {
    "acknowledged": Action.ACKNOWLEDGE,
    "resolved": Action.RESOLVE,
    "auto-resolved": Action.RESOLVE,
}
_PEOPLE: Final = frozenset(
    {ActorKind.USER, ActorKind.SLACK, ActorKind.OPERATOR, ActorKind.TIMER, ActorKind.API_KEY}
)


def pass_on(
    table: Table, incident: Incident, changes: Iterable[Change | None], deadline: Deadline
) -> None:
    """Noted again, it goes out again, which changes nothing there. Raises Unavailable."""
    acts = [
        each for each in changes if each and each.what in _ACTIONS and each.actor.kind in _PEOPLE
    ]
    if not acts or incident.internal:
        return
    service = readable(lambda: table.service(incident.service_id, deadline))
    if service is None or service.mirror is None or not service.mirror.actions:
        return
    for each in acts:
        action = _ACTIONS[each.what]
        if _is_event(each):
            continue
        for key in _keys(incident, table, deadline):
            payload = {"summary": "-", "source": each.actor.name[:200] or MARK}
            body = {"event_action": action, "dedup_key": key, "payload": payload}
            passed = Passed(
                service_id=service.id,
                at=each.at,
                action=action,
                key=key,
                body=json.dumps(body, ensure_ascii=False),
            )
            Mirrors(table).note(passed, deadline)


def _is_event(change: Change) -> bool:
    """Whether a monitor asked for it with an API key: then it is passed on as it came."""
    return change.actor.kind is ActorKind.API_KEY and "summary" in change.detail


def _keys(incident: Incident, table: Table, deadline: Deadline) -> list[str]:
    """The senders' keys: of a group those of all that fire."""
    if incident.members is not None:
        found = table.under(items.incident_key(incident.id)["pk"], "member#", deadline)
        members = table.readable(Member, found)
        return [each.key for each in members if each.state is MemberState.FIRING]
    alert = table.alert(incident.id, incident.first_alert_id, deadline)
    sent = parsed(alert.body).get("dedup_key") if alert else None
    return [sent if isinstance(sent, str) else incident.dedup_key]
