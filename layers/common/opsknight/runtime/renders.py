"""Asks for status pages to be rendered: a FIFO queue with a group for each page, so that one page
is rendered by one worker at a time. A request that SQS does not take costs a minute at most.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.runtime.telemetry import logger

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Renders:
    sqs: "SQSClient"
    url: str

    def ask(self, page_id: str, token: str) -> None:
        """`token`: for which change, or minute; asked for twice it is rendered once."""
        try:
            self.sqs.send_message(
                QueueUrl=self.url,
                MessageBody=json.dumps({"page": page_id}),
                MessageGroupId=page_id[:128],
                MessageDeduplicationId=f"{page_id[:80]}.{token[:40]}",
            )
        except (BotoCoreError, ClientError):
            logger.exception("a status page was not asked for", page_id=page_id)
