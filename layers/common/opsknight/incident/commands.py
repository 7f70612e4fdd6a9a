"""What people and timers can want of an incident, and what status each leads to.

`TRANSITIONS` is both tables of docs/events-api.md as data; what else changes is in `lifecycle`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from opsknight.incident.model import Status, Urgency


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
class Prioritize:
    """Another urgency than the first alert gave it. The timeline says raised or lowered."""

    past: ClassVar = "prioritized"
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Note:
    past: ClassVar = "noted"
    text: str
    public: bool = False
    """Whether status pages are told."""


@dataclass(frozen=True, slots=True)
class AcknowledgementTimeout:
    past: ClassVar = "reopened"


@dataclass(frozen=True, slots=True)
class AutoResolve:
    past: ClassVar = "auto-resolved"


@dataclass(frozen=True, slots=True)
class Unreached:
    """None of a user's contact methods could be reached by a page."""

    past: ClassVar = "unreached"
    user_id: str
    moves_on: bool
    """Whether nobody else of the step was reached either: then it does not wait any longer."""


type Command = (
    Acknowledge
    | Resolve
    | Snooze
    | Unsnooze
    | Suppress
    | Unsuppress
    | Escalate
    | Reassign
    | Prioritize
    | Note
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
        Prioritize: {_O: _O, _A: _A, _N: _N, _P: _P},
        Note: {_O: _O, _A: _A, _N: _N, _P: _P},
        AcknowledgementTimeout: {_A: _O},
        AutoResolve: {_O: _R, _A: _R},
        Unreached: {_O: _O},
    }
)


# Doing these again changes nothing: no write, no timeline entry, nobody told.
IDEMPOTENT: Final = frozenset({(Acknowledge, _A), (Suppress, _P)})


LONGEST_SNOOZE: Final = timedelta(days=7)
LONGEST_NOTE: Final = 2000
