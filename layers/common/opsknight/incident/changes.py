"""What a decision changes of an incident: a typed value for each attribute that can change.

The rules make `Changes`, the store writes them, and `applied` gives the incident that results, for
rehearsals and for the rules themselves. Pure. Attribute names as DynamoDB sees them, and the
expressions that write them, belong to `opsknight.store`.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from opsknight.incident.model import (
    Escalation,
    Incident,
    Pointer,
    RequestedStep,
    Status,
    Timer,
    TimerName,
    Urgency,
)


class Keep(Enum):
    """The attribute stays as it is. `None` could not say so: it removes the attribute."""

    KEEP = auto()


KEEP: Final = Keep.KEEP


class Changes(NamedTuple):
    """A new value for some attributes of an incident; `None` removes one, and `KEEP` leaves it.

    The fields are those of `Incident` that can change after the opening, and mean the same, except
    for `timers`: it holds only the timers that start, move or (`None`) stop. A tuple, because every
    decision combines several, and a frozen dataclass of so many fields is slow to make.
    """

    status: Status | Keep = KEEP
    urgency: Urgency | Keep = KEEP
    epoch: int | Keep = KEEP
    changes: int | Keep = KEEP
    escalation: Escalation | Keep = KEEP
    policy_id: str | Keep | None = KEEP
    policy_version: int | Keep | None = KEEP
    step: int | Keep | None = KEEP
    next_step: int | Keep | None = KEEP
    round: int | Keep | None = KEEP
    page_no: int | Keep = KEEP
    paged: int | Keep | None = KEEP
    requested_step: RequestedStep | Keep | None = KEEP
    reached: Literal[True] | Keep | None = KEEP
    round_from: int | Keep | None = KEEP
    round_over: datetime | Keep | None = KEEP
    uncounted: int | Keep | None = KEEP
    empty_since: datetime | Keep | None = KEEP
    last_alert_at: datetime | Keep = KEEP
    acknowledged_at: datetime | Keep = KEEP
    resolved_at: datetime | Keep = KEEP
    assignee_id: str | Keep = KEEP
    reassigned_at: datetime | Keep = KEEP
    taken: bool | Keep | None = KEEP
    taken_as_of: datetime | Keep = KEEP
    window_id: str | Keep | None = KEEP
    urgency_in_hours: Urgency | Keep | None = KEEP
    announced: int | Keep = KEEP
    announced_from: int | Keep = KEEP
    shadow: bool | Keep | None = KEEP
    due_at: datetime | Keep | None = KEEP
    failures: Keep | None = KEEP
    untracked: Literal[True] | Keep = KEEP
    timers: Mapping[Timer, datetime | None] = MappingProxyType({})

    def __or__(self, later: "Changes") -> "Changes":
        """Both; where both change the same, `later` counts."""
        pairs = zip(self, later, strict=True)
        merged: list[Any] = [old if new is KEEP else new for old, new in pairs]
        merged[-1] = {**self.timers, **later.timers}
        return Changes(*merged)

    def values(self) -> dict[str, Any]:
        """The new values of attributes other than `timers`, by name."""
        named = zip(ATTRIBUTES, self[:-1], strict=True)
        return {name: value for name, value in named if value is not KEEP}


ATTRIBUTES: Final = Changes._fields[:-1]
NOTHING: Final = Changes()
_REPEATED: Final = frozenset(Pointer.model_fields)


def applied[P: Pointer](incident: P, changes: Changes, if_absent: Changes = NOTHING) -> P:
    """The incident after `changes`, and after those of `if_absent` whose attribute it lacks.

    Of a pointer, only the attributes that it repeats change.
    """
    update = changes.values()
    for name, value in if_absent.values().items():
        if getattr(incident, name, None) is None:
            update.setdefault(name, value)
    if isinstance(incident, Incident):
        update["timers"] = _timers(incident, changes)
    else:
        update = {name: value for name, value in update.items() if name in _REPEATED}
    return incident.model_copy(update=update)


def with_due_time(incident: Incident, changes: Changes) -> Changes:
    """`changes`, with the time at which something is due after them: that of the first timer."""
    due_at = min(_timers(incident, changes).values(), default=None)
    return changes | Changes(due_at=due_at)


def _timers(incident: Incident, changes: Changes) -> dict[TimerName, datetime]:
    kept = {name: at for name, at in incident.timers.items() if name not in changes.timers}
    return kept | {timer: at for timer, at in changes.timers.items() if at is not None}


def announced(incident: Incident) -> Changes:
    """The notices of all its changes so far are planned: its next timer becomes due."""
    changes = Changes(announced=incident.changes, timers={Timer.ANNOUNCE: None})
    return with_due_time(incident, changes)
