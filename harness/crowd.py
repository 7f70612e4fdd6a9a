"""Many callers at the same moment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def at_once[T](calls: Sequence[Callable[[], T]]) -> list[T]:
    """Runs each call on a thread of its own, all let go together; their results in order."""
    gate = Barrier(len(calls), timeout=30)

    def run(call: Callable[[], T]) -> T:
        gate.wait()
        return call()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(run, calls))
