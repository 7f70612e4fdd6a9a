"""How messages to one person follow each other: one at a time, and the next one not at once.

A part of the judge, under the same rule: it imports nothing of the product.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from harness.simulation.cases import Case
from harness.simulation.configuration import Configuration
from harness.simulation.entitlement import PACES
from harness.simulation.journal import Heard
from harness.simulation.sounds import names
from harness.simulation.verdict import CLOCKS, Violation

# So long after another one at least, but for the first about a service in ten minutes.
SHORTEST: Final = 15.0
NEWS_AFTER: Final = 600.0
UNDER_WAY: Final = 20.0
# Begins what somebody hears who was given what is acknowledged: it has no pace and no lease.
HANDED_ON: Final = "Yours now: "


def wrong(
    heard: Sequence[Heard], cases: Mapping[str, Case], configuration: Configuration
) -> Iterator[Violation]:
    for person in configuration.people:
        for method in person.methods:
            mine = [each for each in heard if each.to == method.address]
            # What became of a reply, and what is added to a message, pages nobody.
            pages = sorted(
                (
                    each
                    for each in mine
                    if not each.answers and each.edits is None and HANDED_ON not in each.text
                ),
                key=lambda each: each.began,
            )
            # A webhook is a program's: it has no pace, and may get two at once.
            if method.channel in PACES:
                yield from _at_once(pages)
                yield from _too_soon(pages, cases)


def _at_once(pages: Sequence[Heard]) -> Iterator[Violation]:
    for one, other in pairwise(pages):
        if other.began < one.over - CLOCKS / 5:
            text = f"{one.to} was sent a message at {other.began:.1f}, during one to {one.over:.1f}"
            yield Violation("two at once", min(names(other), default=""), other.began, text)


def _too_soon(pages: Sequence[Heard], cases: Mapping[str, Case]) -> Iterator[Violation]:
    for number, (one, other) in enumerate(pairwise(pages), 1):
        is_excused = one.sender_died or not one.is_answered
        if is_excused or other.at - one.at >= SHORTEST - CLOCKS:
            continue
        # What came while the first message about its service was under way is news as well.
        before = [
            each
            for each in pages[:number]
            if NEWS_AFTER - CLOCKS > other.at - each.at > UNDER_WAY
            and each.is_answered
            and not each.sender_died
        ]
        known = {service for each in before for service in _services(each, cases)}
        if _services(other, cases) <= known:
            text = f"{one.to} was paged at {one.at:.1f}, and about nothing new at {other.at:.1f}"
            yield Violation("too often", min(names(other), default=""), other.at, text)


def _services(heard: Heard, cases: Mapping[str, Case]) -> set[str]:
    return {cases[name].service.name for name in names(heard) if name in cases}
