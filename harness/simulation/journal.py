"""The record of a night, for the judge and for the reader of its story.

`heard`, `asked`, `fallback`, `published` and `log` are what the world outside saw, and all that the
judge is shown. `lines` are from inside, for the story alone.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Seconds that somebody waits for what became of their reply.
ANSWERED_WITHIN: Final = 420
# What the weather never makes: a call that no model knows, or knows with other arguments.
_UNFIT: Final = ("AttributeError", "NotImplementedError", "TypeError", "NameError")
_ANSWER: Final = re.compile(
    r"Acknowledged: you have it|Resolved: |has it already|have it already|is acknowledged already"
    r"|nothing was done|\d acknowledged\.|By text message from"
)
_SEVERAL: Final = re.compile(r"\b\d+ incidents\b")


@dataclass
class Heard:
    """A message that a receiver took."""

    at: float
    to: str
    """The number, address or host."""
    text: str
    delivery: str
    """The delivery id in the message: the same for each attempt."""
    is_answered: bool
    """Whether the sender was told that it was taken."""
    links: tuple[str, ...] = ()
    titles: frozenset[str] = frozenset()
    """The titles of its incidents, those on the page behind its link among them."""
    sender_died: bool = False
    """Before it could write down that it had sent this."""
    began: float = 0.0
    """When its sender called, and when that was over."""
    over: float = 0.0
    edits: "Heard | None" = None
    """The message that this was added to, without a sound."""
    rings_until: float = 0.0
    """When its provider stops ringing by itself; 0 for what makes one sound."""
    called_off: list[float] = field(default_factory=list[float])
    """When the provider was told to stop it."""

    @property
    def answers(self) -> bool:
        """Whether it says what became of a reply."""
        return _ANSWER.search(self.text) is not None

    @property
    def is_about_several(self) -> bool:
        return _SEVERAL.search(self.text) is not None


@dataclass
class Asked:
    """A request from outside, and its answer."""

    who: str
    what: str
    about: str
    """The title that it names."""
    began: float
    ended: float | None = None
    status: int | None = None
    """None when no answer came."""
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    key: str = ""
    """The dedup key of an event."""
    severity: str = ""
    service: str = ""
    """That an event is about."""
    incident: str = ""
    """The title of the incident that the answer tells of."""
    way: str = "event"
    tries: int = 0
    broke: bool = False
    """Whether the code answered once that it had failed: nothing may make it."""
    sent: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Told:
    """A message to the fallback address."""

    at: float
    text: str
    is_answered: bool = True
    """Whether the sender was told that SNS took it."""
    sender_died: bool = False

    @property
    def excuses_another(self) -> bool:
        return self.sender_died or not self.is_answered


@dataclass(frozen=True)
class Entry:
    """An entry of the audit log."""

    at: float
    kind: str
    who: str
    via: str
    about: frozenset[str]
    """The ids of what it is about."""


@dataclass(frozen=True)
class Log:
    """The audit log after the night, as the API shows it."""

    entries: tuple[Entry, ...]
    planned: Mapping[str, int]
    """How many maintenance windows of later days each service has."""


@dataclass(frozen=True)
class Published:
    """What a status page says from now on."""

    at: float
    page: str
    states: dict[str, str]
    """By the name of the service."""


@dataclass
class Journal:
    heard: list[Heard] = field(default_factory=list[Heard])
    asked: list[Asked] = field(default_factory=list[Asked])
    fallback: list[Told] = field(default_factory=list[Told])
    published: list[Published] = field(default_factory=list[Published])
    log: Log | None = None
    """None where nobody could read it."""
    deaths: int = 0
    died: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """When, and a process of which function."""
    counts: Counter[str] = field(default_factory=Counter[str])
    lines: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def line(self, at: float, who: str, level: str, text: str, facts: dict[str, Any]) -> None:
        if level == "metric":
            self.counts[text] += 1
            return
        if text.startswith(_UNFIT):
            raise RuntimeError(f"the simulation lacks something that {who} uses: {text}")
        told = ", ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
        self.lines.append((at, f"{who}: {text}" + (f" ({told})" if told else "")))

    def note(self, at: float, text: str) -> None:
        self.lines.append((at, text))

    def death(self, at: float, who: str, why: str, told: list[Heard | Told]) -> None:
        self.deaths += 1
        self.died.append((at, who.removeprefix("older ")))
        for each in told:
            each.sender_died = True
        self.note(at, f"{who} {why}")
