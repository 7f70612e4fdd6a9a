"""The verdict on a night, and the patience of the judge."""

from dataclasses import dataclass, field
from typing import Final

# The clocks of two processes differ by so much at most, and a reminder has a head start.
CLOCKS: Final = 5.0
# The fallback address hears of everything at most once in so many seconds.
FALLBACK_PACE: Final = 300.0
# Whether its time has come is looked at once in so many seconds, and found so many early.
LOOK: Final = 60.0
EARLY_LOOK: Final = 3.0
# A function may remember a service for so long.
REMEMBERED: Final = 35.0


@dataclass(frozen=True)
class Patience:
    """How late something may be, in seconds."""

    step: float = 20.0
    """For each step of a policy: the next one counts from when this one was taken."""
    send: float = 20.0
    """From the moment that a message is due until it is taken."""
    claimed: float = 20.0
    """After an incident is acknowledged: what a sender had claimed before may still arrive."""
    late: float = 0.0
    """What comes later than all that, but within so much more, is counted and no silence: four
    faults in a row have met the same message.
    """

    death: float = 0.0
    """For each sender that dies meanwhile: its lease of a minute, and the tick after that."""


CALM_PATIENCE: Final = Patience()
# A waking that is lost is found by the next tick, or the one after it, behind an index that is 20
# seconds late; a sender that dies leaves a lease of a minute. Two such faults in a row are waited
# for, and on average one for each step.
ROUGH_PATIENCE: Final = Patience(step=60.0, send=180.0, claimed=60.0, late=120.0, death=110.0)

KINDS: Final = (
    "silence",
    "early",
    "too often",
    "after the end",
    "window",
    "fallback",
    "notice",
    "mirror",
    "report",
    "page",
    "sound",
    "audit",
    "two at once",
    "answer",
)


@dataclass(frozen=True)
class Violation:
    kind: str
    """One of `KINDS`."""
    case: str
    at: float
    text: str


@dataclass
class Verdict:
    violations: list[Violation] = field(default_factory=list[Violation])
    incidents: int = 0
    messages: int = 0
    doubles: int = 0
    """Messages that told somebody of an incident once more than they should have had, all of them
    excused. One about several is one, and so is what it is excused by.
    """
    excused: int = 0
    """Messages whose sender died before it could write them down, or was not told that they were
    taken.
    """
    late: int = 0
    """Messages that came after the judge's patience; only in rough nights are there any."""
    fallback: int = 0
    """Messages to the fallback."""
    fallback_again: int = 0
    """Messages sooner than its pace allows, each after one whose sender did not learn that it was
    taken, or died.
    """
