"""What a sender of another system means, made into an event. Pure.

Nothing is refused for its style: what is too long is cut, what is unknown is mapped, what is
missing gets a default. Each such change is in the alert's `adjusted`, so that nobody has to guess
why a message differs from what was sent.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final
from uuid import uuid4

from opsknight.classes import dataclass
from opsknight.incident.event_request import (
    DEEPEST_DETAILS,
    LONGEST_DEDUP_KEY,
    LONGEST_SOURCE,
    LONGEST_SUMMARY,
    is_shallow,
)
from opsknight.incident.model import Action, Actor, Event, Severity
from opsknight.incident.occurrences import Occurrence
from opsknight.incident.text import without_lone_surrogates

# What monitors call it. `page` is a label of Prometheus rules, `p1` a priority.
SEVERITIES: Final[Mapping[str, Severity]] = {
    **{each.value: each for each in Severity},
    **dict.fromkeys(
        ["crit", "fatal", "emergency", "emerg", "alert", "disaster", "page", "high", "p1", "sev1"],
        Severity.CRITICAL,
    ),
    **dict.fromkeys(["err", "major", "failure", "p2", "sev2"], Severity.ERROR),
    **dict.fromkeys(
        ["warn", "minor", "medium", "average", "moderate", "p3", "sev3"], Severity.WARNING
    ),
    **dict.fromkeys(
        ["informational", "information", "notice", "low", "debug", "none", "ok", "p4", "p5"],
        Severity.INFO,
    ),
}
# Whoever does not say how bad it is may have been woken for it before.
UNKNOWN_SEVERITY: Final = Severity.CRITICAL
_LONGEST_SENT: Final = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """An event in the sender's own words, whatever their types."""

    action: Action
    dedup_key: object = None
    summary: object = None
    source: object = None
    severity: object = None
    custom_details: object = None
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further fields of the payload, which are kept."""
    rest: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further fields beside the payload: links, images and the like. Holds no key."""
    problems: tuple[tuple[str, str], ...] = ()
    """Fields that could not be read, and why."""
    occurrence: Occurrence | None = None
    member: str | None = None
    """Which alert of the group that the dedup key names."""
    of_rest: bool = False
    """Whether it resolves what is left of its group."""


@dataclass(frozen=True, slots=True)
class Understood:
    event: Event
    dedup_key: str
    """As the sender knows it, for the answer."""


class _Adjusted:
    def __init__(self) -> None:
        self.changes: list[dict[str, Any]] = []

    def note(self, name: str, sent: object, taken: str) -> None:
        written = sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False)
        self.changes.append({"field": name, "sent": written[:_LONGEST_SENT], "taken": taken})

    def text(self, name: str, sent: object, longest: int, default: str) -> str:
        """A text of at most so many characters."""
        written = without_lone_surrogates(words(sent))
        if not written:
            self.note(name, sent, default)
            return default
        if len(written) <= longest:
            return written
        cut = written[: longest - 3] + "..."
        self.note(name, f"{len(written)} characters", f"the first {longest - 3}")
        return cut

    def severity(self, sent: object) -> Severity:
        named = words(sent).lower()
        severity = SEVERITIES.get(named, UNKNOWN_SEVERITY)
        if named != severity.value:
            self.note("severity", sent, severity.value)
        return severity

    def details(self, sent: object) -> object:
        if is_shallow(sent):
            return sent
        self.note("custom_details", f"nested over {DEEPEST_DETAILS} levels deep", "their text")
        return json.dumps(sent, ensure_ascii=False)


def understood(draft: Draft, service_id: str, actor: Actor) -> Understood:
    """A trigger without a dedup key gets one of its own. An acknowledge or resolve has to have one:
    the protocol has seen to that.
    """
    adjusted = _Adjusted()
    for name, why in draft.problems:
        adjusted.note(name, "unreadable", why)
    sent_key = words(draft.dedup_key) or uuid4().hex
    dedup_key = shortened(sent_key)
    if dedup_key != sent_key:
        adjusted.note("dedup_key", sent_key, dedup_key)
    if draft.action is Action.TRIGGER:
        summary = adjusted.text("summary", draft.summary, LONGEST_SUMMARY, "(no summary)")
        source = adjusted.text("source", draft.source, LONGEST_SOURCE, actor.name or actor.id)
        severity = adjusted.severity(draft.severity)
    else:
        # It changes an incident, and none of its words is kept.
        summary, source, severity = "-", "-", Severity.INFO
    document = {
        **draft.rest,
        "event_action": draft.action.value,
        "dedup_key": sent_key,
        "payload": {
            **draft.payload,
            "summary": summary,
            "source": source,
            "severity": severity.value,
            "custom_details": adjusted.details(draft.custom_details),
        },
    }
    if adjusted.changes:
        document["adjusted"] = adjusted.changes
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    event = Event(
        action=draft.action,
        service_id=service_id,
        dedup_key=dedup_key,
        summary=summary,
        severity=severity,
        body=without_lone_surrogates(body),
        actor=actor,
        occurrence=draft.occurrence,
        member=None if draft.member is None else shortened(draft.member),
        rest=draft.of_rest,
    )
    return Understood(event, sent_key)


def shortened(key: str) -> str:
    """The key as it is stored: itself, or of one that is too long, or not Unicode, its beginning
    and a digest of the whole.
    """
    clean = without_lone_surrogates(key)
    if clean == key and len(key) <= LONGEST_DEDUP_KEY:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{clean[:100]}~{digest[:32]}"


def words(sent: object) -> str:
    """The text of a text or a number, trimmed; empty for anything else."""
    match sent:
        case str():
            return sent.strip()
        case bool() | None:
            return ""
        case int() | float():
            return str(sent)
        case _:
            return ""
