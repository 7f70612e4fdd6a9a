"""The fixtures that stand for a DynamoDB. A pytest plugin, on in every run."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from harness import embedded
from harness.dynamodb import server
from harness.world import World, build


@pytest.fixture
def dynamodb() -> str:
    """The endpoint of a new DynamoDB in this process, for all but races and streams."""
    return embedded.endpoint()


@pytest.fixture(scope="session")
def dynamodb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real DynamoDB server, for threads that race and for streams."""
    with server(tmp_path_factory.mktemp("ministack") / "ministack.log") as url:
        yield url


@pytest.fixture
def world(dynamodb: str) -> World:
    """A new world in process."""
    return build(dynamodb)


@pytest.fixture
def server_world(dynamodb_server: str) -> World:
    """A new world on the real server."""
    return build(dynamodb_server)


@pytest.fixture
def moto_world() -> Iterator[World]:
    """A new world on moto, which knows DynamoDB's rules for expressions better, and is slow."""
    with mock_aws():
        yield build()
