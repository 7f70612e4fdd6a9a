"""Who has an incident, as the page behind a link says it to its reader."""

import re
from datetime import timedelta

import pytest

from harness.desk import Desk
from harness.world import World, event
from opsknight.incident.commands import (
    Acknowledge,
    AcknowledgementTimeout,
    Command,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
)
from opsknight.incident.model import Status
from tests.integration.steps import do, incident, paged

OVER = ("snoozed", "suppressed", "resolved")


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def bring(desk: Desk, incident_id: str, end: str) -> None:
    commands: dict[str, Command] = {
        "snoozed": Snooze(desk.world.clock() + timedelta(hours=1)),
        "suppressed": Suppress(),
        "resolved": Resolve(),
    }
    do(desk.world, incident_id, commands[end])


def who(desk: Desk, incident_id: str) -> tuple[str, str]:
    """What Ada reads, and Ben."""
    said = []
    desk.world.clock.advance(seconds=1)
    for user in ("ada", "ben"):
        page = desk.ask(desk.link(incident_id, user, not_before=desk.world.clock())).text
        [found] = re.findall(r"<dt>Who</dt>\s*<dd>(.*?)</dd>", page)
        said.append(re.sub("<[^>]+>", "", found))
    return said[0], said[1]


@pytest.mark.parametrize("end", OVER)
def test_to_be_paged_is_not_to_have_had_it(desk: Desk, end: str) -> None:
    """Ada was paged, a monitor ended it, and her page said that she had had it."""
    incident_id = paged(desk.world)
    bring(desk, incident_id, end)
    assert incident(desk.world, incident_id).assignee_id == "user_ada"
    nobody = "Nobody had it" if end == "resolved" else "Nobody has it"
    assert who(desk, incident_id) == (nobody, nobody)


@pytest.mark.parametrize("end", OVER)
@pytest.mark.parametrize("command", [Acknowledge(by="user_ben"), Reassign("user_ben")])
def test_whoever_took_it_on_or_was_given_it_has_it(desk: Desk, end: str, command: Command) -> None:
    incident_id = paged(desk.world)
    do(desk.world, incident_id, command)
    bring(desk, incident_id, end)
    has = ("Ben had it", "You had it") if end == "resolved" else ("Ben has it", "You have it")
    assert who(desk, incident_id) == has


@pytest.mark.parametrize("end", OVER)
def test_an_acknowledgement_that_timed_out_is_over(desk: Desk, end: str) -> None:
    incident_id = paged(desk.world)
    do(desk.world, incident_id, Acknowledge(by="user_ada"))
    do(desk.world, incident_id, AcknowledgementTimeout())
    bring(desk, incident_id, end)
    has = ("You had it", "Ada had it") if end == "resolved" else ("Nobody has it", "Nobody has it")
    assert who(desk, incident_id) == has


def test_whoever_takes_it_from_a_monitor_has_it(desk: Desk) -> None:
    incident_id = paged(desk.world)
    desk.world.send(event("acknowledge"))
    do(desk.world, incident_id, AcknowledgementTimeout())
    do(desk.world, incident_id, Acknowledge(by="user_ben"))
    assert [each.partition(",")[0] for each in who(desk, incident_id)] == [
        "Ben has it",
        "You have it",
    ]
    do(desk.world, incident_id, AcknowledgementTimeout())
    desk.world.send(event("acknowledge"))
    bring(desk, incident_id, "resolved")
    assert who(desk, incident_id) == ("Nobody had it", "Nobody had it")


def test_a_list_names_nobody_for_what_a_monitor_acknowledged(desk: Desk) -> None:
    incident_id = paged(desk.world)
    desk.world.send(event("acknowledge"))
    page = desk.ask(desk.bundle([incident_id]))
    assert "You have it" not in page.text
    assert "Acknowledged, Checkout" in page.text


def test_what_a_monitor_acknowledged_nobody_has(desk: Desk) -> None:
    incident_id = paged(desk.world)
    desk.world.send(event("acknowledge"))
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ada")
    monitor = "Acknowledged by Prometheus, just now"
    assert who(desk, incident_id) == (monitor, monitor)
    do(desk.world, incident_id, Reassign("user_ben"))
    assert who(desk, incident_id)[1].startswith("You have it")
