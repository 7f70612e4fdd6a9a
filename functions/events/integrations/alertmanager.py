"""Alertmanager's webhook, version 4: one request for each flush of a group.

Sources: Alertmanager's documentation and code. Its webhook sends a 5xx again, and nothing else, not
even a 429; a flush that was refused comes again with the next `group_interval`. Its fingerprint
tells an alert from the others: it is the same in every group and after a restart.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from events.integrations.batch import (
    MOST_PARTS,
    Batch,
    Beat,
    Left,
    Meaningless,
    NotTaken,
    Sent,
    TooMany,
)
from opsknight.incident.model import Action
from opsknight.incident.occurrences import Occurrence
from opsknight.integrations.drafts import Draft

# kube-prometheus: one that always fires, so that its absence is noticed, and one that only ever
# mutes others. Neither is anything to page for.
WATCHDOG: Final = "Watchdog"
INHIBITOR: Final = "InfoInhibitor"
_ACTIONS: Final = {"firing": Action.TRIGGER, "resolved": Action.RESOLVE}
# The first of them that says something is the title.
_TITLES: Final = ("summary", "title", "message", "description")
_SOURCES: Final = ("instance", "host", "node", "pod", "service", "job")
_LINKS: Final = (("runbook_url", "Runbook"), ("dashboard_url", "Dashboard"))


def read(sent: Sent) -> Batch:
    return batch(sent)


def batch(sent: Sent) -> Batch:
    """Raises Meaningless, TooMany."""
    document = sent.document
    alerts = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(alerts, list):
        raise Meaningless("alerts must be a list, as in version 4 of Alertmanager's webhook")
    if len(alerts) > MOST_PARTS:
        raise TooMany
    drafts: list[Draft] = []
    left: list[Left] = []
    not_taken: list[NotTaken] = []
    beats: list[Beat] = []
    for number, alert in enumerate(alerts):
        place = f"alerts[{number}]"
        match _part(place, alert, document):
            case Draft() as draft:
                drafts.append(draft)
            case Left() as part:
                left.append(part)
            case NotTaken() as part:
                not_taken.append(part)
            case Beat() as beat:
                beats.append(beat)
    if sent.query.get("per", "").strip().lower() == "group":
        drafts = _grouped(drafts, document)
    return Batch(drafts, left, not_taken, beats, _left_out(document))


def _grouped(drafts: list[Draft], document: Mapping[str, Any]) -> list[Draft]:
    """One incident for all: each alert is a member of its group."""
    key = document.get("groupKey")
    if not isinstance(key, str) or not key.strip():
        key = json.dumps(document.get("groupLabels"), sort_keys=True)
    members = [replace(each, dedup_key=key, member=str(each.dedup_key)) for each in drafts]
    if members and document.get("status") == "resolved" and not document.get("truncatedAlerts"):
        # A flush has all alerts of its group.
        members.append(Draft(Action.RESOLVE, key, of_rest=True))
    return members


def _left_out(document: Mapping[str, Any]) -> str | None:
    number = document.get("truncatedAlerts")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        return None
    alerts = "1 more alert" if number == 1 else f"{number} more alerts"
    return f"{alerts} of this group came without a word: max_alerts of the sender left them out."


def _part(place: str, alert: object, document: Mapping[str, Any]) -> Draft | Left | NotTaken | Beat:
    if not isinstance(alert, dict):
        return NotTaken(place, "must be an object")
    labels, annotations = (_texts(alert.get(name)) for name in ("labels", "annotations"))
    action = _ACTIONS.get(str(alert.get("status")).strip().lower())
    if action is None:
        return NotTaken(place, "status must be firing or resolved")
    if not labels:
        return NotTaken(place, "labels must be an object with at least one label")
    name = labels.get("alertname", "")
    # A rule of the user's own that is called so and has a severity is a rule like any other.
    if labels.get("severity", "none") == "none" and name in (WATCHDOG, INHIBITOR):
        # Resolved, it beats no more: that is for the absence of beats to say.
        beats = name == WATCHDOG and action is Action.TRIGGER
        return Beat(place, name) if beats else Left(place, f"{name} is no alert")
    return Draft(
        action,
        _fingerprint(alert, labels),
        summary=_first(annotations, _TITLES) or _named(labels),
        source=_first(labels, _SOURCES) or "Alertmanager",
        severity=labels.get("severity"),
        custom_details={
            "labels": labels,
            "annotations": annotations,
            **{each: alert[each] for each in ("startsAt", "values") if alert.get(each)},
        },
        payload={"class": name} if name else {},
        rest={"links": list(_links(alert, annotations, document)), **_images(alert)},
        occurrence=_occurrence(alert, labels, annotations),
    )


def _occurrence(
    alert: Mapping[str, Any], labels: Mapping[str, str], annotations: Mapping[str, str]
) -> Occurrence:
    known = [alert.get("startsAt"), labels, annotations]
    content = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:32]
    return Occurrence(content, _time(alert.get("startsAt")), _time(alert.get("endsAt")))


def _time(sent: object) -> datetime | None:
    """None for a time that is none: while it fires, its end is in the year 1."""
    try:
        found = datetime.fromisoformat(str(sent))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    # What is stored has years of four digits in UTC.
    return found.astimezone(UTC) if 1970 < found.year < 9999 else None


def _fingerprint(alert: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    sent = alert.get("fingerprint")
    if isinstance(sent, str) and sent.strip():
        return sent
    # Before 0.16 there was none.
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:32]


def _texts(sent: object) -> dict[str, str]:
    """Labels or annotations: text, whatever it was written as."""
    if not isinstance(sent, dict):
        return {}
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in sent.items()
    }


def _first(texts: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := texts.get(name, "").strip())), None)


def _named(labels: Mapping[str, str]) -> str:
    """As Alertmanager's own title does: the name, and what tells it from others."""
    name = labels.get("alertname", "")
    others = " ".join(value for each, value in sorted(labels.items()) if each != "alertname")
    return f"{name} ({others})" if name and others else name or others


def _links(
    alert: Mapping[str, Any], annotations: Mapping[str, str], document: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for name, text in _LINKS:
        if name in annotations:
            yield {"href": annotations[name], "text": text}
    for name, text in (
        ("dashboardURL", "Dashboard"),
        ("panelURL", "Panel"),
        ("generatorURL", "Source"),
        ("silenceURL", "Silence"),
    ):
        if alert.get(name):
            yield {"href": alert[name], "text": text}
    if document.get("externalURL"):
        yield {"href": document["externalURL"], "text": "All alerts"}


def _images(alert: Mapping[str, Any]) -> dict[str, Any]:
    image = alert.get("imageURL")
    return {"images": [{"src": image, "alt": "Picture"}]} if image else {}
