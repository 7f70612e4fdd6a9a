"""That the judge sees messages to one person at the same time, and those that come too soon."""

from dataclasses import replace

from harness.simulation import paces
from harness.simulation.cases import Case
from harness.simulation.configuration import Configuration, Person, Policy, Service, Step, hook
from harness.simulation.journal import Heard
from tests.nights.playing import ADA, person

SHOP, BANK = Service("shop", "main"), Service("bank", "main")
TEAM = Configuration((person("ada", ADA),), (Policy("main", (Step(("ada",)),)),), (SHOP, BANK))
CASES = {
    name: Case(name, service, "MEDIUM", name)
    for name, service in (("case-0001", SHOP), ("case-0002", SHOP), ("case-0003", BANK))
}


def heard(began: float, over: float, name: str) -> Heard:
    return Heard(over, ADA.address, f"{name} no answer", "", True, began=began, over=over)


def judged(*messages: Heard, team: Configuration = TEAM) -> list[str]:
    return [each.kind for each in paces.wrong(messages, CASES, team)]


def test_two_messages_under_way_at_once_are_seen() -> None:
    assert judged(heard(100, 110, "case-0001"), heard(104, 112, "case-0003")) == ["two at once"]
    assert judged(heard(100, 110, "case-0001"), heard(110, 112, "case-0003")) == []


def test_a_program_may_get_two_at_once() -> None:
    program = Person("ada", (hook("own", ADA.address),), {})
    own = replace(TEAM, people=(program,))
    both = heard(100, 110, "case-0001"), heard(104, 112, "case-0003")
    assert judged(*both, team=own) == []


def test_a_message_about_nothing_new_that_comes_too_soon_is_seen() -> None:
    first, second = heard(100, 100.4, "case-0001"), heard(160, 160.4, "case-0002")
    assert judged(first, second, heard(164, 164.3, "case-0001")) == ["too often"]
    assert judged(first, second, heard(176, 176.3, "case-0001")) == []
    # The first about its service is news; so is what came while that was under way.
    assert judged(first, second, heard(164, 164.3, "case-0003")) == []
    assert judged(first, heard(101, 101.3, "case-0002")) == []
    # Whether it was taken, its sender was not told.
    unsure = replace(second, is_answered=False)
    assert judged(first, unsure, heard(164, 164.3, "case-0001")) == []
    given = replace(second, text="Yours now: case-0002 no answer")
    assert judged(first, given, heard(164, 164.3, "case-0001")) == []
    added = replace(heard(164, 164.3, "case-0001"), edits=second)
    assert judged(first, second, added) == []
