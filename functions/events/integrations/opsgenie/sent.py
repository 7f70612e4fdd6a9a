"""Reads what Opsgenie's senders write, and says it in our words. Pure.

Refuses nothing for its style, and keeps whole what Opsgenie's API would cut.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from opsknight.incident.commands import LONGEST_NOTE
from opsknight.incident.event_request import LONGEST_SUMMARY
from opsknight.incident.model import Action, Actor, Severity, Urgency
from opsknight.incident.text import without_lone_surrogates
from opsknight.integrations.drafts import Draft

PRIORITIES: Final = {
    "P1": Severity.CRITICAL,
    "P2": Severity.ERROR,
    "P3": Severity.WARNING,
    "P4": Severity.INFO,
    "P5": Severity.INFO,
}
DEFAULT_PRIORITY: Final = "P3"
"""As in Opsgenie: its senders leave it out when they mean this."""
OF_URGENCY: Final = {Urgency.HIGH: "P1", Urgency.MEDIUM: "P3", Urgency.LOW: "P5"}
MOST_AT_ONCE: Final = 20
LONGEST_TAG: Final = 50
LONGEST_PROPERTY: Final = 500
_LONGEST_USER: Final = 100
_MAPPED: Final = frozenset({"message", "alias", "source", "details"})


def draft(sent: Mapping[str, Any]) -> Draft:
    """Reads a request to create an alert. It must have a message."""
    described, details = sent.get("description"), sent.get("details")
    priority = text_of(sent.get("priority")).upper() or DEFAULT_PRIORITY
    kept = {name: each for name, each in sent.items() if name not in _MAPPED}
    shown: object = details
    if isinstance(details, dict | None):
        shown = dict(details or {})
        # Its own word for the same stays, and the field is beside it.
        if text_of(described) and "description" not in shown:
            shown = {"description": described, **shown}
            del kept["description"]
    return Draft(
        Action.TRIGGER,
        dedup_key=sent.get("alias"),
        summary=sent.get("message"),
        source=sent.get("source"),
        severity=PRIORITIES.get(priority, priority),
        custom_details=shown or None,
        payload=kept,
    )


def said_by(actor: Actor, user: object) -> Actor:
    """The integration, with the user whom its sender names: it acts, and the name is hearsay."""
    named = " ".join(text_of(user).split())[:_LONGEST_USER]
    return actor.model_copy(update={"name": f"{actor.name} (says: {named})"}) if named else actor


def text_of(sent: object) -> str:
    """The text, without white space around it; empty for anything that is none."""
    return without_lone_surrogates(sent).strip() if isinstance(sent, str) else ""


def message(sent: object) -> str:
    return _cut(" ".join(text_of(sent).split()), LONGEST_SUMMARY)


def note(sent: object) -> str:
    return _cut(text_of(sent), LONGEST_NOTE)


def tags(sent: object) -> list[str]:
    """Reads tags, a list or one text with commas. Each is kept once, in the order sent."""
    each = sent.split(",") if isinstance(sent, str) else sent
    found = [_cut(text_of(one).replace(",", " "), LONGEST_TAG) for one in _several(each)]
    return list(dict.fromkeys(one for one in found if one))


def properties(sent: object) -> dict[str, str]:
    """Reads details, which Opsgenie keeps as texts by name."""
    if not isinstance(sent, Mapping):
        return {}
    found = ((property_name(key), _property(value)) for key, value in sent.items())
    return {key: value for key, value in found if key}


def names(sent: object) -> list[str]:
    """Reads names of details, a list or one text with commas."""
    each = sent.split(",") if isinstance(sent, str) else sent
    return list(dict.fromkeys(filter(None, map(property_name, _several(each)))))


def property_name(key: object) -> str:
    return _cut(text_of(key).replace(",", " "), LONGEST_TAG)


def moment(sent: object) -> datetime | None:
    """Reads a time; without an offset it is in UTC. None for anything that is none."""
    try:
        found = datetime.fromisoformat(text_of(sent))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _several(sent: object) -> Iterable[object]:
    return sent if isinstance(sent, list) else []


def _property(value: object) -> str:
    written = value if isinstance(value, str) else "" if value is None else str(value)
    return _cut(without_lone_surrogates(written), LONGEST_PROPERTY)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
