"""What is owed at the latest once an incident goes on with its policy from where it was.

A snooze that ends and an escalation both do so, and nobody outside knows where that is. But from
any step on all that follow it come, each after its wait, then the rounds that are left, then the
fallback. The last step follows each other one, and so does what had surely not come before.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from harness.simulation.cases import Case, Phase, State
from harness.simulation.configuration import Configuration, Policy
from harness.simulation.entitlement import FROM_THE_START, PACES, Slot, Turn, quiet_until, turns
from harness.simulation.verdict import CLOCKS

GOES_ON: Final = ("resumed", "escalated")


type Troubled = Callable[[float, float], bool]
"""Whether somebody of the policy could not be reached between two moments."""


def owed(case: Case, number: int, configuration: Configuration, troubled: Troubled) -> list[Slot]:
    """What comes in any case, and when at the latest, in that order. Steps that may be over are
    left out.
    """
    if case.phases[number].state is not State.OPEN:
        return []
    found = _owed(case, number, configuration, troubled)
    return sorted(found, key=lambda slot: slot.latest)


def _owed(
    case: Case, number: int, configuration: Configuration, troubled: Troubled
) -> Iterator[Slot]:
    phase, policy = case.phases[number], configuration.policy_of(case.service)
    since = _awake_from(case, phase, configuration)
    for count, turn in _remaining(case, number, policy, troubled):
        for name in policy.steps[turn.step or 0].people:
            person = configuration.person(name)
            quiet = quiet_until(person, case, phase)
            for rule in person.rules[case.urgency_in(phase)]:
                method = person.method(rule.method)
                yield Slot(
                    to=method.address,
                    person=name,
                    step=turn.step or 0,
                    earliest=phase.earliest,
                    latest=max(since + turn.offset + rule.after * 60, quiet),
                    number=count,
                    pace=PACES.get(method.channel, 0.0),
                    phase=number,
                )


def over(case: Case, number: int, configuration: Configuration) -> tuple[float, float]:
    """When the fallback is to be told: at the latest as if the policy had just begun."""
    phase, policy = case.phases[number], configuration.policy_of(case.service)
    *_, end = turns(policy)
    return phase.earliest, _awake_from(case, phase, configuration) + end.offset


def _awake_from(case: Case, phase: Phase, configuration: Configuration) -> float:
    """From then on nobody of the policy sleeps: no pause waits for the end of quiet hours."""
    policy = configuration.policy_of(case.service)
    people = {name for step in policy.steps for name in step.people}
    quiet = (quiet_until(configuration.person(name), case, phase) for name in people)
    return max([phase.latest, *quiet])


def _remaining(
    case: Case, number: int, policy: Policy, troubled: Troubled
) -> Iterator[tuple[int, Turn]]:
    """Turns that surely come, with how many came before each of them at most. As measured from the
    beginning of the policy they are due no sooner than as measured from where it goes on.
    """
    began, stopped = _before(case, number)
    # After a step that reaches nobody the next one comes early.
    if began is not None and troubled(began.earliest, stopped):
        began = None
    known = [(count, turn) for count, turn in enumerate(turns(policy)) if turn.step is not None]
    ahead = [
        (count, turn)
        for count, turn in known
        if began is not None and began.earliest + turn.offset - CLOCKS > stopped
    ]
    # The last step comes before the round is over, whichever that is: with the next round's it may
    # be one and the same.
    last = len(policy.steps) - 1
    later = [(count, turn) for count, turn in ahead if turn.step == last]
    yield known[last]
    yield from (each for each in ahead if each not in later[:1])


def _before(case: Case, number: int) -> tuple[Phase | None, float]:
    """The phase that paged last, if it began at the first step, and until when at the latest."""
    for one, following in reversed(list(pairwise(case.phases[: number + 1]))):
        if one.state is State.OPEN:
            is_known = one.why in FROM_THE_START and one.why != "raised" and not one.who
            return (one if is_known else None), following.latest
    return None, 0.0
