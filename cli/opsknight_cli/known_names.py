"""The names in a deployment, for completion: kept when a command has read the configuration, and
offered for a day. A Tab never asks AWS.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 86_400
# What a parameter of this name stands for.
_KINDS: Final[Mapping[str, str]] = {
    "service": "services",
    "team": "teams",
    "user": "users",
    "replaces": "users",
    "acting_as": "users",
    "schedule": "schedules",
}
_FILES: Final = frozenset({"file", "path"})


def of(parameter: str, stack: str | None) -> list[str]:
    """What can be written for a parameter; empty where that is not known."""
    if parameter in _FILES:
        return sorted(_files())
    kind = _KINDS.get(parameter)
    found: Any = None
    with suppress(OSError, ValueError):
        place = _place(stack)
        if kind and time.time() - place.stat().st_mtime < SECONDS:
            found = json.loads(place.read_text(encoding="utf-8")).get(kind)
    return [each for each in found or () if isinstance(each, str)]


def keep(stack: str | None, names: Mapping[str, Iterable[str]]) -> None:
    """Keeps the names of a deployment, by kind. That this fails bothers nobody."""
    with suppress(OSError):
        place = _place(stack)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps({kind: sorted(known) for kind, known in names.items()})
        place.write_text(text, encoding="utf-8")


def _place(stack: str | None) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = stack or os.environ.get("OPSKNIGHT_STACK") or "default"
    return Path(root) / "opsknight" / f"{''.join(c for c in name if c.isalnum() or c == '-')}.json"


def _files() -> Iterable[str]:
    for each in Path().iterdir():
        if each.name.startswith("."):
            continue
        if each.is_dir():
            yield f"{each.name}/"
        elif each.suffix in (".yaml", ".yml", ".json"):
            yield each.name
