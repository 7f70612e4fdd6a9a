"""What of the directory cannot be read is as if it were not there, and said loudly: somebody's slip
in a schedule or a receiver must not keep an incident from its next step, nor others from hearing
of it.
"""

from collections.abc import Callable, Iterable

from pydantic import BaseModel, ValidationError

from opsknight.runtime.telemetry import count, logger
from opsknight.store import items


def readable[T](read: Callable[[], T | None]) -> T | None:
    try:
        return read()
    except ValidationError:
        # The error's note names the item.
        _tell()
        return None


def readable_items[M: BaseModel](model: type[M], found: Iterable[items.Item]) -> list[M]:
    known = []
    for item in found:
        try:
            known.append(model.model_validate(items.plain(item)))
        except ValidationError as error:
            error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
            _tell()
    return known


def _tell() -> None:
    count("Unreadable")
    logger.exception("an entry of the directory cannot be read")
