"""An event as another system wants to hear it: PagerDuty's Events API v2, Opsgenie's Alert API, or
the event itself for a webhook.

Pure. Sources: PagerDuty's and Opsgenie's own documentation of these APIs, for fields and their
bounds.
"""

from collections.abc import Mapping
from typing import Any, Final, assert_never
from urllib.parse import quote

from opsknight.classes import dataclass
from opsknight.directory.mirror import MARK, Mirror, System
from opsknight.directory.passing_on import Passed
from opsknight.incident.event_request import parsed
from opsknight.incident.model import Action

PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
OPSGENIE: Final = "https://api.opsgenie.com"
_PRIORITIES: Final = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
# What only Opsgenie's own API sends; our protocol has put the rest where it belongs.
_OPSGENIE_FIELDS: Final = ("entity", "tags", "responders", "actions", "visibleTo", "priority")
_KEPT: Final = ("payload", "links", "images", "client_url")
_LONGEST_MESSAGE: Final = 130
_LONGEST_DESCRIPTION: Final = 15_000
_LONGEST_PROPERTY: Final = 8_000
_LONGEST_SOURCE: Final = 100


@dataclass(frozen=True, slots=True)
class Outgoing:
    url: str
    payload: Mapping[str, Any]


def outgoing(passed: Passed, mirror: Mirror, secret: str) -> Outgoing:
    """`secret` is the other system's key; a webhook's is not in what is sent."""
    event = parsed(passed.body)
    match mirror.to:
        case System.PAGERDUTY:
            return Outgoing(mirror.url or PAGERDUTY, _pagerduty(passed, event, secret))
        case System.OPSGENIE:
            return _opsgenie(passed, event, (mirror.url or OPSGENIE).rstrip("/"))
        case System.WEBHOOK:
            sent = {"event_action": passed.action, "dedup_key": passed.key}
            return Outgoing(mirror.url or "", {**event, **sent, "client": MARK})
        case _:
            assert_never(mirror.to)


def _pagerduty(passed: Passed, event: Mapping[str, Any], secret: str) -> dict[str, Any]:
    sent: dict[str, Any] = {
        "routing_key": secret,
        "event_action": passed.action,
        "dedup_key": passed.key,
    }
    if passed.action is not Action.TRIGGER:
        return sent
    return {**sent, **{name: event[name] for name in _KEPT if name in event}, "client": MARK}


def _opsgenie(passed: Passed, event: Mapping[str, Any], base: str) -> Outgoing:
    payload = _mapping(event.get("payload"))
    source = str(payload.get("source") or MARK)[:_LONGEST_SOURCE]
    match passed.action:
        case Action.TRIGGER:
            return Outgoing(f"{base}/v2/alerts", _alert(passed, payload, source))
        case Action.ACKNOWLEDGE:
            act = "acknowledge"
        case Action.RESOLVE:
            act = "close"
        case _:
            assert_never(passed.action)
    url = f"{base}/v2/alerts/{quote(_alias(passed), safe='')}/{act}?identifierType=alias"
    return Outgoing(url, {"source": source, "user": MARK})


def _alert(passed: Passed, payload: Mapping[str, Any], source: str) -> dict[str, Any]:
    summary = str(payload.get("summary") or passed.key)
    details = payload.get("custom_details")
    # What came by its own API stands there as a field of the details.
    described = _mapping(details).get("description")
    lines = [summary] if len(summary) > _LONGEST_MESSAGE else []
    if described is None and details is not None and not isinstance(details, Mapping):
        described = details
    if described is not None:
        lines.append(str(described))
    written = {
        str(name): str(value)[:_LONGEST_PROPERTY]
        for name, value in _mapping(details).items()
        if name != "description"
    }
    kept = {name: payload[name] for name in _OPSGENIE_FIELDS if name in payload}
    alert = {
        "message": summary[:_LONGEST_MESSAGE],
        "alias": _alias(passed),
        "source": source,
        "priority": _PRIORITIES.get(str(payload.get("severity")), "P3"),
        **kept,
        "details": {**written, "client": MARK},
    }
    return alert | ({"description": "\n\n".join(lines)[:_LONGEST_DESCRIPTION]} if lines else {})


def _alias(passed: Passed) -> str:
    """The dedup key, which acts on the alert name in their path. As a part of a path `.` and `..`
    mean another path, `%2E` no less, so these two have another alias.
    """
    return f"dedup key {passed.key}" if passed.key in (".", "..") else passed.key


def _mapping(sent: object) -> Mapping[str, Any]:
    return sent if isinstance(sent, Mapping) else {}
