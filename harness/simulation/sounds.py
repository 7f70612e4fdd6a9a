"""What rings until it is called off, and what is added to a message without a sound.

A part of the judge, under the same rule: it imports nothing of the product.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.simulation.cases import Case, State
from harness.simulation.journal import Heard, Journal
from harness.simulation.titles import names_of
from harness.simulation.verdict import CLOCKS, Patience, Violation
from harness.simulation.weather import Outage

# Three of its wakings may fail before what rings is called off.
AGAIN_WITHIN = 30.0


@dataclass(frozen=True)
class Sounds:
    patience: Patience
    outages: Sequence[Outage]
    until: float
    journal: Journal

    def wrong(self, cases: Mapping[str, Case]) -> Iterator[Violation]:
        for each in self.journal.heard:
            if each.rings_until:
                yield from self._ring(each, cases)
            if each.edits is not None:
                yield from self._edit(each, cases)

    def _ring(self, heard: Heard, cases: Mapping[str, Case]) -> Iterator[Violation]:
        mine = [cases[name] for name in names(heard) if name in cases]
        if not mine or any(case.phases[0].state is State.UNCLEAR for case in mine):
            return
        name = mine[0].name
        for at in heard.called_off:
            opened = [case.name for case in mine if self._surely_open(case, at)]
            if opened:
                text = f"{heard.to} was to ring for {opened} still, and was called off at {at:.0f}"
                yield Violation("sound", name, at, text)
        # What got no answer is sent again by its name, with others perhaps: they ring as one.
        copies = [each for each in self.journal.heard if each.delivery == heard.delivery]
        told = {name for each in copies for name in names(each) if name in cases}
        ends = [_taken(cases[name], heard.at) for name in sorted(told)]
        if heard.sender_died or not all(map(_knows_all, copies)) or None in ends:
            return
        since = max(heard.at, *(end for end in ends if end is not None))
        deadline = since + self.patience.send + self.patience.step + AGAIN_WITHIN
        died = sum(since - 60 <= at <= deadline for at, _ in self.journal.died)
        deadline += self.patience.late + died * self.patience.death
        is_away = any(it.to == heard.to and it.until >= since - CLOCKS for it in self.outages)
        if is_away or deadline >= min(heard.rings_until, self.until):
            return
        again = any(self._may_be_open(cases[name], since, deadline) for name in told)
        if not again and not any(at <= deadline for at in heard.called_off):
            text = f"{heard.to} rang on at {deadline:.0f}, though nobody was needed at {since:.0f}"
            yield Violation("sound", name, deadline, text)

    def _surely_open(self, case: Case, at: float) -> bool:
        return any(
            phase.state is State.OPEN
            and phase.latest + self.patience.claimed < at < case.end(number)[0] - CLOCKS
            for number, phase in enumerate(case.phases)
        )

    @staticmethod
    def _may_be_open(case: Case, since: float, until: float) -> bool:
        return any(
            phase.state in (State.OPEN, State.UNCLEAR)
            and phase.earliest - CLOCKS <= until
            and case.end(number)[1] > since
            for number, phase in enumerate(case.phases)
        )

    @staticmethod
    def _edit(heard: Heard, cases: Mapping[str, Case]) -> Iterator[Violation]:
        first = heard.edits
        if first is None:
            return
        new = [cases[name] for name in names(heard) - names(first) if name in cases]
        urgent = [case.name for case in new if case.urgency == "HIGH"]
        known = [cases[name].urgency for name in names(first) if name in cases]
        if urgent and "HIGH" not in known:
            text = f"{heard.to} was told of {urgent} without a sound"
            yield Violation("sound", urgent[0], heard.at, text)


def names(heard: Heard) -> set[str]:
    """Of all incidents of a message."""
    return {name for title in heard.titles for name in names_of(title)} or names_of(heard.text)


def _knows_all(heard: Heard) -> bool:
    """Whether somebody could open the list behind the link of one about several."""
    return not heard.is_about_several or len(heard.titles) > 1


def _taken(case: Case, since: float) -> float | None:
    """When nobody had to be woken for it any more, after a message of that time. None where it is
    open to the end, or nobody knows.
    """
    for number, phase in enumerate(case.phases):
        if case.end(number)[1] <= since:
            continue
        if phase.state is State.UNCLEAR:
            return None
        if phase.state in (State.HELD, State.OVER):
            return max(phase.latest, since)
    return None
