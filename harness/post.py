"""SQS and SNS by the virtual clock of a world: hooks in real clients keep what they would send, and
answer every call as AWS does.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.config import Config

from harness import clients
from harness.world import Clock
from opsknight.runtime.wakeups import QueueMessage, TimerDue, parse

TIMERS = "https://sqs.invalid/timers"
PLANS = "https://sqs.invalid/plans"
PAGES = "https://sqs.invalid/pages"
PAGES_HIGH = "https://sqs.invalid/pages-high"
NOTICES = "https://sqs.invalid/notices"
RENDERS = "arn:aws:sns:us-east-1:123456789012:renders"
FALLBACK = "arn:aws:sns:us-east-1:123456789012:fallback"

# Nobody reads who calls, and it takes longer than the rest of the call.
_PLAIN: Final = Config(user_agent="test")

type Watch = Callable[[Any], Any]


@dataclass(frozen=True)
class Queued:
    queue: str
    message: QueueMessage
    at: datetime
    """When it is delivered. A reminder: when its timer is due, as its reader waits until then."""
    delay: int = 0
    """The delay that the caller asked SQS for, in seconds."""
    group: str = ""


def subscription(protocol: str, *, confirmed: bool = True) -> dict[str, str]:
    arn = f"arn:aws:sns:eu-central-1:123456789012:fallback:{protocol}"
    return {"Protocol": protocol, "SubscriptionArn": arn if confirmed else "PendingConfirmation"}


@dataclass
class Post:
    clock: Clock
    queued: list[Queued] = field(default_factory=list)
    renders: list[list[str]] = field(default_factory=list)
    """The status pages that are to be rendered, message by message."""
    published: list[dict[str, str]] = field(default_factory=list)
    away: bool = False
    """Whether SQS takes nothing."""
    topic_away: bool = False
    """Whether SNS takes nothing."""
    subscriptions: list[dict[str, str]] = field(default_factory=lambda: [subscription("email")])
    """Of those that hear the fallback."""
    _shared: dict[str, Any] = field(default_factory=dict)

    def sqs(self, watch: Watch | None = None) -> Any:
        """A client that all share, or one for `watch` alone, which returns it."""
        return self._client("sqs", self._sqs, watch)

    def sns(self, watch: Watch | None = None) -> Any:
        return self._client("sns", self._sns, watch)

    def _client(self, service: str, hook: Callable[..., Any], watch: Watch | None) -> Any:
        if watch is None and service in self._shared:
            return self._shared[service]
        client = clients.client(service, region="us-east-1", config=_PLAIN)
        client.meta.events.register(f"before-call.{service}", hook)
        if watch is not None:
            return watch(client)
        self._shared[service] = client
        return client

    def take(self, until: datetime) -> Queued | None:
        """Removes and returns the first message that is due by then."""
        due = [each for each in self.queued if each.at <= until]
        if not due:
            return None
        first = min(due, key=lambda each: each.at)
        self.queued.remove(first)
        return first

    def depth(self, queue: str) -> int:
        """How many messages wait to be received, without those for later."""
        now = self.clock()
        return sum(each.queue == queue and each.at <= now for each in self.queued)

    def _sqs(self, model: Any, params: dict[str, Any], **_: object) -> Any:
        if self.away:
            return _answered(500, {"Error": {"Code": "ServiceUnavailable", "Message": "away"}})
        sent = json.loads(params["body"])
        if model.name == "GetQueueAttributes":
            number = str(self.depth(sent["QueueUrl"]))
            return _answered(200, {"Attributes": {"ApproximateNumberOfMessages": number}})
        entries = sent["Entries"] if model.name == "SendMessageBatch" else [sent]
        for entry in entries:
            delay = entry.get("DelaySeconds", 0)
            assert 0 <= delay <= 900
            message = parse(entry["MessageBody"])
            assert message is not None, entry["MessageBody"]
            at = self.clock() + timedelta(seconds=delay)
            if delay and isinstance(message, TimerDue):
                at = max(at, message.due_at)
            group = entry.get("MessageGroupId", "")
            self.queued.append(Queued(sent["QueueUrl"], message, at, delay, group))
        assert len(entries) <= 10
        return _answered(200, {})

    def _sns(self, model: Any, params: dict[str, Any], **_: object) -> Any:
        if self.topic_away:
            return _answered(500, {"Error": {"Code": "ServiceUnavailable", "Message": "away"}})
        if model.name == "ListSubscriptionsByTopic":
            return _answered(200, {"Subscriptions": self.subscriptions})
        assert model.name == "Publish"
        body: dict[str, Any] = params["body"]
        if body["TopicArn"] == RENDERS:
            self.renders.append(json.loads(body["Message"])["pages"])
            return _answered(200, {"MessageId": "1"})
        by_protocol = json.loads(body["Message"])
        sent: dict[str, str] = {
            "Subject": body["Subject"],
            "Message": by_protocol["default"],
            "sms": by_protocol["sms"],
            "urgency": _urgency(body),
        }
        # SNS refuses a longer one to a telephone, and this one is a single part.
        assert len(sent["sms"]) <= 140
        assert len(sent["Subject"]) <= 100
        assert sent["Subject"].isascii()
        assert sent["Subject"].isprintable()
        self.published.append(sent)
        return _answered(200, {"MessageId": "1"})


def _urgency(body: dict[str, Any]) -> str:
    """In AWS's query protocol attributes are a numbered list."""
    attributes = body.get("MessageAttributes")
    if attributes:
        return str(attributes["urgency"]["StringValue"])
    names = {value: name for name, value in body.items()}
    place = names["urgency"].removesuffix("Name")
    return str(body[f"{place}Value.StringValue"])


def _answered(status: int, parsed: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
    raw: Any = None
    headers: Any = {}
    metadata = {"ResponseMetadata": {"HTTPStatusCode": status}}
    return AWSResponse("http://hook/", status, headers, raw), parsed | metadata
