"""A storm for one person: many incidents in a minute, and what becomes of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
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
from harness.simulation.entitlement import PACES
from harness.simulation.night import MINUTE, Night
from harness.simulation.titles import name_of
from harness.simulation.weather import CALM

PHONE: Final = phone("phone", 1)
NEXT: Final = phone("phone", 2)
"""Of whoever is paged an hour later."""
# The least time between two messages to a phone.
INTERVAL: Final = PACES["sms"]
# Each key may send 120 events in a minute.
EVENTS_OF_A_KEY: Final = 100
# Larger storms take more minutes.
IN_A_MINUTE: Final = 1000


@dataclass(frozen=True)
class Storm:
    seconds: float
    """From its first incident to its last."""
    incidents: int
    messages: list[float]
    """When each message to the person came."""
    next_one: int
    """Messages to the next person."""
    fallback: int
    told: Counter[str]
    """How often each incident was told. It counts as told when its title is in a message, or on the
    page behind its link.
    """
    waits: list[float]
    """Seconds from each incident until it was told, the shortest first."""
    depths: list[tuple[int, dict[str, int]]]
    """After each minute the messages so far, and what each queue holds; empty ones are left out."""

    @property
    def at_most(self) -> int:
        """Messages: one when it begins, one for each whole interval that it lasts, and two for what
        came last: that which waits for the pace, and that which its sender could not claim in time.
        """
        return 1 + int(self.seconds // INTERVAL) + 2

    @property
    def twice(self) -> int:
        return sum(times > 1 for times in self.told.values())

    def __str__(self) -> str:
        return (
            f"{self.incidents:,} incidents in {self.seconds:.0f} s: {len(self.messages)} messages, "
            f"and {self.next_one} to the next person; {len(self.told):,} told, after "
            f"{self.waits[len(self.waits) // 2]:.0f} s at the median and {self.waits[-1]:.0f} s at "
            f"most; {self.twice} told twice or more, at most {max(self.told.values())} times; "
            f"{self.fallback} messages to the fallback"
        )


def storm(incidents: int) -> Storm:
    """Plays it until four minutes after its last incident."""
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
    depths = []
    for _ in range(minutes):
        night.deployment.run(MINUTE)
        held = {name: each.waiting for name, each in night.deployment.queues.items()}
        waiting = {name: each for name, each in held.items() if each}
        depths.append((len(night.journal.heard), waiting))
    first: dict[str, float] = {}
    for each in night.journal.heard:
        for title in each.titles:
            first.setdefault(title, each.at)
    opened = {
        name_of(each.about): each.ended or each.began
        for each in night.journal.asked
        if each.what == "trigger" and each.status == 202
    }
    return Storm(
        seconds=seconds,
        incidents=len(opened),
        messages=[each.at for each in night.journal.heard if each.to == PHONE.address],
        next_one=sum(each.to == NEXT.address for each in night.journal.heard),
        fallback=len(night.journal.fallback),
        told=Counter(title for each in night.journal.heard for title in each.titles),
        waits=sorted(first[name] - opened[name] for name in first if name in opened),
        depths=depths,
    )


def figures(incidents: int) -> Iterator[str]:
    found = storm(incidents)
    for minute, (messages, held) in enumerate(found.depths, 1):
        yield f"  minute {minute}: {messages} messages; in queues: {held or 0}"
    yield str(found)
