"""What an event does, through the API: the first table, answers, timeline, retention."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.world import RETENTION, World, deadline, event
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident.event_request import describe
from opsknight.incident.model import Escalation, Status
from opsknight.store import directory_items, items
from opsknight.store.wire import stamp
from tests.integration.steps import in_order, incident, incident_in, of_kind, put, used

ACTIVE = [Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED, Status.SUPPRESSED]
IGNORED = {
    "status": "success",
    "result": {
        "action": "ignored",
        "reason": "No active incident of this service has this dedup_key.",
    },
}


@pytest.mark.parametrize("before", [None, *ACTIVE], ids=lambda status: status or "none active")
@pytest.mark.parametrize(
    ("action", "becomes", "says"),
    [
        ("trigger", None, "deduplicated"),
        ("acknowledge", Status.ACKNOWLEDGED, "acknowledged"),
        ("resolve", Status.RESOLVED, "resolved"),
    ],
    ids=["trigger", "acknowledge", "resolve"],
)
def test_the_first_table(
    world: World, action: str, before: Status | None, becomes: Status | None, says: str
) -> None:
    known = incident_in(world, before)
    response = world.send(event(action))
    assert response.status == 202
    if before is None and action == "trigger":
        assert response.action == "triggered"
        assert response.incident["id"] != known
        assert response.incident["status"] == "OPEN"
    elif before is None:
        assert response.body == IGNORED
    else:
        after = becomes or before
        assert (response.action, response.incident["id"]) == (says, known)
        assert response.incident["status"] == incident(world, known).status == after


def test_a_202_has_exactly_this_shape(moto_world: World) -> None:
    response = moto_world.send(event(payload={"summary": " CPU is <hot> "}))
    assert response.status == 202
    incident_id = response.incident["id"]
    told = {
        "id": incident_id,
        "title": "CPU is <hot>",
        "status": "OPEN",
        "urgency": "HIGH",
        "serviceId": "svc_checkout",
        "dedupKey": "cpu-high",
        "createdAt": "2026-11-23T03:00:00.000Z",
    }
    assert response.body == {
        "status": "success",
        "result": {"action": "triggered", "incident": told},
    }
    for action, says, status in (
        ("trigger", "deduplicated", "OPEN"),
        ("acknowledge", "acknowledged", "ACKNOWLEDGED"),
        ("acknowledge", "acknowledged", "ACKNOWLEDGED"),
        ("resolve", "resolved", "RESOLVED"),
    ):
        assert moto_world.send(event(action)).body == {
            "status": "success",
            "result": {"action": says, "incident": told | {"status": status}},
        }


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_ignored_changes_nothing_at_all(world: World, action: str) -> None:
    world.send(event(dedup_key="another"))
    incident_in(world, Status.RESOLVED)
    before = in_order(world.items())
    requests = sum(used(world))
    assert world.send(event(action)).body == IGNORED
    assert in_order(world.items()) == before
    assert sum(used(world)) == requests + 1, "but it is a request"


def test_acknowledged_again_writes_nothing_and_keeps_the_first_time(moto_world: World) -> None:
    moto_world.send(event())
    first = moto_world.send(event("acknowledge"))
    acknowledged_at = moto_world.clock()
    before = in_order(moto_world.items())
    requests = sum(used(moto_world))
    moto_world.clock.advance(seconds=20)
    again = moto_world.send(event("acknowledge"), key=moto_world.second_integration_key)
    assert again.body == first.body
    assert in_order(moto_world.items()) == before
    assert sum(used(moto_world)) == requests + 1
    assert incident(moto_world, first.incident["id"]).acknowledged_at == acknowledged_at


def test_acknowledge_stops_the_escalation_and_records_when(moto_world: World) -> None:
    incident_id = incident_in(moto_world, Status.OPEN)
    moto_world.clock.advance(minutes=3)
    moto_world.send(event("acknowledge"))
    after = incident(moto_world, incident_id)
    assert (after.status, after.escalation) == (Status.ACKNOWLEDGED, Escalation.COMPLETED)
    assert after.acknowledged_at == moto_world.clock()
    assert (after.epoch, after.changes, after.resolved_at) == (1, 2, None)


@pytest.mark.parametrize("status", ACTIVE, ids=str)
def test_resolve_stops_the_escalation_and_records_when(moto_world: World, status: Status) -> None:
    incident_id = incident_in(moto_world, status)
    moto_world.clock.advance(minutes=3)
    moto_world.send(event("resolve"))
    after = incident(moto_world, incident_id)
    assert (after.status, after.escalation) == (Status.RESOLVED, Escalation.COMPLETED)
    assert after.resolved_at == moto_world.clock()
    assert after.timers.keys() <= {"announce"}
    assert of_kind(moto_world, "pointer") == [], "a pointer is there exactly while it is active"


def test_title_urgency_and_description_are_those_of_the_first_trigger(moto_world: World) -> None:
    first = {"summary": "First", "custom_details": {"n": 95.5}}
    known = moto_world.send(event(severity="info", payload=first)).incident
    again = {"summary": "Second", "custom_details": {"n": 2}}
    later = moto_world.send(event(severity="critical", payload=again)).incident
    assert later == known
    stored = incident(moto_world, known["id"])
    assert (stored.title, stored.urgency, stored.alert_count) == ("First", "LOW", 2)
    alert = moto_world.table.alert(stored.id, stored.first_alert_id, deadline())
    assert alert is not None
    assert describe(alert.body) == '{\n  "n": 95.5\n}'


@pytest.mark.parametrize(
    ("severity", "urgency"),
    [("critical", "HIGH"), ("error", "MEDIUM"), ("warning", "MEDIUM"), ("info", "LOW")],
)
def test_severity_to_urgency(world: World, severity: str, urgency: str) -> None:
    assert world.send(event(severity=severity)).incident["urgency"] == urgency


def test_a_service_may_have_its_urgency_raised(moto_world: World) -> None:
    raising = moto_world.service.model_copy(update={"raises_urgency": True})
    put(moto_world, directory_items.directory_item(raising))
    known = moto_world.send(event(severity="info")).incident
    raised = moto_world.send(event(severity="critical"))
    assert raised.action == "deduplicated"
    assert raised.incident == known | {"urgency": "HIGH"}
    moto_world.send(event(severity="warning"))
    stored = incident(moto_world, known["id"])
    assert (stored.urgency, stored.alert_count, stored.changes) == ("HIGH", 3, 2)
    [change] = moto_world.table.changes(known["id"], deadline())
    assert (change.what, change.number, change.actor.name) == ("raised", 2, "Prometheus")


def test_trigger_resolve_resolve_trigger_opens_a_new_incident_that_pages(moto_world: World) -> None:
    # The original loses that page.
    sent = [moto_world.send(event(a)) for a in ("trigger", "resolve", "resolve", "trigger")]
    assert [response.action for response in sent] == [
        "triggered",
        "resolved",
        "ignored",
        "triggered",
    ]
    last = incident(moto_world, sent[-1].incident["id"])
    assert last.id != sent[0].incident["id"]
    assert (last.status, last.due_at) == (Status.OPEN, moto_world.clock())
    assert incident(moto_world, sent[0].incident["id"]).status is Status.RESOLVED


def test_one_incident_whichever_key_sends(moto_world: World) -> None:
    # Trigger by one integration, acknowledge by another, resolve by API key.
    known = moto_world.send(event()).incident["id"]
    second = moto_world.send(event("acknowledge"), key=moto_world.second_integration_key)
    resolve = event("resolve", service_id=moto_world.service.id)
    third = moto_world.send(resolve, key=moto_world.api_key)
    assert (second.incident["id"], third.incident["id"]) == (known, known)
    changes = moto_world.table.changes(known, deadline())
    assert [(change.what, change.actor.kind, change.actor.name) for change in changes] == [
        ("acknowledged", "integration", "Grafana"),
        ("resolved", "api_key", "ada's key"),
    ]
    [opening] = moto_world.table.alerts(known, deadline())
    assert (opening.actor.name, opening.actor.id) == ("Prometheus", "int_prometheus")


def test_the_same_key_of_another_service_is_another_incident(moto_world: World) -> None:
    known = moto_world.send(event()).incident["id"]
    elsewhere = event(service_id=moto_world.other_service.id)
    assert moto_world.send(elsewhere, key=moto_world.api_key).incident["id"] != known
    elsewhere = event("resolve", service_id=moto_world.other_service.id)
    moto_world.send(elsewhere, key=moto_world.api_key)
    assert incident(moto_world, known).status is Status.OPEN


def test_every_trigger_is_an_alert_with_when_and_by_which_key(moto_world: World) -> None:
    known = moto_world.send(event()).incident["id"]
    began = moto_world.clock()
    moto_world.clock.advance(seconds=5)
    moto_world.send(event(), key=moto_world.second_integration_key)
    alerts = moto_world.table.alerts(known, deadline())
    assert [(alert.at, alert.actor.name) for alert in alerts] == [
        (began, "Prometheus"),
        (moto_world.clock(), "Grafana"),
    ]
    stored = incident(moto_world, known)
    assert (stored.alert_count, stored.last_alert_at) == (2, moto_world.clock())
    assert stored.changes == 1, "an alert is no change"


def test_the_timeline_says_who_when_and_what(moto_world: World) -> None:
    known = incident_in(moto_world, Status.SNOOZED)
    moto_world.clock.advance(minutes=1)
    moto_world.send(event("acknowledge", payload={"summary": "On it"}))
    snoozed, acknowledged = moto_world.table.changes(known, deadline())
    assert (snoozed.what, snoozed.actor.name) == ("snoozed", "Ada")
    assert snoozed.detail == {"until": "2026-11-23T04:00:00+00:00"}
    assert (acknowledged.number, acknowledged.at) == (3, moto_world.clock())
    assert acknowledged.detail == {"summary": "On it"}
    assert (acknowledged.status, acknowledged.epoch) == (Status.ACKNOWLEDGED, 2)


def test_inside_a_maintenance_window_it_is_suppressed_and_still_triggered(
    moto_world: World,
) -> None:
    ends = moto_world.clock() + timedelta(hours=2)
    window = MaintenanceWindow(id="win_1", start=moto_world.clock(), end=ends, reason="upgrade")
    put(
        moto_world,
        directory_items.directory_item(
            moto_world.service.model_copy(update={"windows": (window,)})
        ),
    )
    response = moto_world.send(event())
    assert (response.action, response.incident["status"]) == ("triggered", "SUPPRESSED")
    stored = incident(moto_world, response.incident["id"])
    checked = moto_world.clock() + timedelta(minutes=5)
    assert (stored.window_id, stored.due_at) == ("win_1", checked)
    assert moto_world.send(event()).action == "deduplicated"
    moto_world.clock.at = ends
    assert moto_world.send(event(dedup_key="later")).incident["status"] == "OPEN"


def expiries(world: World, *kinds: str) -> set[Any]:
    return {item.get("expires_at", {}).get("N") for item in of_kind(world, *kinds)}


@pytest.mark.parametrize("status", ACTIVE, ids=str)
def test_an_active_incident_never_expires(world: World, status: Status) -> None:
    incident_in(world, status)
    world.send(event())
    assert expiries(world, "incident", "pointer") == {None}
    expected = str(int((world.clock() + RETENTION).timestamp()))
    assert expiries(world, "alert", "change") == {expected}


def test_a_resolved_incident_expires_after_the_retention(moto_world: World) -> None:
    incident_in(moto_world, Status.OPEN)
    moto_world.clock.advance(days=30)
    moto_world.send(event("resolve"))
    expected = datetime(2026, 12, 23, 3, tzinfo=UTC) + timedelta(days=400)
    assert expiries(moto_world, "incident", "change") == {str(int(expected.timestamp()))}


def listed(world: World, partition: str) -> list[str]:
    answer = world.table.client.query(
        TableName=world.table.name,
        IndexName="listing",
        KeyConditionExpression="listing = :listing",
        ExpressionAttributeValues={":listing": {"S": partition}},
    )
    return [item["title"]["S"] for item in answer["Items"]]


def test_lists_show_active_incidents_and_resolved_ones_by_month(moto_world: World) -> None:
    incident_in(moto_world, Status.SNOOZED, payload={"summary": "stays"}, dedup_key="a")
    incident_in(moto_world, Status.RESOLVED, payload={"summary": "goes"}, dedup_key="b")
    assert listed(moto_world, "active") == ["stays"]
    assert listed(moto_world, "resolved#svc_checkout#2026-11") == ["goes"]


def test_whatever_changed_is_due_at_once(moto_world: World) -> None:
    for status in ACTIVE:
        known = incident_in(moto_world, status, dedup_key=str(status))
        answer = moto_world.table.client.query(
            TableName=moto_world.table.name,
            IndexName="due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues={
                ":shard": {"S": items.due_shard(known)},
                ":now": {"S": stamp(moto_world.clock())},
            },
        )
        assert items.incident_key(known)["pk"] in [item["pk"] for item in answer["Items"]]


def test_ids_of_incidents_sort_by_time(moto_world: World) -> None:
    ids = []
    for number in range(5):
        ids.append(moto_world.send(event(dedup_key=str(number))).incident["id"])
        moto_world.clock.advance(seconds=0.001)
    assert ids == sorted(ids)
