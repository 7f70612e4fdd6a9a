"""Messages that are taken out of a right night, and what the judge says then."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from harness.simulation.configuration import Configuration
from harness.simulation.journal import Heard, Journal
from harness.simulation.judge import Judge
from harness.simulation.night import MINUTE, Night
from harness.simulation.rosters import MACHINES
from harness.simulation.verdict import CALM_PATIENCE
from tests.nights.playing import ADA, BEN, ada_then_ben, play, trigger

TEAM = ada_then_ben(5, repeat_after=5)
TWICE = ada_then_ben(2, repeat=1, repeat_after=2)
ACTS: Mapping[str, Mapping[str, Any]] = {
    "notes": {"text": "Looking into it."},
    "snooze": {"minutes": 2},
    "escalate": {},
}
type Left = Callable[[Heard], bool]


def after(act: str, at: float = 60, team: Configuration = TEAM) -> Night:
    """A night in which somebody does this once, and nobody anything more."""
    night = play(team, 35)
    trigger(night, 5, 1)
    ask = partial(night.outside.by_api, "ada", "case-0001 no answer", act, ACTS[act])
    night.outside.at(at, ask)
    assert not night.run().violations
    return night


def kinds(night: Night, heard: Left, *, fallback: bool = True) -> set[str]:
    """Of what the judge finds wrong where only these messages have come."""
    found = night.journal
    shown = Journal(
        heard=[each for each in found.heard if heard(each)],
        asked=found.asked,
        fallback=found.fallback if fallback else [],
        log=found.log,
    )
    judge = Judge(night.configuration, CALM_PATIENCE, night.outages, night.length)
    return {each.kind for each in judge.judge(shown).violations}


def everything(_: Heard) -> bool:
    return True


@pytest.mark.parametrize("act", ACTS)
def test_of_silence_after_it(act: str) -> None:
    night = after(act)
    assert kinds(night, everything) == set()
    assert kinds(night, lambda each: each.at < 61, fallback=False) == {"silence", "fallback"}
    assert kinds(night, lambda each: each.at < 250, fallback=False) >= {"fallback"}


@pytest.mark.parametrize("act", ACTS)
def test_of_a_fallback_that_hears_nothing_after_it(act: str) -> None:
    assert kinds(after(act), everything, fallback=False) == {"fallback"}


@pytest.mark.parametrize("act", ACTS)
def test_of_a_last_step_that_is_left_out_after_it(act: str) -> None:
    assert kinds(after(act), lambda each: each.to != BEN.address) == {"silence"}


@pytest.mark.parametrize("act", ACTS)
def test_of_a_round_that_is_left_out_after_it(act: str) -> None:
    """Of the second one the first step is as sure as the last."""
    night = after(act, team=TWICE)
    assert kinds(night, lambda each: each.to != ADA.address or each.at < 61) == {"silence"}


@pytest.mark.parametrize("act", ["snooze", "escalate"])
def test_of_silence_after_the_policy_had_run_out(act: str) -> None:
    """It goes on with its last step, or from the first one on; then the fallback hears of it."""
    at = 11 * MINUTE
    night = after(act, at)
    assert kinds(night, lambda each: each.at < at) == {"silence"}
    told = [each for each in night.journal.fallback if each.at > at]
    assert told
    night.journal.fallback = [each for each in night.journal.fallback if each.at < at]
    assert kinds(night, everything) == {"fallback"}


def test_of_nothing_in_the_last_round() -> None:
    """What is ahead by the policy and what comes before the round is over may be one message."""
    night = play(MACHINES, 30)
    title = "case-0001 no answer"
    night.outside.at(5, partial(night.outside.event, "trigger", "shop", "key", title))
    # The second step of the second round is just taken.
    night.outside.at(668, partial(night.outside.by_api, "eli", title, "escalate"))
    verdict = night.run()
    assert [each.status for each in night.journal.asked if each.what == "escalate"] == [200]
    assert verdict.violations == []


def test_of_a_message_more_after_a_note() -> None:
    night = after("notes")
    [last] = [each for each in night.journal.heard if each.to == BEN.address]
    night.journal.heard.append(replace(last, at=last.at + 120, began=last.at + 119))
    assert kinds(night, everything) == {"too often"}


def test_of_a_message_more_before_nobody_knows_what_is_due() -> None:
    night = after("notes")
    [first] = [each for each in night.journal.heard if each.to == ADA.address]
    night.journal.heard.append(replace(first, at=50, began=49))
    night.outside.deployment.journal.asked[-1].what = "acknowledge"
    night.outside.deployment.journal.asked[-1].status = None
    assert kinds(night, everything) == {"too often"}
