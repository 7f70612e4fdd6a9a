"""Heartbeats, as the judge knows them: when one was overdue, and when it was back.

`every` and `grace` after its last beat it is overdue; a tick sees that, and opens an incident with
its name, if anything else was heard since. The next beat resolves it, with a tick. What is told
here are the events that a monitor would have sent. A part of the judge, under the same rule: it
imports nothing of the product.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from harness.simulation.configuration import Configuration, Pulse, Service
from harness.simulation.journal import Asked
from harness.simulation.verdict import CLOCKS

# A tick sees it, and the next one that something else was heard since it fell due.
SEEN_WITHIN: Final = 130.0
# Ticks die and sweeps get lost, two in a row at times: so long after that a beat may be first.
MISSED: Final = 240.0


def events(asked: Sequence[Asked], configuration: Configuration) -> Iterator[Asked]:
    """At most one gap of each heartbeat is judged, as its incidents share one name."""
    for service in configuration.services:
        if service.pulse is not None:
            mine = [
                each for each in asked if each.what == "beat" and each.key == service.pulse.name
            ]
            yield from _gap(service, service.pulse, sorted(mine, key=lambda each: each.began))


def _gap(service: Service, pulse: Pulse, beats: Sequence[Asked]) -> Iterator[Asked]:
    patience = (pulse.every + pulse.grace) * 60.0
    for number, beat in enumerate(beats):
        following = beats[number + 1 : number + 2]
        until = following[0].began if following else float("inf")
        overdue = beat.began + patience - CLOCKS
        if until < overdue:
            continue
        latest = (beat.ended or beat.began) + patience + SEEN_WITHIN
        # Where it was not answered, or beat again soon, nobody knows.
        sure = beat.status == 200 and until > latest + MISSED
        yield _event(service, pulse, "trigger", overdue, latest if sure else None)
        for back in following:
            # What may never have opened may have nothing to resolve.
            known = sure and back.status == 200
            ended = (back.ended or back.began) + SEEN_WITHIN if known else None
            yield _event(service, pulse, "resolve", back.began, ended)
        return


def _event(service: Service, pulse: Pulse, action: str, began: float, ended: float | None) -> Asked:
    """`ended` is None where it may not have happened."""
    incident = {"status": "OPEN", "title": pulse.name}
    return Asked(
        f"heartbeat {pulse.name}",
        action,
        pulse.name,
        began,
        ended,
        None if ended is None else 202,
        {"result": {"incident": incident}},
        key=pulse.name,
        severity="critical",
        service=service.name,
        incident=pulse.name,
    )
