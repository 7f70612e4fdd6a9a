"""An idle month stays under its bound (ADR 74): what the template adds is counted here, not in an
account.
"""

import pytest

from bench import cost
from harness import embedded


@pytest.fixture(scope="module")
def idle() -> cost.Bill:
    return cost.idle_month(embedded.endpoint())


@pytest.mark.parametrize(("free", "most"), [(False, cost.MOST_IDLE), (True, cost.MOST_IDLE_FREE)])
def test_an_idle_month_costs_less_than_was_promised(
    idle: cost.Bill, free: bool, most: float
) -> None:
    lines = idle.lines(free=free)
    assert sum(lines.values()) < most, lines
