"""The AWS clients of a process: how calls travel, what gets lost on the way, and where it dies."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from harness.recording import judge
from harness.simulation import template
from harness.simulation.dynamodb import DynamoDB
from harness.simulation.functions import Process
from harness.simulation.journal import Told
from harness.simulation.queues import LARGEST_BATCH, Queue
from harness.simulation.writes import failure

_FUNCTION: Final = re.compile(r"[A-Z][a-z]+Function")
URL: Final = "https://aws.invalid"
LONG: Final = (0.5, 0.95)
"""Of its client's timeout, how long a call takes that is long and answered."""
SENT_AGAIN: Final = 3
"""Attempts of a client of SQS or SNS, within one call."""


@dataclass(frozen=True)
class DynamoClient:
    """Stands for boto3's client, and knows the operations that the model knows."""

    server: DynamoDB
    process: Process
    timeout: float

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return partial(self._call, operation)

    def _call(self, operation: str, **asked: Any) -> dict[str, Any]:
        server, hub = self.server, self.server.hub
        weather, chance = server.weather, hub.chance
        self.process.strike()
        if hub.life() is None:
            # Before the night begins.
            return server.perform(operation, asked, hub.now)
        if maker := _FUNCTION.search(self.process.name):
            judge([maker[0]], operation.title().replace("_", ""), asked)
        stamp = hub.now
        there = chance.uniform(*weather.latency) / 2
        back = there
        if weather.lost_request and chance.random() < weather.lost_request:
            raise EndpointConnectionError(endpoint_url=URL)
        drawn = chance.random() if weather.slow or weather.long else 1.0
        if drawn < weather.slow:
            back = self.timeout * 1.5
        elif drawn < weather.slow + weather.long:
            back = self.timeout * chance.uniform(*LONG)
        hub.sleep(there)
        failed: ClientError | None = None
        answer: dict[str, Any] = {}
        try:
            answer = server.perform(operation, asked, stamp)
        except ClientError as error:
            failed = error
        is_lost = weather.lost_answer and chance.random() < weather.lost_answer
        if is_lost or there + back > self.timeout:
            hub.sleep(self.timeout - there)
            raise ReadTimeoutError(endpoint_url=URL)
        hub.sleep(back)
        self.process.strike()
        if failed is not None:
            raise failed
        return answer


@dataclass(frozen=True)
class QueueClient:
    queues: Mapping[str, Queue]
    process: Process

    def send_message_batch(self, **asked: Any) -> dict[str, Any]:
        entries = asked["Entries"]
        if not 0 < len(entries) <= LARGEST_BATCH:
            raise failure("AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
        self._send(asked["QueueUrl"], entries)
        return {"Successful": [{"Id": each["Id"]} for each in entries]}

    def send_message(self, **asked: Any) -> dict[str, Any]:
        self._send(asked["QueueUrl"], [asked])
        return {"MessageId": "1"}

    def get_queue_attributes(self, **asked: Any) -> dict[str, Any]:
        depth: list[tuple[int, int]] = []
        travel(self.process, lambda: depth.append(self.queues[asked["QueueUrl"]].depth))
        visible, in_work = depth[-1]
        found = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": in_work,
        }
        return {"Attributes": {name: str(found[name]) for name in asked["AttributeNames"]}}

    def _send(self, url: str, entries: list[Mapping[str, Any]]) -> None:
        def send() -> None:
            for each in entries:
                delay, group = each.get("DelaySeconds", 0), each.get("MessageGroupId", "")
                self.queues[url].send(each["MessageBody"], delay, group)

        travel(self.process, send)


@dataclass(frozen=True)
class TopicClient:
    publish_to: Callable[[str, str, Process], Told]
    process: Process

    def list_subscriptions_by_topic(self, **_: Any) -> dict[str, Any]:
        travel(self.process, lambda: None)
        return {"Subscriptions": [{"SubscriptionArn": "arn:aws:sns:1", "Protocol": "email"}]}

    def get_topic_attributes(self, **_: Any) -> dict[str, Any]:
        """As older versions ask for it."""
        travel(self.process, lambda: None)
        return {"Attributes": {"SubscriptionsConfirmed": "1"}}

    def publish(self, **asked: Any) -> dict[str, Any]:
        text = asked["Message"]
        if asked.get("MessageStructure") == "json":
            text = json.loads(text)["default"]
        told: list[Told] = []

        def unheard() -> None:
            told[-1].is_answered = False

        topic = asked["TopicArn"]
        travel(
            self.process, lambda: told.append(self.publish_to(topic, text, self.process)), unheard
        )
        return {"MessageId": "1"}


@dataclass(frozen=True)
class ParameterClient:
    """SSM."""

    parameters: dict[str, str]
    process: Process

    def get_parameter(self, **asked: Any) -> dict[str, Any]:
        travel(self.process, lambda: None)
        if asked["Name"] not in self.parameters:
            raise failure("ParameterNotFound")
        return {"Parameter": {"Value": self.parameters[asked["Name"]]}}

    def get_paginator(self, operation: str) -> SimpleNamespace:
        """Operators look whether secrets are there."""
        assert operation == "describe_parameters"
        found = [{"Name": name, "Type": "SecureString"} for name in self.parameters]
        return SimpleNamespace(paginate=lambda **_: [{"Parameters": found}])

    def put_parameter(self, **asked: Any) -> dict[str, Any]:
        travel(self.process, lambda: None)
        if asked["Name"] in self.parameters:
            raise failure("ParameterAlreadyExists")
        self.parameters[asked["Name"]] = asked["Value"]
        return {}


def travel(
    process: Process, effect: Callable[[], None], unheard: Callable[[], None] = lambda: None
) -> None:
    """A call whose client tries again by itself: what has no answer may be done twice. `unheard` is
    called where it was done and its answer is lost.
    """
    hub, weather = process.hub, process.weather
    process.strike()
    for _ in range(SENT_AGAIN):
        there = hub.chance.uniform(*weather.latency) / 2
        hub.sleep(there)
        effect()
        if weather.lost_answer and hub.chance.random() < weather.lost_answer:
            unheard()
            hub.sleep(2.0)
            continue
        hub.sleep(there)
        process.strike()
        return
    raise ReadTimeoutError(endpoint_url=URL)


def stack(**_: Any) -> dict[str, Any]:
    """What CloudFormation says of the deployment."""
    outputs = {
        "TableName": "Table",
        "PagesUrl": "Pages",
        "PagesHighUrl": "PagesHigh",
        "ApiUrl": template.PARAMETERS["PublicUrl"],
        "Version": "0.1.0",
    }
    found = {
        "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
        "Parameters": [{"ParameterKey": "RetentionDays", "ParameterValue": "400"}],
    }
    return {"Stacks": [found]}
