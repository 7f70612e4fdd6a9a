"""What an incident is: the words, the frozen models, and the event that a monitor sends.

Pure. What happens to an incident is in `lifecycle`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import Final

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


class RequestedStep(StrEnum):
    """What somebody asked of the escalation, to be done when `timers.step` comes,
    whatever would come by itself.
    """

    CURRENT = "CURRENT"
    """The current step once more; the assignee, once an incident is reassigned."""
    NEXT = "NEXT"
    """`next_step`; past the last step the first one, however many rounds are left."""


class Action(StrEnum):
    """What a monitoring tool asks for."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


LONGEST_DESCRIPTION: Final = 10_000


LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class ActorKind(StrEnum):
    INTEGRATION = "integration"
    API_KEY = "api_key"
    USER = "user"
    SLACK = "slack"
    """Somebody in Slack of whom no user says that it is them."""
    OPERATOR = "operator"
    """Somebody at the command line, known by their AWS identity alone."""
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
    policy_id: str | None = None
    """With `policy_version` what it escalates by since it began; None before."""
    policy_version: int | None = None
    step: int | None = None
    """The step taken last, from 0; None before the first."""
    next_step: int | None = None
    """The step that `timers.step` will take; the number of steps when the round is over."""
    round: int | None = None
    """How many rounds were repeated; None for 0."""
    page_no: int = 0
    """Number of the last step taken, all rounds and resumptions counted."""
    paged: int | None = None
    """How many pages of the step taken last are written, as long as not all are."""
    asked: RequestedStep | None = None
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
    told_from: int = 1
    """The change from which on receivers hear of it; 0 for none, as of what a maintenance window
    keeps quiet.
    """
    timers: dict[str, AwareDatetime] = {}
    """When something is to be done about it, by name. One that a newer version of the code has set
    is kept, and counts.
    """
    due_at: datetime | None = None
    """The earliest of its timers: when something must look at it again, whatever else gets lost."""
    failures: int | None = None
    """How often in a row its timers could not be handled; each moved `due_at` on by itself."""


_ON: Final = frozenset({Status.OPEN, Status.ACKNOWLEDGED})
# The timers that this version knows, each with the statuses it belongs to: leaving them ends it.
TIMERS: Final[Mapping[str, frozenset[Status]]] = MappingProxyType(
    {
        "announce": frozenset(Status),
        "step": frozenset({Status.OPEN}),
        # That a step taken has pages which are not written yet: nobody is paged by it any more once
        # somebody has acknowledged.
        "pages": frozenset({Status.OPEN}),
        "snooze": frozenset({Status.SNOOZED}),
        "window": frozenset({Status.SUPPRESSED}),
        "acknowledgement": frozenset({Status.ACKNOWLEDGED}),
        "auto_resolve": _ON,
        # That nobody was reached; whoever takes the incident from there on knows of it.
        "fallback": frozenset({Status.OPEN}),
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
class Timeouts:
    """What the service lets end by itself; None for never."""

    acknowledgement: timedelta | None = None
    """An acknowledged incident that is not resolved for so long goes back to OPEN."""
    auto_resolve: timedelta | None = None
    """Without a new alert for so long it is resolved."""


NEVER: Final = Timeouts()


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


def timers(
    incident: Incident, sets: Mapping[str, object] = MappingProxyType({})
) -> dict[str, datetime]:
    """Its times by name, those of newer versions of the code too, once `sets` are set."""
    changed = {
        name.removeprefix("timers."): at for name, at in sets.items() if name.startswith("timers.")
    }
    after = {**incident.timers, **changed}
    return {name: at for name, at in after.items() if isinstance(at, datetime)}


def timed(incident: Incident, sets: Mapping[str, object]) -> dict[str, object]:
    """`sets` with the time at which something is due after them."""
    return {**sets, "due_at": min(timers(incident, sets).values(), default=None)}
