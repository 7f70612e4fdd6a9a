"""Many incidents that nobody takes, for hours: what the fallback address hears of them."""

import re
from dataclasses import dataclass
from functools import partial
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
from harness.simulation.weather import CALM

EVENTS_OF_A_MINUTE: Final = 1000
SERVICES: Final = 10
# By then all have had their page, their pause and the message after it.
SETTLED: Final = 20
"""Minutes after the last event."""
_COUNTED: Final = re.compile(r"Nobody has taken (\d+) incidents")


@dataclass(frozen=True)
class Heard:
    incidents: int
    hours: int
    lasts: float
    """Minutes in which they opened."""
    told: list[tuple[float, int]]
    """When the fallback address heard, and how many incidents the message counted."""

    @property
    def settled(self) -> list[tuple[float, int]]:
        return [(at, count) for at, count in self.told if at > (self.lasts + SETTLED) * MINUTE]

    def __str__(self) -> str:
        counts = sorted({count for _, count in self.settled})
        return (
            f"{self.incidents:,} incidents open for {self.hours} hours: {len(self.told)} messages "
            f"to the fallback; each of the {len(self.settled)} after "
            f"{self.lasts + SETTLED:.0f} minutes counts {', '.join(f'{it:,}' for it in counts)}"
        )


def open_for(incidents: int, hours: int) -> Heard:
    """HIGH ones for one person with one telephone, who sleeps."""
    configuration = Configuration(
        people=(Person("ada", (phone("phone", 1),), always(Rule("phone"))),),
        policies=(Policy("main", (Step(("ada",)),), repeat_after=1),),
        services=tuple(Service(f"service-{number}", "main") for number in range(SERVICES)),
    )
    night = Night(1, CALM, configuration, hours * 60 * MINUTE)
    lasts = max(1.0, incidents / EVENTS_OF_A_MINUTE)
    for number in range(incidents):
        service, title = f"service-{number % SERVICES}", f"case-{number:04} no answer"
        event = partial(night.outside.event, "trigger", service, f"key-{number}", title)
        night.outside.at(5 + number * lasts * MINUTE / incidents, event)
    night.deployment.begin()
    night.deployment.run(night.length)
    told = [
        (each.at, int(found[1]) if (found := _COUNTED.search(each.text)) else 1)
        for each in night.journal.fallback
    ]
    return Heard(incidents, hours, lasts, told)
