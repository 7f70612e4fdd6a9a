"""What an incident is, and what each event, command and timer does to it.

Pure: `now`, ids and what the store holds are arguments; the answer is a decision for `store` to
apply. The rules are the two tables of docs/events-api.md; `TRANSITIONS` is both of them as data.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import ClassVar, Final, assert_never

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Model(BaseModel):
    """What is stored. Two versions of the code run side by side in every deploy: what one adds, the
    other must bear. Errors do not repeat values: titles and addresses do not belong into a log.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Status(StrEnum):
    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    SNOOZED = "SNOOZED"
    SUPPRESSED = "SUPPRESSED"
    RESOLVED = "RESOLVED"


ACTIVE: Final = frozenset(Status) - {Status.RESOLVED}


class Severity(StrEnum):
    """The sender's word."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Urgency(StrEnum):
    """Ours."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"

    def exceeds(self, other: "Urgency") -> bool:
        ranks = list(Urgency)
        return ranks.index(self) < ranks.index(other)


# Warning is MEDIUM on purpose: the owner's document, "Severity to Urgency Mapping".
URGENCY: Final[Mapping[Severity, Urgency]] = MappingProxyType(
    {
        Severity.CRITICAL: Urgency.HIGH,
        Severity.ERROR: Urgency.MEDIUM,
        Severity.WARNING: Urgency.MEDIUM,
        Severity.INFO: Urgency.LOW,
    }
)


class Escalation(StrEnum):
    """How far the paging of an incident is."""

    NONE = "NONE"
    ESCALATING = "ESCALATING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    EXHAUSTED = "EXHAUSTED"


class Action(StrEnum):
    """What a monitoring tool asks for."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Acknowledge:
    past: ClassVar = "acknowledged"
    by: str | None = None
    """The user who did it, and becomes the assignee."""


@dataclass(frozen=True, slots=True)
class Resolve:
    past: ClassVar = "resolved"


@dataclass(frozen=True, slots=True)
class Snooze:
    past: ClassVar = "snoozed"
    until: datetime


@dataclass(frozen=True, slots=True)
class Unsnooze:
    """By hand, or because its time has come."""

    past: ClassVar = "unsnoozed"


@dataclass(frozen=True, slots=True)
class Suppress:
    past: ClassVar = "suppressed"


@dataclass(frozen=True, slots=True)
class Unsuppress:
    """By hand, or at the end of the window that suppressed it."""

    past: ClassVar = "unsuppressed"


@dataclass(frozen=True, slots=True)
class Escalate:
    past: ClassVar = "escalated"
    step: int | None = None
    """From 0; None for the next one."""


@dataclass(frozen=True, slots=True)
class Reassign:
    past: ClassVar = "reassigned"
    to: str


@dataclass(frozen=True, slots=True)
class AcknowledgementTimeout:
    past: ClassVar = "reopened"


@dataclass(frozen=True, slots=True)
class AutoResolve:
    past: ClassVar = "auto-resolved"


type Command = (
    Acknowledge
    | Resolve
    | Snooze
    | Unsnooze
    | Suppress
    | Unsuppress
    | Escalate
    | Reassign
    | AcknowledgementTimeout
    | AutoResolve
)

_O, _A, _N, _P, _R = Status
TRANSITIONS: Final[Mapping[type[Command], Mapping[Status, Status]]] = MappingProxyType(
    {
        Acknowledge: {_O: _A, _A: _A, _N: _A, _P: _A},
        Resolve: {_O: _R, _A: _R, _N: _R, _P: _R},
        Snooze: {_O: _N, _A: _N, _N: _N},
        Unsnooze: {_N: _O},
        Suppress: {_O: _P, _A: _P, _N: _P, _P: _P},
        Unsuppress: {_P: _O},
        Escalate: {_O: _O, _A: _O},
        Reassign: {_O: _O, _A: _A, _N: _N, _P: _P},
        AcknowledgementTimeout: {_A: _O},
        AutoResolve: {_O: _R, _A: _R},
    }
)
# Doing these again changes nothing: no write, no timeline entry, nobody told.
_IDEMPOTENT: Final = frozenset({(Acknowledge, _A), (Suppress, _P)})

LONGEST_DESCRIPTION: Final = 10_000
LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")

LONGEST_SNOOZE: Final = timedelta(days=7)


class ActorKind(StrEnum):
    INTEGRATION = "integration"
    API_KEY = "api_key"
    USER = "user"
    TIMER = "timer"
    SYSTEM = "system"


class Actor(Model):
    """Who did it, as the timeline tells it."""

    kind: ActorKind
    id: str
    name: str


OPSKNIGHT: Final = Actor(kind=ActorKind.SYSTEM, id="opsknight", name="OpsKnight")


@dataclass(frozen=True, slots=True)
class Event:
    """One accepted request of a monitoring tool. `body` is the request as received (JSON text)."""

    action: Action
    service_id: str
    dedup_key: str
    summary: str
    severity: Severity
    body: str
    actor: Actor


class Pointer(Model):
    """The active incident of (service, dedup key), with what an answer and a decision need to know
    of it.
    """

    id: str
    service_id: str
    dedup_key: str
    title: str
    urgency: Urgency
    status: Status
    created_at: datetime
    epoch: int = 0
    """Grows with every change of status; a page of an older epoch is no longer wanted."""
    changes: int = 1
    """Number of the last change; the alert that opened the incident is change 1."""


class Incident(Pointer):
    """What people work on. The names ending in `_at` are aware UTC times."""

    escalation: Escalation = Escalation.NONE
    step: int | None = None
    """The current step of its escalation policy, from 0; None before the policy began."""
    alert_count: int = 1
    first_alert_id: str
    last_alert_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    assignee_id: str | None = None
    window_id: str | None = None
    """The maintenance window that suppressed it; None when suppressed by hand."""
    announced: int = 0
    """Number of the last change whose notices are planned."""
    timers: dict[str, AwareDatetime] = {}
    """When something is to be done about it, by name. One that a newer version of the code has set
    is kept, and counts.
    """
    due_at: datetime | None = None
    """The earliest of its timers: when something must look at it again, whatever else gets lost."""


# The timers, each with the status it belongs to: leaving that status ends it.
TIMERS: Final[Mapping[str, Status | None]] = MappingProxyType(
    {
        "announce": None,
        "snooze": Status.SNOOZED,
        "window": Status.SUPPRESSED,
    }
)


class Alert(Model):
    """An accepted trigger: the whole event as received, when, and by which key."""

    id: str
    incident_id: str
    at: datetime
    actor: Actor
    body: str


class Change(Model):
    """An entry of the timeline after the opening one."""

    incident_id: str
    number: int
    at: datetime
    what: str
    actor: Actor
    status: Status
    """Of the incident, after the change."""
    epoch: int
    detail: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window in force: incidents opened inside it are SUPPRESSED until it ends."""

    id: str
    end: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """No active incident: a new one, its pointer and its first alert."""

    incident: Incident
    alert: Alert


@dataclass(frozen=True, slots=True)
class Merged:
    """One more alert for the incident; `raised` when its urgency counts as well."""

    seen: Pointer
    alert: Alert
    raised: "Moved | None" = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The incident changes as `sets` says (None removes a field), and the timeline tells it."""

    seen: Pointer
    after: Pointer
    change: Change
    sets: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Unchanged:
    """It is so already; nothing is written or told."""

    seen: Pointer


@dataclass(frozen=True, slots=True)
class Ignored:
    """No active incident matches: nothing at all happens."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Not possible in this status (409 for people; a timer that comes too late)."""

    status: Status


type Decision = Opened | Merged | Moved | Unchanged | Ignored


def decide(
    current: Pointer | None,
    event: Event,
    *,
    now: datetime,
    incident_id: str,
    alert_id: str,
    window: Window | None = None,
    raising: bool = False,
) -> Decision:
    """What `event` does, given the active incident of its dedup key (the first table of
    docs/events-api.md).

    `incident_id` and `alert_id` are used where an incident or an alert comes into being. `window`
    is the service's maintenance window in force. `raising`: a more urgent trigger raises the
    incident's urgency.
    """
    match event.action:
        case Action.TRIGGER:
            if current is None:
                return _open(event, now, incident_id, alert_id, window)
            alert = Alert(
                id=alert_id, incident_id=current.id, at=now, actor=event.actor, body=event.body
            )
            urgency = URGENCY[event.severity]
            raised = raising and urgency.exceeds(current.urgency)
            return Merged(
                current, alert, _raise(current, urgency, event.actor, now) if raised else None
            )
        case Action.ACKNOWLEDGE | Action.RESOLVE:
            if current is None:
                return Ignored()
            command = Acknowledge() if event.action is Action.ACKNOWLEDGE else Resolve()
            detail = {"summary": event.summary}
            moved = _move(current, command, event.actor, now, _settled(command, now), detail)
            if isinstance(moved, Refused):
                raise AssertionError(f"{event.dedup_key!r} points at a resolved incident")
            return moved
        case _:
            assert_never(event.action)


def act(
    incident: Incident, command: Command, *, actor: Actor, now: datetime
) -> Moved | Unchanged | Refused:
    """What a person or a timer does to an incident (the second table of docs/events-api.md).

    Raises ValueError for a snooze that does not end after `now` and within 7 days.
    """
    detail: dict[str, str] = {}
    sets: dict[str, object] = {}
    match command:
        case Acknowledge() | Resolve() | AutoResolve():
            sets = _settled(command, now)
        case Snooze(until):
            if not now < until <= now + LONGEST_SNOOZE:
                raise ValueError("a snooze ends after now and within 7 days")
            sets = {"escalation": Escalation.PAUSED, "timers.snooze": until}
            detail = {"until": until.isoformat()}
        case Suppress():
            sets = {"escalation": Escalation.PAUSED}
        case Unsnooze() | Unsuppress():
            begun = incident.step is not None
            sets = {"escalation": Escalation.ESCALATING if begun else Escalation.NONE}
        case Escalate(step):
            if step is None:
                step = 0 if incident.step is None else incident.step + 1
            sets = {"escalation": Escalation.ESCALATING, "step": step}
            detail = {"step": str(step)}
        case Reassign(to):
            sets = {"assignee_id": to}
            if incident.status is Status.OPEN:
                sets["escalation"] = Escalation.COMPLETED
            detail = {"assignee": to}
        case AcknowledgementTimeout():
            sets = {"escalation": Escalation.NONE, "step": None}
        case _:
            assert_never(command)
    return _move(incident, command, actor, now, sets, detail)


def describe(body: str) -> str | None:
    """An incident's description: the `custom_details` of its first alert as indented JSON; None
    without any.

    At most 10,000 characters, then `...`. A number that no double or short integer holds is shown
    as sent, as text.
    """
    details = json.loads(body, parse_float=_readable_float, parse_int=_readable_int)["payload"].get(
        "custom_details"
    )
    if details is None:
        return None
    text = json.dumps(details, indent=2, ensure_ascii=False)
    text = LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= LONGEST_DESCRIPTION else text[:LONGEST_DESCRIPTION] + "..."


def _readable_float(text: str) -> float | str:
    number = float(text)
    return number if isfinite(number) else text


def _readable_int(text: str) -> int | str:
    # Python refuses to convert longer ones, as the time it takes grows with the square of the
    # length.
    return int(text) if len(text) <= 1000 else text


def announced(incident: Incident) -> Mapping[str, object]:
    """What to set once the notices of all its changes so far are planned: its next timer becomes
    due.
    """
    rest = [at for name, at in incident.timers.items() if name != "announce"]
    return {
        "announced": incident.changes,
        "timers.announce": None,
        "due_at": min(rest, default=None),
    }


def _open(
    event: Event, now: datetime, incident_id: str, alert_id: str, window: Window | None
) -> Opened:
    # Nobody is told of what opens in a maintenance window: there is nothing to announce.
    timers = {"announce": now} if window is None else {"window": window.end}
    incident = Incident(
        id=incident_id,
        service_id=event.service_id,
        dedup_key=event.dedup_key,
        title=event.summary,
        urgency=URGENCY[event.severity],
        status=Status.OPEN if window is None else Status.SUPPRESSED,
        created_at=now,
        escalation=Escalation.NONE if window is None else Escalation.PAUSED,
        first_alert_id=alert_id,
        last_alert_at=now,
        window_id=window.id if window else None,
        announced=0 if window is None else 1,
        timers=timers,
        due_at=min(timers.values()),
    )
    alert = Alert(id=alert_id, incident_id=incident_id, at=now, actor=event.actor, body=event.body)
    return Opened(incident, alert)


def _settled(command: Acknowledge | Resolve | AutoResolve, now: datetime) -> dict[str, object]:
    """The end of paging."""
    sets: dict[str, object] = {"escalation": Escalation.COMPLETED}
    if isinstance(command, Acknowledge):
        sets["acknowledged_at"] = now
        if command.by is not None:
            sets["assignee_id"] = command.by
    else:
        sets["resolved_at"] = now
    return sets


def _raise(seen: Pointer, urgency: Urgency, actor: Actor, now: datetime) -> Moved:
    detail = {"urgency": str(urgency), "before": str(seen.urgency)}
    after: dict[str, object] = {"urgency": urgency}
    return _changed(seen, after, "raised", actor, now, {}, detail)


def _move(
    seen: Pointer,
    command: Command,
    actor: Actor,
    now: datetime,
    sets: dict[str, object],
    detail: dict[str, str] | None = None,
) -> Moved | Unchanged | Refused:
    status = TRANSITIONS[type(command)].get(seen.status)
    if status is None:
        return Refused(seen.status)
    if (type(command), seen.status) in _IDEMPOTENT:
        return Unchanged(seen)
    ended: dict[str, object] = {
        f"timers.{name}": None for name, owner in TIMERS.items() if owner not in (None, status)
    }
    if status is not Status.SUPPRESSED:
        ended["window_id"] = None
    after = {"status": status, "epoch": seen.epoch + (status is not seen.status)}
    return _changed(seen, after, command.past, actor, now, ended | sets, detail or {})


def _changed(
    seen: Pointer,
    after: dict[str, object],
    what: str,
    actor: Actor,
    now: datetime,
    sets: dict[str, object],
    detail: dict[str, str],
) -> Moved:
    known = seen.model_copy(update=after | {"changes": seen.changes + 1})
    change = Change(
        incident_id=seen.id,
        number=known.changes,
        at=now,
        what=what,
        actor=actor,
        status=known.status,
        epoch=known.epoch,
        detail=detail,
    )
    # Whatever happens to an incident is to be announced, so it is due at once.
    return Moved(seen, known, change, sets | {"timers.announce": now, "due_at": now})
