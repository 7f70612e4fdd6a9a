"""Skips directory entries that fail validation, and logs each one: a typo in one schedule or
receiver must not block escalation, nor keep messages from everybody else.
"""

from collections.abc import Callable, Iterable

from pydantic import BaseModel, ValidationError

from opsknight.runtime.telemetry import logger, signal
from opsknight.store.wire import Item, plain


def readable[T](read: Callable[[], T | None]) -> T | None:
    try:
        return read()
    except ValidationError:
        # The error's note names the item.
        _log_skipped()
        return None


def readable_items[M: BaseModel](model: type[M], found: Iterable[Item]) -> list[M]:
    known = []
    for item in found:
        try:
            known.append(model.model_validate(plain(item)))
        except ValidationError as error:
            error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
            _log_skipped()
    return known


def _log_skipped() -> None:
    signal("Unreadable")
    logger.exception("an entry of the directory cannot be read")
