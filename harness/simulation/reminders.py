"""Whether the fallback was reminded of what nobody took, as often as its service wants.

A part of the judge, under the same rule: it imports nothing of the product.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from types import MappingProxyType
from typing import Final

from harness.simulation.cases import Case, State
from harness.simulation.configuration import Configuration
from harness.simulation.journal import Journal
from harness.simulation.verdict import CLOCKS, FALLBACK_PACE, LOOK, Patience, Violation

# Minutes, where its service says nothing.
USUAL: Final[Mapping[str, int]] = MappingProxyType({"HIGH": 60, "MEDIUM": 240, "LOW": 1440})


@dataclass(frozen=True)
class Reminders:
    configuration: Configuration
    patience: Patience
    until: float
    journal: Journal

    def wrong(self, case: Case, told: Sequence[float]) -> Iterator[Violation]:
        """`told`: when messages to the fallback named it, in order."""
        for number, phase in enumerate(case.phases):
            every = self._every(case, case.urgency_in(phase))
            if phase.state is not State.OPEN or every is None:
                continue
            open_until = min(case.end(number)[0], self.until)
            mine = [at for at in told if phase.latest <= at < open_until]
            due = [at + every for at in mine]
            if (first := self._carried(case, number, told, every)) is not None:
                mine, due = [phase.latest, *mine], [first, *due]
            for (at, following), expected in zip(pairwise([*mine, inf]), due, strict=True):
                deadline = self._deadline(at, expected)
                if deadline < min(following, open_until):
                    text = f"the fallback was to be reminded by {deadline:.0f}, and was not"
                    yield Violation("fallback", case.name, deadline, text)

    def _carried(
        self, case: Case, number: int, told: Sequence[float], every: float
    ) -> float | None:
        """When to remind of what it heard of before: it was raised, and whoever it was reassigned
        to is asked once more. All else that opens it begins anew.
        """
        phase = case.phases[number]
        if phase.why != "raised" or not phase.who:
            return None
        since = case.phases[number - 1].latest - CLOCKS
        before = [at for at in told if since <= at < phase.earliest]
        pause = self.configuration.policy_of(case.service).repeat_after * 60.0
        return max(before[-1] + every, phase.latest + pause) if before else None

    @staticmethod
    def _every(case: Case, urgency: str) -> float | None:
        minutes = case.service.remind.get(urgency, USUAL[urgency])
        return minutes * 60.0 if minutes else None

    def _deadline(self, since: float, expected: float) -> float:
        patience = self.patience
        deadline = expected + FALLBACK_PACE + LOOK + 2 * patience.step + patience.late
        # Those that keep time: each that dies leaves it to the tick.
        deaths = sum(since <= at <= deadline for at, it in self.journal.died if it.startswith("T"))
        return deadline + deaths * patience.death
