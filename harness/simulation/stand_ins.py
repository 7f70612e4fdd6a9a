"""The modules that the code imports instead of Python's: clocks, chance, threads, AWS, the web."""

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
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import aws_lambda_powertools
import boto3
import botocore.session
from aws_lambda_powertools.utilities import batch

from harness.simulation import web
from harness.simulation.hub import Future
from harness.simulation.sandbox import current


def _like(real: ModuleType, **instead: Any) -> ModuleType:
    module = ModuleType(real.__name__, "A stand-in: see harness/simulation/stand_ins.py.")
    module.__dict__.update({k: v for k, v in vars(real).items() if not k.startswith("__")})
    module.__dict__.update(instead)
    if hasattr(real, "__path__"):
        module.__path__ = real.__path__
    return module


def _cache[**P, T](function: Callable[P, T]) -> Callable[P, T]:
    """`functools.cache` in the memory of a process, and not of all of them together."""

    @functools.wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
        memory = current().memory.get(function)
        if memory is None:
            memory = current().memory[function] = {}
        key = (args, tuple(sorted(kwargs.items()))) if kwargs else args
        if key not in memory:
            memory[key] = function(*args, **kwargs)
        found: T = memory[key]
        return found

    return remembered


class _System(ModuleType):
    """`sys`, as an operator's program sees it. `loaded`: the modules of the product."""

    def __init__(self, loaded: Mapping[str, ModuleType]) -> None:
        super().__init__("sys")
        self._loaded = loaded

    def __getattr__(self, name: str) -> Any:
        if name == "modules":
            return ChainMap(dict(self._loaded), sys.modules)
        return getattr(current() if name in ("argv", "stdin") else sys, name)


class _Session:
    """`boto3.Session`."""

    region_name = "us-east-1"

    def __init__(self, **_: Any) -> None:
        pass

    def client(self, service: str, config: Any = None, **_: Any) -> Any:
        return current().client(service, config)


class _BotocoreSession:
    """`botocore.session.Session`."""

    def create_client(self, service: str, *, config: Any = None) -> Any:
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

    def map(self, work: Callable[..., Any], *each: Iterable[Any]) -> Iterator[Any]:
        futures = [self.submit(work, *arguments) for arguments in zip(*each, strict=False)]
        return (future.result() for future in futures)

    def shutdown(self, wait: bool = True) -> None:
        pass

    def __enter__(self) -> "_Executor":
        return self

    def __exit__(self, *_: object) -> None:
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


class _Metric:
    def add_dimension(self, name: str, value: str) -> None:
        """Nobody in a night looks at one."""


@contextmanager
def _single_metric(name: str, value: float, **_: Any) -> Iterator[_Metric]:
    current().log("metric", name, {"value": value})
    yield _Metric()


def _process_partial_response(event: Any, handler: Any, processor: Any, context: Any) -> Any:
    """A processor keeps the batch that it is at, and each process has its own."""
    memory = current().memory
    own = memory.get(processor)
    if own is None:
        own = memory[processor] = batch.BatchProcessor(event_type=processor.event_type)
    try:
        # For a context the library would look at the handler's signature each time.
        return batch.process_partial_response(event, handler, own)
    finally:
        for _, error, _ in own.exceptions:
            current().log("error", repr(error)[:300], {})


def stand_ins(
    loaded: Mapping[str, ModuleType], is_ours: Callable[[str], bool]
) -> dict[str, ModuleType]:
    """`loaded` is filled once the product is loaded."""

    def import_module(name: str) -> ModuleType:
        if is_ours(name) and loaded:
            # Never the copy that tests import.
            return loaded[name]
        return importlib.import_module(name)

    return {
        "sys": _System(loaded),
        "importlib": _like(importlib, import_module=import_module),
        "os": _like(os, environ=_Environment()),
        "time": _like(
            time,
            monotonic=lambda: current().monotonic(),
            perf_counter=lambda: current().monotonic(),
            time=lambda: current().now().timestamp(),
            sleep=lambda seconds: current().sleep(seconds),
        ),
        "random": _like(
            random,
            # As older versions ask.
            random=lambda: current().chance(),
            SystemRandom=lambda: SimpleNamespace(random=lambda: current().chance()),
        ),
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
        "botocore.session": _like(botocore.session, get_session=_BotocoreSession),
        "aws_lambda_powertools": _like(
            aws_lambda_powertools, Logger=_Logger, single_metric=_single_metric
        ),
        "aws_lambda_powertools.utilities.batch": _like(
            batch, process_partial_response=_process_partial_response
        ),
        "ssl": _like(ssl, create_default_context=functools.cache(ssl.create_default_context)),
        "socket": _like(socket, getaddrinfo=lambda *_, **__: [(2, 1, 6, "", (web.ADDRESS, 443))]),
        "http.client": web.client_module(lambda host: current().connect(host)),
        "urllib3": web.urllib3_module(lambda host: current().connect(host)),
    }
