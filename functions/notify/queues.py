"""The queues between planning and sending. They only make things quick: what SQS does not take, the
tick finds by its due time.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.deliveries import Delivery
from opsknight.escalations import Page
from opsknight.runtime import logger

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

# SQS delays a message by 900 seconds at most, and takes ten at once.
LONGEST_DELAY: Final = 900
LARGEST_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class Queues:
    sqs: "SQSClient"
    plans: str
    """URL of the queue of what is to be planned or judged."""
    pages: str
    """URL of the queue of deliveries to people."""
    notices: str
    """URL of the queue of deliveries to services' receivers and status pages."""

    def send(self, deliveries: Iterable[Delivery], now: datetime) -> None:
        """Wakes the senders when each is due."""
        for url, chosen in (
            (self.pages, [each for each in deliveries if each.pages]),
            (self.notices, [each for each in deliveries if not each.pages]),
        ):
            for chunk in batched(chosen, LARGEST_BATCH, strict=False):
                self._put(
                    url,
                    [(_body(each), each.destination, each.due_at or now) for each in chunk],
                    now,
                )

    def send_later(self, delivery: Delivery, at: datetime, now: datetime, knocks: int = 0) -> None:
        url = self.pages if delivery.pages else self.notices
        body = _body(delivery) | ({"knocks": knocks} if knocks else {})
        self._put(url, [(body, delivery.destination, at)], now)

    def judge(self, page: Page, at: datetime, now: datetime) -> None:
        """Wakes the planner to say what became of a page."""
        body = {"incident": page.incident_id, "page_no": page.page_no, "user": page.user_id}
        self._put(self.plans, [(body, page.incident_id, at)], now)

    def _put(
        self, url: str, messages: Iterable[tuple[Mapping[str, Any], str, datetime]], now: datetime
    ) -> None:
        entries = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(body),
                "DelaySeconds": int((at - now).total_seconds()) if at > now else 0,
                # Fair per receiver: the backlog of one does not delay the messages of others.
                "MessageGroupId": group[:128],
            }
            for number, (body, group, at) in enumerate(messages)
            if (at - now).total_seconds() <= LONGEST_DELAY
        ]
        if not entries:
            return
        try:
            answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
        except (BotoCoreError, ClientError):
            logger.exception("messages were not taken")
        else:
            if refused := answer.get("Failed"):
                logger.error("messages were not taken", number=len(refused))


def _body(delivery: Delivery) -> dict[str, Any]:
    return {"incident": delivery.incident_id, "delivery": delivery.id}
