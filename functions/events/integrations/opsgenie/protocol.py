"""The paths of Opsgenie's API, the same under the prefix of Jira Service Management, and the errors
in its words. Its clients send a 429 and a 5xx again, and drop every other error.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from events.call import Call
from events.integrations.opsgenie import acts, heartbeats, on_calls, reads
from events.integrations.opsgenie.visit import Refused, Visit, sender_of
from events.reception import Reception, at_limit
from opsknight.http.gateway import Answer, HttpError, unavailable
from opsknight.http.rate_limiter import LimitReached
from opsknight.store.calls import Unavailable

type _Handler = Callable[[Visit], Answer]

JIRA: Final = "/jsm/ops/integration"
_ALERTS: Final = "/v2/alerts"
_PING: Final = re.compile(r"/v2/heartbeats(?:/(.+))?/ping")
_SCHEDULE: Final = re.compile(r"/v2/schedules/(.+)/on-calls")
_REQUEST: Final = re.compile(r"/v2/alerts/requests/([^/]+)")
# What follows the identifier. An alias may hold a slash, so it ends at the last one.
_ACT: Final = re.compile(r"/v2/alerts/(.+)/([a-z]+)")
_ALERT: Final = re.compile(r"/v2/alerts/(.+)")
# A path may still be encoded: an HTTP API of API Gateway decodes all of it but `%25`.
_ENCODED: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")

_ACTS: Final[Mapping[str, Mapping[str, _Handler]]] = {
    "close": {"POST": acts.close},
    "acknowledge": {"POST": acts.acknowledge},
    "unacknowledge": {"POST": acts.unacknowledge},
    "snooze": {"POST": acts.snooze},
    "notes": {"POST": acts.add_note},
    "message": {"PUT": acts.update_message},
    "description": {"PUT": acts.update_description},
    "priority": {"PUT": acts.update_priority},
    "tags": {"POST": acts.add_tags, "DELETE": acts.remove_tags},
    "details": {"POST": acts.add_details, "DELETE": acts.remove_details},
}


def answer(call: Call, reception: Reception) -> Answer:
    try:
        handler, identifier = _find(call)
        sender = sender_of(call, reception)
        call.log(key_id=sender.key.id, service_id=sender.service.id)
        return handler(Visit(call, reception, sender, identifier))
    except Refused as refused:
        errors = {"errors": refused.errors} if refused.errors else {}
        return _failed(call, refused.status, refused.message, errors)
    except LimitReached:
        why = "Over 120 requests in this minute with this key. Not taken: send it again."
        return _failed(call, 429, why, headers=at_limit(call))
    except Unavailable as cause:
        headers = unavailable(call.log_fields, cause).headers
        return _failed(call, 503, "The store does not answer: send it again.", headers=headers)


def _failed(
    call: Call,
    status: int,
    message: str,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    body = {"message": message, **(more or {}), "took": 0.0, "requestId": call.request.id}
    return Answer(status, body, headers or {})


def _find(call: Call) -> tuple[_Handler, str]:
    """What answers, and the identifier in the path. Raises Refused and HttpError."""
    path = call.request.path.removeprefix(JIRA).removesuffix("/")
    path = unquote(path) if _ENCODED.fullmatch(path) else path.replace("%25", "%")
    method = "GET" if call.request.method == "HEAD" else call.request.method
    known, identifier = _handlers(path, method)
    if handler := known.get(method):
        return handler, identifier
    if not known:
        raise Refused(404, "There is no such address here")
    raise HttpError(405, "Method not allowed", Allow=", ".join(known))


def _handlers(path: str, method: str) -> tuple[Mapping[str, _Handler], str]:
    """By method."""
    if path == _ALERTS:
        return {"POST": acts.create, "GET": reads.list_alerts}, ""
    if found := _SCHEDULE.fullmatch(path):
        return {"GET": on_calls.on_calls}, found[1]
    if found := _PING.fullmatch(path):
        return dict.fromkeys(("GET", "POST", "PUT", "PATCH"), heartbeats.ping), found[1] or ""
    if method == "GET" and (found := _REQUEST.fullmatch(path)):
        return {"GET": reads.request_status}, found[1]
    if method != "GET" and (found := _ACT.fullmatch(path)):
        return _ACTS.get(found[2], {}), found[1]
    if found := _ALERT.fullmatch(path):
        return {"GET": reads.get}, found[1]
    return {}, ""
