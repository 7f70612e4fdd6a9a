"""The real template, deployed once a session beside whatever else runs on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import Port
from local.settings import exports, settings_of
from local.stack import Running, running
from tests.browser import conftest as browsers

ANY = Port(0, "")
# One browser for all journeys on a deployed stack.
browser, context, page = browsers.browser, browsers.context, browsers.page


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What `make run` runs, on free ports, without the screen."""
    with running(tmp_path_factory.mktemp("deployed"), aws=ANY, front=ANY, inbox=ANY) as up:
        yield up


@pytest.fixture
def here(deployed: Running, tmp_path: Path) -> Path:
    """A folder below one in which `make run` is up."""
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "opsknight.env").write_text(exports(settings_of(deployed)))
    below = tmp_path / "below"
    below.mkdir()
    return below
