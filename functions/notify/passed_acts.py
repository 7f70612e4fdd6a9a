"""What people do to incidents of a service with a mirror, noted for the other system if the service
says so. Events are noted as they come, by the events function, so an act may get its number after
events that came later: whoever sends it looks whether that matters (`notify.overtaken`).
"""

import json
from collections.abc import Iterable
from typing import Final

from opsknight.directory.mirror import MARK
from opsknight.directory.passing_on import Passed
from opsknight.incident.event_request import parsed
from opsknight.incident.members import Member
from opsknight.incident.model import Action, ActorKind, Alert, Incident
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
    """Noted again, it goes out again. Raises Unavailable."""
    acts = [
        each for each in changes if each and each.what in _ACTIONS and each.actor.kind in _PEOPLE
    ]
    if not acts or incident.internal:
        return
    service = readable(lambda: table.service(incident.service_id, deadline))
    if service is None or service.mirror is None or not service.mirror.actions:
        return
    found = [
        _passed(each, incident, key)
        for each in acts
        if not _is_event(each)
        for key in _keys(incident, each, table, deadline)
    ]
    if found:
        Mirrors(table).note_all(found, deadline)


def _passed(act: Change, incident: Incident, key: str) -> Passed:
    action = _ACTIONS[act.what]
    payload = {"summary": "-", "source": act.actor.name[:200] or MARK}
    body = {"event_action": action, "dedup_key": key, "payload": payload}
    return Passed(
        service_id=incident.service_id,
        at=act.at,
        action=action,
        key=key,
        body=json.dumps(body, ensure_ascii=False),
        incident_id=incident.id,
        dedup_key=incident.dedup_key,
    )


def _is_event(change: Change) -> bool:
    """Whether a monitor asked for it with an API key: then it is passed on as it came."""
    return change.actor.kind is ActorKind.API_KEY and "summary" in change.detail


def _keys(incident: Incident, act: Change, table: Table, deadline: Deadline) -> list[str]:
    """The senders' keys: of a group those of all that fire. What has begun to since somebody
    acknowledged it, nobody has seen.
    """
    if incident.members is not None:
        found = table.under(items.incident_key(incident.id)["pk"], "member#", deadline)
        firing = [each for each in table.readable(Member, found) if each.fires]
        is_end = _ACTIONS[act.what] is Action.RESOLVE
        return [each.key for each in firing if is_end or each.at <= act.at]
    alert = table.alert(incident.id, incident.first_alert_id, deadline)
    return [sent_key(incident, alert)]


def sent_key(incident: Incident, first: Alert | None) -> str:
    """How the other system calls an incident that is no group."""
    sent = parsed(first.body).get("dedup_key") if first else None
    return sent if isinstance(sent, str) else incident.dedup_key
