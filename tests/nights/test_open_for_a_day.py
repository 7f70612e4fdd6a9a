"""Many incidents that nobody takes: the fallback address hears of all of them, once an hour."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import pytest

from tests.nights.playing import only_ada, play, trigger

HOUR: Final = 60
EVENTS_OF_A_MINUTE: Final = 1000
SERVICES: Final = 10
_COUNTED: Final = re.compile(r"Nobody has taken (\d+) incidents")


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_a_digest_counts_each_of_them_once_an_hour(
    full_size: bool, say: Callable[[str], None]
) -> None:
    incidents, hours = (10_000, 24) if full_size else (40, 3)
    lasts = max(1.0, incidents / EVENTS_OF_A_MINUTE)
    night = play(only_ada(SERVICES, repeat_after=1), hours * HOUR)
    for number in range(incidents):
        trigger(night, 5 + number * lasts * 60 / incidents, number, number % SERVICES)
    night.run()
    told = [
        (each.at, int(found[1]) if (found := _COUNTED.search(each.text)) else 1)
        for each in night.journal.fallback
    ]
    # By then all have had their page, their pause and the message after it.
    known = (lasts + 20) * 60
    counts = [count for at, count in told if at > known]
    assert counts
    assert set(counts) == {incidents}
    # One at once, one for each five minutes in which others join, and from then on one an hour.
    assert len(told) <= 2 + (lasts + 20) / 5 + hours
    if full_size:
        assert len(told) <= 40
    gaps = [later - at for (at, _), (later, _) in pairwise(told) if at > known]
    assert all(50 * 60 <= gap <= 65 * 60 for gap in gaps), told
    say(
        f"{incidents:,} incidents open for {hours} hours: {len(told)} messages to the fallback, "
        f"and each of the {len(counts)} after {known / 60:.0f} minutes counts all of them"
    )
