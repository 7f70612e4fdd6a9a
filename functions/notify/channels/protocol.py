"""What every channel is: a way to send one message to one receiver, and the three ways it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message

SENDS_WITHIN_SECONDS: Final = 12


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it. It may still bounce."""

    provider_id: str | None = None
    remember: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the next message about the same incident to the same receiver needs to know."""


@dataclass(frozen=True, slots=True)
class TemporaryFailure:
    """It may well work later. `why` may be shown and logged: no URL, no token, no body."""

    why: str
    after: timedelta | None = None
    """Not before then, if the receiver said so."""


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    """It will not work, however often it is tried. `why` as above."""

    why: str


@dataclass(frozen=True, slots=True)
class Unaccepted(PermanentFailure):
    """The receiver did not accept the secret. Channels only: `Secrets.using` settles it."""


type Outcome = Sent | TemporaryFailure | PermanentFailure


class Sender(Protocol):
    """A channel, connected to what it needs."""

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        """Takes at most SENDS_WITHIN_SECONDS, and raises nothing that a receiver or provider
        brings about.
        """
        ...
