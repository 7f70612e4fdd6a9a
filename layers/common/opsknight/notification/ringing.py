"""Which messages their provider repeats by itself until somebody answers, and when it is to stop.

Pure. Who calls a message off is in `notify.ringing`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from opsknight.directory.receivers import Channel
from opsknight.incident.model import Incident, Status, Urgency
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.message import ASKS_TO_ACT

RINGS_FOR: Final[Mapping[Channel, timedelta]] = MappingProxyType(
    {Channel.PUSHOVER: timedelta(minutes=10)}
)
"""The longest that a provider repeats a message, if nobody answers it there."""
AGAIN_AFTER: Final = timedelta(seconds=10)
# One look at the incidents of a bundle has to be cheap, as everybody who acts on one of them causes
# it. A larger bundle rings until somebody answers the phone, or its time is over.
LARGEST_CALLED_OFF: Final = 100
# What is sent again keeps its name, so these are of other leaders.
RINGS_KEPT: Final = 12


def rings_until(delivery: Delivery) -> datetime | None:
    """When its provider stops by itself. None for a message that does not ring, or has not gone
    out.
    """
    length = RINGS_FOR.get(delivery.channel)
    if length is None or delivery.ended_at is None:
        return None
    # Cancelled, it may have gone out all the same: its sender died, or it was taken without an
    # answer.
    gone = delivery.state is State.SENT or bool(delivery.attempts or delivery.bundle)
    return delivery.ended_at + length if gone else None


def may_ring(delivery: Delivery, now: datetime) -> bool:
    """As far as the delivery says: the message may be of a low urgency (`was_urgent`)."""
    until = rings_until(delivery)
    return until is not None and now < until and delivery.about in ASKS_TO_ACT


def was_urgent(delivery: Delivery, carried: Iterable[Incident]) -> bool:
    """Whether the message may have been HIGH when it was sent. `carried`: its incidents, as they
    are now. One that was raised only since counts, too: to call it off in vain does no harm.
    """
    # None: a version before this planned it.
    if delivery.urgency in (Urgency.HIGH, None):
        return True
    return any(incident.urgency is Urgency.HIGH for incident in carried)


def ring_of(delivery: Delivery) -> str:
    """The name by which its provider knows the message: the id of the delivery that leads it."""
    return delivery.bundle or delivery.id


def rings_of(delivery: Delivery) -> tuple[str, ...]:
    """The names of all messages that may ring for it, the newest first."""
    return tuple(dict.fromkeys((ring_of(delivery), *(delivery.rang or ()))))


def rang_before(delivery: Delivery, bundle: str) -> tuple[str, ...]:
    """The names by which it may ring already when the message of `bundle` is to carry it."""
    # One that got no answer may ring by its own name, which no later message has.
    tried = delivery.bundle or delivery.claim or delivery.attempts
    names = rings_of(delivery) if tried and delivery.channel in RINGS_FOR else ()
    return tuple(name for name in names if name != bundle)[:RINGS_KEPT]


def is_quiet(status: Status) -> bool:
    """Whether nobody has to be woken for an incident of this status."""
    return status is not Status.OPEN
