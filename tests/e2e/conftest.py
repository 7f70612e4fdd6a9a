"""The real template, deployed once a session beside whatever else runs on this machine."""

from collections.abc import Iterator

import pytest

from local.ports import Port
from local.stack import Running, running

ANY = Port(0, "")


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What `make run` runs, on free ports, without the screen."""
    with running(tmp_path_factory.mktemp("deployed"), aws=ANY, front=ANY, inbox=ANY) as up:
        yield up
