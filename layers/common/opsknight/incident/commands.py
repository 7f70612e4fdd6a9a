"""What people and timers can do to an incident, and the tables of what follows.

`TRANSITIONS` is both tables of docs/events-api.md as data. What a command changes besides the
status is in `lifecycle`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from opsknight.classes import dataclass
from opsknight.incident.model import Escalation, Incident, Status, Timer, Urgency
from opsknight.incident.timeline import ChangeKind


@dataclass(frozen=True, slots=True)
class Acknowledge:
    past: ClassVar = ChangeKind.ACKNOWLEDGED
    by: str | None = None
    """The user who acknowledges and becomes the assignee; None for a monitoring tool."""


@dataclass(frozen=True, slots=True)
class Resolve:
    past: ClassVar = ChangeKind.RESOLVED


@dataclass(frozen=True, slots=True)
class Snooze:
    past: ClassVar = ChangeKind.SNOOZED
    until: datetime


@dataclass(frozen=True, slots=True)
class Unsnooze:
    """By hand, or at the end of the snooze."""

    past: ClassVar = ChangeKind.UNSNOOZED


@dataclass(frozen=True, slots=True)
class Suppress:
    past: ClassVar = ChangeKind.SUPPRESSED


@dataclass(frozen=True, slots=True)
class Unsuppress:
    """By hand, or at the end of the window that suppressed it."""

    past: ClassVar = ChangeKind.UNSUPPRESSED


@dataclass(frozen=True, slots=True)
class Escalate:
    past: ClassVar = ChangeKind.ESCALATED
    step: int | None = None
    """From 0; None for the next one."""


@dataclass(frozen=True, slots=True)
class Reassign:
    past: ClassVar = ChangeKind.REASSIGNED
    to: str


@dataclass(frozen=True, slots=True)
class AlsoPage:
    """Asks others to help. Whoever has the incident keeps it, and its escalation goes on."""

    past: ClassVar = ChangeKind.ALSO_PAGED
    whom: str
    """What was asked for, by name: a person, a team, a schedule."""
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prioritize:
    """Gives it another urgency. The timeline says raised or lowered."""

    past: ClassVar = "prioritized"
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Note:
    past: ClassVar = ChangeKind.NOTED
    text: str
    public: bool = False
    """Whether status pages show it."""


@dataclass(frozen=True, slots=True)
class Amend:
    """What a monitor says anew about its problem. The title stays: threads of messages hang on
    it.
    """

    past: ClassVar = ChangeKind.AMENDED
    said: tuple[tuple[str, str], ...]
    """Fields and what they are now, as the timeline shows them."""


@dataclass(frozen=True, slots=True)
class Unacknowledge:
    """By hand what `AcknowledgementTimeout` does when the time has come."""

    past: ClassVar = ChangeKind.REOPENED


@dataclass(frozen=True, slots=True)
class AcknowledgementTimeout:
    past: ClassVar = ChangeKind.REOPENED


@dataclass(frozen=True, slots=True)
class AutoResolve:
    past: ClassVar = ChangeKind.AUTO_RESOLVED


@dataclass(frozen=True, slots=True)
class Unreached:
    """None of a user's contact methods could be reached by a page."""

    past: ClassVar = ChangeKind.UNREACHED
    user_id: str
    moves_on: bool
    """Whether nobody else of the step was reached either: then the next step, or the end of the
    round, is due at once; once the incident is reassigned, the notice to the fallback address.
    """
    untried: bool = False
    """Whether by our own fault nobody tried."""


type Command = (
    Acknowledge
    | Resolve
    | Snooze
    | Unsnooze
    | Suppress
    | Unsuppress
    | Escalate
    | Reassign
    | AlsoPage
    | Prioritize
    | Note
    | Amend
    | Unacknowledge
    | AcknowledgementTimeout
    | AutoResolve
    | Unreached
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
        AlsoPage: {_O: _O, _A: _A},
        Prioritize: {_O: _O, _A: _A, _N: _N, _P: _P},
        Note: {_O: _O, _A: _A, _N: _N, _P: _P},
        Amend: {_O: _O, _A: _A, _N: _N, _P: _P},
        Unacknowledge: {_A: _O},
        AcknowledgementTimeout: {_A: _O},
        AutoResolve: {_O: _R, _A: _R, _P: _R},
        Unreached: {_O: _O},
    }
)


# Doing these again changes nothing: no write, no entry of the timeline, no notice.
IDEMPOTENT: Final = frozenset({(Acknowledge, _A), (Suppress, _P)})


# The statuses to which each timer belongs: leaving them stops it.
TIMERS: Final[Mapping[Timer, frozenset[Status]]] = MappingProxyType(
    {
        Timer.ANNOUNCE: frozenset(Status),
        Timer.STEP: frozenset({Status.OPEN}),
        # Once somebody has acknowledged, the rest of a large step is not paged any more.
        Timer.PAGES: frozenset({Status.OPEN}),
        Timer.SNOOZE: frozenset({Status.SNOOZED}),
        Timer.SUPPORT_HOURS: frozenset(Status) - {Status.RESOLVED},
        Timer.WINDOW: frozenset({Status.SUPPRESSED}),
        Timer.ACKNOWLEDGEMENT: frozenset({Status.ACKNOWLEDGED}),
        Timer.AUTO_RESOLVE: frozenset({Status.OPEN, Status.ACKNOWLEDGED}),
        # Whoever acknowledges an incident that reached nobody knows about it from there on.
        Timer.FALLBACK: frozenset({Status.OPEN}),
        Timer.REMINDER: frozenset({Status.OPEN}),
    }
)


# A window that is shortened or removed, by whomever and however, releases its incidents this soon.
WINDOW_CHECKED: Final = timedelta(minutes=5)


def window_check(end: datetime, now: datetime) -> datetime:
    """When to look again at a window that ends at `end`."""
    return min(end, now + WINDOW_CHECKED)


# Reassigned to the same user once more, within this time it is the same request: somebody got no
# answer and asks again.
SAME_REQUEST: Final = timedelta(minutes=2)


def is_reassigned(incident: Incident, to: str, now: datetime) -> bool:
    """Whether that user was given it a moment ago, and has been notified."""
    since = incident.reassigned_at
    if incident.assignee_id != to or since is None or now >= since + SAME_REQUEST:
        return False
    # Escalated meanwhile, it is anybody's again.
    over = incident.escalation is Escalation.COMPLETED
    return over if incident.status is Status.OPEN else incident.status is not Status.RESOLVED


LONGEST_SNOOZE: Final = timedelta(days=7)
LONGEST_NOTE: Final = 2000
