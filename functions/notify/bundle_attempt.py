"""One try to send a bundle in a receiver's turn, and its outcome."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from notify.channels.protocol import Outcome
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.bundle import HeldRow
from opsknight.notification.continued import Continued
from opsknight.notification.delivery import Attempt, Delivery


@dataclass(frozen=True, slots=True)
class BundleAttempt:
    leader: Delivery
    """Its id is the bundle's, and the message's."""
    carried: Sequence[Delivery]
    """With the leader."""
    receiver: Receiver
    outcome: Outcome
    made: Attempt
    rows: Mapping[str, list[HeldRow]]
    not_before: datetime | None
    """When the receiver may be tried again after a failure."""
    more: bool
    """Whether the next turn ignores the pace: the receiver did not take this message."""
    continued: Continued | None
    """The message, if it goes on in a further turn at once."""
    urgent: bool
    """Whether the message carried something HIGH."""
    urgent_left: bool
    """Whether something that it did not carry may be HIGH."""
