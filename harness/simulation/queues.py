"""SQS, and Lambda's pollers: delays, visibility, receive counts, failure queues, batches, fairness.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
"""

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from harness.simulation import template
from harness.simulation.functions import Lambda
from harness.simulation.hub import Future, Hub
from harness.simulation.journal import Journal
from harness.simulation.weather import Weather

LONGEST_DELAY: Final = 900
LARGEST_BATCH: Final = 10
LATE_BY: Final = 60.0
# When Lambda has no process left, the pollers come again.
AGAIN_AFTER: Final = (0.2, 1.0)


@dataclass(eq=False)
class Message:
    id: str
    body: str
    group: str
    sent_at: float
    receives: int = 0


@dataclass(repr=False)
class Queue:
    shape: template.Queue
    source: template.QueueSource | None
    hub: Hub
    weather: Weather
    journal: Journal
    functions: Lambda
    failures: list[Message] = field(default_factory=list[Message])
    expired: int = 0
    taken: int = 0
    """All messages that were ever sent."""
    waiting: int = 0
    """Visible, or to be so after a delay, or in work."""
    deepest: int = 0
    _batches: int = 0
    _groups: dict[str, deque[Message]] = field(default_factory=dict[str, deque[Message]])
    _busy: Counter[str] = field(default_factory=Counter[str])
    _turns: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    _number: int = 0
    _waits: bool = False

    def send(self, body: str, delay: int, group: str) -> None:
        if not 0 <= delay <= LONGEST_DELAY:
            raise ValueError("SQS takes delays of up to 900 seconds")
        chance, weather = self.hub.chance, self.weather
        self.taken += 1
        if weather.lost_message and chance.random() < weather.lost_message:
            self.journal.note(self.hub.now, f"{self.shape.name} loses a message: {body}")
            return
        copies = 2 if weather.doubled_message and chance.random() < weather.doubled_message else 1
        for _ in range(copies):
            self._number += 1
            message = Message(f"{self.shape.name}-{self._number}", body, group, self.hub.now)
            lag = chance.uniform(*weather.queue_lag)
            if weather.late_message and chance.random() < weather.late_message:
                lag = chance.uniform(0, LATE_BY)
            self.waiting += 1
            self.deepest = max(self.deepest, self.waiting)
            self.hub.later(delay + lag, partial(self._show, message))

    @property
    def depth(self) -> tuple[int, int]:
        """How many messages are visible, and how many are in work."""
        return sum(map(len, self._groups.values())), self._busy.total()

    def _show(self, message: Message) -> None:
        if self.hub.now - message.sent_at > self.shape.retention:
            self.waiting -= 1
            self.expired += 1
            return
        self._groups.setdefault(message.group, deque()).append(message)
        self._queue_up(message.group)
        self._pump()

    def _queue_up(self, group: str) -> None:
        self._number += 1
        heapq.heappush(self._turns, (self._busy[group], self._number, group))

    def _next(self) -> Message | None:
        """The next message of the group with the fewest in work, so no group delays the others."""
        while self._turns:
            busy, _, group = heapq.heappop(self._turns)
            if not self._groups.get(group):
                continue
            if busy != self._busy[group]:
                self._queue_up(group)
                continue
            found = self._groups[group]
            message = found.popleft()
            if not found:
                del self._groups[group]
            if self.hub.now - message.sent_at > self.shape.retention:
                self.waiting -= 1
                self.expired += 1
                continue
            return message
        return None

    def _pump(self) -> None:
        while self.source and self._batches < self.source.concurrency and not self._waits:
            batch: list[Message] = []
            while len(batch) < self.source.batch_size and (message := self._next()):
                message.receives += 1
                if self.shape.most_receives and message.receives > self.shape.most_receives:
                    self.waiting -= 1
                    self.failures.append(message)
                    self.journal.note(
                        self.hub.now, f"{self.shape.name} gives up a message: {message.body}"
                    )
                    continue
                batch.append(message)
            if not batch:
                return
            self._invoke(batch)

    def _invoke(self, batch: list[Message]) -> None:
        source = self.source
        if source is None:
            return
        received_at = self.hub.now

        def done(future: Future) -> None:
            self._batches -= 1
            failed = _failed(future, batch)
            for message in batch:
                self._busy[message.group] -= 1
                if message.id in failed:
                    self.hub.at(
                        received_at + self.shape.visibility,
                        partial(self._show, message),
                    )
                else:
                    self.waiting -= 1
            self._pump()

        event = {"Records": [_record(each, source) for each in batch]}
        if self.functions.invoke(source.function, event, done):
            self._batches += 1
            for message in batch:
                self._busy[message.group] += 1
            return
        for message in reversed(batch):
            message.receives -= 1
            self._groups.setdefault(message.group, deque()).appendleft(message)
            self._queue_up(message.group)
        self._waits = True
        self.hub.later(self.hub.chance.uniform(*AGAIN_AFTER), self._go_on)

    def _go_on(self) -> None:
        self._waits = False
        self._pump()


def _failed(future: Future, batch: list[Message]) -> set[str]:
    if future.exception() is not None:
        return {message.id for message in batch}
    answer: Mapping[str, Any] = future.result() or {}
    return {each["itemIdentifier"] for each in answer.get("batchItemFailures", ())}


def _record(message: Message, source: template.QueueSource) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{source.queue}",
        "awsRegion": "us-east-1",
    }
