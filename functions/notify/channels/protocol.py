"""The protocol of all channels: each sends one message to one receiver, and returns its outcome."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from typing import Final, Protocol, runtime_checkable

from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message
from opsknight.notification.throttle import Moved

SENDS_WITHIN_SECONDS: Final = 12


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it. It may still bounce."""

    provider_id: str | None = None
    remember: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the next message about the incident to this receiver needs to know."""
    moved: Moved | None = None
    """The provider has another address for the receiver, and has taken the message there. From a
    channel, `was` is where the message was sent.
    """


@dataclass(frozen=True, slots=True)
class TemporaryFailure:
    """It may work later. `why` is shown and logged, so it holds no URL, token or body."""

    why: str
    after: timedelta | None = None
    """How long to stay away, if the receiver said so."""


@dataclass(frozen=True, slots=True)
class Misconfigured(TemporaryFailure):
    """Our own deployment forbids it: it works as soon as somebody mends that."""


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    """No further attempt can work. `why` as above; with the words of a provider that we know."""

    why: str


@dataclass(frozen=True, slots=True)
class Unaccepted(PermanentFailure):
    """The receiver did not accept the secret. Channels only: `Secrets.using` settles it."""


type Outcome = Sent | TemporaryFailure | PermanentFailure


class Sender(Protocol):
    """A channel with the clients it needs."""

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        """Takes at most SENDS_WITHIN_SECONDS. Whatever a receiver or provider does is an outcome,
        never an exception.
        """
        ...


@runtime_checkable
class Silencer(Sender, Protocol):
    """A channel whose provider repeats a message by itself."""

    def silence(self, ring: str, receiver: Receiver) -> Outcome:
        """Ends the repetition of the message of this name, the id of its delivery. Sent if the
        provider knows of none. Takes as long as `send`.
        """
        ...


@runtime_checkable
class Updater(Sender, Protocol):
    """A channel that can change a message after it was sent, without a sound."""

    def update(self, message: Message, receiver: Receiver, place: Mapping[str, str]) -> Outcome:
        """`place`: the `Sent.remember` of the message. PermanentFailure if it cannot be changed any
        more. Takes as long as `send`.
        """
        ...
