"""An incident as Opsgenie shows an alert. Its title is the first message for good; what its sender
said later is on the timeline, and this puts both together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Final

from events.integrations.opsgenie import request_ids, sent
from opsknight.classes import dataclass
from opsknight.incident.event_request import parsed
from opsknight.incident.model import URGENCY, Actor, Alert, Incident, Severity, Status, Timer
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.integrations.drafts import shortened
from opsknight.views.wire import time

MESSAGE: Final = "message"
DESCRIPTION: Final = "description"
PRIORITY: Final = "priority"
TAGGED: Final = "tags added"
UNTAGGED: Final = "tags removed"
REMOVED: Final = "details removed"
_PROPERTY: Final = "details."


def of_property(name: str) -> str:
    """The name of a detail on the timeline."""
    return _PROPERTY + name


@dataclass
class Described:
    """What an alert says, after all that its sender has changed."""

    message: str
    description: str = ""
    priority: str = ""
    source: str = ""
    entity: str = ""
    tags: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    responders: list[Any] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)

    def amend(self, said: Mapping[str, str]) -> None:
        """Takes in one change of the timeline."""
        for name, text in said.items():
            if name == MESSAGE:
                self.message = text
            elif name == DESCRIPTION:
                self.description = text
            elif name == PRIORITY:
                self.priority = text
            elif name == TAGGED:
                self.tags += [each for each in sent.tags(text) if each not in self.tags]
            elif name == UNTAGGED:
                gone = sent.tags(text)
                self.tags = [each for each in self.tags if each not in gone]
            elif name == REMOVED:
                for each in sent.names(text):
                    self.details.pop(each, None)
            elif name.startswith(_PROPERTY):
                self.details[name.removeprefix(_PROPERTY)] = text


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert with all that its answer needs."""

    incident: Incident
    by: Actor
    """Who sent the alert that opened it."""
    alias: str
    described: Described
    changes: tuple[Change, ...]
    """Oldest first."""


def seen(incident: Incident, first: Alert, changes: Iterable[Change]) -> Seen:
    """`first` is the alert that opened the incident."""
    every = tuple(changes)
    document = parsed(first.body)
    described = _opened(incident, document)
    for change in every:
        if change.what == ChangeKind.AMENDED:
            described.amend(change.detail)
    # The urgency counts: people change it too, and then the priority follows.
    severity = sent.PRIORITIES.get(described.priority)
    if severity is None or URGENCY[severity] is not incident.urgency:
        described.priority = sent.OF_URGENCY[incident.urgency]
    alias = str(document.get("dedup_key", incident.dedup_key))
    return Seen(incident, first.actor, alias, described, every)


def _opened(incident: Incident, document: Mapping[str, Any]) -> Described:
    payload = document.get("payload")
    fields = payload if isinstance(payload, Mapping) else {}
    found = fields.get("custom_details")
    details = dict(found) if isinstance(found, Mapping) else {}
    description = fields.get("description")
    if description is None:
        description = details.pop("description", None)
    return Described(
        message=incident.title,
        description=sent.text_of(description),
        priority=sent.text_of(fields.get("priority")).upper() or _priority(fields),
        source=sent.text_of(fields.get("source")),
        entity=sent.text_of(fields.get("entity")),
        tags=sent.tags(fields.get("tags")),
        actions=sent.tags(fields.get("actions")),
        responders=[
            # Its clients want an id; senders may name them otherwise.
            {**each, "id": each.get("id") or each.get("name") or each.get("username") or ""}
            for each in _several(fields, "responders")
            if isinstance(each, Mapping)
        ],
        details=sent.properties(details),
    )


def _priority(fields: Mapping[str, Any]) -> str:
    """The priority of an event that came another way: by its severity."""
    by_severity = {Severity.CRITICAL: "P1", Severity.ERROR: "P2", Severity.WARNING: "P3"}
    return next(
        (each for severity, each in by_severity.items() if severity == fields.get("severity")), "P5"
    )


def brief(each: Seen, integration: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The alert as lists show it. `owner` is the name of whoever has it."""
    incident, described = each.incident, each.described
    snoozed = incident.timers.get(Timer.SNOOZE)
    last = each.changes[-1].at if each.changes else incident.last_alert_at
    return {
        "id": request_ids.alert_id(incident.id, _one(each)),
        "tinyId": request_ids.tiny(incident.id),
        "alias": each.alias,
        "message": described.message,
        "status": "closed" if incident.status is Status.RESOLVED else "open",
        "acknowledged": incident.status is Status.ACKNOWLEDGED,
        "isSeen": incident.status is Status.ACKNOWLEDGED,
        "tags": described.tags,
        "snoozed": incident.status is Status.SNOOZED,
        **({"snoozedUntil": time(snoozed)} if snoozed else {}),
        "count": incident.alert_count,
        "lastOccurredAt": time(incident.last_alert_at),
        "createdAt": time(incident.created_at),
        "updatedAt": time(max(last, incident.last_alert_at)),
        "source": described.source,
        "owner": owner,
        "priority": described.priority,
        "teams": [],
        "responders": described.responders,
        "integration": integration,
        "report": _report(each),
    }


def _one(each: Seen) -> str | None:
    """Says which alert of its incident this is, where a route has put several together."""
    key = shortened(each.alias)
    is_one = each.incident.members and key != each.incident.dedup_key
    return request_ids.digest(key) if is_one else None


def whole(each: Seen, integration: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The alert as it is shown by itself."""
    described = each.described
    return brief(each, integration, owner) | {
        "actions": described.actions,
        "entity": described.entity,
        "description": described.description,
        "details": described.details,
    }


def _report(each: Seen) -> dict[str, Any]:
    incident = each.incident
    report: dict[str, Any] = {}
    for what, at, how in (
        ("ack", incident.acknowledged_at, (ChangeKind.ACKNOWLEDGED,)),
        ("close", incident.resolved_at, (ChangeKind.RESOLVED, ChangeKind.AUTO_RESOLVED)),
    ):
        if at is not None:
            report[f"{what}Time"] = _milliseconds(incident.created_at, at)
            by = [change.actor.name for change in each.changes if change.what in how]
            word = "acknowledgedBy" if what == "ack" else "closedBy"
            report |= {word: by[-1]} if by else {}
    return report


def _milliseconds(since: datetime, until: datetime) -> int:
    return int((until - since).total_seconds() * 1000)


def _several(fields: Mapping[str, Any], name: str) -> list[Any]:
    found = fields.get(name)
    return found if isinstance(found, list) else []
