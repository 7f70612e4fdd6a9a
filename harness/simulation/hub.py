"""Virtual time: everything that happens in a night, in one order.

Code runs in greenlets and never waits for a real clock: it sleeps until a virtual instant, and the
hub goes on with whoever is next. Two things at the same instant go in the order in which they were
asked for, so one seed gives one night. Nothing here knows what runs.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final

from greenlet import getcurrent, greenlet

START: Final = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process is no more. Nothing of it may run on, so no `except Exception` catches this."""


@dataclass(eq=False, repr=False)
class Life:
    """One process: all tasks of it die together."""

    ended: bool = False
    tasks: "list[Task]" = field(default_factory=list["Task"])


class Task(greenlet):
    """One line of execution."""

    __slots__ = ("has_begun", "life", "naps")

    def __init__(self, run: Callable[[], None], parent: greenlet, life: Life) -> None:
        super().__init__(run, parent)
        self.life = life
        self.naps = 0
        """Counts the times it was put to sleep: a wake-up that is out of date does nothing."""
        self.has_begun = False

    def wake(self, nap: int) -> None:
        if self.naps == nap and not self.dead:
            self.switch()


class Future:
    """A result that somebody waits for."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._waiting: list[Callable[[], None]] = []
        self._callbacks: list[Callable[[Any], object]] = []
        self.is_done = False
        self._value: Any = None
        self._error: BaseException | None = None

    def settle(self, value: Any = None, error: BaseException | None = None) -> None:
        if self.is_done:
            return
        self.is_done, self._value, self._error = True, value, error
        for wake in self._waiting:
            self._hub.at(self._hub.now, wake)
        for callback in self._callbacks:
            callback(self)

    def result(self, timeout: float | None = None) -> Any:
        """Waits in virtual time; raises TimeoutError, or what the work raised."""
        if not self.is_done:
            self._hub.wait(self._waiting, timeout)
        if not self.is_done:
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value

    def exception(self) -> BaseException | None:
        return self._error

    def cancel(self) -> bool:
        """Work begins in the moment in which it is submitted."""
        return False

    def done(self) -> bool:
        return self.is_done

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        if self.is_done:
            callback(self)
        else:
            self._callbacks.append(callback)


class Hub:
    """The clock of a night and everything that is still to happen."""

    def __init__(self, seed: int | str) -> None:
        self.now = 0.0
        """Seconds since the night began."""
        self.chance = Random(seed)
        self._coming: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._main = getcurrent()
        self._time = 0.0, START

    @property
    def time(self) -> datetime:
        now, time = self._time
        if now != self.now:
            now, time = self._time = self.now, START + timedelta(seconds=round(self.now, 6))
        return time

    def at(self, when: float, what: Callable[[], object]) -> None:
        self._number += 1
        now = self.now
        heapq.heappush(self._coming, (when if when > now else now, self._number, what))

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        self.at(self.now + seconds, what)

    def run(self, until: float) -> None:
        """Lets everything happen that is due by then."""
        self._main = getcurrent()
        coming, pop = self._coming, heapq.heappop
        while coming and coming[0][0] <= until:
            self.now, _, what = pop(coming)
            what()
        self.now = max(self.now, until)

    def spawn(self, work: Callable[[], Any], life: Life | None = None) -> Future:
        """Runs `work` beside everything else, from now on; its future is settled by its outcome."""
        future = Future(self)
        life = life or Life()

        def body() -> None:
            try:
                value = work()
            except Killed as killed:
                future.settle(error=killed)
            # Whatever the code raises is data here: Lambda would count it, and go on.
            except BaseException as error:
                future.settle(error=error)
            else:
                future.settle(value)
            finally:
                life.tasks.remove(task)

        task = Task(body, self._main, life)

        def begin() -> None:
            if life.ended:
                life.tasks.remove(task)
                future.settle(error=Killed())
            else:
                task.has_begun = True
                task.switch()

        life.tasks.append(task)
        self.at(self.now, begin)
        return future

    def sleep(self, seconds: float) -> None:
        """Outside of a task, while a night is made ready, no time passes."""
        task = getcurrent()
        if isinstance(task, Task):
            self.at(self.now + seconds, _waker(task))
            self._suspend(task)

    def wait(self, waiting: list[Callable[[], None]], timeout: float | None) -> None:
        """Until somebody calls what is put into `waiting`, or the time is up."""
        task = getcurrent()
        if not isinstance(task, Task):
            raise TypeError("only a task can wait")
        wake = _waker(task)
        waiting.append(wake)
        if timeout is not None:
            self.at(self.now + timeout, wake)
        self._suspend(task)

    def kill(self, life: Life) -> None:
        """Ends all of it, wherever it is."""
        life.ended = True
        for task in list(life.tasks):
            # By the loop, so that nobody runs inside of somebody else's turn. What has not begun
            # sees for itself, and what runs at this moment dies at its next call.
            if task.has_begun and task is not getcurrent():
                self.at(self.now, partial(_throw, task))

    def check(self) -> None:
        """Raises Killed in what is dead already: an `except` or `finally` of it may still run."""
        task = getcurrent()
        if isinstance(task, Task) and task.life.ended:
            raise Killed

    def life(self) -> Life | None:
        """Whose turn it is."""
        task = getcurrent()
        return task.life if isinstance(task, Task) else None

    def _suspend(self, task: Task) -> None:
        if task.life.ended:
            raise Killed
        self._main.switch()
        # Other ways to wake it are out of date from here on.
        task.naps += 1
        if task.life.ended:
            raise Killed


def _waker(task: Task) -> Callable[[], None]:
    task.naps += 1
    return partial(task.wake, task.naps)


def _throw(task: Task) -> None:
    if not task.dead:
        task.throw(Killed)
