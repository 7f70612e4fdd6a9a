"""What leaves the escalation function besides its writes: messages to queues, and to the fallback
address.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.incident.model import Incident
from opsknight.runtime.process import logger
from opsknight.runtime.queues import LARGEST_BATCH, Message, Queue, Wakeup
from opsknight.store.due import Due

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

# A reminder comes so much before its time: a function that has to be started first is ready when it
# is due.
HEAD_START: Final = timedelta(seconds=1)
# SNS refuses longer subjects, and line breaks in them.
LONGEST_SUBJECT: Final = 100


@dataclass(frozen=True, slots=True)
class Outbox:
    sqs: "SQSClient"
    sns: Any
    timers: str
    """The URL of the queue of timers, ours."""
    plans: str
    """The URL of the queue of what is to be planned."""
    pages: str
    """The URL of the queue of deliveries to people."""
    notices: str
    """The URL of the queue of other deliveries."""
    fallback: str
    """The ARN of the fallback topic."""

    def remind(self, wakings: Iterable[tuple[str, datetime]], now: datetime) -> None:
        """Incidents are to be looked at when their next timer is due, to the second."""
        letters = [
            Wakeup({"incident": incident_id, "due_at": at.isoformat()}, at - HEAD_START)
            for incident_id, at in wakings
        ]
        Queue(self.sqs, self.timers).wake(letters, now)

    def announce(self, incident_id: str, now: datetime) -> None:
        """The stream seems to have lost a change: the notify function is to look at the incident.

        Until it has, every tick sends this again.
        """
        Queue(self.sqs, self.plans).wake([Wakeup({"incident": incident_id}, now)], now)

    def pass_on(self, found: Iterable[Due], now: datetime) -> None:
        """Pages and deliveries that are due, or soon will be: the notify functions see to them."""
        wakings: dict[str, list[Wakeup]] = {}
        for each in found:
            match each:
                case Due(delivery_id=str(delivery_id)):
                    # The first letter of a delivery's id says whether it goes to a person.
                    url = self.pages if delivery_id.startswith("p") else self.notices
                    body: Message = {"incident": each.incident_id, "delivery": delivery_id}
                case _:
                    url = self.plans
                    body = {
                        "incident": each.incident_id,
                        "page_no": each.page_no,
                        "user": each.user_id,
                    }
            wakings.setdefault(url, []).append(Wakeup(body, each.at, each.incident_id))
        for url, letters in wakings.items():
            Queue(self.sqs, url).wake(letters, now)

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
