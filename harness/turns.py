"""Threads that take turns at each DynamoDB call, in a given order: races that repeat."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, repeat
from threading import Condition, local
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PATIENCE_SECONDS = 60


@dataclass
class Turns:
    """`order` says which of the waiting threads goes on (modulo their number); after its end, it is
    the first.
    """

    order: Sequence[int]
    _state: Condition = field(default_factory=Condition)
    _me: local = field(default_factory=local)
    _waiting: set[int] = field(default_factory=set)
    _turn: int | None = None
    _finished: int = 0

    def watch(self, client: "DynamoDBClient") -> "DynamoDBClient":
        """Makes the client's calls from the threads of `run` wait for their turn; returns it."""
        events: Any = client.meta.events
        events.register("before-call.dynamodb", self._await_turn)
        return client

    def run[T](self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Runs each call on a thread of its own; returns their results in order."""
        with ThreadPoolExecutor(max_workers=len(calls)) as threads:
            results = [
                threads.submit(self._join, number, each) for number, each in enumerate(calls)
            ]
            for choice in chain(self.order, repeat(0)):
                with self._state:
                    self._wait(lambda: self._turn is None and self._all_stand(len(calls)))
                    if not self._waiting:
                        break
                    self._turn = sorted(self._waiting)[choice % len(self._waiting)]
                    self._state.notify_all()
            return [result.result() for result in results]

    def _all_stand(self, number: int) -> bool:
        return len(self._waiting) + self._finished == number

    def _join[T](self, number: int, call: Callable[[], T]) -> T:
        self._me.number = number
        try:
            return call()
        finally:
            with self._state:
                self._finished += 1
                self._state.notify_all()

    def _await_turn(self, **_: object) -> None:
        number = getattr(self._me, "number", None)
        if number is None:
            return
        with self._state:
            self._waiting.add(number)
            self._state.notify_all()
            self._wait(lambda: self._turn == number)
            self._waiting.discard(number)
            self._turn = None

    def _wait(self, reached: Callable[[], bool]) -> None:
        if not self._state.wait_for(reached, timeout=PATIENCE_SECONDS):
            raise TimeoutError("a thread neither calls DynamoDB nor ends")
