"""Executors that make their calls in a given order: which of two calls side by side comes first."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class AtOnce(ThreadPoolExecutor):
    """Makes each call when it is submitted, before the request goes on."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Busy(ThreadPoolExecutor):
    """Has begun no call when its result is asked for, as if all its threads hung."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return _Later(lambda: fn(*args, **kwargs))


class Begun(ThreadPoolExecutor):
    """Has begun each call, and makes it when its result is asked for: never, if nobody does."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = _Later(lambda: fn(*args, **kwargs))
        future.set_running_or_notify_cancel()
        return future


class _Later[T](Future[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        super().__init__()
        self._call = call

    def result(self, timeout: float | None = None) -> T:
        return self._call()
