"""HIGH incidents beside a storm of others: how long each takes from the event to the person."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Final

from harness.simulation.configuration import (
    Configuration,
    Method,
    Person,
    Policy,
    Rule,
    Service,
    Step,
    always,
    mail,
    phone,
)
from harness.simulation.night import MINUTE, Night
from harness.simulation.weather import CALM

EVENTS_OF_A_KEY: Final = 100
# None of them is told twice, so nobody of them is under a pace.
OTHERS: Final = 20
STORM: Final = ("ada", "ben", "cai", "dee")
LASTS: Final = 2
QUIET: Final = 6
"""Minutes with a storm, and without one after it."""


@dataclass(frozen=True)
class Beside:
    waits: list[float]
    """Seconds from each HIGH event until its person was told; those who were not are missing."""
    depths: list[dict[str, int]]
    """What each queue held at the end of each minute; empty ones are left out."""
    messages: int

    @property
    def longest(self) -> float:
        return max(self.waits, default=0.0)


def _in_the_storm(number: int, name: str) -> Person:
    methods = (
        phone("phone", number),
        Method("call", "voice", f"+49152{12345600 + number}"),
        mail("mail", name),
        mail("work", f"{name}-at-work"),
    )
    return Person(name, methods, always(*(Rule(each.name) for each in methods)))


def beside(rate: int, minutes: int, lasts: float = LASTS) -> Beside:
    """`rate`: incidents a minute, for `lasts` minutes, for four people with four contact methods
    each; at the same time twenty HIGH ones, each for somebody else. `minutes`: how long the night
    is.
    """
    services = ceil(rate / EVENTS_OF_A_KEY)
    storm = tuple(_in_the_storm(number, name) for number, name in enumerate(STORM, 1))
    numbers = range(OTHERS)
    others = tuple(
        Person(f"other{each}", (phone("phone", 100 + each),), always(Rule("phone")))
        for each in numbers
    )
    night = Night(
        1,
        CALM,
        Configuration(
            people=(*storm, *others),
            policies=(
                Policy("main", (Step(STORM),), repeat_after=600),
                *(Policy(f"for-{each.name}", (Step((each.name,)),)) for each in others),
            ),
            services=(
                *(Service(f"service-{each}", "main") for each in range(services)),
                *(Service(f"other-{each}", f"for-other{each}") for each in numbers),
            ),
        ),
        minutes * MINUTE,
    )
    began: dict[str, float] = {}
    for number in range(round(rate * lasts)):
        title, at = f"case-{number:05} no answer", 5 + number * MINUTE / rate
        service = f"service-{number % services}"
        event = partial(night.outside.event, "trigger", service, f"key-{number}", title, "error")
        night.outside.at(at, event)
    for number in numbers:
        title, at = f"case-{90_000 + number} no answer", 10 + number * lasts * MINUTE / OTHERS
        began[others[number].methods[0].address] = at
        event = partial(night.outside.event, "trigger", f"other-{number}", "key", title)
        night.outside.at(at, event)
    night.deployment.begin()
    depths = []
    for _ in range(minutes):
        night.deployment.run(MINUTE)
        held = {name: each.waiting for name, each in night.deployment.queues.items()}
        depths.append({name: each for name, each in held.items() if each})
    told: dict[str, float] = {}
    for each in night.journal.heard:
        if each.to in began:
            told.setdefault(each.to, each.at - began[each.to])
    return Beside(sorted(told.values()), depths, len(night.journal.heard))


def figures(rate: int, incidents: int | None = None) -> Iterator[str]:
    lasts = LASTS if incidents is None else incidents / rate
    found = beside(rate, minutes=ceil(lasts) + QUIET, lasts=lasts)
    for minute, held in enumerate(found.depths, 1):
        yield f"  minute {minute}: in queues: {held or 0}"
    yield (
        f"{round(rate * lasts)} incidents, {rate} a minute, for four people, "
        f"{found.messages} messages; {len(found.waits)} "
        f"of {OTHERS} HIGH ones of other teams told, after {found.waits[0]:.1f} to "
        f"{found.longest:.1f} s"
    )
