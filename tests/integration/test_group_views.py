"""What people see and hear of a group: how many of its alerts still fire, and what joins it."""

from datetime import timedelta

import pytest

from harness.desk import Desk
from harness.pipeline import Pipeline, step
from harness.world import World, deadline, event
from opsknight.incident.commands import Acknowledge, AcknowledgementTimeout, Command, Snooze
from opsknight.incident.model import ACTIVE, Status
from opsknight.notification.message import PageReason
from opsknight.store.listings import Listings, Wanted
from tests.integration.steps import do, incident
from tests.integration.test_groups import resolved, sends, the_incident
from tests.integration.test_own_paths import alert
from tests.integration.wire import Wire


@pytest.fixture
def two_of_three(world: World) -> str:
    sends(world, alert("a"), alert("b"), alert("c"))
    sends(world, alert("a"), resolved("b"), alert("c"))
    incident_id: str = the_incident(world)["id"]
    return incident_id


def test_the_page_and_the_list_behind_a_link_say_how_many_fire(
    world: World, two_of_three: str
) -> None:
    desk = Desk(world)
    other: str = world.send(event()).incident["id"]
    assert "2 of 3 still firing" in desk.ask(desk.bundle([two_of_three, other])).text
    desk = Desk(world)
    assert "2 of 3 still firing" in desk.ask(desk.link(two_of_three, "ben")).text


def test_the_http_api_says_how_many_fire(world: World, two_of_three: str) -> None:
    desk = Desk(world)
    key = desk.key("ada", "incidents:read")
    shown = desk.call("GET", f"/api/incidents/{two_of_three}", key=key).body["incident"]
    assert shown["members"] == {"firing": 2, "total": 3}
    [listed] = desk.call("GET", "/api/incidents", key=key).body["incidents"]
    assert listed["members"] == {"firing": 2, "total": 3}


def test_a_list_reads_no_incident_that_is_no_group(world: World, two_of_three: str) -> None:
    world.send(event())
    wire = Wire(world.table.client)
    listings, wanted = Listings(world.table), Wanted(statuses=set(ACTIVE))
    found, _ = listings.page(wanted, None, 10, world.clock(), deadline())
    assert sorted((each.members or 0, each.firing or 0) for each in found) == [(0, 0), (3, 2)]
    assert wire.calls == ["Query", "BatchGetItem"]
    assert len(wire.sent[1]["RequestItems"][world.table.name]["Keys"]) == 1


def joined(night: Pipeline) -> list[str | None]:
    heard = [each.message for each in night.listener.heard]
    return [each.note for each in heard if each.about is PageReason.JOINED]


def test_whoever_has_a_group_hears_of_what_joins_it(world: World) -> None:
    night = Pipeline(world)
    night.escalates(step("ada"), repeat_after=3600)
    sends(world, alert("a"))
    night.settle().pages("ada").hears("email paged")
    incident_id = the_incident(world)["id"]
    do(world, incident_id, Acknowledge(by="user_ada"))
    night.settle()
    sends(world, alert("a"), alert("b"), alert("c"))
    night.settle().hears("email joined")
    # Two at once are one message, about the last.
    assert joined(night) == ["c on web-01"]
    assert incident(world, incident_id).status is Status.ACKNOWLEDGED
    # What it repeats, and what leaves it, nobody hears of.
    sends(world, alert("a"), alert("b"), resolved("c"))
    night.wait(minutes=10)
    assert len(joined(night)) == 1
    sends(world, resolved("a"), resolved("b"), status="resolved")
    night.settle().ends()


def test_acknowledged_by_a_monitor_those_hear_who_were_paged(world: World) -> None:
    """Only the first of them heard of it, who had done nothing to have it."""
    night = Pipeline(world)
    night.escalates(step("ada", "ben"), repeat_after=3600)
    sends(world, alert("a"))
    night.settle().pages("ada", "ben").hears("email paged", "email paged")
    night.does(the_incident(world)["id"], Acknowledge())
    sends(world, alert("b"))
    night.settle().hears("email joined", "email joined")
    sends(world, resolved("a"), resolved("b"))
    night.settle().ends()


@pytest.mark.parametrize("is_snoozed", [False, True])
def test_after_the_last_step_those_hear_of_what_joins_who_were_paged(
    world: World, is_snoozed: bool
) -> None:
    """Nobody did: the end of the policy is written down as a step that paged nobody."""
    night = Pipeline(world)
    night.escalates(step("ada", "ben"), repeat_after=600)
    sends(world, alert("a"))
    night.settle().pages("ada", "ben").hears("email paged", "email paged")
    night.wait(minutes=11).fallback(1).hears("email paged", "email paged")
    until = world.clock() + timedelta(hours=1)
    command: Command = Snooze(until) if is_snoozed else Acknowledge()
    night.does(the_incident(world)["id"], command)
    sends(world, alert("b"))
    night.settle().hears("email joined", "email joined")
    sends(world, resolved("a"), resolved("b"))
    night.settle().ends()


def test_what_joins_after_it_paged_on_is_not_for_whoever_had_it(world: World) -> None:
    """Ada's acknowledgement had timed out; Ben was paged, and snoozed it."""
    night = Pipeline(world)
    night.escalates(step("ada", "ben"), repeat_after=3600)
    sends(world, alert("a"))
    night.settle().pages("ada", "ben").hears("email paged", "email paged")
    incident_id = the_incident(world)["id"]
    night.does(incident_id, Acknowledge(by="user_ada")).wait(hours=1)
    night.does(incident_id, AcknowledgementTimeout()).pages("ada", "ben")
    night.hears("email paged", "email paged")
    night.does(incident_id, Snooze(world.clock() + timedelta(hours=1)))
    sends(world, alert("b"))
    night.settle().hears("email joined", "email joined")
    sends(world, resolved("a"), resolved("b"))
    night.settle().ends()
