"""An export of Opsgenie in files: answers of its REST API as they were, by the name of the file or
of the folder that it is in. Its own backup tool writes such folders.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from opsknight_cli.importing.exports import documents, merged
from opsknight_cli.importing.opsgenie.shapes import Export
from opsknight_cli.session import CommandError

_KINDS: Final = {
    "users": "users",
    "teams": "teams",
    "schedules": "schedules",
    "escalations": "escalations",
    "integrations": "integrations",
    "heartbeats": "heartbeats",
    "maintenance": "maintenance",
    "maintenances": "maintenance",
    "policies": "policies",
    "policiesv2": "policies",
    "alert-policies": "policies",
    "notification-policies": "policies",
    "forwardings": "forwardings",
    "forwarding-rules": "forwardings",
    "timelines": "timelines",
    "overrides": "overrides",
}
# Files of the backup tool that hold nothing to import, or what another folder has in a newer form.
_OTHERS: Final = frozenset({"policyorders", "policyordersv2", "customuserroles"})
# The one that an object with more beside it is about.
_INNER: Final = {"users": "user", "teams": "team", "schedules": "schedule", "policies": "policy"}


def read(place: str) -> Export:
    """Raises CommandError."""
    found: dict[str, list[Any]] = {}
    for file, content in documents(place):
        kind = _kind(file)
        if kind is None:
            raise CommandError(
                f"{file} is not known: a file or its folder is called {', '.join(_names())}."
            )
        if kind:
            found.setdefault(kind, []).extend(_flat(kind, each) for each in _objects(content))
    found = {kind: merged(objects) for kind, objects in found.items()}
    _attach(found, "timelines", "timeline", several=False)
    _attach(found, "overrides", "scheduleOverrideList", several=True)
    return Export.model_validate(found)


def _attach(found: dict[str, list[Any]], kind: str, name: str, *, several: bool) -> None:
    """Answers about a schedule name it as `_parent`: they become a part of it."""
    for each in found.pop(kind, ()):
        parent = each.get("_parent") if isinstance(each, dict) else None
        if not isinstance(parent, dict) or "id" not in parent:
            raise CommandError(f"One of the {kind} does not say which schedule is its `_parent`.")
        known = found.setdefault("schedules", [])
        mine = next(
            (it for it in known if isinstance(it, dict) and it.get("id") == parent["id"]), None
        )
        if mine is None:
            continue
        mine[name] = [*mine.get(name, ()), each] if several else each


def _names() -> list[str]:
    return list(dict.fromkeys(_KINDS.values()))


def _kind(file: Path) -> str | None:
    """The kind that its name says, else the nearest folder's; empty for what is left out."""
    for name in (file.stem, *(each.name for each in file.parents)):
        if name.lower() in _KINDS:
            return _KINDS[name.lower()]
        if name.lower() in _OTHERS:
            return ""
    return None


def _objects(content: Any) -> Iterator[Any]:
    # As `--save` writes them.
    if isinstance(content, dict) and len(content) == 1 and {*content} <= {*_names()}:
        [content] = content.values()
    if isinstance(content, dict) and "data" in content:
        content = content["data"]
    if isinstance(content, dict) and isinstance(content.get("heartbeats"), list):
        content = content["heartbeats"]
    yield from content if isinstance(content, list) else [content]


def _flat(kind: str, sent: Any) -> Any:
    """`{"user": {...}, "notificationRuleList": [...]}` as one object."""
    inner = sent.get(_INNER.get(kind, "")) if isinstance(sent, dict) else None
    if not isinstance(inner, dict):
        return sent
    return {name: each for name, each in sent.items() if each is not inner} | inner
