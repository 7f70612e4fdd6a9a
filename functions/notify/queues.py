"""Wakes the senders and planners of the notify functions, each through its lane."""

from collections.abc import Iterable
from datetime import datetime

from opsknight.classes import dataclass
from opsknight.escalation.pages import Page
from opsknight.notification.delivery import Delivery
from opsknight.runtime.lanes import Lane, Lanes, lane_of, lane_of_page, lane_of_turn
from opsknight.runtime.wakeups import delivery_wakeup, page_wakeup, pass_on_wakeup, turn_wakeup


@dataclass(frozen=True, slots=True)
class Queues:
    lanes: Lanes

    def send(self, deliveries: Iterable[Delivery], now: datetime) -> None:
        """Wakes the senders when each is due."""
        found = [(lane_of(each), delivery_wakeup(each, each.due_at or now)) for each in deliveries]
        self.lanes.enqueue(found, now)

    def send_later(
        self, delivery: Delivery, at: datetime, now: datetime, slot_attempts: int = 0
    ) -> None:
        wakeup = delivery_wakeup(delivery, at, slot_attempts)
        self.lanes.enqueue([(lane_of(delivery), wakeup)], now)

    def turn(self, destination: str, at: datetime, now: datetime, *, urgent: bool) -> None:
        """Wakes a sender for what is held for a receiver: one wakeup, whatever there is. `urgent`:
        some of it is HIGH.
        """
        lane = lane_of_turn(destination, urgent=urgent)
        self.lanes.enqueue([(lane, turn_wakeup(destination, at))], now)

    def pass_on(self, service_id: str, at: datetime, now: datetime) -> None:
        """Wakes a sender for what waits of a service for another system."""
        self.lanes.enqueue([(Lane.NOTICES, pass_on_wakeup(service_id, at))], now)

    def track(self, page: Page, at: datetime, now: datetime) -> None:
        """Wakes the planner to record how a page ended."""
        wakeup = page_wakeup(page.incident_id, page.page_no, page.user_id, at)
        self.lanes.enqueue([(lane_of_page(page.urgency), wakeup)], now)
