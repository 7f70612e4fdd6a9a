"""One incident for a group of alerts: it knows which of them still fire."""

from typing import Any

from harness.invariants import check
from harness.world import World, deadline
from opsknight.incident.commands import Acknowledge, Resolve
from opsknight.incident.members import MOST_MEMBERS
from opsknight.store import items
from opsknight.store.directory_items import directory_item
from tests.integration.conftest import Log
from tests.integration.steps import do, incident, of_kind
from tests.integration.test_alertmanager import actions
from tests.integration.test_own_paths import PATH, alert, bearer, flush, post
from tests.integration.wire import Wire, doing


def sends(world: World, *alerts: dict[str, Any], **more: Any) -> list[str]:
    body = flush(*alerts, **more)
    return actions(post(world, body, PATH, query={"per": "group"}, headers=bearer(world)))


def resolved(name: str) -> dict[str, Any]:
    return alert(name, "resolved", endsAt="2026-11-23T03:30:00Z")


def the_incident(world: World) -> dict[str, Any]:
    [found] = check(world).incidents.values()
    return found


def counts(world: World) -> tuple[int, int]:
    found = the_incident(world)
    return found["firing"], found["members"]


def notes(world: World, incident_id: str) -> list[tuple[str, dict[str, str]]]:
    found = world.table.changes(incident_id, deadline())
    return [(str(each.what), each.detail) for each in found]


def test_the_last_member_resolves_the_incident(world: World) -> None:
    assert sends(world, alert("a"), alert("b"), alert("c")) == ["triggered", "joined", "joined"]
    assert counts(world) == (3, 3)
    assert the_incident(world)["dedup_key"] == '{}:{alertname="HighCPU"}'
    assert sends(world, alert("a"), resolved("b"), alert("c")) == [
        "deduplicated",
        "left",
        "deduplicated",
    ]
    assert counts(world) == (2, 3)
    assert sends(world, resolved("a"), alert("c")) == ["left", "deduplicated"]
    assert the_incident(world)["status"] == "OPEN"
    assert sends(world, resolved("c"), status="resolved") == ["resolved", "ignored"]
    assert the_incident(world)["status"] == "RESOLVED"
    assert the_incident(world)["alert_count"] == 3


def test_a_member_that_fires_again_is_the_same_member(world: World) -> None:
    sends(world, alert("a"), alert("b"))
    sends(world, alert("a"), resolved("b"))
    assert counts(world) == (1, 2)
    assert sends(world, alert("a"), alert("b", startsAt="2026-11-23T03:31:00Z"))[1] == "joined"
    assert counts(world) == (2, 2)
    # What it says later is news of it, and no further member.
    assert sends(world, alert("b", annotations={"summary": "worse"})) == ["deduplicated"]
    assert counts(world) == (2, 2)
    assert the_incident(world)["alert_count"] == 4


def test_a_resolve_of_what_is_no_member_changes_nothing(world: World) -> None:
    assert sends(world, resolved("x")) == ["ignored"]
    sends(world, alert("a"))
    late = alert("a", "resolved", startsAt="2026-11-23T01:00:00Z", endsAt="2026-11-23T01:30:00Z")
    assert sends(world, resolved("x"), late) == ["ignored", "ignored"]
    assert counts(world) == (1, 1)
    assert sends(world, resolved("a")) == ["resolved"]
    assert sends(world, resolved("a")) == ["ignored"]


def test_a_repeat_of_a_group_writes_nothing(world: World) -> None:
    everything = [alert(f"a{n}") for n in range(30)]
    sends(world, *everything)
    before = world.items()
    wire = Wire(world.table.client)
    world.clock.advance(minutes=9)
    assert sends(world, *everything) == ["deduplicated"] * 30
    assert not {"PutItem", "UpdateItem", "TransactWriteItems"} & set(wire.calls)
    assert wire.calls.count("BatchGetItem") == 2
    assert world.items() == before
    world.clock.advance(minutes=1)
    wire.calls.clear()
    sends(world, *everything)
    assert wire.calls.count("UpdateItem") == 2
    check(world)


def test_after_a_person_resolved_it_the_next_flush_opens_another(world: World) -> None:
    sends(world, alert("a"), alert("b"))
    do(world, the_incident(world)["id"], Resolve())
    assert sends(world, alert("a"), alert("b")) == ["triggered", "joined"]
    [active] = check(world).active
    assert (active["firing"], active["members"]) == (2, 2)


def test_one_that_joins_while_the_last_leaves_keeps_it_open(world: World) -> None:
    sends(world, alert("a"))

    def join() -> None:
        assert sends(world, alert("b")) == ["joined"]

    Wire(world.table.client).fail("TransactWriteItems", doing(join))
    assert sends(world, resolved("a")) == ["left"]
    assert counts(world) == (1, 2)
    assert sends(world, resolved("b")) == ["resolved"]


def test_two_flushes_at_once_count_a_member_once(world: World) -> None:
    sends(world, alert("a"))

    def join() -> None:
        assert sends(world, alert("b")) == ["joined"]

    Wire(world.table.client).fail("TransactWriteItems", doing(join))
    assert sends(world, alert("b")) == ["deduplicated"]
    assert counts(world) == (2, 2)


def test_what_joins_while_somebody_has_it_is_on_the_timeline(world: World) -> None:
    sends(world, alert("a"), alert("b"))
    incident_id = the_incident(world)["id"]
    assert notes(world, incident_id) == []
    do(world, incident_id, Acknowledge(by="user_ada"))
    assert sends(world, alert("a"), alert("b"), alert("c")) == [
        "deduplicated",
        "deduplicated",
        "joined",
    ]
    assert notes(world, incident_id)[1:] == [("joined", {"alert": "c on web-01"})]
    assert the_incident(world)["status"] == "ACKNOWLEDGED"
    sends(world, resolved("c"))
    assert len(notes(world, incident_id)) == 2


def test_what_max_alerts_left_out_is_on_the_timeline_once(world: World) -> None:
    for _ in range(2):
        sends(world, alert("a"), truncatedAlerts=3)
    [(what, detail)] = notes(world, the_incident(world)["id"])
    assert what == "noted"
    assert detail["note"].startswith("3 more alerts of this group")
    # Nobody knows what became of these: that all in the request are resolved says nothing of them.
    assert sends(world, resolved("a"), status="resolved", truncatedAlerts=3) == ["resolved"]


def fill(world: World, incident_id: str) -> None:
    """As if so many more had been there that no further one is followed."""
    world.table.client.update_item(
        TableName=world.table.name,
        Key=items.incident_key(incident_id),
        UpdateExpression="SET #m = :m",
        ExpressionAttributeNames={"#m": "members"},
        ExpressionAttributeValues={":m": {"N": str(MOST_MEMBERS)}},
    )


def test_more_than_an_incident_can_follow(world: World) -> None:
    sends(world, alert("a"), alert("b"))
    incident_id = the_incident(world)["id"]
    fill(world, incident_id)

    def state() -> tuple[str, int | None, int]:
        found = incident(world, incident_id)
        return str(found.status), found.firing, found.alert_count

    everything = [alert(name) for name in "abcd"]
    assert sends(world, *everything) == ["deduplicated"] * 4
    assert state() == ("OPEN", 2, 4)
    [(what, detail)] = notes(world, incident_id)
    assert (what, detail["note"][:17]) == ("noted", "Over 500 alerts: ")
    # Sent again, nothing of it is stored again; what they say anew is.
    before = world.items()
    assert sends(world, *everything) == ["deduplicated"] * 4
    assert world.items() == before
    assert sends(world, alert("c", annotations={"summary": "worse"})) == ["deduplicated"]
    assert state() == ("OPEN", 2, 5)
    assert incident(world, incident_id).members == MOST_MEMBERS
    # Of the others nobody knows: only the word for all of them ends it.
    assert sends(world, resolved("a"), resolved("b"), alert("c"))[:2] == ["left", "left"]
    assert state()[:2] == ("OPEN", 0)
    assert sends(world, resolved("c"), status="resolved", truncatedAlerts=1) == ["ignored"]
    assert sends(world, resolved("d"), status="resolved") == ["ignored", "resolved"]
    assert state()[0] == "RESOLVED"


def test_who_joins_while_the_rest_is_resolved_does_not_go_down_with_it(world: World) -> None:
    sends(world, alert("a"))
    incident_id = the_incident(world)["id"]
    fill(world, incident_id)
    assert sends(world, alert("a"), alert("b"), resolved("a"))[1:] == ["deduplicated", "left"]

    def joins() -> None:
        assert sends(world, alert("a")) == ["joined"]

    Wire(world.table.client).fail("TransactWriteItems", doing(joins))
    assert sends(world, resolved("b"), status="resolved") == ["ignored", "ignored"]
    found = incident(world, incident_id)
    assert (str(found.status), found.firing) == ("OPEN", 1)


def test_one_of_those_over_the_most_raises_the_urgency_like_any_other(world: World) -> None:
    world.service = world.service.model_copy(update={"raises_urgency": True})
    world.table.put_all([directory_item(world.service)], deadline())
    minor = {"alertname": "a", "severity": "warning"}
    sends(world, alert("a", labels=minor))
    incident_id = the_incident(world)["id"]
    fill(world, incident_id)
    sends(world, alert("b"))
    found = incident(world, incident_id)
    assert (found.urgency, found.untracked) == ("HIGH", True)
    [(what, detail)] = notes(world, incident_id)
    assert (what, detail["urgency"], detail["note"][:16]) == ("raised", "HIGH", "Over 500 alerts:")
    sends(world, alert("b"))
    assert len(notes(world, incident_id)) == 1


def test_a_group_of_one_per_alert_stays_so(world: World, log: Log) -> None:
    """Without `per=group` each alert has an incident of its own."""
    post(world, flush(alert("a"), alert("b")), headers=bearer(world))
    assert len(check(world).incidents) == 2


def test_the_last_two_that_leave_at_once_resolve_it(world: World) -> None:
    sends(world, alert("a"), alert("b"))

    def leave() -> None:
        assert sends(world, resolved("b")) == ["left"]

    Wire(world.table.client).fail("TransactWriteItems", doing(leave))
    assert sends(world, resolved("a")) == ["resolved"]
    assert the_incident(world)["status"] == "RESOLVED"


def test_an_alert_that_is_regrouped_leaves_its_old_group_when_it_is_resolved(world: World) -> None:
    """Of the old group Alertmanager says nothing more."""
    sends(world, alert("a"), alert("b"), groupKey="old")
    sends(world, alert("a"), groupKey="new")
    assert sends(world, resolved("a"), groupKey="new") == ["resolved"]
    [left] = check(world).active
    assert (left["dedup_key"], left["firing"]) == ("old", 1)
    # In a group that never had it.
    assert sends(world, resolved("b"), groupKey="new") == ["ignored"]
    assert check(world).active == []


def test_whatever_is_written_beside_its_place_in_the_old_group(world: World) -> None:
    sends(world, alert("a"), groupKey="old")
    [place] = of_kind(world, "membership")
    world.table.client.put_item(
        TableName=world.table.name, Item=place | {"incident_id": {"N": "7"}}
    )
    assert sends(world, resolved("a"), groupKey="new") == ["ignored"]
    assert check(world).active == []


def test_what_is_resolved_by_hand_is_left_alone(world: World) -> None:
    sends(world, alert("a"), groupKey="old")
    resolve = resolved("a")
    do(world, the_incident(world)["id"], Resolve())
    before = world.items()
    assert sends(world, resolve, groupKey="new") == ["ignored"]
    after = world.items()
    # Nobody has to look there again: a group of hundreds would never get through.
    [forgotten] = [item for item in before if item not in after]
    assert forgotten["kind"] == {"S": "membership"}
    assert all(item in before for item in after)
    wire = Wire(world.table.client)
    assert sends(world, resolve, groupKey="new") == ["ignored"]
    assert wire.calls == ["BatchGetItem", "Query"]
