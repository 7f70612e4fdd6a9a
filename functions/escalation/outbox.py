"""Everything the escalation function sends: messages to queues, and to the fallback address.

It writes nothing to the table, and decides nothing.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from escalation.budget import Thing
from opsknight.classes import dataclass
from opsknight.incident.model import Urgency
from opsknight.runtime.lanes import Lane, Lanes
from opsknight.runtime.queues import Queue
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import (
    AuditIncidents,
    PlanNotices,
    SendDelivery,
    SweepShard,
    TimerDue,
    Wakeup,
    page_wakeup,
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
    lanes: Lanes
    """The queues of the notify functions."""
    sns: Any
    fallback: str
    """The ARN of the fallback topic."""
    public_url: str
    """The address of the API, for links: without a slash at the end."""
    drain: Mapping[Lane, int]
    """How many messages the consumers of each lane take in a minute."""

    def remind(self, timers: Iterable[tuple[str, datetime]], now: datetime) -> None:
        """Wakes this function for each incident when its next timer is due, to the second."""
        wakeups = [Wakeup(TimerDue(incident_id, at), at - HEAD_START) for incident_id, at in timers]
        self.timers.enqueue(wakeups, now)

    def announce(self, incident_id: str, now: datetime) -> None:
        """Asks the notify function to look at an incident: the stream seems to have lost a change.

        Every tick asks again until the notices are planned.
        """
        self.lanes.enqueue([(Lane.PLANS, Wakeup(PlanNotices(incident_id), now))], now)

    def held(self) -> dict[Lane, int]:
        """How many messages each lane holds."""
        return {lane: self.lanes.depth(lane) for lane in Lane}

    def pass_on(self, things: Iterable[Thing], now: datetime) -> None:
        """Hands pages, deliveries and turns that are due, or soon will be, to the notify
        functions.
        """
        self.lanes.enqueue([(each.lane, _wakeup(each)) for each in things], now)

    def continue_sweep(self, rest: SweepShard, now: datetime) -> None:
        """Raises NotTaken, or what boto3 raises."""
        self.timers.enqueue_all([Wakeup(rest, now)], now)

    def start_sweeps(self, shards: Iterable[SweepShard], now: datetime) -> None:
        """Starts the sweep of each shard, and an audit. Raises as `continue_sweep` does."""
        wakeups = [Wakeup(each, now) for each in shards]
        self.timers.enqueue_all([*wakeups, Wakeup(AuditIncidents(), now)], now)

    def check_fallback(self) -> None:
        """Signals when nobody would hear the fallback address: nobody has confirmed it, or the last
        subscriber has left. A telephone needs no confirmation, and hears what is HIGH alone.
        """
        try:
            answer = self.sns.list_subscriptions_by_topic(TopicArn=self.fallback)
            confirmed = [
                each
                for each in answer["Subscriptions"]
                if each["SubscriptionArn"].startswith("arn:") and each["Protocol"] != "sms"
            ]
        except (BotoCoreError, ClientError):
            logger.exception("the fallback's subscriptions are not known")
            signal("Failures")
            return
        if not confirmed:
            logger.error("nobody has confirmed the fallback's subscription")
            signal("FallbackUnheard")

    def notify_fallback(self, subject: str, text: str, urgency: Urgency) -> bool:
        """Whether SNS took the message. A telephone gets the subject alone; its subscription asks
        for the most urgent messages only.
        """
        attributes = {"urgency": {"DataType": "String", "StringValue": str(urgency)}}
        try:
            self.sns.publish(
                TopicArn=self.fallback,
                Subject=subject,
                MessageStructure="json",
                Message=json.dumps({"default": text, "sms": subject}),
                MessageAttributes=attributes,
            )
        except (BotoCoreError, ClientError):
            logger.exception("the fallback was not notified", subject=subject)
            return False
        return True


def _wakeup(thing: Thing) -> Wakeup:
    match thing.due:
        case Due(incident_id=incident_id, at=at, delivery_id=str(delivery_id)):
            return Wakeup(SendDelivery(incident_id, delivery_id, due_at=at), at, thing.group)
        case Due(incident_id=incident_id, at=at, page_no=int(page_no), user_id=str(user_id)):
            return page_wakeup(incident_id, page_no, user_id, at)
        case Due(destination=str(destination), at=at):
            return turn_wakeup(destination, at)
        case _:
            raise ValueError("an incident is this function's own")
