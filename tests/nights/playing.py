"""Teams of the named nights, and how a test plays one."""

from collections import Counter
from collections.abc import Iterable
from functools import partial

from harness.simulation.configuration import (
    Configuration,
    Method,
    Person,
    Policy,
    Rule,
    Service,
    Step,
    always,
    phone,
)
from harness.simulation.journal import Journal
from harness.simulation.night import MINUTE, Night
from harness.simulation.titles import TITLE
from harness.simulation.weather import CALM, Outage, Weather

ADA, BEN = phone("phone", 1), phone("phone", 2)
FOR_HOURS = 600
"""Minutes: no second round comes into these nights."""


def person(name: str, *methods: Method, after: Iterable[int] = (0,)) -> Person:
    rules = (Rule(each.name, minutes) for minutes in after for each in methods)
    return Person(name, methods, always(*rules))


def services(number: int, policy: str = "main") -> tuple[Service, ...]:
    return tuple(Service(f"service-{each}", policy) for each in range(number))


def ada_then_ben(after: int, number: int = 1, **more: int) -> Configuration:
    steps = Step(("ada",)), Step(("ben",), after)
    return Configuration(
        people=(person("ada", ADA), person("ben", BEN)),
        policies=(Policy("main", steps, **{"repeat_after": FOR_HOURS} | more),),
        services=services(number),
    )


def only_ada(number: int = 1, **more: int) -> Configuration:
    return Configuration(
        people=(person("ada", ADA), person("ben", BEN)),
        policies=(Policy("main", (Step(("ada",)),), **{"repeat_after": FOR_HOURS} | more),),
        services=services(number),
    )


def trigger(night: Night, at: float, number: int, service: int = 0) -> None:
    title = f"case-{number:04} no answer"
    event = partial(night.outside.event, "trigger", f"service-{service}", f"key-{number}", title)
    night.outside.at(at, event)


def told(journal: Journal, method: Method) -> Counter[str]:
    """Counts the messages to an address about each incident."""
    found = Counter[str]()
    for each in journal.heard:
        if each.to == method.address:
            found.update(set(TITLE.findall(each.text)) | each.titles)
    return found


def play(
    configuration: Configuration,
    minutes: float,
    weather: Weather = CALM,
    outages: Iterable[Outage] = (),
) -> Night:
    return Night(1, weather, configuration, minutes * MINUTE, list(outages))
