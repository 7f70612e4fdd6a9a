"""Whether a page's messages were tried at all, and whether it is our own fault that they were not.

Pure.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from opsknight.escalation.hold import Hold
from opsknight.escalation.pages import Page, PageState
from opsknight.notification.delivery import Delivery, State

# What is due is tried within seconds.
TRIED_SOON: Final = timedelta(seconds=30)


def is_untried(deliveries: Iterable[Delivery]) -> bool:
    """Whether all of a page's messages wait, and none was ever tried."""
    return all(
        each.state is State.PENDING and not each.tries and each.tried_at is None
        for each in deliveries
    )


def is_overlooked(page: Page, deliveries: Iterable[Delivery], now: datetime, hold: Hold) -> bool:
    """Whether nobody has tried the page although it is time: it was not planned, or messages of it
    are overdue. What waits for its receiver is late for another reason. Time under hold does not
    count.
    """
    if page.state is None:
        return hold.counted(page.at, TRIED_SOON) <= now
    if page.state is not PageState.PLANNED:
        return False
    deliveries = tuple(deliveries)
    if not is_untried(deliveries) or any(each.claim or each.due_at is None for each in deliveries):
        return False
    times = (max(each.not_before, each.due_at or now) for each in deliveries)
    return any(hold.counted(at, TRIED_SOON) <= now for at in times)
