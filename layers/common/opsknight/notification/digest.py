"""Digests: in a storm a chat channel of a service gets one message in an interval for all of the
service's incidents, in place of one for each change.

Pure. How a digest is sent is as in any receiver's turn (`bundle`, `throttle`). Webhooks and status
pages are read by programs, and get each change by itself.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from opsknight.directory.receivers import Channel, OwnerKind, Receiver
from opsknight.notification.delivery import Delivery
from opsknight.notification.throttle import MIN_INTERVAL, ReceiverState

CHATS: Final = frozenset(
    {
        Channel.SLACK,
        Channel.SLACK_WEBHOOK,
        Channel.TEAMS,
        Channel.DISCORD,
        Channel.GOOGLE_CHAT,
        Channel.TELEGRAM,
    }
)
DIGEST_EVERY: Final = timedelta(seconds=60)
# So many changes in an interval are told one by one; what comes on top of them is a storm.
TOLD_ALONE: Final = 10
# What one sender can look at twice and tell in its time. The rest goes into the next digest.
LARGEST_DIGEST: Final = 150


def interval_of(receiver: Receiver, *, pages: bool) -> timedelta | None:
    """How long it gets no other message after one that told what was held for it."""
    return MIN_INTERVAL.get(receiver.channel) if pages else DIGEST_EVERY


def is_digested(delivery: Delivery) -> bool:
    return delivery.owner.kind is OwnerKind.SERVICE and delivery.channel in CHATS


def follows_a_digest(delivery: Delivery, others: Iterable[Delivery]) -> bool:
    """Whether the receiver heard of the incident in a digest: then it hears the rest in one, too.
    `others`: the incident's deliveries.
    """
    return any(
        other.bundle is not None and other.destination == delivery.destination
        for other in others
        if other.id != delivery.id
    )


def digest_at(state: ReceiverState, now: datetime, *, follows: bool) -> datetime | None:
    """When the digest is due that a change goes into; None if it is told by itself, at once."""
    if state.due_at is not None:
        # Others wait: it does not overtake them.
        return state.due_at
    if state.next_at is not None and state.next_at > now:
        return state.next_at
    if follows:
        return now + DIGEST_EVERY
    since = state.alone_since
    if since is not None and now < since + DIGEST_EVERY and state.alone >= TOLD_ALONE:
        return since + DIGEST_EVERY
    return None


def told_alone(state: ReceiverState, now: datetime) -> dict[str, object]:
    """The attributes to set for one that is told by itself."""
    since = state.alone_since
    if since is None or now >= since + DIGEST_EVERY:
        return {"alone_since": now, "alone": 1}
    return {"alone": state.alone + 1}
