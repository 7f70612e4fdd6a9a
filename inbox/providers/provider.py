"""The interface of a provider: a function from a request to a receipt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from inbox.mailbox import Mailbox
from inbox.wire import Answer, Request
from opsknight.directory.receivers import Channel


@dataclass(frozen=True, slots=True)
class Context:
    """What a provider may look at besides the request."""

    mailbox: Mailbox
    secrets: tuple[str, ...] = ()
    """The secrets that bodies sent to this place may be signed with."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a request, and the message in it. `Message` describes the fields."""

    channel: Channel
    answer: Answer
    to: str = ""
    title: str = ""
    text: str = ""
    why: str = ""
    thread: str = ""
    is_message: bool = True
    """False for a question, which brings nobody a message."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


type Provider = Callable[[Request, Context], Receipt]
