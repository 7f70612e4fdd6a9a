"""What an incident is: the words, the frozen models, and the event that a monitor sends.

Pure. What happens to an incident is in `lifecycle`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


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


class Timer(StrEnum):
    """What is done about an incident when a time comes."""

    ANNOUNCE = "announce"
    """Plan the notices of its changes."""
    STEP = "step"
    """Take the next step of the escalation policy."""
    PAGES = "pages"
    """Write the pages of the step taken last that did not fit into its transaction."""
    SNOOZE = "snooze"
    WINDOW = "window"
    """Look whether the maintenance window that suppressed it is still in force."""
    ACKNOWLEDGEMENT = "acknowledgement"
    AUTO_RESOLVE = "auto_resolve"
    FALLBACK = "fallback"
    """Notify the fallback address: nobody was reached."""


UnknownTimer = NewType("UnknownTimer", str)
"""The name of a timer that only a newer version of the code knows."""
type TimerName = Annotated[Timer | UnknownTimer, Field(union_mode="left_to_right")]


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
    requested_step: RequestedStep | None = None
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
    announced_from: int = 1
    """Number of the first change that receivers hear of; 0 while they hear of none, because a
    maintenance window keeps the incident quiet.
    """
    timers: dict[TimerName, AwareDatetime] = {}
    """When to do what about it. A timer that a newer version of the code has set stays, and counts.
    """
    due_at: datetime | None = None
    """The earliest of its timers: when something must look at it again, whatever else gets lost."""
    failures: int | None = None
    """How often in a row its timers could not be handled; each moved `due_at` on by itself."""


class Alert(Model):
    """An accepted trigger: the whole event as received, when, and by which key."""

    id: str
    incident_id: str
    at: datetime
    actor: Actor
    body: str


class ChangeKind(StrEnum):
    """What happened to the incident, as the timeline calls it."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    AUTO_RESOLVED = "auto-resolved"
    """Resolved because no alert came for the time that its service sets."""
    SNOOZED = "snoozed"
    UNSNOOZED = "unsnoozed"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    REOPENED = "reopened"
    """Acknowledged for too long."""
    ESCALATED = "escalated"
    REASSIGNED = "reassigned"
    RAISED = "raised"
    LOWERED = "lowered"
    NOTED = "noted"
    UNREACHED = "unreached"
    EXHAUSTED = "exhausted"


UnknownKind = NewType("UnknownKind", str)
"""A kind of change that only a newer version of the code knows."""


class Change(Model):
    """An entry of the timeline after the opening one."""

    incident_id: str
    number: int
    at: datetime
    what: Annotated[ChangeKind | UnknownKind, Field(union_mode="left_to_right")]
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
