"""Pings of heartbeats in Opsgenie's dialect: one key beats for all of its service, each by name.

Opsgenie answers a ping of a heartbeat that there is not like any other. Here it is an error: nobody
would be paged for what never beats.
"""

from events.integrations import heartbeat
from events.integrations.opsgenie.visit import Refused, Visit
from opsknight.http.gateway import Answer, HttpError


def ping(visit: Visit) -> Answer:
    """Raises Refused, HttpError, Unavailable."""
    call, reception, sender = visit.call, visit.reception, visit.sender
    directory, when = reception.directory, (call.now, call.deadline)
    mine = directory.settings_of(sender.key, sender.service, *when)
    if mine is not None and mine.secret is not None:
        raise Refused(401, "The integration of this key has a secret, and pings are not signed")
    name = visit.identifier or visit.query.get("name", "")
    found = directory.heartbeat_named(name, sender.service, *when)
    if found is None:
        raise Refused(404, "No integration of this service has this name and a heartbeat")
    directory.note_use(sender.hashed, sender.key, *when)
    try:
        heartbeat.note("", found, call, reception)
    except HttpError as error:
        raise Refused(error.answer.status, "Not noted: send it again") from None
    body = {
        "result": "PONG - Heartbeat received",
        "took": visit.took(),
        "requestId": call.request.id,
    }
    return Answer(202, body)
