"""Who is to be told of an incident, by which contact method, when and how often.

The judge's own reading of the contract: while an incident is open, the steps of its policy come one
after the other, each after its wait; a step tells each of its people by each of their rules. After
the last step of a round the pause follows, and then the next round, or the fallback.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Final

from harness.simulation.cases import Case, Phase, State
from harness.simulation.configuration import Configuration, Policy

# The least time between two messages that page one person by one contact method.
PACES: Final = {"sms": 60.0, "voice": 60.0, "email": 30.0}


@dataclass(frozen=True)
class Slot:
    """One message that somebody is to have."""

    to: str
    person: str
    step: int
    earliest: float
    latest: float
    """When it is due at the latest, before any patience."""
    number: int
    """How many steps came before it: each may be a little late."""
    pace: float
    phase: int

    def __str__(self) -> str:
        return f"step {self.step + 1} for {self.person} at {self.to}"


@dataclass(frozen=True)
class Turn:
    """A step that comes, or the end of the policy."""

    step: int | None
    offset: float
    """Seconds after the policy began."""


def turns(policy: Policy) -> Iterator[Turn]:
    at = 0.0
    for _ in range(policy.repeat + 1):
        for number, step in enumerate(policy.steps):
            at += step.after * 60
            yield Turn(number, at)
        at += policy.repeat_after * 60
    yield Turn(None, at)


def slots(case: Case, configuration: Configuration) -> list[Slot]:
    """In the order in which they are due."""
    found: list[Slot] = []
    for number, phase in enumerate(case.phases):
        if phase.state is State.OPEN or phase.why == "given":
            found += _slots(case, number, phase, configuration)
    return sorted(found, key=lambda slot: slot.latest)


def _slots(case: Case, number: int, phase: Phase, configuration: Configuration) -> Iterator[Slot]:
    policy = configuration.policy_of(case.service)
    if phase.why == "reassigned":
        yield from _told(case, phase, number, configuration, phase.who, Turn(0, 0.0), 0)
        return
    if phase.why == "given":
        # Once, by what their rules say for the first moment.
        told = _told(case, phase, number, configuration, phase.who, Turn(0, 0.0), 0)
        for slot in told:
            if slot.latest == phase.latest:
                yield slot
        return
    # Resumed or escalated it goes on where it was, and nobody outside knows where that is: each
    # step may come from now on, and none of them has to.
    is_known = phase.why in ("opened", "again", "let out")
    for count, turn in enumerate(turns(policy)):
        if turn.step is None:
            return
        for name in policy.steps[turn.step].people:
            yield from _told(
                case, phase, number, configuration, name, turn, count, is_known=is_known
            )


def _told(
    case: Case,
    phase: Phase,
    number: int,
    configuration: Configuration,
    name: str,
    turn: Turn,
    count: int,
    *,
    is_known: bool = True,
) -> Iterator[Slot]:
    person = configuration.person(name)
    for rule in person.rules[case.urgency]:
        method = person.method(rule.method)
        offset = turn.offset + rule.after * 60
        yield Slot(
            to=method.address,
            person=name,
            step=turn.step or 0,
            earliest=phase.earliest + (offset if is_known else rule.after * 60),
            latest=phase.latest + offset if is_known else inf,
            number=count,
            pace=PACES.get(method.channel, 0.0),
            phase=number,
        )


def exhausted(case: Case, number: int, configuration: Configuration) -> tuple[float, float] | None:
    """When the fallback is to be told of an open phase; None where nobody outside knows."""
    phase = case.phases[number]
    policy = configuration.policy_of(case.service)
    known = ("opened", "again", "let out", "reassigned")
    if phase.state is not State.OPEN or phase.why not in known:
        return None
    offset = policy.repeat_after * 60.0
    if phase.why != "reassigned":
        *_, last = turns(policy)
        offset = last.offset
    return phase.earliest + offset, phase.latest + offset
