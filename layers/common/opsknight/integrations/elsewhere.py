"""What the webhooks of another paging system tell of its own incidents, while a team uses both:
PagerDuty's webhooks (v3) and Opsgenie's. Pure.

Sources: the documentation of both, and their examples. What cannot be read is left out, never
guessed.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from opsknight.directory.mirror import System
from opsknight.directory.passing_on import Heard, HeardKind
from opsknight.incident.text import without_lone_surrogates

_PAGERDUTY: Final = {
    "incident.acknowledged": HeardKind.ACKNOWLEDGED,
    "incident.resolved": HeardKind.RESOLVED,
    "incident.triggered": HeardKind.PAGED,
    "incident.escalated": HeardKind.PAGED,
    "incident.reassigned": HeardKind.PAGED,
    "incident.delegated": HeardKind.PAGED,
}
_OPSGENIE: Final = {
    "Acknowledge": HeardKind.ACKNOWLEDGED,
    "Close": HeardKind.RESOLVED,
    "Create": HeardKind.PAGED,
    "Escalate": HeardKind.PAGED,
    "EscalateNext": HeardKind.PAGED,
    "AssignOwnership": HeardKind.PAGED,
    "AddRecipient": HeardKind.PAGED,
}
_LONGEST: Final = 200
_MOST_NAMES: Final = 20


def read(system: System, document: object, now: datetime) -> Heard | None:
    """None for what is none of our business: a note, a ping, an incident without a key."""
    sent = _mapping(document)
    match system:
        case System.PAGERDUTY:
            return _of_pagerduty(_mapping(sent.get("event")), now)
        case System.OPSGENIE:
            return _of_opsgenie(sent, now)
        case System.WEBHOOK:
            return None


def _of_pagerduty(event: Mapping[str, Any], now: datetime) -> Heard | None:
    data = _mapping(event.get("data"))
    what, key = _PAGERDUTY.get(_text(event.get("event_type"))), _text(data.get("incident_key"))
    if what is None or not key:
        return None
    return Heard(
        id=_text(event.get("id")) or _digest(event),
        at=min(_moment(event.get("occurred_at")) or now, now),
        what=what,
        key=key,
        who=tuple(_named(data.get("assignees"))) if what is HeardKind.PAGED else (),
        by=_name(event.get("agent")),
    )


def _of_opsgenie(sent: Mapping[str, Any], now: datetime) -> Heard | None:
    alert = _mapping(sent.get("alert"))
    what, key = _OPSGENIE.get(_text(sent.get("action"))), _text(alert.get("alias"))
    if what is None or not key:
        return None
    told = _mapping(sent.get("escalationNotify"))
    who = [
        *_named(alert.get("recipients")),
        *_named(alert.get("responders")),
        *filter(None, [_text(told.get("name")) or _text(told.get("entity"))]),
        *filter(None, [_text(alert.get("owner"))]),
    ]
    return Heard(
        id=_digest(sent),
        at=min(_millis(alert.get("updatedAt")) or now, now),
        what=what,
        key=key,
        who=tuple(dict.fromkeys(who)) if what is HeardKind.PAGED else (),
        by=_text(alert.get("username")),
    )


def _named(sent: object) -> Iterator[str]:
    several: Iterable[object] = sent if isinstance(sent, list) else []
    for number, each in enumerate(several):
        if number < _MOST_NAMES and (name := _name(each)):
            yield name


def _name(sent: object) -> str:
    if isinstance(sent, Mapping):
        found = (_text(sent.get(name)) for name in ("summary", "username", "name"))
        return next(filter(None, found), "")
    return _text(sent)


def _text(sent: object) -> str:
    return without_lone_surrogates(sent).strip()[:_LONGEST] if isinstance(sent, str) else ""


def _mapping(sent: object) -> Mapping[str, Any]:
    return sent if isinstance(sent, Mapping) else {}


def _moment(sent: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(sent))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _millis(sent: object) -> datetime | None:
    """Milliseconds, as Opsgenie's webhooks have them; or nanoseconds, as some of its fields are."""
    if not isinstance(sent, int) or isinstance(sent, bool) or sent <= 0:
        return None
    try:
        return datetime.fromtimestamp(sent / (1e9 if sent > 10**15 else 1e3), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _digest(sent: Mapping[str, Any]) -> str:
    """The same when it is sent again."""
    return sha256(repr(sent).encode("utf-8", "surrogatepass")).hexdigest()[:24]
