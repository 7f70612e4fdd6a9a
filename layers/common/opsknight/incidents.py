"""What an incident is, and what each event, command and timer does to it.

Pure: `now`, ids and what the store holds are arguments; the answer is a decision for `store` to
apply. The rules are the two tables of docs/events-api.md; `TRANSITIONS` is both of them as data.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import ClassVar, Final, assert_never

from pydantic import BaseModel, ConfigDict


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


class Asked(StrEnum):
    """What somebody asked of the escalation, to be done at `step_at` whatever would come by
    itself.
    """

    AGAIN = "AGAIN"
    """The current step once more; the assignee, once an incident is reassigned."""
    NEXT = "NEXT"
    """`next_step`; past the last step the first one, however many rounds are left."""


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
    """From 0; None for the one that would come next."""


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
_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")

LONGEST_SNOOZE: Final = timedelta(days=7)


class ActorKind(StrEnum):
    INTEGRATION = "integration"
    API_KEY = "api_key"
    USER = "user"
    TIMER = "timer"
    SYSTEM = "system"


class Actor(BaseModel):
    """Who did it, as the timeline tells it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

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


class Pointer(BaseModel):
    """The active incident of (service, dedup key), with what an answer and a decision need to know
    of it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

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
    """What people work on. The names ending in `_at` and `_until` are aware UTC times."""

    escalation: Escalation = Escalation.NONE
    policy_id: str | None = None
    """With `policy_version` what it escalates by since it began; None before."""
    policy_version: int | None = None
    step: int | None = None
    """The step taken last, from 0; None before the first."""
    next_step: int | None = None
    """The step that `step_at` will take; the number of steps when the round is over."""
    round: int | None = None
    """How many rounds were repeated; None for 0."""
    page_no: int = 0
    """Number of the last step taken, all rounds and resumptions counted."""
    asked: Asked | None = None
    reached: bool | None = None
    """Whether a step of this round reached somebody; None for no."""
    empty_since: datetime | None = None
    """When the first of the last rounds that reached nobody was over."""
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
    announce_at: datetime | None = None
    step_at: datetime | None = None
    snoozed_until: datetime | None = None
    suppressed_until: datetime | None = None
    acknowledged_until: datetime | None = None
    auto_resolve_at: datetime | None = None
    fallback_at: datetime | None = None
    """Since when the fallback address is to be told that nobody was reached."""
    due_at: datetime | None = None
    """The earliest of its timers: when something must look at it again, whatever else gets lost."""
    failures: int | None = None
    """How often in a row its timers could not be handled; each moved `due_at` on by itself."""


# The timers, each with the statuses it belongs to (None: all): leaving them ends it.
TIMERS: Final[Mapping[str, frozenset[Status] | None]] = MappingProxyType(
    {
        "announce_at": None,
        "step_at": frozenset({Status.OPEN}),
        "snoozed_until": frozenset({Status.SNOOZED}),
        "suppressed_until": frozenset({Status.SUPPRESSED}),
        "acknowledged_until": frozenset({Status.ACKNOWLEDGED}),
        "auto_resolve_at": frozenset({Status.OPEN, Status.ACKNOWLEDGED}),
        # Whoever takes the incident from there on knows of it.
        "fallback_at": frozenset({Status.OPEN}),
    }
)
# How far its escalation came: forgotten when it begins again.
_PROGRESS: Final = (
    "policy_id",
    "policy_version",
    "step",
    "next_step",
    "round",
    "asked",
    "reached",
    "empty_since",
    "fallback_at",
)
_OWNED: Final = {
    **TIMERS,
    "asked": frozenset({Status.OPEN}),
    "window_id": frozenset({Status.SUPPRESSED}),
}


class Alert(BaseModel):
    """An accepted trigger: the whole event as received, when, and by which key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    incident_id: str
    at: datetime
    actor: Actor
    body: str


class Change(BaseModel):
    """An entry of the timeline after the opening one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

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
class Timeouts:
    """What the service lets end by itself; None for never."""

    acknowledgement: timedelta | None = None
    """An acknowledged incident that is not resolved for so long goes back to OPEN."""
    auto_resolve: timedelta | None = None
    """Without a new alert for so long it is resolved."""


NEVER: Final = Timeouts()


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
    given: Mapping[str, object] = field(default_factory=dict[str, object])
    """What it was decided on besides the status: not applied unless it is still so."""


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
    timeouts: Timeouts = NEVER,
) -> Decision:
    """What `event` does, given the active incident of its dedup key (the first table of
    docs/events-api.md).

    `incident_id` and `alert_id` are used where an incident or an alert comes into being. `window`
    is the service's maintenance window in force. `raising`: a more urgent trigger raises the
    incident's urgency, and pages again if it is OPEN.
    """
    match event.action:
        case Action.TRIGGER:
            if current is None:
                return _open(event, now, incident_id, alert_id, window, timeouts)
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
            sets = _settled(command, now)
            moved = _move(current, command, event.actor, now, sets, detail, timeouts)
            if isinstance(moved, Refused):
                raise AssertionError(f"{event.dedup_key!r} points at a resolved incident")
            return moved
        case _:
            assert_never(event.action)


def act(
    incident: Incident,
    command: Command,
    *,
    actor: Actor,
    now: datetime,
    timeouts: Timeouts = NEVER,
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
            sets = {"escalation": Escalation.PAUSED, "snoozed_until": until}
            detail = {"until": until.isoformat()}
        case Suppress():
            sets = {"escalation": Escalation.PAUSED}
        case Unsnooze() | Unsuppress():
            begun = incident.policy_version is not None
            sets = {
                "escalation": Escalation.ESCALATING if begun else Escalation.NONE,
                "step_at": now,
                "asked": Asked.AGAIN if begun else None,
            }
        case Escalate(step):
            sets = {"escalation": Escalation.ESCALATING, "step_at": now, "asked": Asked.NEXT}
            if step is not None:
                sets["next_step"] = step
                detail = {"step": str(step)}
        case Reassign(to):
            sets = {"assignee_id": to}
            if incident.status is Status.OPEN:
                sets |= {
                    "escalation": Escalation.COMPLETED,
                    "step_at": now,
                    "asked": Asked.AGAIN,
                    "fallback_at": None,
                }
            detail = {"assignee": to}
        case AcknowledgementTimeout():
            sets = dict.fromkeys(_PROGRESS) | {"escalation": Escalation.NONE, "step_at": now}
        case _:
            assert_never(command)
    moved = _move(incident, command, actor, now, sets, detail, timeouts)
    if isinstance(command, AutoResolve) and isinstance(moved, Moved):
        # It is resolved for its silence: an alert that came meanwhile must not go down with it.
        return replace(moved, given={"last_alert_at": incident.last_alert_at})
    return moved


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
    text = _LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
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
    return timed(incident, {"announced": incident.changes, "announce_at": None})


def timers(incident: Incident, sets: Mapping[str, object] = MappingProxyType({})) -> list[datetime]:
    """When it is to be looked at, once `sets` are set."""
    after = [sets.get(name, getattr(incident, name)) for name in TIMERS]
    return [at for at in after if isinstance(at, datetime)]


def timed(incident: Incident, sets: Mapping[str, object]) -> dict[str, object]:
    """`sets` with the time at which something is due after them."""
    return {**sets, "due_at": min(timers(incident, sets), default=None)}


def _open(
    event: Event,
    now: datetime,
    incident_id: str,
    alert_id: str,
    window: Window | None,
    timeouts: Timeouts,
) -> Opened:
    # Nobody is told of what opens in a maintenance window: there is nothing to announce.
    announce_at = now if window is None else None
    suppressed_until = window.end if window else None
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
        announce_at=announce_at,
        # Due at once, policy or not: with the stream switched off a tick begins its escalation.
        step_at=announce_at,
        suppressed_until=suppressed_until,
        auto_resolve_at=_silence_ends(now, timeouts) if window is None else None,
        due_at=announce_at or suppressed_until,
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
    sets: dict[str, object] = {}
    if seen.status is Status.OPEN:
        sets = {"step_at": now, "asked": Asked.AGAIN}
    return _changed(seen, after, "raised", actor, now, sets, detail)


def _silence_ends(now: datetime, timeouts: Timeouts) -> datetime | None:
    return None if timeouts.auto_resolve is None else now + timeouts.auto_resolve


def _begun(before: Status, status: Status, timeouts: Timeouts, now: datetime) -> dict[str, object]:
    """The timers that a new status starts."""
    starts: dict[str, object] = {}
    if status is Status.ACKNOWLEDGED is not before and timeouts.acknowledgement is not None:
        starts["acknowledged_until"] = now + timeouts.acknowledgement
    watched = TIMERS["auto_resolve_at"] or ACTIVE
    if status in watched and before not in watched and timeouts.auto_resolve is not None:
        starts["auto_resolve_at"] = _silence_ends(now, timeouts)
    return starts


def _move(
    seen: Pointer,
    command: Command,
    actor: Actor,
    now: datetime,
    sets: dict[str, object],
    detail: dict[str, str],
    timeouts: Timeouts,
) -> Moved | Unchanged | Refused:
    status = TRANSITIONS[type(command)].get(seen.status)
    if status is None:
        return Refused(seen.status)
    if (type(command), seen.status) in _IDEMPOTENT:
        return Unchanged(seen)
    ended = {name: None for name, own in _OWNED.items() if own is not None and status not in own}
    sets = ended | _begun(seen.status, status, timeouts, now) | sets
    after = {"status": status, "epoch": seen.epoch + (status is not seen.status)}
    return _changed(seen, after, command.past, actor, now, sets, detail)


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
    return Moved(seen, known, change, sets | {"announce_at": now, "due_at": now})
