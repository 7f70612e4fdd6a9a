"""HIGH incidents beside a flood of events, on an account or a table that is too small for it: how
long each takes from the event to the person, and how long the first page about each service of the
flood itself.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
from harness.simulation.journal import Asked
from harness.simulation.night import MINUTE, Night
from harness.simulation.weather import CALM

# Each key may send 120 events in a minute.
EVENTS_OF_A_KEY: Final = 110
OTHERS: Final = 10
# Enough for what is late, and for senders that try again.
AFTERWARDS: Final = 4 * MINUTE


@dataclass(frozen=True)
class Flood:
    waits: list[float]
    """Seconds from each HIGH event until its person was told; those who were not are missing."""
    own: list[float]
    """Seconds from the first event of each service in the flood until its person was told of it."""
    services: int
    answers: Counter[int | None]
    """How often each status answered an event of the flood in the end, tries again included."""
    throttled: int
    """Calls that DynamoDB refused for its throughput."""
    refused: int
    """Invocations for which the account had no function left."""

    @property
    def longest(self) -> float:
        return max(self.waits, default=0.0)

    @property
    def longest_own(self) -> float:
        return max(self.own, default=0.0)


def flood(
    rate: int, seconds: int, *, opens: bool, account: int = CALM.account, seed: int = 1
) -> Flood:
    """`rate`: events a second. `opens`: whether each opens an incident; otherwise each key repeats
    one. `account`: functions at once. Meanwhile ten HIGH incidents open, each for somebody else.
    """
    events = rate * seconds
    keys = ceil(events / (EVENTS_OF_A_KEY * max(1.0, seconds / MINUTE)))
    others = tuple(
        Person(f"other{each}", (phone("phone", 100 + each),), always(Rule("phone")))
        for each in range(OTHERS)
    )
    configuration = Configuration(
        people=(Person("ada", (phone("phone", 1),), always(Rule("phone"))), *others),
        policies=(
            Policy("main", (Step(("ada",)),), repeat_after=600),
            *(Policy(f"for-{each.name}", (Step((each.name,)),)) for each in others),
        ),
        services=(
            *(Service(f"service-{each}", "main") for each in range(keys)),
            *(Service(f"other-{each}", f"for-other{each}") for each in range(OTHERS)),
        ),
    )
    night = Night(seed, replace(CALM, account=account), configuration, seconds + AFTERWARDS)
    send, asked = night.outside.event, list[Asked]()

    def one(number: int) -> None:
        service, title = number % keys, f"case-{number:05} no answer"
        key = f"key-{number}" if opens else "key"
        asked.append(send("trigger", f"service-{service}", key, title, "error"))

    for number in range(events):
        night.outside.at(5 + number / rate, partial(one, number))
    began: dict[str, float] = {}
    for number, other in enumerate(others):
        title, at = f"case-{90_000 + number} no answer", 6 + number * seconds / OTHERS
        began[other.methods[0].address] = at
        night.outside.at(at, partial(send, "trigger", f"other-{number}", "key", title))
    night.deployment.begin()
    night.deployment.run(night.length)
    told: dict[str, float] = {}
    own: dict[int, float] = {}
    for each in night.journal.heard:
        if each.to in began:
            told.setdefault(each.to, each.at - began[each.to])
        else:
            # The first about its service does not wait for the pace, whichever event opened it.
            for service in {int(name.removeprefix("case-")) % keys for name in each.titles}:
                own.setdefault(service, each.at - (5 + service / rate))
    return Flood(
        sorted(told.values()),
        sorted(own.values()),
        keys,
        Counter(each.status for each in asked),
        night.deployment.database.capacity.throttled,
        night.deployment.functions.throttled,
    )


def figures(rate: int, *, opens: bool, account: int) -> Iterator[str]:
    found = flood(rate, 5 if opens else 15, opens=opens, account=account)
    answers = ", ".join(f"{count:,} times {status}" for status, count in found.answers.items())
    what = "new incidents" if opens else "events"
    yield (
        f"{rate} {what} a second, {account} functions at once: answered {answers}; DynamoDB "
        f"refused {found.throttled:,} calls, Lambda {found.refused:,}; {len(found.waits)} of "
        f"{OTHERS} HIGH ones told, after {found.waits[0]:.1f} to {found.longest:.1f} s; of "
        f"{found.services} services in the flood {len(found.own)} told, their first after "
        f"{found.own[0]:.1f} to {found.longest_own:.1f} s"
    )
