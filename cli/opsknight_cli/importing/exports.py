"""Exports of another system as files of JSON: answers of its API, in however many files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from opsknight_cli.session import CommandError

type Objects = dict[str, list[Any]]
"""By kind."""

_KEYS: Final = frozenset({"integration_key", "routing_key", "service_key", "apiKey", "api_key"})
# Calls of other systems, with the headers that they are let in by. No import needs them.
_CALLS: Final = frozenset({"automation_actions"})


def documents(place: str) -> Iterator[tuple[Path, Any]]:
    """All JSON files of a folder and below, or the one file, with their content. Raises
    CommandError.
    """
    root = Path(place)
    files = [root]
    if root.is_dir():
        files = sorted(each for each in root.rglob("*.json") if each.is_file())
        if not files:
            raise CommandError(f"There are no .json files in {place}.")
    for file in files:
        try:
            yield file, json.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{file} is not JSON: {error}.") from None


def by_key(place: str, kinds: Mapping[str, str]) -> Objects:
    """Reads answers that name what they hold: `{"users": [...]}`, `{"user": {...}}`. `kinds` gives
    the kind that each name stands for.
    """
    found: Objects = {}
    for file, content in documents(place):
        parts = content if isinstance(content, list) else [content]
        known = [
            (kinds[name], value)
            for part in parts
            if isinstance(part, dict)
            for name, value in part.items()
            if name in kinds
        ]
        if not known:
            raise CommandError(
                f"{file} has none of {', '.join(sorted(set(kinds.values())))}: is it an answer of "
                "the API?"
            )
        for kind, value in known:
            found.setdefault(kind, []).extend(value if isinstance(value, list) else [value])
    return {kind: merged(objects) for kind, objects in found.items()}


def kept(objects: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """The files of an export, by name, from which it can be imported again. No keys are in them."""
    return {
        f"{kind}.json": json.dumps({kind: _without_keys(each)}, indent=1, ensure_ascii=False) + "\n"
        for kind, each in objects.items()
    }


def _without_keys(sent: Any) -> Any:
    if isinstance(sent, dict):
        hidden = _KEYS | _CALLS
        return {name: _without_keys(each) for name, each in sent.items() if name not in hidden}
    if isinstance(sent, list):
        return [_without_keys(each) for each in sent]
    return sent


def merged(objects: Sequence[Any]) -> list[Any]:
    """One object for each id, with all that is known of it: a list may say less than a detail."""
    found: dict[str, Any] = {}
    for number, each in enumerate(objects):
        known = each.get("id") if isinstance(each, dict) else None
        name = str(known) if known else f"#{number}"
        if name in found:
            found[name] |= {
                key: value for key, value in each.items() if value not in (None, [], {})
            }
        else:
            found[name] = dict(each) if isinstance(each, dict) else each
    return [*found.values()]
