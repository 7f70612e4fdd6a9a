"""A sender dies at any moment of a message about many incidents: each is told, and twice only under
the message's own id.
"""

from collections import defaultdict
from collections.abc import Callable

import pytest

from harness.simulation.functions import Doom
from harness.simulation.night import MINUTE, Night
from tests.nights.playing import ADA, only_ada, play, trigger

# By then the first message is out, and all others wait for the pace.
WAITING = 40.0


def storm(incidents: int, death: int = 0) -> tuple[Night, Doom]:
    """Within half a minute, for one person with one telephone. The sender dies in the moment of
    this number, before a call or after it.
    """
    # A key may send 120 events a minute.
    services = max(4, incidents // 100)
    night = play(only_ada(services), 6)
    night.deployment.doom = doom = Doom("SendFunction", WAITING, death)
    for number in range(incidents):
        trigger(night, 5 + number * 30 / incidents, number, number % services)
    night.deployment.begin()
    night.deployment.run(night.length)
    return night, doom


def check(night: Night, incidents: int) -> None:
    ids: dict[str, list[str]] = defaultdict(list)
    for each in night.journal.heard:
        assert each.to == ADA.address
        for name in each.titles:
            ids[name].append(each.delivery)
    assert len(ids) == incidents
    assert all(len(set(told)) == 1 for told in ids.values())
    # The message that was taken, and perhaps once more.
    assert all(len(told) <= 1 + night.journal.deaths for told in ids.values())
    assert max(each.at for each in night.journal.heard) < 4 * MINUTE
    assert not night.journal.fallback


@pytest.mark.soak
def test_at_every_moment_of_a_small_bundle(full_size: bool, say: Callable[[str], None]) -> None:
    incidents = 120 if full_size else 6
    whole, doom = storm(incidents)
    check(whole, incidents)
    deaths = range(1, doom.seen + 1, 1 if full_size else 9)
    for death in deaths:
        night, _ = storm(incidents, death)
        assert night.journal.deaths == 1, death
        check(night, incidents)
    say(f"{incidents} incidents: {len(deaths)} deaths of {doom.seen} moments")


@pytest.mark.soak
def test_at_some_moments_of_all_that_one_message_tells(
    full_size: bool, say: Callable[[str], None]
) -> None:
    incidents, some = (1_500, 24) if full_size else (60, 2)
    whole, doom = storm(incidents)
    check(whole, incidents)
    for death in range(doom.seen // some, doom.seen + 1, doom.seen // some):
        night, _ = storm(incidents, death)
        check(night, incidents)
    say(f"{incidents} incidents: {some} deaths of {doom.seen} moments")
