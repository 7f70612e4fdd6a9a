"""One night with the real code, from trigger to message to acknowledgement; and once more."""

from collections.abc import Callable

from harness.simulation.configuration import (
    Configuration,
    Person,
    Policy,
    Rule,
    Service,
    Step,
    always,
    mail,
    phone,
)
from harness.simulation.deployment import Deployment
from harness.simulation.journal import Journal
from harness.simulation.outside import Outside
from harness.simulation.weather import CALM, ROUGH, Weather

ADA, BEN = phone("phone", 1).to, "ben@example.com"
TEAM = Configuration(
    people=(
        Person("ada", (phone("phone", 1),), always(Rule("phone"))),
        Person("ben", (mail("mail", "ben"),), always(Rule("mail"))),
    ),
    policies=(Policy("main", (Step(("ada",)), Step(("ben",), after=3)), repeat_after=5),),
    services=(Service("shop", "main", hooks=("hook.example.com",)),),
)


def night(seed: int, weather: Weather, what: Callable[[Outside], None]) -> Journal:
    deployment = Deployment(seed, weather)
    outside = Outside(deployment, TEAM)
    outside.set_up()
    deployment.begin()
    what(outside)
    deployment.run(900)
    return deployment.journal


def trigger(outside: Outside) -> None:
    outside.at(10, lambda: outside.event("trigger", "shop", "disk", "case-0001 disk full"))


def heard(journal: Journal) -> list[tuple[str, int]]:
    """Who heard something, and in which minute, in any order within one."""
    found = [(each.to, int(each.at // 60)) for each in journal.heard]
    return sorted(found, key=lambda each: (each[1], each[0]))


def test_nobody_answers() -> None:
    journal = night(1, CALM, trigger)
    assert heard(journal) == [(ADA, 0), ("hook.example.com", 0), (BEN, 3)]
    assert journal.fallback
    assert 480 < journal.fallback[0].at < 500


def test_the_link_in_the_message_acknowledges() -> None:
    def what(outside: Outside) -> None:
        trigger(outside)
        outside.at(60, lambda: press(outside))

    def press(outside: Outside) -> None:
        [message] = [each for each in outside.deployment.journal.heard if each.to == ADA]
        outside.by_link("ada", message.links[0], "acknowledge", "case-0001")

    journal = night(2, CALM, what)
    assert [each.status for each in journal.asked[-1:]] == [303]
    told = [each.to for each in journal.heard]
    # Her page and the notice have lanes of their own: neither waits for the other.
    assert (sorted(told[:2]), told[2:]) == ([ADA, "hook.example.com"], ["hook.example.com"])
    assert not journal.fallback


def test_a_seed_replays_its_night() -> None:
    one, other = night(3, ROUGH, trigger), night(3, ROUGH, trigger)
    assert one.lines == other.lines
    assert one.lines != night(4, ROUGH, trigger).lines
