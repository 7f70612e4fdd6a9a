"""Who owns the configuration of a deployment: its file, which the command line applies, or the
console. One of them at a time, and all of it; what people add (ADR 69, 79) is no part of this.

Pure. The revision that a plan was made from guards what is decided here: `store.configurations`.
"""

from enum import StrEnum

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.model import Model


class Side(StrEnum):
    FILE = "file"
    CONSOLE = "console"


class Owner(Model):
    """Whoever applied last, and when."""

    by: str
    """A `Side`. A newer version may know more of them: whoever that is, it is somebody else."""
    who: str | None = None
    """A name. None where a version that kept none applied."""
    at: AwareDatetime | None = None
    revision: int | None = None
    """Which their apply made; none of theirs, but of keys and people, came after it."""
    source: str | None = None
    """The file, as its operator named it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """By whom a plan is carried out."""

    by: Side
    who: str
    source: str | None = None
    takes_over: bool = False
    """Whether the other side owns it no longer from now on."""


class OwnedElsewhere(Exception):
    """The other side owns the configuration, and nobody said to take it over."""

    def __init__(self, owner: Owner) -> None:
        super().__init__(f"owned by the {owner.by}")
        self.owner = owner


class ChangedEntry(Model):
    action: str
    """`create`, `update` or `remove`."""
    kind: str
    path: str
    """`services.checkout`: where it stands in a file."""


class Revision(Model):
    """One transaction of an apply. Keys that are made and what people change of themselves move
    the number on as well, and are in no list of revisions.
    """

    number: int
    at: AwareDatetime
    by: str
    who: str
    source: str | None = None
    took_over: bool | None = None
    changes: tuple[ChangedEntry, ...] = ()


def owner_of(stored: Owner | None, *, holds_anything: bool) -> Owner | None:
    """None for an empty deployment: whoever applies first owns it. One that was applied before
    owners were kept is the file's, as nobody else could apply.
    """
    if stored is not None:
        return stored
    return Owner(by=Side.FILE) if holds_anything else None


def check(owner: Owner | None, applied: Applied) -> None:
    """Raises OwnedElsewhere."""
    if owner is not None and owner.by != applied.by and not applied.takes_over:
        raise OwnedElsewhere(owner)
