"""DynamoDB's update expressions: what an item becomes by one."""

from decimal import Decimal
from functools import cache
from typing import Any

from harness.simulation.expressions import Invalid, Item, Names, Operand, Path, Reader, path

type Action = tuple[str, Path, Operand | None]


@cache
def actions(text: str) -> tuple[Action, ...]:
    """The actions of an update: SET, REMOVE or ADD, the path, and the operand."""
    reader = Reader(text)
    found: list[Action] = []
    while reader.next:
        verb = reader.take().upper()
        if verb not in ("SET", "REMOVE", "ADD"):
            raise Invalid(f"Syntax error: {verb!r}")
        while True:
            target: Path = tuple(reader.take().split("."))
            if verb == "SET":
                reader.take("=")
                found.append((verb, target, _assigned(reader)))
            elif verb == "ADD":
                found.append((verb, target, reader.operand()))
            else:
                found.append((verb, target, None))
            if reader.next != ",":
                break
            reader.take()
    return tuple(found)


def _assigned(reader: Reader) -> Operand:
    if reader.next != "if_not_exists":
        return reader.operand()
    reader.take()
    reader.take("(")
    there = reader.operand()
    reader.take(",")
    otherwise = reader.operand()
    reader.take(")")
    return lambda *it: otherwise(*it) if there(*it) is None else there(*it)


def updated(item: Item, text: str, names: Names, values: Item) -> dict[str, Any]:
    """The item after an update; everything on a right-hand side is read before it."""
    after = dict(item)
    # Only what changes is copied; the rest is shared with the item before, which stays as it was.
    copied: set[Path] = set()
    todo = [
        (verb, path(target, names), operand(item, names, values) if operand else None)
        for verb, target, operand in actions(text)
    ]
    targets = [target for _, target, _ in todo]
    for number, one in enumerate(targets):
        if any(one[: len(other)] == other[: len(one)] for other in targets[:number]):
            raise Invalid("Two document paths overlap with each other")
    for verb, target, value in todo:
        parent = _parent(after, target, copied, verb)
        if parent is None:
            continue
        if verb == "REMOVE":
            parent.pop(target[-1], None)
        elif verb == "SET":
            if value is None:
                raise Invalid("The provided expression refers to an attribute that does not exist")
            parent[target[-1]] = value
        else:
            before = parent.get(target[-1], {"N": "0"})
            if "N" not in before or value is None or "N" not in value:
                raise Invalid("An operand in the update expression has an incorrect data type")
            parent[target[-1]] = {"N": str(Decimal(before["N"]) + Decimal(value["N"]))}
    return after


def _parent(
    after: dict[str, Any], target: Path, copied: set[Path], verb: str
) -> dict[str, Any] | None:
    place = after
    for depth, part in enumerate(target[:-1], 1):
        inner = place.get(part)
        if inner is None or "M" not in inner:
            if verb == "REMOVE":
                return None
            raise Invalid("The document path provided in the update expression is invalid")
        if target[:depth] not in copied:
            copied.add(target[:depth])
            place[part] = inner = {"M": dict(inner["M"])}
        place = inner["M"]
    return place
