"""Problems in a file, and their places."""

from collections.abc import Iterable
from typing import Any

from opsknight.classes import dataclass
from opsknight.config.configuration import Path
from opsknight.config.finding import Severity


@dataclass(frozen=True, slots=True, order=True)
class Place:
    file: str
    line: int
    """From 1."""
    column: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Problem:
    severity: Severity
    place: Place
    path: Path
    sentence: str
    """What is wrong, and how to fix it."""

    @property
    def dotted(self) -> str:
        return dotted(self.path)


def dotted(path: Path) -> str:
    """`services.checkout.receivers[2]`; empty for the whole document."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def problems_data(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [
        {
            "severity": each.severity.value,
            "file": each.place.file,
            "line": each.place.line,
            "column": each.place.column,
            "path": dotted(each.path),
            "message": each.sentence,
        }
        for each in problems
    ]
