"""What the rules answer: each outcome of an event, a command or a timer, for the store to write.

Nothing here decides anything: that is in `events` and `lifecycle`.
"""

from datetime import datetime
from typing import Final

from opsknight.classes import dataclass
from opsknight.incident.changes import NOTHING, Changes
from opsknight.incident.model import Alert, Incident, Pointer, Status
from opsknight.incident.timeline import Change


@dataclass(frozen=True, slots=True)
class Opened:
    """No incident was active: a new one, its pointer and its first alert."""

    incident: Incident
    alert: Alert


@dataclass(frozen=True, slots=True)
class Merged:
    """One more alert of an active incident, and its higher urgency if the alert raises it."""

    before: Pointer
    alert: Alert
    raised: "Transitioned | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Require:
    """What the decision rests on besides the status. The store refuses to write it unless the
    incident still has these values; None requires nothing.
    """

    last_alert_at: datetime | None = None
    page_no: int | None = None
    firing: int | None = None


NO_REQUIREMENT: Final = Require()


@dataclass(frozen=True, slots=True)
class Transitioned:
    """The incident changes, and its timeline says so."""

    before: Pointer
    after: Pointer
    change: Change
    changes: Changes
    require: Require = NO_REQUIREMENT
    set_if_absent: Changes = NOTHING
    """Only for attributes that the incident lacks when this is written."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The incident is in that state already: nothing to write or to announce."""

    before: Pointer


@dataclass(frozen=True, slots=True)
class Repeated:
    """Its sender says again what is known: no alert, and nothing to announce."""

    before: Pointer
    seen_at: datetime | None
    """To be written down; None when that was done a moment ago."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """No active incident has this dedup key, or it is about another occurrence: nothing happens."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Impossible in this status: a 409 for people, or a timer that comes too late."""

    status: Status
    why: str | None = None
    """The reason, where it is not the status."""


type Decision = Opened | Merged | Transitioned | Repeated | Unchanged | Ignored
