"""The machine that the code believes it runs on: clocks, chance, threads, sockets, AWS clients.

The simulation loads the product once more beside the copy that tests import, through Python's own
import, with stand-ins for `time`, `random`, `secrets`, `boto3` and the like. So the functions run
as they are deployed, from the entry points that the template names and through their own wiring.
No class of theirs is named here, and the only thing replaced is the one place that reads the wall
clock.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from harness.simulation.sandbox import current
from harness.simulation.stand_ins import stand_ins

ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND_LINE: Final = "opsknight_cli"
PACKAGES: Final = (
    "opsknight",
    "events",
    "escalation",
    "notify",
    "respond",
    "canary",
    "status",
    COMMAND_LINE,
)


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
    needed = {name.rpartition(".")[0] for name in entries}
    for package in {name.partition(".")[0] for name in needed}:
        # Some modules are imported only when a command or an event needs them.
        place = root / ("cli" if package == COMMAND_LINE else "functions")
        needed |= set(_modules(place, package))
    needed |= set(_modules(root / "layers/common", "opsknight"))
    # Once as it is: whatever else it needs is then there, and made for the real machine.
    _imported(needed, places, {})
    loaded: dict[str, ModuleType] = {}
    loaded |= _imported(needed, places, stand_ins(loaded, _is_ours))
    _give_clock(loaded.values())
    return Program(loaded)


def _imported(
    needed: Iterable[str], places: Iterable[str], instead: Mapping[str, ModuleType]
) -> dict[str, ModuleType]:
    """Our modules, imported once more from these places, with other modules instead of some."""
    path = list(sys.path)
    known = {name: each for name, each in sys.modules.items() if name in instead or _is_ours(name)}
    try:
        for name in known:
            del sys.modules[name]
        sys.modules.update(instead)
        sys.path[:0] = places
        importlib.invalidate_caches()
        for name in sorted(needed):
            importlib.import_module(name)
        return {name: each for name, each in sys.modules.items() if _is_ours(name)}
    finally:
        sys.path[:] = path
        for name in [each for each in sys.modules if each in instead or _is_ours(each)]:
            del sys.modules[name]
        sys.modules.update(known)


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


def _modules(place: Path, package: str) -> Iterator[str]:
    for file in (place / package).rglob("*.py"):
        parts = file.relative_to(place).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES
