"""The audit log of a night: each act has its entry, and no entry is without its act."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import pytest

from harness.simulation import ledger
from harness.simulation.functions import Doom
from harness.simulation.journal import Asked, Entry, Log
from harness.simulation.night import Night
from harness.simulation.operators import ADMIN, Operators
from harness.simulation.verdict import KINDS
from harness.simulation.weather import CALM, ROUGH, Weather
from tests.nights.playing import ADA, ada_then_ben, play, told, trigger


def managed(weather: Weather, minutes: float = 12) -> Night:
    return play(replace(ada_then_ben(30, 3), admin=ADMIN), minutes, weather)


# Five times as many die as in a rough night: people wait longer than the judge is patient for.
DEADLY = replace(ROUGH, death=0.01)


@pytest.mark.parametrize("weather", [CALM, ROUGH, DEADLY], ids=["calm", "rough", "deadly"])
def test_beside_a_storm_an_apply_and_other_acts_have_one_entry_each(weather: Weather) -> None:
    night = managed(weather)
    for number in range(12):
        trigger(night, 30 + number, number, number % 3)
    operators = Operators(night.outside)
    night.outside.at(33, operators.change)
    night.outside.at(34, partial(night.outside.operate, "apply", "-", "--yes", stdin="{}"))
    plan = operators.plan_maintenance
    for at, once, ends in ((31, True, True), (36, False, True), (90, True, False)):
        night.outside.at(at, partial(plan, "ada", "service-0", once=once, ends=ends))
    patient = ("audit", "answer", "two at once") if weather is DEADLY else KINDS
    found = [each for each in night.run().violations if each.kind in patient]
    assert [str(each) for each in found] == []
    assert night.journal.log is not None
    assert night.journal.log.entries
    if weather is not DEADLY:
        assert len(told(night.journal, ADA)) == 12
    if weather is CALM:
        applied = [each.status for each in night.journal.asked if each.what == "apply"]
        assert applied == [200, 200]
        kinds = [each.kind for each in night.journal.log.entries]
        assert kinds.count("configuration_applied") == 2
        assert kinds.count("maintenance_planned") == 3
        assert night.journal.log.planned["service-0"] == 1


@pytest.mark.parametrize("function", ["RespondFunction", "ConfigurationFunction"])
def test_whoever_dies_in_an_act_leaves_both_the_act_and_its_entry_or_neither(function: str) -> None:
    def moments(death: int) -> int:
        night = managed(CALM, 1)
        night.deployment.doom = doom = Doom(function, 9, death)
        operators = Operators(night.outside)
        if function == "RespondFunction":
            plan = operators.plan_maintenance
            night.outside.at(10, partial(plan, "ada", "service-0", once=True, ends=True))
        else:
            night.outside.at(10, operators.change)
        # Before somebody reads the log, by the same function.
        night.deployment.hub.at(59, lambda: setattr(night.deployment, "doom", None))
        assert [str(each) for each in night.run().violations] == [], death
        assert night.journal.deaths == (1 if death else 0)
        assert night.journal.log is not None
        assert night.journal.log.entries
        return doom.seen

    count = moments(0)
    assert count > 10
    for death in range(1, count + 1):
        moments(death)


# The judge.

BEGUN = Asked("ada", "plan maintenance", "", 100, 101, 201, service="shop", way="api", tries=1)
ENTRY = Entry(100.5, "maintenance_planned", "ada", "api", frozenset(("svc_shop",)))


def judged(asked: Iterable[Asked], entries: Iterable[Entry], planned: int) -> list[str]:
    log = Log(tuple(entries), {"shop": planned})
    return [each.text for each in ledger.wrong([*asked], log)]


def test_an_act_without_its_entry_is_seen() -> None:
    assert judged([BEGUN], [ENTRY], 1) == []
    assert any("0 entries" in each for each in judged([BEGUN], [], 1))
    applied = Asked("operator", "apply - --yes", "", 100, 101, 0, {"said": "Applied: x is at 2."})
    assert any("0 entries" in each for each in judged([applied], [], 0))


def test_what_came_before_the_log_is_read_from_may_have_no_entry() -> None:
    first = replace(BEGUN, began=0.7, ended=0.8)
    assert judged([first], [], 0) == []


def test_an_entry_without_its_act_is_seen() -> None:
    assert any("nobody did" in each for each in judged([], [ENTRY], 0))
    others = replace(ENTRY, who="ben")
    assert any("nobody did" in each for each in judged([BEGUN], [ENTRY, others], 1))
    later = replace(ENTRY, at=300.0)
    assert any("nobody did" in each for each in judged([BEGUN], [ENTRY, later], 1))
    # Nobody was told that it was done, and nothing has been.
    unheard = replace(BEGUN, status=503)
    assert judged([unheard], [], 0) == []
    assert any("windows to come" in each for each in judged([unheard], [ENTRY], 0))


def test_an_act_with_two_entries_is_seen_but_for_one_that_was_tried_twice() -> None:
    both = [ENTRY, replace(ENTRY, at=100.6)]
    assert any("2 entries" in each for each in judged([BEGUN], both, 2))
    assert judged([replace(BEGUN, tries=2)], both, 2) == []
    once = replace(BEGUN, tries=2, sent={"idempotency-key": "x"})
    assert any("2 entries" in each for each in judged([once], both, 2))
