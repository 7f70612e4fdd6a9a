"""The words of a message as a value, and those of messages behind which no incident stands: tests,
answers, and what people hear of their time on call.

The words are clean but not escaped: each channel escapes for itself. Those of incidents are in
`words`.
"""

from datetime import UTC, datetime, tzinfo
from typing import Final

from notify.channels.text import clean, cut, isolated, moment
from notify.channels.tones import Tone
from opsknight.classes import dataclass
from opsknight.notification.codes import spaced
from opsknight.notification.message import Message

LONGEST_NAME: Final = 120
CHANGED: Final = "Your contact methods"


@dataclass(frozen=True, slots=True)
class Words:
    tone: Tone
    label: str
    """`HIGH`, `Acknowledged`, `Resolved`; empty where the title says enough."""
    title: str
    """What broke; for a bundle, how much."""
    happened: str
    """`Acknowledged by Ada after 4 min`."""
    facts: tuple[tuple[str, str | datetime], ...] = ()
    listed: tuple[str, ...] = ()
    """For a bundle, the first few incidents."""
    more: str = ""
    """How many more there are."""
    todo: str = ""
    references: tuple[tuple[str, str], ...] = ()
    """Runbooks, dashboards and so on: label and address."""
    zone: tzinfo = UTC
    """The time zone of the reader's clock."""
    link: str | None = None
    link_label: str = ""

    def headline(self, limit: int) -> str:
        """`HIGH: title`, cut to the limit; `HIGH, 14 incidents: title` for a bundle."""
        label = self.before if self.label else ""
        return label + isolated(cut(self.title, limit - len(label) - 2))

    @property
    def before(self) -> str:
        """The label with what parts it from the title, which has a colon of its own in a bundle."""
        return f"{self.label}, " if self.listed else f"{self.label}: "

    def subject(self, limit: int) -> str:
        """The title alone, which stays the same as long as the incident lives."""
        return isolated(cut(self.title, limit - 2))

    def shown(self, value: str | datetime) -> str:
        """A fact, for channels that cannot show the reader's own time zone."""
        return value if isinstance(value, str) else moment(value, self.zone)


def of_test(message: Message) -> Words:
    return Words(
        tone=Tone.NEUTRAL,
        label="",
        title="Test message",
        happened="This contact method works",
        todo="Nothing is broken, and there is nothing to do.",
        link=message.link,
        link_label="Open OpsKnight",
    )


def of_code(message: Message) -> Words:
    """With a link, it is one to log in by."""
    return Words(
        tone=Tone.NEUTRAL,
        label="",
        title=f"Your code: {spaced(message.code or '')}",
        happened=f"It is for {'your login' if message.link else 'this contact method'}, and for ten"
        " minutes",
        todo="Type it where you asked for it, and tell it to nobody. If you did not ask for it, do "
        "nothing.",
        link=message.link,
        link_label="Or log in on this device",
    )


def of_answer(message: Message) -> Words:
    return Words(
        tone=Tone.NEUTRAL,
        label="",
        title=clean(message.note or "") or "Your reply was read",
        happened="Your reply by text message",
    )


def of_shift(message: Message) -> Words:
    return _of_note(message, "Your time on call", "On-call schedule")


def of_change(message: Message) -> Words:
    return _of_note(message, "A contact method of yours is about to be replaced", CHANGED)


def _of_note(message: Message, otherwise: str, happened: str) -> Words:
    title, *lines = (message.note or "").splitlines() or [""]
    parts = (line.partition(": ") for line in lines)
    return Words(
        tone=Tone.NEUTRAL,
        label="",
        title=clean(title) or otherwise,
        happened=happened,
        facts=tuple((named(name), named(value)) for name, _, value in parts),
        zone=message.zone,
    )


def named(text: str) -> str:
    return isolated(cut(clean(text), LONGEST_NAME))
