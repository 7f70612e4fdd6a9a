"""What the checks of `doctor` share: the facts about one deployment."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsknight.config.configuration import Configuration
from opsknight.health.findings import Finding
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Resource:
    kind: str
    physical: str


@dataclass(frozen=True, slots=True)
class Deployed:
    """The facts about a deployment that the checks share."""

    client: Callable[[str], Any]
    parameters: Mapping[str, str]
    resources: Mapping[str, Resource]
    """By logical id."""
    configuration: Configuration
    table: Table
    stack: str
    now: datetime
    patience: float
    """Seconds for one check."""

    def of_kind(self, kind: str) -> dict[str, str]:
        return {name: it.physical for name, it in self.resources.items() if it.kind == kind}

    @property
    def is_local(self) -> bool:
        """Whether the inbox replaces all providers."""
        return bool(self.parameters.get("LocalInbox"))


type Check = Callable[[Deployed], Iterable[Finding]]
