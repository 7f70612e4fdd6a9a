"""The fixtures that stand for a DynamoDB. A pytest plugin, on in every run."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from harness.dynamodb import server
from harness.world import World, build


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real DynamoDB server, for concurrency, unknown outcomes and streams."""
    with server(tmp_path_factory.mktemp("ministack") / "ministack.log") as url:
        yield url


@pytest.fixture
def world(dynamodb: str) -> World:
    """A new world on the real server."""
    return build(dynamodb)


@pytest.fixture
def moto_world() -> Iterator[World]:
    """A new world in process: quick, and right for one thread at a time."""
    with mock_aws():
        yield build()
