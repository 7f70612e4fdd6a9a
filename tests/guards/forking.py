"""A process of a copy of the project that has imported what most tests do: each guard's test runs
in a fork of it. Importing takes longer than most of the tests.

What a patch changes a fork must not have from before, nor anything that imported it: those modules
are forgotten there, and imported anew when the test asks for them.

Imported by a process that then becomes the copy's: it must import nothing of the project.
"""

import gc
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NoReturn

from tests.guards.removal import SOURCES, enter, run

# What most tests import. Nothing that starts a thread: a fork would lose it.
BASE: Final = (
    "tests.conftest",
    "harness.fixtures",
    "harness.recording",
    "harness.desk",
    "harness.pipeline",
    "harness.shell",
    "events.routed",
)
# As the formatter lays them out.
_FROM: Final = re.compile(r"^\s*from ([\w.]+) import (\([^)]*\)|.*)", re.MULTILINE)
_WHOLE: Final = re.compile(r"^\s*import ([\w.]+)|import_module\(\s*\"([\w.]+)\"", re.MULTILINE)


def serve(copy: Path, asked: Connection) -> None:
    """Takes tests to run with the names of the files that were patched, and answers with pytest's
    exit code, until nobody asks any more.
    """
    enter(copy)
    with _threadless():
        for name in BASE:
            import_module(name)
        # The first world of a process takes longest: it reads the template, and writes what all
        # others begin with.
        import_module("harness.world").build(import_module("harness.embedded").endpoint())
    for name in _ours():
        _imported(name)
    gc.collect()
    gc.freeze()
    while True:
        try:
            tests, changed = asked.recv()
        except EOFError:
            return
        asked.send(_forked(tests, changed, copy))


@contextmanager
def _threadless() -> Iterator[None]:
    """Starts no thread: a fork would lose it, and perhaps never get a lock that it held. MiniStack
    would start one, which wakes each minute.
    """
    start = threading.Thread.start
    threading.Thread.start = lambda self: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]


def _forked(tests: list[str], changed: list[str], copy: Path) -> int:
    child = os.fork()
    if not child:
        _end(tests, changed, copy)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _end(tests: list[str], changed: list[str], copy: Path) -> NoReturn:
    code: object = None
    try:
        forget(changed)
        run(tests, copy)
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else os.EX_SOFTWARE)


def forget(changed: list[str]) -> None:
    """The modules in these files, and all that imported them, are as if never imported. What is no
    module anybody may have read.
    """
    names = {_module(file) for file in changed}
    ours = _ours()
    gone = set(ours) if None in names else _users(names, ours)
    for name in gone:
        module = sys.modules.pop(name, None)
        parent, _, own = name.rpartition(".")
        # Or `from parent import own` would find what was imported before.
        if module is not None and parent in sys.modules:
            vars(sys.modules[parent]).pop(own, None)


def _module(file: str) -> str | None:
    """The name by which it is imported."""
    if not file.endswith(".py"):
        return None
    roots = sorted((source for source in SOURCES if source != "."), key=len, reverse=True)
    root = next((root for root in roots if file.startswith(f"{root}/")), "")
    path = file.removeprefix(f"{root}/") if root else file
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _users(names: set[str | None], ours: Iterable[str]) -> set[str]:
    """With these modules all that import one of them, at whatever remove."""
    found, again = {name for name in names if name is not None}, True
    while again:
        more = {module for module in ours if not _imported(module).isdisjoint(found)}
        again = not more <= found
        found |= more
    return found


def _ours() -> tuple[str, ...]:
    """The modules of the copy that are imported."""
    here = f"{Path.cwd()}/"
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return tuple(name for name, file in files.items() if file and file.startswith(here))


@cache
def _imported(module: str) -> frozenset[str]:
    text = Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8")
    return frozenset(_named(text))


def _named(text: str) -> Iterator[str]:
    for found in _FROM.finditer(text):
        yield found[1]
        yield from (f"{found[1]}.{name}" for name in re.findall(r"\w+", found[2]))
    for found in _WHOLE.finditer(text):
        yield found[1] or found[2]
