"""After a storm: queues hold no more than their consumers take in a minute, and empty soon."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from escalation.budget import AGAIN_MINUTES, FIRST_WAKEUP, Drain, chosen, shares
from escalation.handler import on_message
from escalation.sweep import tick
from harness.pipeline import Pipeline
from harness.post import PAGES, TIMERS
from harness.world import World, deadline
from opsknight.directory.receivers import Channel, Owner
from opsknight.notification.delivery import Delivery, State, ended
from opsknight.notification.message import PageReason
from opsknight.runtime.wakeups import Budget, SendDelivery
from opsknight.store.deliveries import Deliveries
from opsknight.store.due import Due

PEOPLE = ("ada", "ben", "cai", "dee")
SECOND = timedelta(seconds=1)


@pytest.fixture
def night(world: World) -> Pipeline:
    return Pipeline(world, streaming=False)


def planned(night: Pipeline, incident: int, user: str, after: timedelta = 0 * SECOND) -> Delivery:
    """A delivery whose message is lost, or not received yet."""
    now = night.world.clock()
    delivery = Delivery(
        id=f"p{incident:04}{user}",
        incident_id=f"inc_{incident:04}",
        service_id="svc_checkout",
        alert_id="al_1",
        owner=Owner.user(f"user_{user}"),
        receiver_id="sms",
        channel=Channel.SMS,
        about=PageReason.PAGED,
        at=now,
        not_before=now + after,
        due_at=now + after,
    )
    assert night.world.table.plan_delivery(delivery, deadline())
    return delivery


def minute(night: Pipeline, consumer: Callable[[SendDelivery], None], takes: int) -> None:
    """A tick and its sweeps; then the consumer takes so many messages."""
    night.world.clock.advance(minutes=1)
    tick(night.engine)
    now = night.world.clock()
    while timers := [each for each in night.post.queued if each.queue == TIMERS]:
        night.post.queued.remove(timers[0])
        on_message(night.engine, timers[0].message)
    waiting = [each for each in night.post.queued if each.queue == PAGES and each.at <= now]
    for each in waiting[:takes]:
        night.post.queued.remove(each)
        assert isinstance(each.message, SendDelivery)
        consumer(each.message)


def test_200_incidents_for_four_people_do_not_flood_the_queue(night: Pipeline) -> None:
    for incident in range(200):
        for user in PEOPLE:
            planned(night, incident, user)
    done: set[str] = set()
    added: Counter[str] = Counter()

    def sent(message: SendDelivery) -> None:
        delivery = night.world.table.delivery(message.incident_id, message.delivery_id, deadline())
        assert delivery is not None
        done.add(delivery.id)
        Deliveries(night.world.table).change(
            delivery, ended(State.CANCELLED, "taken", night.world.clock()), deadline()
        )

    depths = []
    for _ in range(12):
        # Nobody takes anything.
        minute(night, sent, takes=0)
        depths.append(night.post.depth(PAGES))
    added.update(str(each.message) for each in night.post.queued if each.queue == PAGES)
    assert max(depths) <= 600, "what the consumers take in a minute"
    assert max(added.values()) <= 1 + 12 // AGAIN_MINUTES
    for _ in range(6):
        minute(night, sent, takes=600)
        depths.append(night.post.depth(PAGES))
    assert len(done) == 800
    assert depths[-1] == 0


def test_one_lost_message_costs_at_most_one_tick(night: Pipeline) -> None:
    delivery = planned(night, 1, "ada")
    minute(night, lambda _: None, takes=0)
    [queued] = [each for each in night.post.queued if each.queue == PAGES]
    assert queued.message == SendDelivery(delivery.incident_id, delivery.id, due_at=delivery.due_at)


def test_what_was_put_off_further_than_a_queue_can_gets_one_message_ahead(night: Pipeline) -> None:
    far = planned(night, 1, "ada", timedelta(minutes=20))
    planned(night, 2, "ben", timedelta(minutes=14))
    found = []
    for _ in range(20):
        minute(night, lambda _: None, takes=0)
        found += [(each.message, each.at) for each in night.post.queued if each.queue == PAGES]
        night.post.queued.clear()
        if night.world.clock() < far.not_before - timedelta(minutes=6):
            assert not found
    message = SendDelivery(far.incident_id, far.id, due_at=far.due_at)
    ahead = [(each, at) for each, at in found if each == message]
    assert len(ahead) == 1
    [(_, at)] = ahead
    assert timedelta(0) <= far.not_before - at < SECOND


def test_a_full_queue_gets_nothing_more() -> None:
    budgets = shares(Budget(0, 5000, 590), Drain(plans=1000, sends=600))
    assert [sum(each.sizes[queue] for each in budgets) for queue in range(3)] == [1000, 0, 10]
    assert all(each.busy for each in budgets)


def test_the_oldest_come_first_and_what_has_its_message_waits(night: Pipeline) -> None:
    now = night.world.clock()
    late = [Due("inc_1", now - n * SECOND, delivery_id=f"p{n}") for n in (90, 60, 30, 29, 0)]
    picked = chosen(late, now, Budget(1, 2, 1))
    assert [each.delivery_id for each in picked.things] == ["p90", "p60"]
    assert picked.left == Budget(1, 0, 1)
    picked = chosen(late, now, Budget(1, 9, 1))
    assert [each.delivery_id for each in picked.things] == ["p90", "p60", "p30"]
    assert timedelta(seconds=30) == FIRST_WAKEUP
