"""The queues between planning and sending, one for people and one for everything else, and the one
of what is to be planned or judged.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from opsknight.escalation.pages import Page
from opsknight.notification.delivery import Delivery
from opsknight.runtime.queues import Queue, Wakeup, to_send


@dataclass(frozen=True, slots=True)
class Queues:
    plans: Queue
    pages: Queue
    """Of deliveries to people."""
    notices: Queue
    """Of deliveries to receivers of services and to status pages."""

    def send(self, deliveries: Iterable[Delivery], now: datetime) -> None:
        """Wakes the senders when each is due."""
        found = list(deliveries)
        for queue, to_people in ((self.pages, True), (self.notices, False)):
            chosen = [each for each in found if each.pages is to_people]
            queue.wake([to_send(each, each.due_at or now) for each in chosen], now)

    def send_later(self, delivery: Delivery, at: datetime, now: datetime, knocks: int = 0) -> None:
        queue = self.pages if delivery.pages else self.notices
        queue.wake([to_send(delivery, at, knocks)], now)

    def judge(self, page: Page, at: datetime, now: datetime) -> None:
        """Wakes the planner to say what became of a page."""
        body = {"incident": page.incident_id, "page_no": page.page_no, "user": page.user_id}
        self.plans.wake([Wakeup(body, at)], now)
