"""Asks for status pages to be rendered, by a topic that wakes the worker. A request that SNS does
not take costs a minute at most.
"""

import json
from collections.abc import Sequence
from itertools import batched
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.classes import dataclass
from opsknight.runtime.telemetry import logger

# Each message starts a worker of its own, and a new account has ten functions at once.
TOGETHER: Final = 5


@dataclass(frozen=True, slots=True)
class Renders:
    sns: Any
    """A client of SNS."""
    topic: str

    def ask(self, page_ids: Sequence[str]) -> None:
        for together in batched(page_ids, TOGETHER, strict=False):
            try:
                self.sns.publish(TopicArn=self.topic, Message=json.dumps({"pages": together}))
            except (BotoCoreError, ClientError):
                logger.exception("status pages were not asked for", page_ids=list(together))
