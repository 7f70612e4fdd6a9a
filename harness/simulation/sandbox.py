"""The world as one process of the code sees it, and whose turn it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from harness.simulation.hub import Future


class Sandbox(Protocol):
    """One process of a function: what the code on it sees of the world."""

    memory: dict[object, Any]
    """Values that its modules keep between two invocations."""

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
        """The server that answers HTTP there."""
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
