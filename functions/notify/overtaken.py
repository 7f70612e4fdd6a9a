"""What somebody did to an incident whose key may name a newer one by now: acts are noted when they
are planned, and a monitor may have said more by then.

Looking just before sending is enough. Whatever opens an incident after that gets a number after it,
as its event is noted once it is settled, and goes out later. What was there before may have gone
out or may be about to, and nobody can tell: what is answered here is right for both.
"""

import json
from typing import Final

from pydantic import ValidationError

from notify.passed_acts import sent_key
from opsknight.directory.mirror import MARK, is_marked
from opsknight.directory.passing_on import Passed
from opsknight.incident.event_request import payload_of
from opsknight.incident.members import Member
from opsknight.incident.model import Action, Incident, Severity, Status, Urgency
from opsknight.runtime.lenient import log_skipped
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.table import Table

_SEVERITY: Final = {
    Urgency.HIGH: Severity.CRITICAL,
    Urgency.MEDIUM: Severity.ERROR,
    Urgency.LOW: Severity.INFO,
}


def to_send(passed: Passed, table: Table, deadline: Deadline) -> list[Passed]:
    """What the other system is to hear in its place, in this order: mostly itself. Raises
    Unavailable.

    An acknowledgement would silence the newer incident there, which nobody has acknowledged. A
    resolve would close it; but if it stayed away, what is new would be the old incident there, as
    acknowledged as that was. So the newer one is opened again behind it.
    """
    if passed.incident_id is None or passed.dedup_key is None:
        return [passed]
    try:
        return _to_send(passed, passed.incident_id, passed.dedup_key, table, deadline)
    except ValidationError as error:
        # The other system pages on: that is better than a guess.
        log_skipped(error)
        return []


def _to_send(
    passed: Passed, incident_id: str, dedup_key: str, table: Table, deadline: Deadline
) -> list[Passed]:
    pointer = table.pointer(passed.service_id, dedup_key, deadline)
    if pointer is None or pointer.id == incident_id:
        return [passed]
    if passed.action is not Action.RESOLVE:
        return []
    newer = table.incident(pointer.id, deadline)
    if newer is None or newer.status is Status.RESOLVED:
        # That goes out, too, or has.
        return [passed]
    body = _opening(newer, passed.key, table, deadline)
    if body is None:
        return [passed]
    if newer.status is Status.ACKNOWLEDGED:
        # Whoever has it has what stands open there.
        return []
    opening = {"action": Action.TRIGGER, "opens": True, "body": body}
    return [passed, passed.model_copy(update=opening)]


def _opening(newer: Incident, key: str, table: Table, deadline: Deadline) -> str | None:
    """The event with which the key is in the newer incident; None if it is not, or if the other
    system has not heard of it by us.
    """
    if newer.members is not None:
        member = table.get(Member, items.member_key(newer.id, key), deadline)
        if member is None or not (member.fires or member.overflow):
            return None
        return _told(newer, member.title)
    alert = table.alert(newer.id, newer.first_alert_id, deadline)
    if sent_key(newer, alert) != key or (alert and is_marked(alert.body)):
        return None
    return alert.body if alert and payload_of(alert.body) else _told(newer, newer.title)


def _told(incident: Incident, title: str) -> str:
    """As far as we know it, where the event itself is not there."""
    payload = {"summary": title, "source": MARK, "severity": _SEVERITY[incident.urgency]}
    return json.dumps({"payload": payload}, ensure_ascii=False)
