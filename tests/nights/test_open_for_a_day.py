"""Many incidents that nobody takes: the fallback address hears of all of them, once an hour."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from harness.simulation.open_for_a_day import SETTLED, open_for


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_a_digest_counts_each_of_them_once_an_hour(
    full_size: bool, say: Callable[[str], None]
) -> None:
    incidents, hours = (10_000, 24) if full_size else (40, 3)
    heard = open_for(incidents, hours)
    assert heard.settled
    assert {count for _, count in heard.settled} == {incidents}
    # One at once, one for each five minutes in which others join, and from then on one an hour.
    assert len(heard.told) <= 2 + (heard.lasts + SETTLED) / 5 + hours
    if full_size:
        assert len(heard.told) <= 40
    gaps = [later - at for (at, _), (later, _) in pairwise(heard.settled)]
    assert all(50 * 60 <= gap <= 65 * 60 for gap in gaps), heard.told
    say(str(heard))
