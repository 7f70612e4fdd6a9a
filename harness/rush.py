"""A night in which many functions run at once, by virtual time: each is a thread that hands over
wherever time passes, at every call of DynamoDB and while a receiver takes its message.

One seed is one night. The sequence of what happens is in `pipeline`, which runs one at a time.
"""

import heapq
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any, Final

from escalation.handler import on_message
from escalation.sweep import tick
from harness.pipeline import Pipeline
from harness.post import PLANS, TIMERS, Queued
from harness.world import Clock, deadline
from notify.channels.protocol import Outcome
from notify.handler import plan, send
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message
from opsknight.runtime.wakeups import TrackPage
from opsknight.store.calls import Unavailable

# How many senders there are at most, as in template.yaml.
SENDERS: Final = 20
VISIBILITY: Final = 30
_STUCK_SECONDS: Final = 60


@dataclass
class Hub:
    """Runs tasks in the order of virtual time, one at a time."""

    clock: Clock
    _heap: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)
    _mine: threading.local = field(default_factory=threading.local)
    _over: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failures: list[BaseException] = field(default_factory=list)

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        when = self.clock.at + timedelta(seconds=seconds)
        heapq.heappush(self._heap, (when, next(self._numbers), act))

    def spawn(self, work: Callable[[], object], seconds: float = 0) -> None:
        """Begins a task, then."""
        turn = threading.Semaphore(0)

        def body() -> None:
            turn.acquire()
            self._mine.turn = turn
            try:
                work()
            except BaseException as failed:
                # A task's failure is the test's.
                self.failures.append(failed)
            self._over.release()

        def begin() -> None:
            threading.Thread(target=body, daemon=True).start()
            self._resume(turn)

        self.at(seconds, begin)

    def sleep(self, seconds: float) -> None:
        """Hands over; in the main thread it does nothing."""
        turn = getattr(self._mine, "turn", None)
        if turn is None:
            return
        self.at(max(seconds, 0), lambda: self._resume(turn))
        self._over.release()
        turn.acquire()

    def run(self, seconds: float) -> None:
        end = self.clock.at + timedelta(seconds=seconds)
        while self._heap and self._heap[0][0] <= end:
            when, _, act = heapq.heappop(self._heap)
            self.clock.at = max(when, self.clock.at)
            act()
            if self.failures:
                raise self.failures[0]
        self.clock.at = end

    def _resume(self, turn: threading.Semaphore) -> None:
        turn.release()
        if not self._over.acquire(timeout=_STUCK_SECONDS):
            raise TimeoutError("a task neither sleeps nor ends")


@dataclass
class Rush:
    """The night's functions. `provider` is how many seconds a receiver takes."""

    night: Pipeline
    seed: int
    provider: tuple[float, float] = (0.5, 4.0)
    call: tuple[float, float] = (0.003, 0.010)
    """How many seconds DynamoDB takes."""
    hub: Hub = field(init=False)
    chance: Random = field(init=False)
    _running: int = 0

    def __post_init__(self) -> None:
        self.chance, self.hub = Random(self.seed), Hub(self.night.world.clock)
        night, hub = self.night, self.hub
        events: Any = night.world.table.client.meta.events
        events.register("before-call.dynamodb", lambda **_: hub.sleep(self._between(self.call)))
        senders: Any = dict.fromkeys(night.listener.senders(), _Slow(self))
        turns = replace(night.sending.turns, senders=senders, sleep=hub.sleep)
        night.sending = replace(night.sending, senders=senders, sleep=hub.sleep, turns=turns)
        self._serve()
        self._ticks()

    def triggers(self, keys: Iterable[str], every: float) -> None:
        for number, key in enumerate(keys):
            self.hub.spawn(partial(self.trigger, key), every * number)

    def trigger(self, key: str, **more: Any) -> str:
        """An event, and what the streams wake for it at once."""
        night = self.night
        service = more.pop("service_id", night.world.service.id)
        body = {
            "event_action": "trigger",
            "dedup_key": key,
            "service_id": service,
            "payload": {"summary": key, "source": "x", "severity": "critical", **more},
        }
        answer = night.world.send(body, key=night.world.api_key)
        assert answer.status == 202, answer.body
        incident: str = answer.incident["id"]
        night.engine.attend(incident, deadline())
        for page in night.world.table.pages(incident, deadline()):
            plan(night.planning, TrackPage(incident, page.page_no, page.user_id))
        return incident

    def _serve(self) -> None:
        while self._running < SENDERS and (queued := self.night.post.take(self.hub.clock())):
            self._running += 1
            self.hub.spawn(partial(self._handle, queued))
        self.hub.at(0.1, self._serve)

    def _handle(self, queued: Queued) -> None:
        try:
            if queued.queue == PLANS:
                plan(self.night.planning, queued.message)
            elif queued.queue == TIMERS:
                on_message(self.night.engine, queued.message)
            else:
                send(self.night.sending, queued.message)
        except Unavailable:
            # Deadlines are by the real clock, and this machine was slow: SQS brings it again.
            again = self.hub.clock() + timedelta(seconds=VISIBILITY)
            self.night.post.queued.append(replace(queued, at=again))
        finally:
            self._running -= 1

    def _ticks(self) -> None:
        self.hub.spawn(partial(tick, self.night.engine), 60)
        self.hub.at(60, self._ticks)

    def _between(self, bounds: tuple[float, float]) -> float:
        return self.chance.uniform(*bounds)

    def takes(self) -> float:
        return self._between(self.provider)


@dataclass(frozen=True)
class _Slow:
    rush: Rush

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        outcome = self.rush.night.listener.send(message, receiver)
        self.rush.hub.sleep(self.rush.takes())
        return outcome
