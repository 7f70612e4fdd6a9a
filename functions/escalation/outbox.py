"""What leaves the escalation function besides its writes: messages to queues, and to the fallback
address.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.incidents import Incident
from opsknight.runtime import logger

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

# SQS delays a message by 900 seconds at most, and takes ten at once.
LONGEST_DELAY: Final = 900
LARGEST_BATCH: Final = 10
# A reminder comes so many seconds before its time: a function that has to be started first is ready
# when it is due.
HEAD_START: Final = 1
# SNS refuses longer subjects, and line breaks in them.
LONGEST_SUBJECT: Final = 100

type Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outbox:
    sqs: "SQSClient"
    sns: Any
    timers: str
    """The URL of the queue of timers, ours."""
    notices: str
    """The URL of the queue that the notify function reads."""
    fallback: str
    """The ARN of the fallback topic."""

    def remind(self, wakings: Iterable[tuple[str, datetime]], now: datetime) -> None:
        """Incidents are to be looked at when their next timer is due, to the second.

        Only makes things quick: what SQS does not take, the tick finds.
        """
        messages = [
            (
                {"incident": incident_id, "due_at": at.isoformat()},
                # Rounded down: what comes early is waited for, what comes late is late.
                int(min(max((at - now).total_seconds() - HEAD_START, 0), LONGEST_DELAY)),
            )
            for incident_id, at in wakings
        ]
        for chunk in batched(messages, LARGEST_BATCH, strict=False):
            try:
                answer = self.sqs.send_message_batch(
                    QueueUrl=self.timers,
                    Entries=[
                        {"Id": str(n), "MessageBody": json.dumps(body), "DelaySeconds": delay}
                        for n, (body, delay) in enumerate(chunk)
                    ],
                )
            except (BotoCoreError, ClientError):
                logger.exception("reminders were not taken")
            else:
                if refused := answer.get("Failed"):
                    logger.error("reminders were not taken", number=len(refused))

    def announce(self, incident_id: str) -> None:
        """The stream seems to have lost a change: the notify function is to look at the incident.

        Until it has, every tick sends this again.
        """
        try:
            body = json.dumps({"incident": incident_id})
            self.sqs.send_message(QueueUrl=self.notices, MessageBody=body)
        except (BotoCoreError, ClientError):
            logger.exception("the announcement was not taken", incident_id=incident_id)

    def go_on(self, message: Message) -> None:
        """Raises what boto3 raises."""
        self.sqs.send_message(QueueUrl=self.timers, MessageBody=json.dumps(message))

    def start(self, messages: Iterable[Message]) -> None:
        """The same for several; RuntimeError when SQS refuses some."""
        for chunk in batched(messages, LARGEST_BATCH, strict=False):
            answer = self.sqs.send_message_batch(
                QueueUrl=self.timers,
                Entries=[
                    {"Id": str(n), "MessageBody": json.dumps(message)}
                    for n, message in enumerate(chunk)
                ],
            )
            if refused := answer.get("Failed"):
                raise RuntimeError(f"SQS refused {len(refused)} messages of a tick")

    def tell_fallback(self, incident: Incident, service_name: str) -> bool:
        """Whether SNS took it."""
        title = " ".join(incident.title.split())
        # SNS takes printable ASCII in subjects only.
        subject = f"OpsKnight reached nobody: {title}".encode("ascii", "replace").decode()
        printable = "".join(each if each.isprintable() else "?" for each in subject)
        text = (
            f"Nobody has taken an incident, or nobody could be reached.\n\n"
            f"Incident: {incident.id}\nTitle: {title}\nService: {service_name}\n"
            f"Urgency: {incident.urgency}\nOpen since: {incident.created_at.isoformat()}\n"
            f"Escalation: {incident.escalation}\n"
        )
        try:
            self.sns.publish(
                TopicArn=self.fallback, Subject=printable[:LONGEST_SUBJECT], Message=text
            )
        except (BotoCoreError, ClientError):
            logger.exception("the fallback was not told", incident_id=incident.id)
            return False
        return True
