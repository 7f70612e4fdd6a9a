"""What the judge makes of acts that overlap what happens by itself."""

from dataclasses import replace
from math import inf

import pytest

from harness.simulation import cases
from harness.simulation.cases import State
from harness.simulation.configuration import Pulse, Service
from harness.simulation.journal import Asked, Journal
from harness.simulation.reminders import Reminders
from harness.simulation.rosters import RELAY
from harness.simulation.verdict import CALM_PATIENCE
from harness.simulation.windows import last_one, windows_of

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


@pytest.mark.parametrize(("tries", "state"), [(1, State.OPEN), (2, State.UNCLEAR)])
def test_a_resolve_without_an_answer_may_have_ended_what_it_was_meant_for(
    tries: int, state: State
) -> None:
    """Its second try is answered when the key's next incident is there, and resolves that one."""
    [service] = RELAY.services

    def event(what: str, about: str, at: float, told: str, tries: int = 1) -> Asked:
        return Asked(
            *("monitor", what, about, at, at + 1, 202),
            body={"result": {"incident": {"title": told, "status": "OPEN"}}},
            key="cpu",
            severity="critical",
            service=service.name,
            incident=told,
            tries=tries,
        )

    read = cases.read(
        [
            event("trigger", "case-0001", 60.0, "case-0001"),
            event("trigger", "case-0002", 90.0, "case-0002"),
            replace(event("resolve", "case-0001", 70.0, "case-0002", tries), ended=95.0),
        ],
        RELAY,
    )
    assert read["case-0001"].phases[-1].state is state
    assert read["case-0002"].phases[-1].state is State.OVER


@pytest.mark.parametrize(("tries", "state"), [(1, State.OVER), (2, State.UNCLEAR)])
def test_a_further_try_of_the_trigger_may_open_what_a_resolve_has_ended(
    tries: int, state: State
) -> None:
    """The first one opened it, and got no answer."""
    [service] = RELAY.services

    def event(what: str, began: float, ended: float, status: str, tries: int) -> Asked:
        return Asked(
            *("monitor", what, "case-0001", began, ended, 202),
            body={"result": {"incident": {"title": "case-0001", "status": status}}},
            key="cpu",
            severity="critical",
            service=service.name,
            incident="case-0001",
            tries=tries,
        )

    asked = [event("trigger", 60, 66, "OPEN", tries), event("resolve", 63, 64, "RESOLVED", 1)]
    assert cases.read(asked, RELAY)["case-0001"].phases[-1].state is state


def test_what_got_no_answer_may_be_about_whichever_incident_of_its_key() -> None:
    """The first trigger's first try may have opened its own, or what the second one has opened was
    resolved by a try that got no answer, so that the next one found nothing.
    """
    [service] = RELAY.services

    def event(what: str, about: str, at: float, told: str, tries: int) -> Asked:
        incident = {"title": told, "status": "OPEN"} if told else None
        return Asked(
            *("monitor", what, about, at, at + 6, 202),
            body={"result": {"incident": incident, "action": "" if told else "ignored"}},
            key="cpu",
            severity="critical",
            service=service.name,
            incident=told,
            tries=tries,
        )

    asked = [
        event("trigger", "case-0002", 60, "case-0002", 1),
        event("trigger", "case-0001", 61, "case-0002", 2),
        event("resolve", "case-0001", 240, "", 2),
    ]
    found = cases.read(asked, RELAY)
    assert found["case-0002"].phases[-1].state is State.UNCLEAR


@pytest.mark.parametrize(("began", "earliest"), [(500.0, 1100.0), (598.0, 600.0)])
def test_a_window_that_may_begin_as_another_ends_may_leave_a_gap(
    began: float, earliest: float
) -> None:
    [service] = RELAY.services
    start = WINDOW.format(service.name)
    asked = [
        Asked("operator", start, "", 0.0, 1.0, 0),
        Asked("operator", start, "", began, began + 5, 0),
    ]
    last = last_one(windows_of(asked)[service.name], 60.0, 61.0)
    assert last and last.ends == (earliest, began + 605)


@pytest.mark.parametrize(("tries", "state"), [(1, State.OPEN), (2, State.UNCLEAR)])
def test_an_escalation_without_an_answer_may_have_paged_already(tries: int, state: State) -> None:
    [service] = RELAY.services
    asked = [
        Asked(
            *("monitor", "trigger", "case-0001", 60.0, 61.0, 202),
            body={"result": {"incident": OPENED | {"status": "OPEN"}}},
            key="cpu",
            severity="critical",
            service=service.name,
            incident="case-0001",
        ),
        Asked("ada", "escalate", "case-0001", 70.0, 80.0, 200, tries=tries),
    ]
    assert cases.read(asked, RELAY)["case-0001"].phases[-1].state is state


@pytest.mark.parametrize(("back", "state"), [(600.0, State.UNCLEAR), (1200.0, State.OVER)])
def test_a_beat_that_comes_soon_may_have_come_before_anybody_looked(
    back: float, state: State
) -> None:
    team = replace(RELAY, services=(Service("farm", "main", pulse=Pulse("case-9001", 1, 2)),))
    asked = [
        Asked("heartbeat case-9001", "beat", "", at, at + 1, 200, key="case-9001")
        for at in (60.0, back)
    ]
    assert cases.read(asked, team)["case-9001"].phases[-1].state is state


def test_by_a_clock_that_is_behind_a_window_still_lasts() -> None:
    [service] = RELAY.services
    windows = windows_of([Asked("operator", WINDOW.format(service.name), "", 0.0, 1.0, 0)])
    assert last_one(windows[service.name], 602.0, 603.0) == windows[service.name][0]
    assert last_one(windows[service.name], 610.0, 611.0) is None


def test_a_window_is_ended_by_its_name_though_another_start_failed_since() -> None:
    [service] = RELAY.services
    start = WINDOW.format(service.name)
    said = {"said": f"To end it: opsknight maintenance stop {service.name} mw_1\n"}
    asked = [
        Asked("operator", start, "", 0.0, 1.0, 0, body=said),
        Asked("operator", start, "", 20.0, 21.0, 1),
        Asked("operator", f"maintenance stop {service.name} mw_1", "", 100.0, 101.0, 0),
    ]
    windows = windows_of(asked)[service.name]
    assert windows[0].ends == (100.0, 101.0)
    # Whether the other began, nobody knows.
    last = last_one(windows, 60.0, 61.0)
    assert last
    assert last.ends == (100.0, inf)


@pytest.mark.parametrize("tries", [1, 2])
def test_a_trigger_that_was_added_may_have_opened_one_by_an_earlier_try(tries: int) -> None:
    [service] = RELAY.services
    trigger = Asked(
        *("monitor", "trigger", "case-0001", 60.0, 75.0, 202),
        body={"result": {"incident": OPENED | {"title": "case-0002"}}},
        key="cpu",
        severity="critical",
        service=service.name,
        incident="case-0002",
        tries=tries,
    )
    found = cases.read([trigger], RELAY)
    assert [each.phases[0].state for each in found.values()] == [State.UNCLEAR] * (tries - 1)


@pytest.mark.parametrize(("ended", "state"), [(90.0, State.OVER), (1100.0, State.UNCLEAR)])
def test_what_took_until_the_resolve_may_have_opened_again(ended: float, state: State) -> None:
    [service] = RELAY.services
    event = Asked(
        *("monitor", "trigger", "case-0001", 60.0, 61.0, 202),
        body={"result": {"incident": OPENED | {"status": "OPEN"}}},
        key="cpu",
        severity="critical",
        service=service.name,
        incident="case-0001",
    )
    asked = [
        event,
        Asked("ada", "acknowledge", "case-0001", 70.0, 71.0, 200),
        # A reply by text message, whose answer never came.
        Asked("ada", "acknowledge", "case-0001", 70.5, ended, 200),
        replace(event, what="resolve", began=ended - 1, ended=ended + 1),
    ]
    assert cases.read(asked, RELAY)["case-0001"].phases[-1].state is state


def reminded(told: list[float], remind: int = 10) -> list[float]:
    """When the judge missed a reminder: raised after 20 minutes, and nobody acts."""
    [service] = RELAY.services
    service = replace(service, supported_from=20, remind={"MEDIUM": remind, "LOW": 60})
    asked = [
        Asked(
            *("monitor", "trigger", "case-0001", 60.0, 61.0, 202),
            body={"result": {"action": "triggered", "incident": OPENED | {"status": "OPEN"}}},
            key="cpu",
            severity="error",
            service=service.name,
            incident="case-0001",
        ),
        Asked(*("ada", "reassign", "case-0001", 120.0, 121.0, 200), sent={"userId": "user_ben"}),
    ]
    team = replace(RELAY, services=(service,))
    [case] = cases.read(asked, team).values()
    judge = Reminders(team, CALM_PATIENCE, 45 * MINUTE, Journal())
    return [each.at / MINUTE for each in judge.wrong(case, [at * MINUTE for at in told])]


def test_of_what_was_raised_the_fallback_is_to_be_reminded_by_its_new_urgency() -> None:
    assert not reminded([5, 24, 34, 44])
    # The pause of three minutes, and a message of the pace may stand before it.
    [missed] = reminded([5])
    assert 23 < missed < 30
    assert len(reminded([5, 24])) == 1
    assert not reminded([5], remind=0)


def test_a_first_message_that_it_should_have_had_is_for_another_check() -> None:
    assert not reminded([])
