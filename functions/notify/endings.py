"""How a delivery ends without an attempt: nobody wants it any more, or its receiver is gone."""

from collections.abc import Callable, Mapping
from datetime import datetime

from notify.attempts import log_end
from notify.composing import DeliveryContext
from notify.page_tracker import PageTracker
from notify.ringing import Silencing
from opsknight.classes import dataclass
from opsknight.notification.delivery import (
    Delivery,
    State,
    ended,
    is_superseded,
    is_wanted,
)
from opsknight.notification.message import PageReason
from opsknight.notification.ringing import RINGS_FOR, ring_of
from opsknight.store.calls import Deadline
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Endings:
    table: Table
    page_tracker: PageTracker
    silencing: Silencing
    clock: Callable[[], datetime]

    def unsent(self, context: DeliveryContext, deadline: Deadline) -> Mapping[str, object] | None:
        """The attributes to set if nobody wants the delivery any more, else None."""
        delivery, incident = context.delivery, context.incident
        end: tuple[State, str] | None = None
        if not is_wanted(delivery, incident, self.clock()):
            state = "gone" if incident is None else incident.status
            late = {
                PageReason.TEST: "the test is over",
                PageReason.ON_CALL: "it comes too late",
                PageReason.CHANGED: "it comes too late",
                PageReason.REPORT: "it comes too late",
                PageReason.CODE: "it comes too late for whoever asked",
                PageReason.REQUESTED: "it comes too late for whoever asked",
            }
            why = late.get(delivery.about) if isinstance(delivery.about, PageReason) else None
            end = State.CANCELLED, why or f"the incident is {state}"
        elif context.receiver is None:
            end = State.FAILED, "the receiver is no longer configured"
        elif not delivery.pages:
            others = self.table.deliveries(delivery.incident_id, deadline)
            if is_superseded(delivery, others):
                end = State.COLLAPSED, "a newer notice says more"
        if end is None:
            return None
        # Its sender is gone, perhaps after sending it.
        rings = delivery.claim is not None and delivery.channel in RINGS_FOR
        perhaps = {"bundle": ring_of(delivery)} if rings else {}
        return ended(*end, self.clock()) | perhaps

    def over(self, delivery: Delivery, end: Mapping[str, object], deadline: Deadline) -> None:
        """To be called once `end` is written."""
        log_end(delivery, end)
        if end["state"] is State.FAILED:
            self.page_tracker.lost(delivery, deadline)
        self.silencing.ended(delivery, deadline)

    def sent(self, delivery: Delivery, deadline: Deadline) -> None:
        """To be called once it is written that its message was sent."""
        self.silencing.ended(delivery, deadline)
