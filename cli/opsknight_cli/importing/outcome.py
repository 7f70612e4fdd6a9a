"""What an import makes: entries of a configuration, what goes into no file, and what is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from opsknight.config.configuration import Configuration
from opsknight.oncall.schedules import Override, Schedule


class Harm(StrEnum):
    """What follows when something cannot be carried over; the worst first."""

    NOT_PAGED = "not paged"
    PAGED_OTHERWISE = "paged otherwise"
    PAGED_MORE = "paged more"
    LEFT_BEHIND = "left behind"


@dataclass(frozen=True, slots=True)
class Loss:
    harm: Harm
    where: str
    """The thing in the other system: `schedule Shop primary`."""
    sentence: str
    """What will be different here, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A sender of events, which needs a new key."""

    service: str
    integration: str
    """Both by their keys in the file."""
    was: str
    """Its name there."""
    kind: str
    """What sends, in that system's words."""
    where: str
    """The setting to change at the sender."""


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """A maintenance window to come."""

    services: tuple[str, ...]
    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """On call by the other system's own calculation."""

    start: datetime
    end: datetime
    user_id: str
    """Ours; of somebody who was not carried over, what the other system calls them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A schedule there, what became of it here, and what the other system says of its future."""

    name: str
    schedules: tuple[Schedule, ...]
    """Who is on call by any of them is on call."""
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    system: str
    """`PagerDuty`, `Opsgenie`."""
    configuration: Configuration
    losses: Sequence[Loss]
    sources: Sequence[Source]
    overrides: Mapping[str, Sequence[Override]]
    """Those to come, by the id of their schedule."""
    windows: Sequence[PlannedWindow]
    comparisons: Sequence[Comparison]
