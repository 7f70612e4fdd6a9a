"""What a provider makes of a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inbox.mailbox import Mailbox
from inbox.wire import Answer, Request
from opsknight.directory.receivers import Channel


@dataclass(frozen=True, slots=True)
class Desk:
    """What a provider has at hand: the earlier messages, and the secrets for this place."""

    mailbox: Mailbox
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer, and how the message stands in the list. See `Message` for the fields."""

    channel: Channel
    answer: Answer
    to: str = ""
    title: str = ""
    text: str = ""
    why: str = ""
    thread: str = ""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


type Provider = Callable[[Request, Desk], Reading]


def told(value: Any) -> str:
    """Text if it is text: strangers send anything in any field."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """The texts of a list, if it is one."""
    return [it for it in value if isinstance(it, str)] if isinstance(value, list) else []


def listed(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, if it is one."""
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


def inner(value: Any) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def first_line(text: str) -> str:
    """What the list shows of a message without a title."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
