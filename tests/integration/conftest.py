"""A world that a module shares, and the log as CloudWatch would get it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from harness import embedded
from harness.world import World, build
from opsknight.runtime.telemetry import logger


@pytest.fixture(scope="module")
def shared_world() -> World:
    """For tests that leave nothing behind but rate counts."""
    return build(embedded.endpoint())


class Log:
    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    before = handler.setStream(stream)
    try:
        yield Log(stream)
    finally:
        handler.setStream(before or stream)
