"""Whether a page has reached its user, or has failed, by its deliveries.

Pure. How one delivery goes on and ends is in `delivery`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from opsknight.escalation.hold import NO_HOLD, Hold
from opsknight.escalation.pages import PageState
from opsknight.notification.delivery import Delivery, State

# A page has failed when no provider has taken one of its messages this long after the first try.
REACHED_WITHIN: Final = timedelta(minutes=2)
# It has failed at the latest this long after it was due, even if nobody has tried it: by our fault.
TRIED_WITHIN: Final = timedelta(minutes=5)


def page_state(
    deliveries: Iterable[Delivery], reach_deadline: datetime, now: datetime, hold: Hold = NO_HOLD
) -> PageState | None:
    """How a page ended, by its deliveries; None while that is open."""
    deliveries = tuple(deliveries)
    states = {delivery.state for delivery in deliveries}
    if State.SENT in states:
        return PageState.REACHED
    if State.CANCELLED in states:
        return PageState.CANCELLED
    if State.PENDING in states and now < fails_at(deliveries, reach_deadline, hold):
        return None
    return PageState.FAILED


def fails_at(
    deliveries: Iterable[Delivery], reach_deadline: datetime, hold: Hold = NO_HOLD
) -> datetime:
    """When a page fails if no provider takes one of its messages, and some are pending.

    Not while somebody is sending one, and not before one has been tried. Time under hold does not
    count.
    """
    deliveries = tuple(deliveries)
    first = reach_deadline - REACHED_WITHIN
    latest = hold.counted(first, TRIED_WITHIN)
    tried = [at for each in deliveries if (at := first_tried_at(each)) is not None]
    over = any(each.state is not State.PENDING for each in deliveries)
    sending = any(each.claim for each in deliveries if each.state is State.PENDING)
    if sending or not (tried or over):
        return latest
    return min(latest, hold.counted(min(tried) if tried else first, REACHED_WITHIN))


def reach_deadline(deliveries: Iterable[Delivery], now: datetime) -> datetime | None:
    """When to judge a page that is planned now; None without deliveries."""
    first = min((delivery.not_before for delivery in deliveries), default=None)
    return None if first is None else max(first, now) + REACHED_WITHIN


def first_tried_at(delivery: Delivery) -> datetime | None:
    """When a message was first about to tell it; None before that."""
    times = [each.at for each in delivery.attempts[:1]]
    times += [delivery.tried_at] if delivery.tried_at else []
    return min(times, default=None)
