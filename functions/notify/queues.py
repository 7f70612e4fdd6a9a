"""The queues between planning and sending: one for people, one for everything else, and one for
what has to be planned or tracked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from opsknight.escalation.pages import Page
from opsknight.notification.delivery import Delivery
from opsknight.runtime.queues import Queue
from opsknight.runtime.wakeups import TrackPage, Wakeup, delivery_wakeup, turn_wakeup


@dataclass(frozen=True, slots=True)
class Queues:
    plans: Queue
    pages: Queue
    """Deliveries to people."""
    notices: Queue
    """Deliveries to services' receivers and to status pages."""

    def send(self, deliveries: Iterable[Delivery], now: datetime) -> None:
        """Wakes the senders when each is due."""
        found = list(deliveries)
        for queue, to_people in ((self.pages, True), (self.notices, False)):
            chosen = [each for each in found if each.pages is to_people]
            queue.enqueue([delivery_wakeup(each, each.due_at or now) for each in chosen], now)

    def send_later(
        self, delivery: Delivery, at: datetime, now: datetime, slot_attempts: int = 0
    ) -> None:
        queue = self.pages if delivery.pages else self.notices
        queue.enqueue([delivery_wakeup(delivery, at, slot_attempts)], now)

    def turn(self, destination: str, at: datetime, now: datetime) -> None:
        """Wakes a sender for what is held for a receiver: one wakeup, whatever there is."""
        self.pages.enqueue([turn_wakeup(destination, at)], now)

    def track(self, page: Page, at: datetime, now: datetime) -> None:
        """Wakes the planner to record how a page ended."""
        message = TrackPage(page.incident_id, page.page_no, page.user_id)
        self.plans.enqueue([Wakeup(message, at)], now)
