"""Worlds in process that are quick to make, and the log as CloudWatch would get it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from harness.world import World, build
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import RATES_CONFIG, TABLE_CONFIG


@pytest.fixture(scope="session")
def botocore_data() -> boto3.Session:
    """Reading the description of DynamoDB takes most of the time that a new client takes."""
    return boto3.Session()


def _world(session: boto3.Session) -> World:
    return build(
        client=session.client("dynamodb", config=TABLE_CONFIG),
        rates_client=session.client("dynamodb", config=RATES_CONFIG),
    )


@pytest.fixture
def moto_world(botocore_data: boto3.Session) -> Iterator[World]:
    """A new world in process, with clients of its own."""
    with mock_aws():
        yield _world(botocore_data)


@pytest.fixture(scope="module")
def shared_world(botocore_data: boto3.Session) -> Iterator[World]:
    """For tests that leave nothing behind but rate counts."""
    with mock_aws():
        yield _world(botocore_data)


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
