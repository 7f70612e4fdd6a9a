"""What an incident is: its words, and the frozen models of it and its alerts.

Pure. What happens to an incident is in `events` and `lifecycle`.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from opsknight.classes import dataclass
from opsknight.incident.occurrences import Occurrence


class Model(BaseModel):
    """Whatever is stored. Ignores unknown fields, because two versions of the code run side by side
    in every deploy. Its errors repeat no values: titles and addresses do not belong in a log.
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
    """How bad it is, in the sender's word."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Urgency(StrEnum):
    """How loudly to page, in our word."""

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
    """How far the escalation of an incident is."""

    NONE = "NONE"
    ESCALATING = "ESCALATING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    EXHAUSTED = "EXHAUSTED"


class RequestedStep(StrEnum):
    """A step that somebody requested, to be taken when the timer STEP comes, in place of the step
    that is due by itself.
    """

    CURRENT = "CURRENT"
    """The current step once more; the assignee, once an incident is reassigned."""
    NEXT = "NEXT"
    """`next_step`; after the last step, the first one, however many rounds are left."""


class Action(StrEnum):
    """What an event asks for."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class ActorKind(StrEnum):
    INTEGRATION = "integration"
    API_KEY = "api_key"
    USER = "user"
    SLACK = "slack"
    """Somebody in Slack whose account no user names."""
    OPERATOR = "operator"
    """Somebody at the command line, known only by their AWS identity."""
    TIMER = "timer"
    SYSTEM = "system"


class Actor(Model):
    """Who caused a change, as the timeline says."""

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
    internal: bool = False
    """One of our own, whose dedup key no event of a sender reaches, whatever it says."""
    occurrence: Occurrence | None = None
    member: str | None = None  # Which alert of the group that the dedup key names.
    rest: bool = False  # Whether it resolves a group for those of its alerts that are no members.
    why: str | None = None  # What the timeline is to say of a resolve.
    echo: bool = False  # Whether another paging system tells of its own incident.


class Timer(StrEnum):
    """What to do about an incident when a time comes."""

    ANNOUNCE = "announce"
    """Plan the notices of its changes."""
    STEP = "step"
    """Take the next step of the escalation policy."""
    PAGES = "pages"
    """Write the pages of the step taken last that did not fit into its transaction."""
    SNOOZE = "snooze"
    SUPPORT_HOURS = "support_hours"
    """Check whether the support hours of its service have begun."""
    WINDOW = "window"
    """Check whether the maintenance window that suppressed it is still in force."""
    ACKNOWLEDGEMENT = "acknowledgement"
    AUTO_RESOLVE = "auto_resolve"
    FALLBACK = "fallback"
    """Notify the fallback address: nobody was reached, or nobody has acted."""
    REMINDER = "reminder"
    """Remind the fallback address: still nobody has acted."""


UnknownTimer = NewType("UnknownTimer", str)
"""The name of a timer that only a newer version of the code knows."""
type TimerName = Annotated[Timer | UnknownTimer, Field(union_mode="left_to_right")]


class Pointer(Model):
    """Which incident is active for a service and dedup key, with all that an answer and a decision
    about an event need.
    """

    id: str
    service_id: str
    dedup_key: str
    title: str
    urgency: Urgency
    status: Status
    created_at: datetime
    epoch: int = 0
    """Grows with every change of status; a page of an older epoch must not be sent."""
    changes: int = 1
    """Number of the last change; the opening is change 1."""
    internal: bool | None = None
    """Whether OpsKnight opened it about itself; None for no. Its pointer lies apart from those of
    senders.
    """
    urgency_in_hours: Urgency | None = None
    """What its urgency rises to when the support hours of its service begin; None for no more."""
    seen_content: str | None = None
    """What is going on, as its sender repeats it. Of an incident only `seen_at` is stored."""
    seen_started_at: AwareDatetime | None = None
    seen_at: AwareDatetime | None = None
    """When a repeat of it was last written down."""


class Incident(Pointer):
    """What people work on. Fields whose names end in `_at` are aware UTC times."""

    escalation: Escalation = Escalation.NONE
    policy_id: str | None = None
    """With `policy_version`, the policy by which its escalation began; None before."""
    policy_version: int | None = None
    step: int | None = None
    """The last step taken, from 0; None before the first."""
    next_step: int | None = None
    """The step to take when the timer STEP comes; the number of steps when the round is over."""
    round: int | None = None
    """How many rounds have followed the first; None for 0."""
    page_no: int = 0
    """Number of the last step taken, counting all rounds and repetitions."""
    paged: int | None = None
    """How many pages of the last step are written; None once all are."""
    requested_step: RequestedStep | None = None
    reached: bool | None = None
    """Whether a step since `round_from` had somebody to page; None for no."""
    round_from: int | None = None
    """The first page number of this round, and of the rounds just before that did not count."""
    round_over: datetime | None = None
    """When the last step of this round was taken, or when a provider took the first page of a round
    that had not counted before.
    """
    uncounted: int | None = None
    """How often in a row a round was repeated because it did not count."""
    empty_since: datetime | None = None
    """The end of the first round that did not count, as long as no round after it has."""
    alert_count: int = 1
    members: int | None = None
    """How many alerts of a group it has had, and how many of them fire; None for no group."""
    firing: int | None = None
    untracked: bool | None = None
    """Whether the group has more alerts than an incident has members."""
    shadow: bool | None = None
    """Whether it opened while its service was in shadow, and has paged nobody since; None for no.
    """
    first_alert_id: str
    last_alert_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    assignee_id: str | None = None
    reassigned_at: AwareDatetime | None = None
    """When somebody last gave it to its assignee."""
    taken: bool | None = None
    """Whether its assignee has it; False if they had it, None if nobody did. See `taking`."""
    taken_as_of: AwareDatetime | None = None
    window_id: str | None = None
    """The maintenance window that suppressed it; None if a person did."""
    announced: int = 0
    """Number of the last change whose notices are planned."""
    announced_from: int = 1
    """Number of the first change that receivers hear of; 0 while they hear of none, because a
    maintenance window keeps the incident quiet.
    """
    timers: dict[TimerName, AwareDatetime] = {}
    """When to do what about it. Timers set by a newer version of the code stay, and count."""
    due_at: datetime | None = None
    """The earliest of its timers: when the sweep looks at it, whatever messages get lost."""
    failures: int | None = None
    """How often in a row its timers could not be handled; each time postponed `due_at` alone."""


class Alert(Model):
    """An accepted trigger: the whole event as received, its time, and the key that sent it."""

    id: str
    incident_id: str
    at: datetime
    actor: Actor
    body: str


@dataclass(frozen=True, slots=True)
class OutOfHours:
    """It is outside the support hours of a service."""

    outside: Mapping[Urgency, Urgency]
    """What is less urgent until they begin."""
    look_at: datetime
    """When to see whether they have begun."""

    def lowered(self, urgency: Urgency) -> Urgency:
        return self.outside.get(urgency, urgency)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """After how long a service lets things end by themselves; None for never."""

    acknowledgement: timedelta | None = None
    """Until an acknowledged incident that nobody has resolved is OPEN again."""
    auto_resolve: timedelta | None = None
    """Until an incident without a new alert is resolved."""


NEVER: Final = Timeouts()
