"""What the judge makes of acts that overlap what happens by itself."""

import pytest

from harness.simulation import cases
from harness.simulation.cases import State
from harness.simulation.journal import Asked
from harness.simulation.rosters import RELAY

MINUTE = 60.0
OPENED = {"title": "case-0001", "status": "SUPPRESSED"}
WINDOW = "maintenance start {} --for 10m --reason x"


def phases(what: str, began: float, ended: float) -> list[tuple[State, str]]:
    """Of an incident that opens in a window of ten minutes, in which somebody acts once."""
    [service] = RELAY.services
    asked = [
        Asked("operator", WINDOW.format(service.name), "", 0.0, 1.0, 0),
        Asked(
            *("monitor", "trigger", "case-0001", 60.0, 61.0, 202),
            body={"result": {"action": "triggered", "incident": OPENED}},
            key="cpu",
            severity="critical",
            service=service.name,
            incident="case-0001",
        ),
        Asked("ada", what, "case-0001", began, ended, 200, sent={"userId": "user_ada"}),
    ]
    [case] = cases.read(asked, RELAY).values()
    return [(each.state, each.why) for each in case.phases]


@pytest.mark.parametrize("what", ["reassign", "escalate"])
def test_an_act_as_a_window_ends_is_unclear(what: str) -> None:
    assert phases(what, 9.9 * MINUTE, 10.1 * MINUTE)[-1] == (State.UNCLEAR, "as a window ended")


def test_long_before_its_end_and_long_after_it_is_not() -> None:
    opened = (State.HELD, "opened")
    assert phases("reassign", 5 * MINUTE, 5.1 * MINUTE)[0] == opened
    assert phases("reassign", 5 * MINUTE, 5.1 * MINUTE)[-1] == (State.OPEN, "let out")
    assert phases("reassign", 30 * MINUTE, 30.1 * MINUTE)[-1] == (State.OPEN, "reassigned")
