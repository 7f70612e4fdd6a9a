"""A night in which nothing reaches the deployment for a while: who is paged for a heartbeat."""

import re
from functools import partial

import pytest

from harness.simulation.configuration import Configuration, Policy, Pulse, Service, Step
from harness.simulation.journal import Journal
from harness.simulation.night import MINUTE
from harness.simulation.weather import CALM, ROUGH, Weather
from tests.nights.playing import ADA, BEN, FOR_HOURS, person, play

SILENT = re.compile(r"No heartbeat from (case-\d{4})")
OFTEN, LATE, LOST, GONE = (f"case-900{number}" for number in range(1, 5))


def told(journal: Journal) -> dict[str, list[float]]:
    """When Ada was told of which heartbeat, in minutes."""
    found: dict[str, list[float]] = {}
    for each in journal.heard:
        for name in SILENT.findall(each.text) if each.to == ADA.address else ():
            found.setdefault(name, []).append(each.at / MINUTE)
    return found


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_who_stops_to_beat_is_paged_for_and_nobody_for_an_outage_of_our_own(
    weather: Weather,
) -> None:
    pulses = (Pulse(OFTEN, every=3, grace=2), *(Pulse(name, 10, 2) for name in (LATE, LOST, GONE)))
    team = Configuration(
        people=(person("ada", ADA), person("ben", BEN)),
        policies=(Policy("main", (Step(("ada",)),), repeat_after=FOR_HOURS),),
        services=tuple(Service(f"farm-{each.name}", "main", pulse=each) for each in pulses),
    )
    night = play(team, 70, weather)

    def beats(name: str, *minutes: float) -> None:
        for minute in minutes:
            night.outside.at(minute * MINUTE, partial(night.outside.beat, name))

    # From 20 to 28 nothing arrives.
    beats(OFTEN, *range(2, 21, 2), *range(28, 70, 2))
    # The outage loses what it said at 21.
    beats(LATE, 1, 12.5, 31, 42.5, 51, 62.5)
    # Falls silent in the outage.
    beats(LOST, 1, 11)
    # Falls silent long after it.
    beats(GONE, 1, 11, 31, 41, 51)
    night.run()
    found = told(night.journal)
    assert set(found) == {LOST, GONE}
    # Excused for the outage, it gets another interval. The other one gets none. Ticks get lost.
    assert 40 <= found[LOST][0] <= 47
    assert 63 <= found[GONE][0] <= 70
    died = sum(each.sender_died or not each.is_answered for each in night.journal.heard)
    assert sum(map(len, found.values())) <= 2 + died
    assert not night.journal.fallback
