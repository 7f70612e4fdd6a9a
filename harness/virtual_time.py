"""Threads in virtual time: one runs at a time, and the clock leaps to the next one's turn.

What runs in it is real code that waits only by `sleep`; a night of it takes as long as its
computing does. The same calls in the same order give the same run.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from threading import Semaphore, Thread, local
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass
class VirtualTime:
    now: float = 0.0
    _turns: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _hub: Semaphore = field(default_factory=lambda: Semaphore(0))
    _me: local = field(default_factory=local)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """To be called on a thread of `start` only."""
        me: Semaphore = self._me.baton
        self._at(self.now + seconds, me.release)
        self.leave(me)

    def start(self, call: Callable[[], Any], at: float | None = None) -> "Task":
        """A new thread for the call, now or at a later time."""
        task = Task(self, call)
        self._at(self.now if at is None else at, Thread(target=task.run, daemon=True).start)
        return task

    def submit(self, call: Callable[[], None], /) -> "Task":
        """As an executor does it, with threads without end."""
        return self.start(call)

    def run(self) -> None:
        """Until nobody waits for a time any more."""
        while self._turns:
            self.now, _, go_on = heappop(self._turns)
            go_on()
            self._hub.acquire()

    def begin(self) -> None:
        self._me.baton = Semaphore(0)

    def end(self, waiting: list[Semaphore]) -> None:
        for baton in waiting:
            self._at(self.now, baton.release)
        self._hub.release()

    def wait(self, waiting: list[Semaphore]) -> None:
        me: Semaphore = self._me.baton
        waiting.append(me)
        self.leave(me)

    def leave(self, me: Semaphore) -> None:
        self._hub.release()
        me.acquire()

    def _at(self, at: float, go_on: Callable[[], object]) -> None:
        heappush(self._turns, (at, next(self._order), go_on))


@dataclass
class Task:
    time: VirtualTime
    call: Callable[[], Any]
    _begun: bool = False
    _ended: bool = False
    _cancelled: bool = False
    _returned: Any = None
    _raised: BaseException | None = None
    _waiting: list[Semaphore] = field(default_factory=list)

    def run(self) -> None:
        self.time.begin()
        self._begun = True
        try:
            if not self._cancelled:
                self._returned = self.call()
        except BaseException as error:
            self._raised = error
        self._ended = True
        self.time.end(self._waiting)

    def cancel(self) -> bool:
        self._cancelled = not self._begun
        return self._cancelled

    def result(self) -> Any:
        """On a thread of the same time, or after its `run`."""
        if not self._ended:
            self.time.wait(self._waiting)
        if self._raised is not None:
            raise self._raised
        return self._returned


@dataclass
class Network:
    """The way to DynamoDB and back, and what went it."""

    time: VirtualTime
    latency: float
    sent: Counter[str] = field(default_factory=Counter)

    def watch(self, client: "DynamoDBClient") -> "DynamoDBClient":
        """Its calls from threads of this time take the latency; returns it."""
        events: Any = client.meta.events
        # By name: botocore calls handlers of one operation before those of all operations.
        for operation in client.meta.service_model.operation_names:
            events.register_first(f"before-call.dynamodb.{operation}", self._there)
            events.register_last(f"after-call.dynamodb.{operation}", self._back)
        return client

    def _there(self, model: Any, **_: object) -> None:
        self.sent[model.name] += 1
        self.time.sleep(self.latency / 2)

    def _back(self, **_: object) -> None:
        self.time.sleep(self.latency / 2)
