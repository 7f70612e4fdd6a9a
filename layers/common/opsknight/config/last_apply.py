"""Which file was applied last, and where it has each thing that it names. For people who want to
change something that the file has; nothing that happens depends on it. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.config.configuration import Path
from opsknight.config.ownership import Owner
from opsknight.incident.model import Model

METHODS: Final = "contact_methods"
RULES: Final = "rules"
# What belongs to the file by itself, beside the person it is of (ADR 79).
_OWNED_ALONE: Final = (METHODS, RULES)


@dataclass(frozen=True, slots=True)
class FilePlace:
    file: str
    line: int
    """From 1."""


class LastApply(Model):
    at: AwareDatetime
    by: str
    """A name."""
    revision: int
    """The one that it made, or found where it changed nothing."""
    files: tuple[str, ...]
    """As their operator named them."""
    lines: Mapping[str, tuple[int, int]]
    """For each thing, `users.ada`, the number of its file and its line."""

    def is_of(self, owner: Owner | None) -> bool:
        """Whether no later apply has written since: one may stop before it keeps its lines."""
        return owner is None or owner.revision is None or self.revision >= owner.revision

    def place(self, *path: str) -> FilePlace | None:
        """None for what the file does not have."""
        found = self.lines.get(".".join(path))
        if found is None or found[0] >= len(self.files):
            return None
        return FilePlace(self.files[found[0]], found[1])


def numbered(
    places: Iterable[tuple[Path, FilePlace]],
) -> tuple[tuple[str, ...], dict[str, tuple[int, int]]]:
    """The files, and the lines of what is named in them: each entry, and what else may have an
    owner of its own.
    """
    kept = {path: place for path, place in places if _is_named(path)}
    files = tuple(dict.fromkeys(place.file for place in kept.values()))
    numbers = {file: number for number, file in enumerate(files)}
    lines = {
        ".".join(map(str, path)): (numbers[place.file], place.line) for path, place in kept.items()
    }
    return files, lines


def _is_named(path: Path) -> bool:
    match path:
        case (str(), str()):
            return True
        case ("users", str(), str(part)):
            return part in _OWNED_ALONE
        case ("services", str(), "integrations" | "receivers", str()):
            return True
        case _:
            return False
