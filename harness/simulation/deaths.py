"""A message about many incidents, whose sender dies in one moment of it after the other: before a
call, and after it.
"""

from collections import defaultdict
from collections.abc import Iterator
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
from harness.simulation.functions import Doom
from harness.simulation.night import MINUTE, Night
from harness.simulation.weather import CALM

PHONE: Final = phone("phone", 1)
# By then the first message is out, and all others wait for the pace.
WAITING: Final = 40.0


def storm(incidents: int, death: int = 0) -> tuple[Night, Doom]:
    """Within half a minute, for one person with one telephone. The sender dies in the moment of
    this number.
    """
    # A key may send 120 events a minute.
    services = max(4, incidents // 100)
    configuration = Configuration(
        people=(Person("ada", (PHONE,), always(Rule("phone"))),),
        policies=(Policy("main", (Step(("ada",)),), repeat_after=600),),
        services=tuple(Service(f"service-{number}", "main") for number in range(services)),
    )
    night = Night(1, CALM, configuration, 6 * MINUTE)
    night.deployment.doom = doom = Doom("SendFunction", WAITING, death)
    for number in range(incidents):
        service, title = f"service-{number % services}", f"case-{number:04} no answer"
        event = partial(night.outside.event, "trigger", service, f"key-{number}", title)
        night.outside.at(5 + number * 30 / incidents, event)
    night.deployment.begin()
    night.deployment.run(night.length)
    return night, doom


def faults(night: Night, incidents: int) -> Iterator[str]:
    """What is wrong with what was told, as sentences."""
    ids: dict[str, list[str]] = defaultdict(list)
    for each in night.journal.heard:
        if each.to != PHONE.address:
            yield f"{each.to} was told"
        for name in each.titles:
            ids[name].append(each.delivery)
    if len(ids) != incidents:
        yield f"{len(ids)} of {incidents} were told"
    if any(len(set(told)) > 1 for told in ids.values()):
        yield "one was told under two ids"
    # The message that was taken, and perhaps once more.
    if any(len(told) > 1 + night.journal.deaths for told in ids.values()):
        yield "one was told too often"
    if max((each.at for each in night.journal.heard), default=0.0) >= 4 * MINUTE:
        yield "one was told late"
    if night.journal.fallback:
        yield "the fallback was told"


def figures(incidents: int, some: int) -> Iterator[str]:
    """Of deaths at `some` moments, evenly apart."""
    whole, doom = storm(incidents)
    found = ", ".join(faults(whole, incidents)) or "all is well"
    yield f"{incidents:,} incidents: {doom.seen:,} moments; without a death {found}"
    step = max(1, doom.seen // some)
    wrong, deaths = 0, range(step, doom.seen + 1, step)[:some]
    for death in deaths:
        night, _ = storm(incidents, death)
        found = ", ".join(faults(night, incidents))
        wrong += bool(found)
        if found:
            yield f"  death {death}: {found}"
    yield f"{incidents:,} incidents: {len(deaths)} deaths of {doom.seen:,} moments, {wrong} wrong"
