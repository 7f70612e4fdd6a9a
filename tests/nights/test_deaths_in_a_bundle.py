"""A sender dies at any moment of a message about many incidents: each is told, and twice only under
the message's own id.
"""

from collections.abc import Callable

import pytest

from harness.simulation.deaths import faults, storm


def check(incidents: int, death: int = 0) -> int:
    """Returns how many moments there are."""
    night, doom = storm(incidents, death)
    assert not list(faults(night, incidents)), death
    assert night.journal.deaths == (1 if death else 0)
    return doom.seen


@pytest.mark.soak
def test_at_every_moment_of_a_small_bundle(full_size: bool, say: Callable[[str], None]) -> None:
    incidents = 120 if full_size else 6
    moments = check(incidents)
    deaths = range(1, moments + 1, 1 if full_size else 9)
    for death in deaths:
        check(incidents, death)
    say(f"{incidents} incidents: {len(deaths)} deaths of {moments} moments")


@pytest.mark.soak
def test_at_some_moments_of_all_that_one_message_tells(
    full_size: bool, say: Callable[[str], None]
) -> None:
    incidents, some = (1_500, 24) if full_size else (60, 2)
    moments = check(incidents)
    for death in range(moments // some, moments + 1, moments // some):
        check(incidents, death)
    say(f"{incidents} incidents: {some} deaths of {moments} moments")
