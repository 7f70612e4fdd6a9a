"""What end-to-end tests say of themselves."""

from collections.abc import Callable

import pytest
from hypothesis import Phase


@pytest.fixture
def say(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Writes a line to the terminal, past pytest's capture: a run's output tells its figures."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None

    def line(text: str) -> None:
        with capfd.disabled():
            reporter.ensure_newline()
            reporter.write_line(text)

    return line


@pytest.fixture
def phases(full_size: bool) -> tuple[Phase, ...]:
    """On a real server, to make a failing example small takes minutes: `make soak` takes them."""
    return tuple(Phase) if full_size else (Phase.explicit, Phase.reuse, Phase.generate)
