"""Deliveries as they are stored and read back."""

from datetime import timedelta

from harness.world import RETENTION, World, deadline, event
from opsknight.directory.receivers import Channel, IncidentEvent, Owner
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.incident.model import Urgency
from opsknight.notification.bundle import Bundled
from opsknight.notification.delivery import Attempt, Delivery, delivery_id
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


def test_a_delivery_is_read_back_as_it_was_planned(world: World) -> None:
    incident_id = world.send(event()).incident["id"]
    attempt = Attempt(at=world.clock.at, outcome="retry", why="timeout", ms=9)
    planned = a_delivery(world, incident_id, attempts=(attempt,), step=0)
    assert world.table.plan_delivery(planned, deadline())
    assert world.table.delivery(incident_id, planned.id, deadline()) == planned
    assert world.table.delivery(incident_id, "p0", deadline()) is None


def test_a_delivery_is_planned_once(world: World) -> None:
    """Whoever plans it again must not undo what became of it."""
    first = a_delivery(world, "inc_1", why="first")
    assert world.table.plan_delivery(first, deadline())
    again = a_delivery(world, "inc_1", why="second")
    assert not world.table.plan_delivery(again, deadline())
    assert world.table.delivery("inc_1", first.id, deadline()) == first


def test_deliveries_come_in_the_order_in_which_they_leave(world: World) -> None:
    for number, minutes in enumerate((5, 0, 3)):
        delivery = a_delivery(
            world,
            "inc_1",
            id=f"p{number}",
            about=(PageReason.PAGED, IncidentEvent.RESOLVED, StatusPageEvent.CREATED)[number],
            not_before=world.clock.at + timedelta(minutes=minutes),
        )
        assert world.table.plan_delivery(delivery, deadline())
    assert world.table.plan_delivery(a_delivery(world, "inc_2"), deadline())
    found = world.table.deliveries("inc_1", deadline())
    assert [each.id for each in found] == ["p1", "p2", "p0"]


def test_a_pending_delivery_is_due_and_expires(world: World) -> None:
    item = message_items.delivery_item(a_delivery(world, "inc_1"), RETENTION)
    assert item["kind"] == {"S": "delivery"}
    assert item["due_shard"] == {"S": items.due_shard("inc_1")}
    assert item["due_at"] == {"S": stamp(world.clock.at)}
    assert item["expires_at"] == expiry(world.clock.at, RETENTION)


def test_a_delivery_expires_by_its_own_time_not_by_that_of_its_event(world: World) -> None:
    later = world.clock.at + timedelta(days=30)
    delivery = a_delivery(world, "inc_1", not_before=later)
    kept = expiry(later, RETENTION)
    assert message_items.delivery_item(delivery, RETENTION)["expires_at"] == kept
    held = message_items.held_delivery_item(delivery, Urgency.HIGH, 0, RETENTION)
    assert held["expires_at"] == kept


def test_a_bundle_lists_what_its_message_carried(world: World) -> None:
    told = [Bundled(incident_id=f"inc_{n}", delivery_id=f"p{n}") for n in range(3)]
    table = world.table
    for item in message_items.bundle_items("p9", told, world.clock.at, RETENTION):
        table.client.put_item(TableName=table.name, Item=item)
    assert table.bundle("p9", deadline()) == told
    assert table.bundle("p8", deadline()) == []
