"""What a decision changes of an incident: a typed value for each attribute that can change.

The rules make `Changes`, the store writes them, and `applied` gives the incident that results, for
rehearsals and for the rules themselves. Pure. Attribute names as DynamoDB sees them, and the
expressions that write them, belong to `opsknight.store`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, Literal

from opsknight.incident.model import (
    Escalation,
    Incident,
    Pointer,
    RequestedStep,
    Status,
    Timer,
    Urgency,
)


class Keep(Enum):
    """The attribute stays as it is. `None` could not say so: it removes the attribute."""

    KEEP = auto()


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A new value for some attributes of an incident; `None` removes one, and `KEEP` leaves it.

    The fields are those of `Incident` that can change after the opening, and mean the same, but for
    `timers`: it holds only the timers that start, move or (`None`) stop.
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
    empty_since: datetime | Keep | None = KEEP
    last_alert_at: datetime | Keep = KEEP
    acknowledged_at: datetime | Keep = KEEP
    resolved_at: datetime | Keep = KEEP
    assignee_id: str | Keep = KEEP
    window_id: Keep | None = KEEP
    announced: int | Keep = KEEP
    announced_from: int | Keep = KEEP
    timers: Mapping[Timer, datetime | None] = field(default_factory=dict[Timer, datetime | None])
    due_at: datetime | Keep | None = KEEP
    failures: Keep | None = KEEP

    def __or__(self, later: "Changes") -> "Changes":
        """Both; where both change the same, `later` counts."""
        return replace(self, **later.values(), timers={**self.timers, **later.timers})

    def values(self) -> dict[str, Any]:
        """The new values of attributes other than `timers`, by name."""
        named = {name: getattr(self, name) for name in ATTRIBUTES}
        return {name: value for name, value in named.items() if value is not KEEP}


ATTRIBUTES: Final = tuple(each.name for each in fields(Changes) if each.name != "timers")
NOTHING: Final = Changes()


def applied[P: Pointer](incident: P, changes: Changes, if_absent: Changes = NOTHING) -> P:
    """The incident after `changes`, and after those of `if_absent` whose attribute it lacks.

    Of a pointer, only the attributes that it repeats change.
    """
    known = type(incident).model_fields
    absent = {
        name: value
        for name, value in if_absent.values().items()
        if name in known and getattr(incident, name) is None
    }
    update = absent | {name: value for name, value in changes.values().items() if name in known}
    if isinstance(incident, Incident) and changes.timers:
        kept = {name: at for name, at in incident.timers.items() if name not in changes.timers}
        set_now = {timer: at for timer, at in changes.timers.items() if at is not None}
        update["timers"] = kept | set_now
    return incident.model_copy(update=update)


def with_due_time(incident: Incident, changes: Changes) -> Changes:
    """`changes`, with the time at which something is due after them: that of the first timer."""
    timers = applied(incident, changes).timers
    return replace(changes, due_at=min(timers.values(), default=None))
