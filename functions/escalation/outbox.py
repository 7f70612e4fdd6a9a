"""Everything the escalation function sends: messages to queues, and to the fallback address.

It writes nothing to the table, and decides nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from escalation.budget import Drain
from opsknight.runtime.queues import Queue
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import (
    AuditIncidents,
    Budget,
    PlanNotices,
    SendDelivery,
    SweepShard,
    TimerDue,
    TrackPage,
    Wakeup,
    turn_wakeup,
)
from opsknight.store.due import Due

# A reminder arrives this long before its timer, so that a function that has to start first is ready
# in time.
HEAD_START: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Outbox:
    timers: Queue
    """Our own queue: timers, sweeps and audits."""
    plans: Queue
    """Changes whose notices are not planned yet, and pages to plan or to track."""
    pages: Queue
    """Deliveries to people."""
    notices: Queue
    """Deliveries to services' receivers and to status pages."""
    sns: Any
    fallback: str
    """The ARN of the fallback topic."""
    drain: Drain

    def remind(self, timers: Iterable[tuple[str, datetime]], now: datetime) -> None:
        """Wakes this function for each incident when its next timer is due, to the second."""
        wakeups = [Wakeup(TimerDue(incident_id, at), at - HEAD_START) for incident_id, at in timers]
        self.timers.enqueue(wakeups, now)

    def announce(self, incident_id: str, now: datetime) -> None:
        """Asks the notify function to look at an incident: the stream seems to have lost a change.

        Every tick asks again until the notices are planned.
        """
        self.plans.enqueue([Wakeup(PlanNotices(incident_id), now)], now)

    def held(self) -> Budget:
        """What the queues of the notify functions hold."""
        return Budget(self.plans.depth(), self.pages.depth(), self.notices.depth())

    def pass_on(self, found: Iterable[Due], groups: Mapping[str, str], now: datetime) -> None:
        """Hands pages and deliveries that are due, or soon will be, to the notify functions.

        `groups`: the fairness groups of deliveries, by their ids.
        """
        plans: list[Wakeup] = []
        pages: list[Wakeup] = []
        notices: list[Wakeup] = []
        for each in found:
            match each:
                case Due(delivery_id=str(delivery_id)):
                    # The first letter of a delivery's id says whether it goes to a person.
                    wakeups = pages if delivery_id.startswith("p") else notices
                    send = SendDelivery(each.incident_id, delivery_id, due_at=each.at)
                    group = groups.get(delivery_id, each.incident_id)
                    wakeups.append(Wakeup(send, each.at, group))
                case Due(page_no=int(page_no), user_id=str(user_id)):
                    track = TrackPage(each.incident_id, page_no, user_id)
                    plans.append(Wakeup(track, each.at, each.incident_id))
                case Due(destination=str(destination)):
                    pages.append(turn_wakeup(destination, each.at))
                case _:
                    # An incident is this function's own.
                    continue
        for queue, wakeups in ((self.plans, plans), (self.pages, pages), (self.notices, notices)):
            queue.enqueue(wakeups, now)

    def continue_sweep(self, rest: SweepShard, now: datetime) -> None:
        """Raises NotTaken, or what boto3 raises."""
        self.timers.enqueue_all([Wakeup(rest, now)], now)

    def start_sweeps(self, shards: Iterable[SweepShard], now: datetime) -> None:
        """Starts the sweep of each shard, and an audit. Raises as `continue_sweep` does."""
        wakeups = [Wakeup(each, now) for each in shards]
        self.timers.enqueue_all([*wakeups, Wakeup(AuditIncidents(), now)], now)

    def check_fallback(self) -> None:
        """Signals when nobody would hear the fallback address: nobody has confirmed it, or the last
        subscriber has left.
        """
        try:
            answer = self.sns.get_topic_attributes(TopicArn=self.fallback)
            confirmed = int(answer["Attributes"]["SubscriptionsConfirmed"])
        except (BotoCoreError, ClientError):
            logger.exception("the fallback's subscriptions are not known")
            signal("Failures")
            return
        if not confirmed:
            logger.error("nobody has confirmed the fallback's subscription")
            signal("FallbackUnheard")

    def notify_fallback(self, subject: str, text: str) -> bool:
        """Whether SNS took the message."""
        try:
            self.sns.publish(TopicArn=self.fallback, Subject=subject, Message=text)
        except (BotoCoreError, ClientError):
            logger.exception("the fallback was not notified", subject=subject)
            return False
        return True
