"""The lanes of messages to the notify functions: a queue each, and consumers of its own. What wakes
somebody for something HIGH has one for itself, so nothing else delays it.

How a queue takes messages is in `queues`, what they say in `wakeups`.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from opsknight.classes import dataclass
from opsknight.directory.receivers import OwnerKind
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery, State
from opsknight.runtime.queues import Queue
from opsknight.runtime.settings import QueueSettings
from opsknight.runtime.wakeups import Wakeup


class Lane(StrEnum):
    PLANS = "plans"
    """Changes to announce, and pages to plan or to judge."""
    PAGES_HIGH = "pages_high"
    """Everything about a page that is HIGH: planning, judging and sending it."""
    PAGES = "pages"
    """Other deliveries to people, and the calling off of what was sent to them."""
    NOTICES = "notices"
    """Deliveries to services' receivers and to status pages."""


def lane_of(delivery: Delivery) -> Lane:
    if not delivery.pages:
        return Lane.NOTICES
    # One that is over is to be called off: that holds up nobody's page.
    urgent = delivery.urgency is Urgency.HIGH and delivery.state is State.PENDING
    return Lane.PAGES_HIGH if urgent else Lane.PAGES


def lane_of_page(urgency: Urgency | None) -> Lane:
    """Of a page's planning and judging; `urgency` is the page's."""
    return Lane.PAGES_HIGH if urgency is Urgency.HIGH else Lane.PLANS


def is_of_person(destination: str) -> bool:
    return destination.startswith(f"{OwnerKind.USER}#")


def lane_of_turn(destination: str, *, urgent: bool) -> Lane:
    """Of a receiver's turn. `urgent`: whether anything HIGH is held for it."""
    if not is_of_person(destination):
        return Lane.NOTICES
    return Lane.PAGES_HIGH if urgent else Lane.PAGES


@dataclass(frozen=True, slots=True)
class Lanes:
    plans: Queue
    pages_high: Queue
    pages: Queue
    notices: Queue

    def queue(self, lane: Lane) -> Queue:
        return {
            Lane.PLANS: self.plans,
            Lane.PAGES_HIGH: self.pages_high,
            Lane.PAGES: self.pages,
            Lane.NOTICES: self.notices,
        }[lane]

    def enqueue(self, wakeups: Iterable[tuple[Lane, Wakeup]], now: datetime) -> None:
        found: dict[Lane, list[Wakeup]] = defaultdict(list)
        for lane, wakeup in wakeups:
            found[lane].append(wakeup)
        # The most urgent lane first: whoever dies in between has at least sent that.
        for lane in sorted(found, key=lambda each: each is not Lane.PAGES_HIGH):
            self.queue(lane).enqueue(found[lane], now)

    def depth(self, lane: Lane) -> int:
        return self.queue(lane).depth()


def lanes(sqs: object, settings: QueueSettings) -> Lanes:
    """`sqs`: a client of SQS."""
    urls = (settings.plans_url, settings.pages_high_url, settings.pages_url, settings.notices_url)
    plans, pages_high, pages, notices = (Queue(sqs, url) for url in urls)  # type: ignore[arg-type]
    return Lanes(plans, pages_high, pages, notices)
