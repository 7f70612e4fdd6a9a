"""Storms for one person: few messages, each incident in one of them, and nobody else is woken."""

from collections.abc import Callable

import pytest

from harness.simulation.storm import INTERVAL, storm
from harness.simulation.weather import Weather
from tests.nights.playing import ADA, only_ada, play, told, trigger


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_a_storm_is_few_messages_to_one_person(full_size: bool, say: Callable[[str], None]) -> None:
    for incidents in (100, 1_000, 10_000) if full_size else (40,):
        found = storm(incidents)
        say(str(found))
        assert found.incidents == len(found.told) == incidents
        assert found.twice == 0
        assert len(found.messages) <= found.at_most
        assert found.next_one == 0
        assert found.fallback == 0
        # What comes just after a message is in the next one.
        assert found.waits[-1] <= 1.5 * INTERVAL


def test_first_incidents_of_many_services_in_one_slow_send_are_told_once() -> None:
    night = play(only_ada(12), 7, Weather(provider=(0.5, 4.0)))
    opened: dict[str, float] = {}
    services = set[int]()
    for number in range(40):
        service, at = number % 12 if number % 3 else 0, 5 + number * 1.5
        opened[f"case-{number:04}"] = at
        services.add(service)
        trigger(night, at, number, service)
    assert night.run().violations == []
    assert set(told(night.journal, ADA).values()) == {1}
    assert told(night.journal, ADA).keys() == opened.keys()
    # A first incident does not wait for the pace, and takes along what waits: the firsts that come
    # during a send are in one message, and those that are none in the one after the pace. So it is
    # fewer than one for each service and one for the rest; how many, the provider's pauses decide.
    messages = night.journal.heard
    assert len(messages) < len(services) + 1
    known = set[str]()
    for each in messages:
        known |= each.titles
        waited = [each.began - at for name, at in opened.items() if name not in known]
        assert max(waited, default=0) < 2
