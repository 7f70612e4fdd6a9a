"""PagerDuty's Events API v2, and v1, which older agents still speak.

Sources: PagerDuty's developer documentation, and its own clients, which want JSON in every answer
and the `dedup_key` in that to an event. A 400, 401, 403 or 404 is never sent again by any of them,
so what may pass is a 503. In v1 a 403 means "try later": a bad key there is a 400.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, assert_never

from events.call import Call, Sender
from events.reception import Reception, at_limit
from opsknight.classes import dataclass
from opsknight.directory.entries import key_hash
from opsknight.http.body import InvalidJson, decoded
from opsknight.http.gateway import Answer, unavailable
from opsknight.http.rate_limiter import LimitReached
from opsknight.incident.event_request import LARGEST_BODY
from opsknight.incident.model import Action
from opsknight.incident.rollouts import Rollout
from opsknight.integrations.drafts import Draft, understood
from opsknight.integrations.rollouts import rollout_of
from opsknight.store.calls import Unavailable
from opsknight.store.rollouts import Rollouts

_PAYLOAD: Final = frozenset({"summary", "source", "severity", "custom_details"})
# Before the body is parsed: half a megabyte of a stranger's costs nothing.
_KEYS: Final = {
    name: re.compile(rb'"%s"\s*:\s*"\s*([0-9A-Fa-f]{32})\s*"' % name.encode())
    for name in ("routing_key", "service_key")
}


class _Refused(Exception):
    """The event can never be taken. The text says why."""

    def __init__(self, why: str, message: str = "Event object is invalid") -> None:
        super().__init__(why)
        self.why, self.message = why, message

    @property
    def body(self) -> dict[str, Any]:
        status = "invalid event" if "invalid" in self.message else "Unrecognized object"
        return {"status": status, "message": self.message, "errors": [self.why]}


@dataclass(frozen=True, slots=True)
class _Version:
    key: str
    """The field with the integration key."""
    draft: Callable[[Mapping[str, Any]], Draft]
    accepted: int
    throttled: int
    dedup_key: str
    """What the answer calls it."""


def _answer(version: _Version, call: Call, reception: Reception) -> Answer:
    try:
        sender = _sender(version.key, call, reception)
        call.log(key_id=sender.key.id, service_id=sender.service.id)
        sent = _object(version.key, call, sender)
        wanted = understood(version.draft(sent), sender.service.id, sender.key.actor)
        call.log(event_action=wanted.event.action)
        received = reception.receive(wanted.event, sender, call)
    except _Refused as refused:
        return Answer(400, refused.body)
    except Unavailable as cause:
        return _unavailable(call, cause)
    if received.result is None:
        return Answer(version.throttled, _throttled(), received.headers, throttled=True)
    body = {"status": "success", "message": "Event processed", version.dedup_key: wanted.dedup_key}
    return Answer(version.accepted, body, received.headers)


def _unavailable(call: Call, cause: Unavailable) -> Answer:
    answer = unavailable(call.log_fields, cause)
    body = {"status": "error", "message": "Not stored: send it again.", "error": "Unavailable"}
    return Answer(answer.status, body, answer.headers)


def _throttled() -> dict[str, Any]:
    why = "Over 120 events in this minute with this key. Not stored: send it again."
    return {"status": "throttle exceeded", "message": why, "errors": [why]}


def _sender(name: str, call: Call, reception: Reception) -> Sender:
    """By the key in the body, and by no other: senders put anything into headers."""
    body = call.request.body
    if len(body) > LARGEST_BODY:
        raise _Refused(f"The event is larger than {LARGEST_BODY} bytes")
    found = [each[1].decode().lower() for each in _KEYS[name].finditer(body)]
    directory, when = reception.directory, (call.now, call.deadline)
    # What a monitor tells may hold one of that name: the event's own is before or after it.
    for each in dict.fromkeys(found[:1] + found[-1:]):
        hashed = key_hash(each)
        key = directory.integration_key(hashed, *when)
        service = key and directory.service(key.service_id, *when)
        if key and service:
            return Sender(hashed, key, service)
    raise _Refused(f"{name} is not the key of an integration here")


def _object(name: str, call: Call, sender: Sender) -> dict[str, Any]:
    """The event without its key, which must be the sender's."""
    unrecognized = "Event object format is unrecognized"
    try:
        sent = decoded(call.request.body)
    except InvalidJson as error:
        raise _Refused(f"JSON parse error: {error}", unrecognized) from None
    if not isinstance(sent, dict):
        raise _Refused("The event must be an object", unrecognized)
    written = sent.pop(name, None)
    if not isinstance(written, str) or key_hash(written.strip().lower()) != sender.hashed:
        raise _Refused(f"{name} must stand in the event itself")
    for other in _KEYS:
        sent.pop(other, None)
    return sent


def _draft(sent: Mapping[str, Any]) -> Draft:
    action = _action(sent, "event_action", "dedup_key")
    payload = sent.get("payload")
    if action is Action.TRIGGER and not isinstance(payload, dict):
        raise _Refused("payload must be an object")
    fields = payload if isinstance(payload, dict) else {}
    if action is Action.TRIGGER and not _is_written(fields.get("summary")):
        raise _Refused("payload.summary is missing or blank")
    return Draft(
        action,
        sent.get("dedup_key"),
        fields.get("summary"),
        fields.get("source"),
        fields.get("severity"),
        fields.get("custom_details"),
        payload={name: each for name, each in fields.items() if name not in _PAYLOAD},
        rest={name: each for name, each in sent.items() if name != "payload"},
    )


def _draft_of_v1(sent: Mapping[str, Any]) -> Draft:
    action = _action(sent, "event_type", "incident_key")
    if action is Action.TRIGGER and not _is_written(sent.get("description")):
        raise _Refused("description is missing or blank")
    links, images = _contexts(sent.get("contexts"))
    details = sent.get("details")
    fields = details if isinstance(details, dict) else {}
    return Draft(
        action,
        sent.get("incident_key"),
        sent.get("description"),
        sent.get("client"),
        # Version 1 has no field for it; some agents put it into the details.
        fields.get("severity"),
        details,
        rest={
            **{name: sent[name] for name in ("client", "client_url") if name in sent},
            **({"links": links} if links else {}),
            **({"images": images} if images else {}),
        },
    )


def _action(sent: Mapping[str, Any], name: str, key: str) -> Action:
    try:
        action = Action(str(sent.get(name)).strip().lower())
    except ValueError:
        raise _Refused(f"{name} must be one of trigger, acknowledge, resolve") from None
    match action:
        case Action.TRIGGER:
            return action
        case Action.ACKNOWLEDGE | Action.RESOLVE:
            if not _is_written(sent.get(key)):
                raise _Refused(f"{key} is required to {action.value}")
            return action
        case _:
            assert_never(action)


def _is_written(sent: object) -> bool:
    match sent:
        case str():
            return bool(sent.strip())
        case bool():
            return False
        case int() | float():
            return True
        case _:
            return False


def _contexts(sent: object) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The `contexts` of version 1 as the links and images of version 2."""
    links: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    for each in sent if isinstance(sent, list) else []:
        match each:
            case {"type": "link", "href": href}:
                links.append({"href": href, "text": each.get("text")})
            case {"type": "image", "src": source}:
                images.append({"src": source, "href": each.get("href"), "alt": each.get("text")})
            case _:
                pass
    return links, images


def change(call: Call, reception: Reception) -> Answer:
    """`POST /v2/change/enqueue`: it opens nothing, and incidents soon after it name it."""
    try:
        sender = _sender("routing_key", call, reception)
        call.log(key_id=sender.key.id, service_id=sender.service.id)
        sent = _object("routing_key", call, sender)
        rollout = _rollout(sent, sender, call)
        headers = reception.admit(sender, call)
        Rollouts(reception.intake.table).put(rollout, call.deadline)
    except _Refused as refused:
        return Answer(400, refused.body)
    except LimitReached:
        return Answer(429, _throttled(), at_limit(call), throttled=True)
    except Unavailable as cause:
        return _unavailable(call, cause)
    return Answer(202, {"status": "success", "message": "Change event processed"}, headers)


def _rollout(sent: Mapping[str, Any], sender: Sender, call: Call) -> Rollout:
    payload = sent.get("payload")
    if not isinstance(payload, dict):
        raise _Refused("payload must be an object")
    if not _is_written(payload.get("summary")):
        raise _Refused("payload.summary is missing or blank")
    return rollout_of(payload, sent.get("links"), sender.key.actor, sender.service.id, call.now)


# Last, as each names its draft. `POST /v2/enqueue`:
enqueue: Final = partial(_answer, _Version("routing_key", _draft, 202, 429, "dedup_key"))
# `POST /generic/2010-04-15/create_event.json`, the Events API v1:
create_event: Final = partial(
    _answer, _Version("service_key", _draft_of_v1, 200, 403, "incident_key")
)
