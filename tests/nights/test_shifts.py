"""A night in which people take over: each hears of their time on call once, and is paged in it."""

from functools import partial
from itertools import pairwise

import pytest

from harness.simulation.configuration import Configuration, Policy, Rota, Step
from harness.simulation.journal import Heard
from harness.simulation.titles import TITLE
from harness.simulation.weather import CALM, ROUGH, Weather
from tests.nights.playing import ADA, BEN, FOR_HOURS, person, play, services, trigger

WALL = "wall.example.com"
TEAM = Configuration(
    people=(person("ada", ADA), person("ben", BEN)),
    policies=(Policy("main", (Step((), rota="days"),), repeat_after=FOR_HOURS),),
    services=services(1),
    rotas=(Rota("days", ("ada", "ben"), 20, WALL), Rota("late", ("ben", "ada"), 70, WALL)),
)
# Who hears what, and when at the earliest.
EXPECTED = (
    (ADA.address, "Your shifts changed", 300),
    (BEN.address, "Your shifts changed", 300),
    (ADA.address, "On call from Mon 04:10: late", 600),
    (WALL, "ben is on call: days", 720),
    (WALL, "ada is on call: days", 960),
    (WALL, "ben is on call: days", 1200),
    (ADA.address, "On call from Tue 03:20: days", 1200),
)


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_each_hears_of_their_time_on_call_once_and_is_paged_in_it(weather: Weather) -> None:
    night = play(TEAM, 32, weather)
    # Ben takes four minutes of Ada's.
    swap = ("override", "add", "days", "ben", "--from", "2026-11-23 03:12", "--for", "4m")
    night.outside.at(300, partial(night.outside.operate, *swap))
    for number, at in enumerate((100, 800, 1100, 1300)):
        trigger(night, at, number)
    night.run()
    heard = night.journal.heard
    paged = [(each.to, name) for each in heard for name in TITLE.findall(each.text)]
    turns = ((ADA, 0), (BEN, 1), (ADA, 2), (BEN, 3))
    assert set(paged) == {(method.address, f"case-{number:04}") for method, number in turns}
    told = [each for each in heard if not TITLE.search(each.text)]
    lateness = 75 if weather is CALM else 400
    for to, words, since in EXPECTED:
        mine = [each for each in told if each.to == to and words in each.text]
        mine = [each for each in mine if since - 3 <= each.at <= since + lateness]
        assert mine, (to, words)
        assert all(excuses(one) for one, _ in pairwise(mine)), (to, words)
        told = [each for each in told if each not in mine]
    assert not told


def excuses(heard: Heard) -> bool:
    return heard.sender_died or not heard.is_answered
