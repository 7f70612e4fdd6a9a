"""What end-to-end tests say of themselves."""

import pytest
from hypothesis import Phase


@pytest.fixture
def phases(full_size: bool) -> tuple[Phase, ...]:
    """On a real server, to make a failing example small takes minutes: `make soak` takes them."""
    return tuple(Phase) if full_size else (Phase.explicit, Phase.reuse, Phase.generate)
