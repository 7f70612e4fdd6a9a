"""The machine that the code believes it runs on: clocks, chance, threads, sockets, AWS clients.

The simulation loads the product once more beside the copy that tests import, through Python's own
import, with stand-ins for `time`, `random`, `secrets`, `boto3` and the like. So the functions run
as they are deployed, from the entry points that the template names and through their own wiring.
No class of theirs is named here, and the only thing replaced is the one place that reads the wall
clock.
"""

import concurrent.futures
import functools
import importlib
import os
import random
import secrets
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final, Protocol

import aws_lambda_powertools
import boto3
from aws_lambda_powertools.utilities import batch

from harness.simulation import web
from harness.simulation.hub import Future

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("opsknight", "events", "escalation", "notify", "respond", "opsknight_cli")


class Sandbox(Protocol):
    """One process of a function: what the code on it sees of the world."""

    memory: dict[object, Any]
    """What its modules keep between two invocations."""

    environment: Mapping[str, str]
    argv: list[str]
    stdin: Any

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...

    def chance(self) -> float: ...

    def token(self, size: int) -> str: ...

    def beside(self, work: Callable[[], Any]) -> Future: ...

    def client(self, service: str, config: Any) -> Any: ...

    def log(self, level: str, text: str, facts: dict[str, Any]) -> None: ...

    def connect(self, host: str) -> Any:
        """Whoever answers HTTP there."""
        ...


@dataclass
class _Current:
    """Whose turn it is; the hub's tasks carry it, so asking costs nothing."""

    find: Callable[[], Sandbox] | None = None

    def __call__(self) -> Sandbox:
        if self.find is None:
            raise RuntimeError("no night is running")
        return self.find()


current: Final = _Current()


def _like(real: ModuleType, **instead: Any) -> ModuleType:
    module = ModuleType(real.__name__, "A stand-in: see harness/simulation/machine.py.")
    module.__dict__.update({k: v for k, v in vars(real).items() if not k.startswith("__")})
    module.__dict__.update(instead)
    if hasattr(real, "__path__"):
        module.__path__ = real.__path__
    return module


def _cache[**P, T](function: Callable[P, T]) -> Callable[P, T]:
    """`functools.cache` in the memory of a process, and not of all of them together."""

    @functools.wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
        memory = current().memory.setdefault(function, {})
        key = (args, tuple(sorted(kwargs.items())))
        if key not in memory:
            memory[key] = function(*args, **kwargs)
        found: T = memory[key]
        return found

    return remembered


class _System(ModuleType):
    """`sys`, as an operator's program sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(current() if name in ("argv", "stdin") else sys, name)


class _Session:
    """`boto3.Session`."""

    region_name = "us-east-1"

    def __init__(self, **_: Any) -> None:
        pass

    def client(self, service: str, config: Any = None, **_: Any) -> Any:
        return current().client(service, config)


class _Environment(Mapping[str, str]):
    """The variables of the function whose turn it is."""

    def __getitem__(self, name: str) -> str:
        return current().environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(current().environment)

    def __len__(self) -> int:
        return len(current().environment)


class _Executor:
    """Threads of one process, without their number as a limit."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "") -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
        return current().beside(functools.partial(work, *args, **kwargs))

    def shutdown(self, wait: bool = True) -> None:
        pass


@dataclass(frozen=True)
class _Waited:
    done: set[Future]
    not_done: set[Future]


def _wait(futures: list[Future], timeout: float | None = None) -> _Waited:
    """For one future, as the product has it."""
    [future] = futures
    try:
        future.result(timeout)
    except TimeoutError:
        return _Waited(set(), {future})
    except Exception:
        return _Waited({future}, set())
    return _Waited({future}, set())


class _Logger:
    """Lines go into the story of the night."""

    def __init__(self, **_: Any) -> None:
        pass

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda text, **facts: current().log(level, text, facts)


@contextmanager
def _single_metric(name: str, value: float, **_: Any) -> Iterator[None]:
    current().log("metric", name, {"value": value})
    yield


def _process_partial_response(event: Any, handler: Any, processor: Any, context: Any) -> Any:
    """A processor keeps the batch that it is at, and each process has its own."""
    own = batch.BatchProcessor(event_type=processor.event_type)
    return batch.process_partial_response(event, handler, own, context)


def _stand_ins() -> dict[str, ModuleType]:
    return {
        "sys": _System("sys"),
        "os": _like(os, environ=_Environment()),
        "time": _like(
            time,
            monotonic=lambda: current().monotonic(),
            perf_counter=lambda: current().monotonic(),
            time=lambda: current().now().timestamp(),
            sleep=lambda seconds: current().sleep(seconds),
        ),
        "random": _like(random, random=lambda: current().chance()),
        "secrets": _like(secrets, token_hex=lambda size: current().token(size)),
        "functools": _like(functools, cache=_cache),
        "concurrent.futures": _like(
            concurrent.futures, ThreadPoolExecutor=_Executor, Future=Future, wait=_wait
        ),
        "boto3": _like(
            boto3,
            client=lambda service, config=None: current().client(service, config),
            Session=_Session,
        ),
        "aws_lambda_powertools": _like(
            aws_lambda_powertools, Logger=_Logger, single_metric=_single_metric
        ),
        "aws_lambda_powertools.utilities.batch": _like(
            batch, process_partial_response=_process_partial_response
        ),
        "ssl": _like(ssl, create_default_context=functools.cache(ssl.create_default_context)),
        "socket": _like(socket, getaddrinfo=lambda *_, **__: [(2, 1, 6, "", (web.ADDRESS, 443))]),
        "http.client": web.client_module(),
        "urllib3": web.urllib3_module(lambda host: current().connect(host)),
    }


@dataclass(frozen=True)
class Program:
    """A copy of the product, loaded for the simulation."""

    modules: dict[str, ModuleType] = field(repr=False)

    def entry(self, name: str) -> Callable[..., Any]:
        """`events.handler.on_request`, as the template says it."""
        module, _, function = name.rpartition(".")
        found: Callable[..., Any] = getattr(self.modules[module], function)
        return found


def load(root: Path = ROOT, entries: tuple[str, ...] = ()) -> Program:
    """The product as it lies at `root`, with all that the entry points import."""
    places = [str(root / each) for each in ("functions", "layers/common", "cli")]
    wanted = sorted({name.rpartition(".")[0] for name in entries})
    for name in wanted:
        # Once as it is: whatever else it needs is then there, and made for the real machine.
        importlib.import_module(name)
    instead = _stand_ins()
    path = list(sys.path)
    known = {name: each for name, each in sys.modules.items() if name in instead or _is_ours(name)}
    try:
        for name in known:
            del sys.modules[name]
        sys.modules.update(instead)
        sys.path[:0] = places
        importlib.invalidate_caches()
        for name in wanted:
            importlib.import_module(name)
        mine = {name: each for name, each in sys.modules.items() if _is_ours(name)}
    finally:
        sys.path[:] = path
        for name in [each for each in sys.modules if each in instead or _is_ours(each)]:
            del sys.modules[name]
        sys.modules.update(known)
    _give_clock(mine.values())
    return Program(mine)


class _WallClock:
    """`datetime`, where the product reads the clock: no stand-in of it could be a type as well."""

    @staticmethod
    def now(_: object) -> datetime:
        return current().now()


def _give_clock(modules: Iterable[ModuleType]) -> None:
    """Ruff sees to it that one module alone asks what time it is; this finds it."""
    found = [
        function
        for module in modules
        for function in vars(module).values()
        if isinstance(function, FunctionType)
        and function.__module__ == module.__name__
        and {"datetime", "now"} <= set(function.__code__.co_names)
    ]
    if len(found) != 1:
        raise RuntimeError(f"the clock is read by {found}, and not in one place")
    found[0].__globals__["datetime"] = _WallClock


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES
