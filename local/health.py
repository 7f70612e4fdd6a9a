"""Waits until addresses answer, and warms up the functions behind them."""

import time
import urllib.error
import urllib.request
from queue import SimpleQueue
from threading import Thread

from local.front import AT_ONCE
from local.programs import Failure, Programs

PATIENCE = 180.0
"""Seconds for the first right answer of a function. A cold start takes one or two on an idle
machine, and a minute or two on one that has much else to do.
"""
_AT_ONCE_UP = 20.0
"""Seconds for an answer of something that is up already."""


def warm_up(url: str, programs: Programs, patience: float = PATIENCE) -> None:
    """Starts as many processes of both functions behind the API as the front ever uses at once.

    Requests that overlap need a process each. So all requests to one function go out together, and
    those to the other function follow when they are answered. Raises `Failure`.
    """
    # The second request has no key: it starts the function, which refuses it.
    for path, status in (("/health", 200), ("/api/incidents", 401)):
        faults = SimpleQueue[str]()
        for _ in range(AT_ONCE):
            # Daemons, so that a Ctrl-C does not wait for them.
            asked = f"{url}{path}", status, patience, faults
            Thread(target=_await, args=asked, daemon=True).start()
        for _ in range(AT_ONCE):
            if fault := faults.get():
                raise Failure(
                    f"The API is deployed, but GET {url}{path} does not work: {fault}"
                    f" MiniStack's log: {programs.log_name('ministack')}"
                )


def _await(url: str, status: int, patience: float, faults: SimpleQueue[str]) -> None:
    """Puts an empty text as soon as the address answers right, or its fault when patience ends.

    A request has all that is left of it: one that is given up goes on starting a process, and the
    next one would start another beside it.
    """
    deadline = time.monotonic() + patience
    while (fault := fault_of(url, status, deadline - time.monotonic())) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.2)
    faults.put(fault)


def fault_of(url: str, status: int = 200, within: float = _AT_ONCE_UP) -> str:
    """Why the address does not answer with that status in so many seconds; empty if it does."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=max(within, 0.1)) as answer:
            code, text = answer.status, answer.read(300)
    except urllib.error.HTTPError as refused:
        with refused:
            code, text = refused.code, refused.read(300)
    except OSError as fault:
        return f"{fault}."
    return "" if code == status else f"{code} {text.decode(errors='replace')}"
