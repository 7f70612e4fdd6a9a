"""Deliveries as they are stored and read back."""

from datetime import timedelta

from harness.world import RETENTION, World, deadline, event
from opsknight.directory.receivers import Channel, IncidentEvent, Owner, StatusPageEvent
from opsknight.notification.delivery import Attempt, Bundled, Delivery, delivery_id
from opsknight.notification.message import PageReason
from opsknight.store import items, message_items
from opsknight.store.wire import expiry, stamp


def a_delivery(world: World, incident_id: str, **more: object) -> Delivery:
    fields: dict[str, object] = {
        "id": delivery_id("p", incident_id, 1, "user_ada", "email"),
        "incident_id": incident_id,
        "service_id": world.service.id,
        "alert_id": "al_1",
        "owner": Owner.user("user_ada"),
        "receiver_id": "email",
        "channel": Channel.EMAIL,
        "about": PageReason.PAGED,
        "at": world.clock.at,
        "page_no": 1,
        "not_before": world.clock.at,
        "due_at": world.clock.at,
    }
    return Delivery.model_validate(fields | more)


def test_a_delivery_is_read_back_as_it_was_planned(moto_world: World) -> None:
    incident_id = moto_world.send(event()).incident["id"]
    attempt = Attempt(at=moto_world.clock.at, outcome="retry", why="timeout", ms=9)
    planned = a_delivery(moto_world, incident_id, attempts=(attempt,), step=0)
    assert moto_world.table.plan_delivery(planned, deadline())
    assert moto_world.table.delivery(incident_id, planned.id, deadline()) == planned
    assert moto_world.table.delivery(incident_id, "p0", deadline()) is None


def test_a_delivery_is_planned_once(moto_world: World) -> None:
    """Whoever plans it again must not undo what became of it."""
    first = a_delivery(moto_world, "inc_1", why="first")
    assert moto_world.table.plan_delivery(first, deadline())
    again = a_delivery(moto_world, "inc_1", why="second")
    assert not moto_world.table.plan_delivery(again, deadline())
    assert moto_world.table.delivery("inc_1", first.id, deadline()) == first


def test_deliveries_come_in_the_order_in_which_they_leave(moto_world: World) -> None:
    for number, minutes in enumerate((5, 0, 3)):
        delivery = a_delivery(
            moto_world,
            "inc_1",
            id=f"p{number}",
            about=(PageReason.PAGED, IncidentEvent.RESOLVED, StatusPageEvent.CREATED)[number],
            not_before=moto_world.clock.at + timedelta(minutes=minutes),
        )
        assert moto_world.table.plan_delivery(delivery, deadline())
    assert moto_world.table.plan_delivery(a_delivery(moto_world, "inc_2"), deadline())
    found = moto_world.table.deliveries("inc_1", deadline())
    assert [each.id for each in found] == ["p1", "p2", "p0"]


def test_a_pending_delivery_is_due_and_expires(moto_world: World) -> None:
    item = message_items.delivery_item(a_delivery(moto_world, "inc_1"), RETENTION)
    assert item["kind"] == {"S": "delivery"}
    assert item["due_shard"] == {"S": items.due_shard("inc_1")}
    assert item["due_at"] == {"S": stamp(moto_world.clock.at)}
    assert item["expires_at"] == expiry(moto_world.clock.at, RETENTION)


def test_a_bundle_lists_what_its_message_carried(moto_world: World) -> None:
    told = [Bundled(incident_id=f"inc_{n}", delivery_id=f"p{n}") for n in range(3)]
    table = moto_world.table
    for item in message_items.bundle_items("p9", told, moto_world.clock.at, RETENTION):
        table.client.put_item(TableName=table.name, Item=item)
    assert table.bundle("p9", deadline()) == told
    assert table.bundle("p8", deadline()) == []
