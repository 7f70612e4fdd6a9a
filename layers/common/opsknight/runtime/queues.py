"""Sending wakeups through SQS. A wakeup only saves time: the tick finds by its due time whatever
SQS did not take.

What the messages say is in `wakeups`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from opsknight.classes import dataclass
from opsknight.escalation.hold import NO_HOLD, Hold
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import Wakeup, to_json

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef as Entry

# SQS delays a message by 900 seconds at most, and takes ten at once.
LONGEST_DELAY: Final = 900
LARGEST_BATCH: Final = 10
# Less is usual after a storm, and no line in the log.
LATE: Final = timedelta(minutes=1)


class NotTaken(Exception):
    """SQS did not take a message; the text is its reason."""


@dataclass(frozen=True, slots=True)
class Queue:
    sqs: "SQSClient"
    url: str

    def enqueue(self, wakeups: Iterable[Wakeup], now: datetime) -> None:
        """Logs what SQS does not take."""
        for chunk in batched(wakeups, LARGEST_BATCH, strict=False):
            entries = [_entry(number, each, now) for number, each in enumerate(chunk)]
            try:
                answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            except (BotoCoreError, ClientError):
                logger.exception("messages were not taken", queue=self.url)
            else:
                if failed := answer.get("Failed"):
                    logger.error("messages were not taken", queue=self.url, number=len(failed))

    def depth(self) -> int:
        """About how many messages wait or are being worked at, without those for later. 0 when SQS
        does not say.
        """
        return self._number("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

    def waiting(self) -> int:
        """About how many messages nobody is working at. 0 when SQS does not say."""
        return self._number("ApproximateNumberOfMessages")

    def _number(self, *names: "QueueAttributeNameType") -> int:
        try:
            answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        except (BotoCoreError, ClientError):
            logger.exception("the depth of a queue is not known", queue=self.url)
            return 0
        return sum(int(number) for number in answer.get("Attributes", {}).values())

    def enqueue_all(self, wakeups: Iterable[Wakeup], now: datetime) -> None:
        """For callers that must know: raises NotTaken, or what boto3 raises."""
        for chunk in batched(wakeups, LARGEST_BATCH, strict=False):
            entries = [_entry(number, each, now) for number, each in enumerate(chunk)]
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            for failed in answer.get("Failed", []):
                raise NotTaken(failed.get("Message", failed["Code"]))


def signal_late(
    records: Iterable[Mapping[str, Any]], now: datetime, hold: Callable[[], Hold]
) -> None:
    """Signals how late the messages of a batch are, if they are, without the time under hold: a
    queue that is served too slowly is heard even while a sweep sees nothing overdue.
    """
    bodies = [record["body"] for record in records]
    if lateness(bodies, now) >= LATE and (late := lateness(bodies, now, hold())) >= LATE:
        signal("OldestDueSeconds", late.total_seconds(), MetricUnit.Seconds)


def _entry(number: int, wakeup: Wakeup, now: datetime) -> "Entry":
    # Rounded down: a message that comes early can wait, one that comes late is late.
    delay = int(min(max((wakeup.at - now).total_seconds(), 0), LONGEST_DELAY))
    entry: Entry = {
        "Id": str(number),
        "MessageBody": to_json(wakeup.message, wakeup.at),
        "DelaySeconds": delay,
    }
    if wakeup.group:
        # On a queue that is not FIFO this is fairness, not order.
        entry["MessageGroupId"] = wakeup.group[:128]
    return entry


def lateness(bodies: Iterable[str], now: datetime, hold: Hold = NO_HOLD) -> timedelta:
    """How late the latest of these messages arrives, without the time under hold. One that does not
    say when it should have arrived, as older versions send it, is not late.
    """
    found = (hold.lateness(at, now) for body in bodies if (at := _at(body)))
    return max(found, default=timedelta(0))


def _at(body: str) -> datetime | None:
    try:
        fields = json.loads(body)
        return datetime.fromisoformat(fields["at"])
    except (KeyError, TypeError, ValueError):
        return None
