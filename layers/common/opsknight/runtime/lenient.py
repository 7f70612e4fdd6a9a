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
    except ValidationError as error:
        # The error's note names the item.
        log_skipped(error)
        return None


def readable_items[M: BaseModel](model: type[M], found: Iterable[Item]) -> list[M]:
    known = []
    for item in found:
        try:
            known.append(model.model_validate(plain(item)))
        except ValidationError as error:
            error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
            log_skipped(error)
    return known


def log_skipped(error: ValueError) -> None:
    signal("Unreadable")
    logger.error("an item cannot be read", exc_info=error)
