"""Who is to be told of an incident, by which contact method, when and how often.

The judge's own reading of the contract: while an incident is open, the steps of its policy come one
after the other, each after its wait; a step tells each of its people by each of their rules. After
the last step of a round the pause follows, and then the next round, or the fallback.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Final

from harness.simulation.cases import Case, Phase, State
from harness.simulation.configuration import Configuration, Person, Policy

# The least time between two messages that page one person by one contact method.
PACES: Final = {"sms": 60.0, "voice": 60.0, "email": 30.0, "pushover": 15.0, "telegram": 15.0}

# Phases with which an escalation begins at its first step.
FROM_THE_START: Final = ("opened", "again", "let out", "waited", "raised")


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


type Awake = Callable[[int, float], float]
"""When the first person of a step can be told who is asked at that time."""


def _always(_: int, at: float) -> float:
    return at


def turns(policy: Policy, start: float = 0.0, first_told: Awake = _always) -> Iterator[Turn]:
    """The pause of a round begins with its last step; when nobody has been told by then, as their
    quiet hours last, with the first who is.
    """
    at = start
    for _ in range(policy.repeat + 1):
        told = inf
        for number, step in enumerate(policy.steps):
            at += step.after * 60
            told = min(told, first_told(number, at))
            yield Turn(number, at - start)
        at = max(at, told) + policy.repeat_after * 60
    yield Turn(None, at - start)


def awake(configuration: Configuration, policy: Policy, urgency: str) -> Awake:
    def first_told(step: int, at: float) -> float:
        times = (
            max(at, _quiet(configuration.person(name), urgency))
            for name in policy.steps[step].people
        )
        return min(times, default=at)

    return first_told


def quiet_until(person: Person, case: Case, phase: Phase) -> float:
    """Until when they hear nothing of it then."""
    return _quiet(person, case.urgency_in(phase))


def _quiet(person: Person, urgency: str) -> float:
    if urgency != "LOW" or person.quiet_until is None:
        return 0.0
    return person.quiet_until * 60.0


def slots(case: Case, configuration: Configuration) -> list[Slot]:
    """In the order in which they are due."""
    found: list[Slot] = []
    for number, phase in enumerate(case.phases):
        if phase.state is State.OPEN or phase.why == "given":
            found += _slots(case, number, phase, configuration)
    return sorted(found, key=lambda slot: slot.latest)


def _slots(case: Case, number: int, phase: Phase, configuration: Configuration) -> Iterator[Slot]:
    policy = configuration.policy_of(case.service)
    if phase.who and phase.why in ("reassigned", "raised"):
        yield from _told(case, phase, number, configuration, phase.who, Turn(0, 0.0), 0)
        return
    if phase.why == "given":
        # Once, by what their rules say for the first moment.
        person = configuration.person(phase.who)
        told = _told(case, phase, number, configuration, phase.who, Turn(0, 0.0), 0)
        for rule, slot in zip(person.rules[case.urgency_in(phase)], told, strict=True):
            if not rule.after:
                yield slot
        return
    # Resumed or escalated it goes on where it was, and nobody outside knows where that is: each
    # step may come from now on, and none of them has to.
    is_known = phase.why in FROM_THE_START
    first_told = awake(configuration, policy, case.urgency_in(phase))
    both = (turns(policy, start, first_told) for start in _starts(phase))
    for count, (early, turn) in enumerate(zip(*both, strict=True)):
        if turn.step is None:
            return
        early = min(early, turn, key=lambda each: each.offset)
        for name in policy.steps[turn.step].people:
            yield from _told(
                *(case, phase, number, configuration, name, turn, count),
                is_known=is_known,
                early=early,
            )


def _starts(phase: Phase) -> tuple[float, float]:
    """What begins at some time, nobody knows when, takes as long as what begins at once."""
    return phase.earliest, phase.latest if phase.latest < inf else phase.earliest


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
    early: Turn | None = None,
) -> Iterator[Slot]:
    person, urgency = configuration.person(name), case.urgency_in(phase)
    quiet = _quiet(person, urgency)
    for rule in person.rules[urgency]:
        method = person.method(rule.method)
        after = rule.after * 60
        soonest = phase.earliest + ((early or turn).offset if is_known else 0.0) + after
        yield Slot(
            to=method.address,
            person=name,
            step=turn.step or 0,
            earliest=max(soonest, quiet),
            latest=max(phase.latest + turn.offset + after, quiet) if is_known else inf,
            number=count,
            pace=PACES.get(method.channel, 0.0),
            phase=number,
        )


def exhausted(case: Case, number: int, configuration: Configuration) -> tuple[float, float] | None:
    """When the fallback is to be told of an open phase; None where nobody outside knows."""
    phase = case.phases[number]
    policy = configuration.policy_of(case.service)
    if phase.state is not State.OPEN or phase.why not in (*FROM_THE_START, "reassigned"):
        return None
    urgency = case.urgency_in(phase)
    if phase.who:
        quiet = _quiet(configuration.person(phase.who), urgency)
        pause = policy.repeat_after * 60.0
        if phase.why == "raised":
            # The same person is asked again; the fallback may know already.
            return case.phases[number - 1].earliest, phase.latest + pause
        return max(phase.earliest, quiet) + pause, max(phase.latest, quiet) + pause
    first_told = awake(configuration, policy, urgency)
    (*_, first), (*_, last) = (turns(policy, start, first_told) for start in _starts(phase))
    ends = phase.earliest + first.offset, phase.latest + last.offset
    return min(ends), max(ends)
