"""After a storm: queues hold no more than their consumers take in a minute, and empty soon."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from escalation.budget import (
    AGAIN_MINUTES,
    BUSY_SHARE,
    FIRST_WAKEUP,
    MINUTE,
    Thing,
    chosen,
    shares,
)
from escalation.handler import on_message
from escalation.sweep import tick
from harness.pipeline import Pipeline, step
from harness.post import PAGES, PAGES_HIGH, TIMERS, Queued
from harness.world import World, deadline
from opsknight.directory.receivers import Channel, Owner
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery, State, ended
from opsknight.notification.message import PageReason
from opsknight.runtime.lanes import Lane
from opsknight.runtime.wakeups import Budget, SendDelivery, SweepShard, TrackPage
from opsknight.store.deliveries import Deliveries
from opsknight.store.due import Due
from opsknight.store.items import due_shard

PEOPLE = ("ada", "ben", "cai", "dee")
SECOND = timedelta(seconds=1)


@pytest.fixture
def night(world: World) -> Pipeline:
    return Pipeline(world, streaming=False)


def planned(
    night: Pipeline,
    incident: int,
    user: str,
    after: timedelta = 0 * SECOND,
    urgency: Urgency | None = None,
) -> Delivery:
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
        urgency=urgency,
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


def test_100_incidents_for_four_people_do_not_flood_the_queue(night: Pipeline) -> None:
    takes = 300
    drain = dict.fromkeys(Lane, takes)
    night.engine = replace(night.engine, outbox=replace(night.engine.outbox, drain=drain))
    for incident in range(100):
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
    assert max(depths) <= takes, "what the consumers take in a minute"
    assert max(added.values()) <= 1 + 12 // AGAIN_MINUTES
    for _ in range(6):
        minute(night, sent, takes)
        depths.append(night.post.depth(PAGES))
    assert len(done) == 400
    assert depths[-1] == 0


def test_one_lost_message_costs_at_most_one_tick(night: Pipeline) -> None:
    delivery = planned(night, 1, "ada")
    minute(night, lambda _: None, takes=0)
    [queued] = [each for each in night.post.queued if each.queue == PAGES]
    assert queued.message == SendDelivery(delivery.incident_id, delivery.id, due_at=delivery.due_at)


def told_again_after(night: Pipeline, lost: int) -> list[float]:
    """Seconds after its time at which each message for a delivery comes that is 29 seconds overdue
    at a tick, if its first one and all that come are lost.
    """
    delivery = planned(night, 1, "ada", 31 * SECOND)
    found: list[float] = []
    while len(found) < lost:
        minute(night, lambda _: None, takes=0)
        mine = [
            each
            for each in night.post.queued
            if isinstance(each.message, SendDelivery) and each.message.delivery_id == delivery.id
        ]
        for each in mine:
            night.post.queued.remove(each)
            found.append((night.world.clock() - delivery.not_before).total_seconds())
    return found


def test_messages_that_are_lost_cost_half_a_minute_and_a_tick_each(night: Pipeline) -> None:
    found = told_again_after(night, 3)
    assert found == [89, 149, 209]
    most = [(FIRST_WAKEUP + number * MINUTE).total_seconds() for number in (1, 2, 3)]
    assert all(each < bound for each, bound in zip(found, most, strict=True))


def test_while_their_queue_is_busy_each_but_the_first_costs_five_minutes(night: Pipeline) -> None:
    for number in range(int(DRAIN[Lane.PAGES] * BUSY_SHARE) + 1):
        other = SendDelivery("inc_2", f"p{number}")
        night.post.queued.append(Queued(PAGES, other, night.world.clock()))
    assert told_again_after(night, 3) == [89, 89 + 300, 89 + 600]
    assert AGAIN_MINUTES == 5


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


DRAIN = {Lane.PLANS: 1000, Lane.PAGES_HIGH: 600, Lane.PAGES: 600, Lane.NOTICES: 600}


def test_a_full_lane_gets_nothing_more_and_takes_nothing_of_another() -> None:
    held = {Lane.PLANS: 0, Lane.PAGES_HIGH: 0, Lane.PAGES: 5000, Lane.NOTICES: 590}
    budgets = shares(held, DRAIN)
    sums = {lane: sum(getattr(each, lane) for each in budgets) for lane in Lane}
    assert sums == {Lane.PLANS: 1000, Lane.PAGES_HIGH: 600, Lane.PAGES: 0, Lane.NOTICES: 10}
    assert all(each.busy and not each.high_busy for each in budgets)
    held = {Lane.PLANS: 0, Lane.PAGES_HIGH: 200, Lane.PAGES: 0, Lane.NOTICES: 0}
    assert all(each.high_busy and not each.busy for each in shares(held, DRAIN))


def thing(seconds_ago: int, rank: int = 1, lane: Lane = Lane.PAGES) -> Thing:
    due = Due("inc_1", datetime.fromisoformat(NOW) - seconds_ago * SECOND, delivery_id="p1")
    return Thing(due, lane, rank, "")


NOW = "2026-11-23T03:00:00Z"


def picked(found: Iterable[Thing], budget: Budget) -> list[tuple[float, int]]:
    """How long ago each that gets a message was due, and its rank."""
    now = datetime.fromisoformat(NOW)
    things = chosen(found, now, budget)
    return [((now - each.due.at).total_seconds(), each.rank) for each in things]


def test_the_oldest_come_first_and_what_has_its_message_waits() -> None:
    late = [thing(seconds) for seconds in (29, 90, 60, 0, 30)]
    assert picked(late, Budget(0, 2, 0)) == [(90, 1), (60, 1)]
    assert picked(late, Budget(0, 9, 0)) == [(90, 1), (60, 1), (30, 1)]
    assert timedelta(seconds=30) == FIRST_WAKEUP


def test_the_most_urgent_come_first_and_a_tenth_goes_by_age() -> None:
    late = [thing(100 + number, rank=2) for number in range(50)]
    late += [thing(40 + number, rank=1) for number in range(50)]
    found = picked(late, Budget(0, 20, 0))
    assert [rank for _, rank in found] == [1] * 18 + [2] * 2
    # Among their like, the oldest.
    assert [age for age, _ in found] == [*range(89, 71, -1), 149, 148]


def test_each_lane_has_its_own_budget() -> None:
    late = [thing(60, 0, Lane.PAGES_HIGH), thing(90, 1, Lane.PAGES), thing(90, 1, Lane.NOTICES)]
    assert picked(late, Budget(0, 0, 0, 1)) == [(60, 0)]
    busy = Budget(0, 5, 5, 5, busy=True)
    # Overdue by a minute: while its lane is busy, not again before five.
    later = [replace(each, due=replace(each.due, at=each.due.at - 60 * SECOND)) for each in late]
    assert picked(later, busy) == [(120, 0)]


def test_what_is_high_gets_its_message_first_however_much_is_older(night: Pipeline) -> None:
    """The whole shard is read before the first message is sent."""
    for number in range(70):
        planned(night, 1, f"ada{number}")
    night.world.clock.advance(seconds=20)
    high = planned(night, 1, "ben", urgency=Urgency.HIGH)
    night.world.clock.advance(seconds=60)
    now = night.world.clock()
    shard = int(due_shard(high.incident_id))
    on_message(night.engine, SweepShard(shard, now, budget=Budget(10, 10, 10, 10)))
    # What follows is only for incidents.
    [rest] = [each for each in night.post.queued if each.queue == TIMERS]
    assert isinstance(rest.message, SweepShard)
    assert rest.message.budget == Budget(10, 0, 0, 0)
    by_lane = Counter(each.queue for each in night.post.queued)
    assert by_lane == {TIMERS: 1, PAGES: 10, PAGES_HIGH: 1}
    [found] = [each.message for each in night.post.queued if each.queue == PAGES_HIGH]
    assert found == SendDelivery(high.incident_id, high.id, due_at=high.due_at)
    assert night.post.queued[0].queue == PAGES_HIGH


def test_a_repeated_message_goes_into_the_group_of_the_first(night: Pipeline) -> None:
    night.escalates(step("ada"))
    night.engine.attend(night.trigger(), deadline())
    [page] = night.all_pages()
    night.planning.page(page.incident_id, page.page_no, page.user_id, deadline())
    first = {each.message: each.group for each in night.post.queued}
    night.post.queued.clear()
    minute(night, lambda _: None, takes=0)
    minute(night, lambda _: None, takes=0)
    minute(night, lambda _: None, takes=0)
    again = {each.message: each.group for each in night.post.queued if each.message in first}
    assert {type(message) for message in again} == {TrackPage, SendDelivery}
    assert again.items() <= first.items()


def test_the_tick_measures_how_long_the_worst_lane_needs_to_empty(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(900):
        queued = Queued(PAGES, SendDelivery("inc_1", f"p{number}"), night.world.clock())
        night.post.queued.append(queued)
    tick(night.engine)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["QueueMinutes"] for each in lines if "QueueMinutes" in each] == [[1.5]]


def test_a_backlog_is_measured_while_there_is_one_and_until_its_minutes_are_forgotten(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each minute of a metric is billed, and a gap between minutes is no end to an alarm."""

    def said(arrivals: int) -> bool:
        night.post.queued.clear()
        tick(night.engine, arrivals)
        night.world.clock.advance(minutes=1)
        return "QueueMinutes" in capsys.readouterr().out

    assert not said(arrivals=0)
    assert said(arrivals=1)
    assert [said(arrivals=0) for _ in range(12)] == [True] * 10 + [False] * 2


def test_events_of_aws_that_nobody_takes_are_heard(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alarm is over 5 minutes, at three looks."""
    tick(night.engine, arrivals=1)
    tick(night.engine, arrivals=0)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["QueueMinutes"] for each in lines if "QueueMinutes" in each] == [[6.0], [0.0]]
