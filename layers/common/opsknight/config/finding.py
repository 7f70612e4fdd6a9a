"""A problem of a configuration: how bad, where, and a sentence for the operator."""

from enum import StrEnum

from opsknight.classes import dataclass
from opsknight.config.configuration import Entry, Kind, Path, path_of


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    severity: Severity
    path: Path
    sentence: str
    """What is wrong, and how to fix it."""
    refers_to: Kind | None = None
    """For a reference that leads nowhere, the kind that it refers to."""


def warning(entry: Entry, sentence: str) -> Finding:
    return Finding(Severity.WARNING, path_of(entry), sentence)
