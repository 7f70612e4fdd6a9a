"""What an integration reads in one request: events in the sender's words, and what is none."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.integrations.drafts import Draft

# Each may open an incident, and the limit counts the request as one: so many a function opens in
# half of its 8 seconds (`python -m bench groups`). With more it would never get through.
MOST_PARTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, as an integration sees it. No key is in it."""

    name: str
    """The integration in the path."""
    document: Any
    """The body, parsed."""
    body: bytes
    """As it came, but for the key: for signatures, which a key in the body would spoil anyway."""
    headers: Mapping[str, str]
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A part that can never be taken. It does not fail the rest."""

    place: str
    """Where it is in the body: `alerts[3]`."""
    why: str


@dataclass(frozen=True, slots=True)
class Left:
    """A part that is understood, and is no event."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: an alert that always fires, so that its absence is noticed."""

    place: str
    name: str
    """What beats: `Watchdog`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """All of one request. `read(sent: Sent) -> Batch` is what a module of an integration has."""

    drafts: Sequence[Draft] = ()
    left: Sequence[Left] = ()
    not_taken: Sequence[NotTaken] = ()
    beats: Sequence[Beat] = ()
    note: str | None = None
    """For the timeline of the first incident that the batch opens or adds to."""


class Meaningless(Exception):
    """Nothing in the request can be taken, now or later. The text says why."""


class TooMany(Exception):
    """The request has over `MOST_PARTS` parts. Nothing of it is taken."""
