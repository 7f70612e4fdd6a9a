"""Messages that wake functions. They only make things quick: what SQS does not take, the tick finds
by its due time.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.notification.delivery import Delivery
from opsknight.runtime.process import logger

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef as Entry

# SQS delays a message by 900 seconds at most, and takes ten at once.
LONGEST_DELAY: Final = 900
LARGEST_BATCH: Final = 10

type Message = Mapping[str, Any]


class NotTaken(Exception):
    """SQS did not take a message; the text is its reason."""


@dataclass(frozen=True, slots=True)
class Wakeup:
    message: Message
    at: datetime
    """When it is to arrive; what is further away than SQS reaches arrives early."""
    group: str = ""
    """Messages of one group do not delay those of others, however many wait."""


def to_send(delivery: Delivery, at: datetime, knocks: int = 0) -> Wakeup:
    """Wakes a sender; `knocks` is how often it found the receiver busy."""
    body = {"incident": delivery.incident_id, "delivery": delivery.id}
    return Wakeup(body | ({"knocks": knocks} if knocks else {}), at, delivery.destination)


@dataclass(frozen=True, slots=True)
class Queue:
    sqs: "SQSClient"
    url: str

    def wake(self, wakings: Iterable[Wakeup], now: datetime) -> None:
        for chunk in batched(wakings, LARGEST_BATCH, strict=False):
            entries = [_entry(number, each, now) for number, each in enumerate(chunk)]
            try:
                answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            except (BotoCoreError, ClientError):
                logger.exception("messages were not taken", queue=self.url)
            else:
                if refused := answer.get("Failed"):
                    logger.error("messages were not taken", queue=self.url, number=len(refused))

    def put(self, waking: Wakeup, now: datetime) -> None:
        """For somebody who waits for what comes of it: raises NotTaken, or what the call raises."""
        answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=[_entry(0, waking, now)])
        for refused in answer.get("Failed", []):
            raise NotTaken(refused.get("Message", refused["Code"]))


def _entry(number: int, waking: Wakeup, now: datetime) -> "Entry":
    # Rounded down: what comes early is waited for, what comes late is late.
    delay = int(min(max((waking.at - now).total_seconds(), 0), LONGEST_DELAY))
    entry: Entry = {
        "Id": str(number),
        "MessageBody": json.dumps(waking.message),
        "DelaySeconds": delay,
    }
    if waking.group:
        # On a queue that is not FIFO this is fairness, not order.
        entry["MessageGroupId"] = waking.group[:128]
    return entry
