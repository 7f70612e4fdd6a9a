"""A storm for one person: many incidents in a minute, and what becomes of them."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from math import ceil
from typing import Final

from harness.simulation.configuration import (
    Configuration,
    Person,
    Policy,
    Rule,
    Service,
    Step,
    always,
    phone,
)
from harness.simulation.night import MINUTE, Night
from harness.simulation.titles import name_of
from harness.simulation.weather import CALM

PHONE: Final = phone("phone", 1)
NEXT: Final = phone("phone", 2)
"""Of whoever is paged an hour later."""
# Each key may send 120 events in a minute.
EVENTS_OF_A_KEY: Final = 100
# Larger storms take more minutes.
IN_A_MINUTE: Final = 1000


def storm(incidents: int) -> Iterator[str]:
    """Plays it, and tells its figures line by line. An incident counts as told when its title is in
    a message, or on the page behind its link.
    """
    services = ceil(min(incidents, IN_A_MINUTE) / EVENTS_OF_A_KEY)
    seconds = max(50.0, incidents / IN_A_MINUTE * MINUTE)
    configuration = Configuration(
        people=tuple(
            Person(name, (each,), always(Rule("phone")))
            for name, each in (("ada", PHONE), ("ben", NEXT))
        ),
        policies=(Policy("main", (Step(("ada",)), Step(("ben",), 60)), repeat_after=600),),
        services=tuple(Service(f"service-{number}", "main") for number in range(services)),
    )
    minutes = ceil(seconds / MINUTE) + 4
    night = Night(1, CALM, configuration, minutes * MINUTE)
    for number in range(incidents):
        service, title = f"service-{number % services}", f"case-{number:04} no answer"
        event = partial(night.outside.event, "trigger", service, f"key-{number}", title, "error")
        night.outside.at(5 + number * seconds / incidents, event)
    night.deployment.begin()
    for minute in range(1, minutes + 1):
        night.deployment.run(MINUTE)
        waiting = {
            name: queue.waiting for name, queue in night.deployment.queues.items() if queue.waiting
        }
        yield f"  minute {minute}: {len(night.journal.heard)} messages; in queues: {waiting or 0}"
    told = Counter(title for each in night.journal.heard for title in each.titles)
    first: dict[str, float] = {}
    for each in night.journal.heard:
        for title in each.titles:
            first.setdefault(title, each.at)
    opened = {
        name_of(each.about): each.ended or each.began
        for each in night.journal.asked
        if each.what == "trigger" and each.status == 202
    }
    waits = sorted(first[name] - opened[name] for name in first if name in opened)
    twice = sum(times > 1 for times in told.values())
    most = max(told.values(), default=0)
    next_one = sum(each.to == NEXT.address for each in night.journal.heard)
    yield (
        f"{incidents:,} incidents in {seconds:.0f} s: {len(night.journal.heard)} messages, "
        f"{next_one} of them to the next person; "
        f"{len(told):,} told, after {waits[len(waits) // 2]:.0f} s at the median and "
        f"{waits[-1]:.0f} s at most; {twice} told twice or more, at most {most} times; "
        f"{len(night.journal.fallback)} messages to the fallback"
    )
