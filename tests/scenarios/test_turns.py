"""A receiver's turn: who waits for it, what its message tells, and what becomes of failures, deaths
and lost answers in it.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from escalation.handler import on_message
from escalation.sweep import tick
from harness.faults import DEATHS, DISTINCT, Died, Fault, Point, Process
from harness.pipeline import Pipeline, step
from harness.post import PAGES, PAGES_HIGH, PLANS, TIMERS
from harness.processes import planning, sending
from harness.world import World, build, deadline
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from notify.handler import send
from opsknight.directory.entries import Role, Service, User
from opsknight.directory.receivers import Channel, Owner, Receiver, ServiceReceiver
from opsknight.escalation.pages import PageState
from opsknight.notification.bundle import SentBundle
from opsknight.notification.delivery import Attempt, AttemptOutcome, Delivery, State, ended
from opsknight.notification.throttle import LEASE, ReceiverState
from opsknight.runtime.wakeups import SendDelivery, SendHeld, TrackPage
from opsknight.store.calls import Conflict
from opsknight.store.directory_items import directory_item
from opsknight.store.items import receiver_state_key
from opsknight.store.receivers import Receivers
from opsknight.store.wire import wire

SMS = Owner.user("user_ada").destination("ada/sms")


def prepare(world: World) -> Pipeline:
    night = Pipeline(world)
    sms = Receiver(id="ada/sms", name="", channel=Channel.SMS, to="+4915112345678")
    known = User(id="user_ada", name="Ada", email="", role=Role.ADMIN, contact_methods=(sms,))
    night.put(directory_item(known))
    night.escalates(step("ada"), repeat_after=360_000)
    return night


@pytest.fixture
def night(world: World) -> Pipeline:
    """One incident was told a moment ago; the next ones wait."""
    found = prepare(world)
    found.trigger("told")
    found.hears("ada/sms paged")
    return found


def state(night: Pipeline) -> ReceiverState:
    return Receivers(night.world.table).state(SMS, deadline())


def held(night: Pipeline) -> list[Delivery]:
    return [each for each in night.deliveries() if each.state is State.PENDING and not each.due_at]


def queued(night: Pipeline) -> list[object]:
    """The messages for senders, each once, as ticks repeat them; without those of later rules."""
    soon = night.world.clock() + timedelta(minutes=2)
    found = [each for each in night.post.queued if each.at < soon]
    turns = [each.message for each in found if isinstance(each.message, SendHeld)]
    others = [each.message for each in found if isinstance(each.message, SendDelivery)]
    return [*dict.fromkeys(turns), *others]


def other_service(night: Pipeline, name: str) -> str:
    fields = night.world.service.model_dump() | {"id": name, "name": name}
    night.put(directory_item(Service.model_validate(fields)))
    return name


def trigger_of(night: Pipeline, service_id: str, key: str) -> None:
    payload = {"summary": key, "source": "x", "severity": "critical"}
    body = {"event_action": "trigger", "dedup_key": key, "payload": payload}
    answer = night.world.send(body | {"service_id": service_id}, key=night.world.api_key)
    assert answer.status == 202
    night.settle()


def test_what_waits_is_not_due_its_receiver_is_and_one_wakeup_is_on_its_way(
    night: Pipeline,
) -> None:
    told_at = night.world.clock()
    for number in range(5):
        night.trigger(f"disk-{number}")
    assert len(held(night)) == 5
    assert state(night).due_at == told_at + timedelta(minutes=1)
    assert queued(night) == [SendHeld(SMS, told_at + timedelta(minutes=1))]
    night.wait(minutes=1).hears("ada/sms paged x5")
    assert held(night) == []
    # The turn after it finds nothing.
    night.wait(minutes=1).hears()
    assert state(night).due_at is None


def test_what_one_message_cannot_tell_waits_for_the_pace(night: Pipeline) -> None:
    """Never two messages in an interval, however large the storm."""
    for number in range(5):
        night.trigger(f"disk-{number}")
    turns = night.sending.turns
    few = replace(turns, bundles=replace(turns.bundles, most=3))
    night.world.clock.advance(seconds=60)
    few.take(SMS, deadline())
    night.hears("ada/sms paged x3")
    seen = state(night)
    assert seen.due_at == seen.next_at == night.world.clock() + timedelta(minutes=1)
    assert not seen.pace_waived
    night.world.clock.advance(seconds=60)
    few.take(SMS, deadline())
    night.hears("ada/sms paged x2")
    assert held(night) == []


def test_one_that_is_over_keeps_no_other_from_being_told_or_finished(night: Pipeline) -> None:
    """Many are written at once, all or none; then each goes by itself."""
    incidents = [night.trigger(f"disk-{number}") for number in range(4)]
    gone = next(each for each in held(night) if each.incident_id == incidents[1])
    members = night.sending.turns.members
    others = [each for each in held(night) if each.id != gone.id]
    leader = others[0]
    assert members.deliveries.change(gone, ended(State.CANCELLED, "", gone.at), deadline())
    claimed = members.claimed(leader, [leader, gone, *others[1:]], "token", deadline())
    assert [each.id for each in claimed] == [each.id for each in others]
    assert members.claimed(gone, [gone, *others], "token", deadline()) == []
    made = Attempt(at=gone.at, outcome=AttemptOutcome.SENT)
    sent = SentBundle(token="token", attempt=made)
    finished = members.finish([*claimed, gone], sent, deadline())
    assert len(finished) == len(claimed) + 1
    stored = {each.id: each.state for each in night.deliveries()}
    assert {stored[each.id] for each in claimed} == {State.SENT}
    assert stored[gone.id] is State.CANCELLED
    reached = {each.incident_id for each in night.all_pages() if each.reached_at is not None}
    assert reached >= {each.incident_id for each in claimed}


def test_a_lost_wakeup_of_a_receiver_costs_a_tick(night: Pipeline) -> None:
    night.trigger("disk")
    night.post.queued.clear()
    night.wait(minutes=2).hears("ada/sms paged")


def test_the_most_urgent_leads_and_then_the_oldest(night: Pipeline) -> None:
    night.trigger("warning", payload={"severity": "warning"})
    night.world.clock.advance(seconds=1)
    first = night.trigger("first")
    night.world.clock.advance(seconds=1)
    night.trigger("second")
    night.wait(minutes=1)
    (bundle,) = night.listener.new()
    leader = next(each for each in night.deliveries() if each.id == bundle.message.delivery_id)
    assert leader.incident_id == first
    keys = [brief.dedup_key for brief in bundle.message.incidents]
    assert keys == ["first", "second", "warning"]


def test_after_a_temporary_failure_the_leader_tries_again_in_the_next_turn(night: Pipeline) -> None:
    for number in range(3):
        night.trigger(f"disk-{number}")
    asked = TemporaryFailure("answered 429", timedelta(seconds=20))
    night.listener.answer("ada/sms", [asked])
    night.wait(minutes=1).hears("ada/sms paged x3")
    again = night.world.clock() + timedelta(seconds=20)
    assert state(night).due_at == again
    assert queued(night) == [SendHeld(SMS, again)]
    # The pace was not moved by a message that nobody took.
    next_at = state(night).next_at
    assert next_at is not None
    assert next_at <= night.world.clock()
    night.wait(seconds=20).hears("ada/sms paged x3")
    first, second = night.listener.heard[-2:]
    assert first.message.delivery_id == second.message.delivery_id
    assert {each.state for each in night.all_pages()} == {PageState.REACHED}


def test_a_permanent_failure_is_the_leaders_and_the_others_go_on_at_once(night: Pipeline) -> None:
    for number in range(3):
        night.trigger(f"disk-{number}")
    night.listener.answer("ada/sms", [PermanentFailure("text too long")])
    night.wait(minutes=1).hears("ada/sms paged x3", "ada/sms paged x2")
    (failed,) = [each for each in night.deliveries() if each.state is State.FAILED]
    assert failed.id == night.listener.heard[1].message.delivery_id
    assert held(night) == []


def test_a_first_incident_that_nobody_took_clears_nobodys_pace(night: Pipeline) -> None:
    next_at = state(night).next_at
    night.listener.answer("ada/sms", [TemporaryFailure("answered 500")])
    trigger_of(night, other_service(night, "svc_new"), "new")
    night.hears("ada/sms paged")
    assert state(night).next_at == next_at
    night.trigger("waits")
    night.hears()


def test_the_exemption_is_spent_by_whoever_sent(night: Pipeline) -> None:
    """A first incident that was not told leaves it to the next one."""
    service = other_service(night, "svc_new")
    night.listener.answer("ada/sms", [PermanentFailure("refused")])
    trigger_of(night, service, "refused")
    trigger_of(night, service, "told")
    trigger_of(night, service, "waits")
    night.hears("ada/sms paged", "ada/sms paged")


def test_a_bundle_spends_the_exemption_of_each_service_that_it_told(night: Pipeline) -> None:
    service = other_service(night, "svc_new")
    night.trigger("waits")
    night.wait(minutes=1).hears("ada/sms paged")
    trigger_of(night, service, "new")
    night.hears("ada/sms paged")
    trigger_of(night, service, "waits too")
    night.hears().wait(minutes=1).hears("ada/sms paged")


def test_an_exempt_message_takes_along_all_that_waits(night: Pipeline) -> None:
    night.trigger("waits")
    trigger_of(night, other_service(night, "svc_new"), "new")
    night.hears("ada/sms paged x2")


def test_whatever_is_unreadable_holds_up_no_other(night: Pipeline) -> None:
    night.trigger("broken")
    night.trigger("whole")
    # The first one was sent at once.
    broken = held(night)[0]
    night.damage(f"incident#{broken.incident_id}", f"delivery#{broken.id}", "about")
    night.wait(minutes=1).hears("ada/sms paged")


def test_a_wakeup_that_is_early_is_put_back_and_one_out_of_date_ends(world: World) -> None:
    night = prepare(world)
    night.streaming = False
    night.engine.attend(night.trigger("cpu"), deadline())
    night.streaming = True
    night.settle()
    night.hears("ada/sms paged")
    (later,) = [each for each in night.deliveries() if each.state is State.PENDING]
    assert later.due_at is not None
    night.post.queued.clear()
    night.world.clock.at = later.due_at - timedelta(seconds=3)
    send(night.sending, SendDelivery(later.incident_id, later.id, due_at=later.due_at))
    (back,) = night.post.queued
    assert back.at == later.due_at
    night.post.queued.clear()
    stale = later.due_at - timedelta(minutes=1)
    send(night.sending, SendDelivery(later.incident_id, later.id, due_at=stale))
    assert night.post.queued == []
    night.hears()


def test_of_a_bundle_that_was_sent_nothing_is_told_again(dynamodb: str) -> None:
    """Its sender died after the one write that settles it: whoever comes next finishes it."""
    night = prepare(build(dynamodb))
    night.trigger("told")
    for number in range(3):
        night.trigger(f"disk-{number}")
    night.post.queued.clear()
    night.world.clock.advance(minutes=1)
    process = Process()
    watched = process.runs(night.world, dynamodb).table
    senders = night.listener.through(process)
    dying = sending(night.world, night.post, senders, watched, process.watch)
    _dies_after(process, Point("PutItem", "main", 1))
    with pytest.raises(Died):
        send(dying, SendHeld(SMS, night.world.clock()))
    assert len(night.listener.heard) == 2
    assert len(held(night)) == 3
    # Not even the judge of their pages waits for the next turn.
    for page in night.all_pages():
        night.sending.page_tracker.page(page, deadline())
    assert {each.state for each in night.all_pages()} == {PageState.REACHED}
    next_turn(night)
    assert len(night.listener.heard) == 2
    assert held(night) == []


def test_a_bundle_whose_sender_died_is_told_again_under_its_id_whatever_came_since(
    dynamodb: str,
) -> None:
    night = prepare(build(dynamodb))
    night.trigger("told")
    for number in range(3):
        night.trigger(f"disk-{number}", payload={"severity": "warning"})
    night.post.queued.clear()
    night.world.clock.advance(minutes=1)
    process = Process()
    watched = process.runs(night.world, dynamodb).table
    senders = night.listener.through(process)
    dying = sending(night.world, night.post, senders, watched, process.watch)
    _dies_after(process, Point("Send", "outside", 1))
    with pytest.raises(Died):
        send(dying, SendHeld(SMS, night.world.clock()))
    night.trigger("more urgent")
    next_turn(night)
    _, lost, again = night.listener.heard
    assert again.message.delivery_id == lost.message.delivery_id
    assert len(again.message.incidents) == 4


def test_a_turn_that_found_nothing_forgets_nobody_who_was_held_meanwhile(night: Pipeline) -> None:
    night.trigger("first")
    seen, receivers = state(night), Receivers(night.world.table)
    night.trigger("second")
    assert state(night).due_at == seen.due_at
    with pytest.raises(Conflict):
        receivers.move(SMS, seen, None, deadline())


def next_turn(night: Pipeline) -> None:
    """The wakeup of the receiver's next turn comes in time."""
    at = state(night).due_at
    assert at is not None
    night.world.clock.at = max(night.world.clock.at, at)
    send(night.sending, SendHeld(SMS, at))


def _dies_after(process: Process, point: Point) -> None:
    process.fault = next(each for each in DEATHS if each.moment == "after")
    process.at, process.watching = point, True


LOST = [each for each in DISTINCT if each.moment == "after" and not each.writes_only]


@pytest.mark.parametrize("fault", LOST, ids=str)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_sender_finds_its_own_lease_and_claim_after_a_lost_answer(
    dynamodb: str, number: int, fault: Fault
) -> None:
    night = prepare(build(dynamodb))
    night.streaming = False
    night.engine.attend(night.trigger("cpu"), deadline())
    for page in night.all_pages():
        night.planning.page(page.incident_id, page.page_no, page.user_id, deadline())
    first = min(night.deliveries(), key=lambda each: each.not_before)
    process = Process(fault, Point("UpdateItem", "main", number))
    table = process.runs(night.world, dynamodb).table
    sender = sending(night.world, night.post, night.listener.senders(), table, process.watch)
    process.watching = True
    send(sender, SendDelivery(first.incident_id, first.id))
    night.hears("ada/sms paged")
    later = night.world.clock() + timedelta(minutes=1)
    assert state(night) == ReceiverState(next_at=later, urgent_next_at=later)
    assert {page.state for page in night.all_pages()} == {PageState.REACHED}


@pytest.mark.parametrize("fault", LOST, ids=str)
@pytest.mark.parametrize("planned", ["page", "change"])
def test_a_planner_wakes_senders_after_a_lost_answer(
    dynamodb: str, planned: str, fault: Fault
) -> None:
    """Otherwise only a tick, up to a minute later, would."""
    night = prepare(build(dynamodb))
    fields = {"id": "ops", "name": "", "channel": Channel.WEBHOOK, "to": "https://x.example.com"}
    hook = ServiceReceiver.model_validate(fields | {"service_id": night.world.service.id})
    night.put(directory_item(hook))
    night.streaming = False
    incident = night.trigger("cpu")
    night.engine.attend(incident, deadline())
    process = Process(fault, Point("UpdateItem", "main", 1))
    table = process.runs(night.world, dynamodb).table
    planner = planning(night.world, night.post, table, process.watch)
    process.watching = True
    night.post.queued.clear()
    if planned == "page":
        planner.page(incident, 1, "user_ada", deadline())
    else:
        planner.incident(incident, deadline())
    wakeups = [each for each in night.post.queued if isinstance(each.message, SendDelivery)]
    assert len(wakeups) == (2 if planned == "page" else 1)


def test_what_waits_for_a_receiver_that_takes_messages_is_late_and_not_unreached(
    night: Pipeline,
) -> None:
    """In a large storm one person's messages are full, turn after turn."""
    began = night.world.clock()
    night.trigger("waits")
    night.world.table.client.update_item(
        TableName=night.world.table.name,
        Key=receiver_state_key(SMS),
        UpdateExpression="SET next_at = :told, urgent_next_at = :told, due_at = :later",
        ExpressionAttributeValues={
            ":told": wire(began + timedelta(seconds=320)),
            ":later": wire(began + timedelta(seconds=400)),
        },
    )
    # Beyond the five minutes after which a page that nobody tried has failed.
    night.wait(seconds=315).hears()
    assert PageState.FAILED not in {page.state for page in night.all_pages()}
    next_turn(night)
    # Its second round has come meanwhile, and that of the first incident.
    night.hears("ada/sms paged x2")
    assert {page.state for page in night.all_pages()} == {PageState.REACHED}


def test_an_incident_whose_step_came_twice_while_its_receiver_was_busy_is_told_once(
    night: Pipeline,
) -> None:
    """Two pages of it wait; a batch of writes that names one item twice is refused as a whole."""
    night.trigger("waits")
    (first,) = held(night)
    now = night.world.clock()
    second = first.model_copy(update={"id": f"{first.id}again", "due_at": now})
    assert night.world.table.plan_delivery(second, deadline())
    send(night.sending, SendDelivery(second.incident_id, second.id))
    assert len(held(night)) == 2
    night.trigger("other")
    night.wait(minutes=1).hears("ada/sms paged x2")
    assert held(night) == []


def test_of_two_senders_who_both_saw_it_free_one_pages(world: World) -> None:
    receivers, now = Receivers(world.table), world.clock()
    lease = partial(receivers.acquire_page_lease, SMS, now=now, turn=False, pace=None)
    lease("slot_0", "one", deadline=deadline())
    with pytest.raises(Conflict):
        lease("slot_1", "other", deadline=deadline())
    assert receivers.state(SMS, deadline()).page_token == "one"


def test_a_dead_senders_lease_ends(night: Pipeline) -> None:
    receivers, now = Receivers(night.world.table), night.world.clock() + timedelta(minutes=1)
    night.world.clock.at = now
    receivers.acquire_page_lease(SMS, "slot_0", "dead", now, deadline(), pace="next_at", turn=False)
    trigger_of(night, other_service(night, "svc_new"), "new")
    # Exempt from the pace, never from the lease.
    night.hears()
    assert state(night).due_at == now + LEASE
    night.wait(minutes=1).hears("ada/sms paged")


MEDIUM = {"severity": "warning"}


def test_something_high_waits_at_most_15_seconds_behind_what_is_not(world: World) -> None:
    night = prepare(world)
    night.trigger("told", payload=MEDIUM)
    night.hears("ada/sms paged")
    told_at = night.world.clock()
    night.trigger("waits", payload=MEDIUM)
    night.wait(seconds=5).hears()
    night.trigger("urgent")
    assert queued(night)[-1] == SendHeld(SMS, told_at + timedelta(seconds=15))
    night.wait(seconds=10)
    (bundle,) = night.listener.new()
    assert [brief.dedup_key for brief in bundle.message.incidents] == ["urgent", "waits"]
    # That message told of something HIGH: the next one waits for the whole interval.
    night.trigger("urgent too")
    night.wait(seconds=59).hears()
    night.wait(seconds=1).hears("ada/sms paged")
    assert night.world.clock() == told_at + timedelta(seconds=75)


def test_something_high_does_not_wait_if_the_last_message_is_a_quarter_minute_old(
    world: World,
) -> None:
    night = prepare(world)
    night.trigger("told", payload=MEDIUM)
    night.hears("ada/sms paged")
    night.trigger("waits", payload=MEDIUM)
    night.wait(seconds=20).hears()
    night.trigger("urgent")
    night.hears("ada/sms paged x2")


def test_what_is_not_high_waits_for_the_whole_interval(world: World) -> None:
    night = prepare(world)
    night.trigger("told", payload=MEDIUM)
    night.hears("ada/sms paged")
    night.trigger("waits", payload=MEDIUM)
    night.wait(seconds=59).hears()
    night.wait(seconds=1).hears("ada/sms paged")


def lanes_of(night: Pipeline) -> list[str]:
    """The lanes of the wakeups that are on their way."""
    return [each.queue for each in night.post.queued if each.queue != TIMERS]


def test_a_turn_is_in_the_lane_of_high_only_while_something_high_is_held(world: World) -> None:
    night = prepare(world)
    night.trigger("told", payload=MEDIUM)
    night.trigger("waits", payload=MEDIUM)
    turns = [each for each in night.post.queued if isinstance(each.message, SendHeld)]
    assert [each.queue for each in turns] == [PAGES]
    night.trigger("urgent")
    turns = [each for each in night.post.queued if isinstance(each.message, SendHeld)]
    assert [each.queue for each in turns] == [PAGES, PAGES_HIGH]
    assert state(night).urgent
    night.wait(seconds=15).hears("ada/sms paged", "ada/sms paged x2")
    assert not state(night).urgent
    night.trigger("waits too", payload=MEDIUM)
    turns = [each for each in night.post.queued if isinstance(each.message, SendHeld)]
    assert PAGES_HIGH not in [each.queue for each in turns]


def test_something_high_that_comes_while_a_message_is_under_way_is_not_forgotten(
    world: World,
) -> None:
    """Its sender does not know of it: it counts what is held before it releases the lease."""
    night = prepare(world)
    night.trigger("told", payload=MEDIUM)
    night.trigger("waits", payload=MEDIUM)
    night.wait(seconds=30)
    turn = night.sending.throttling
    night.world.clock.advance(seconds=30)
    leased = turn.receiver_turn(SMS, deadline())
    assert leased is not None
    night.trigger("urgent")
    now = night.world.clock()
    turn.release(
        leased,
        Sent(),
        deadline(),
        pages=True,
        interval=timedelta(minutes=1),
        urgent_left=False,
    )
    assert state(night).urgent
    assert state(night).due_at == now + timedelta(seconds=15)


def test_a_high_page_is_planned_judged_and_sent_in_its_own_lane(world: World) -> None:
    night = prepare(world)
    night.streaming = False
    night.engine.attend(night.trigger("cpu"), deadline())
    night.post.queued.clear()
    # The stream has lost it.
    night.world.clock.advance(minutes=1)
    tick(night.engine)
    while timers := [each for each in night.post.queued if each.queue == TIMERS]:
        night.post.queued.remove(timers[0])
        on_message(night.engine, timers[0].message)
    [page] = night.all_pages()
    wakeups = [(each.queue, each.message) for each in night.post.queued if each.queue != PLANS]
    assert wakeups == [(PAGES_HIGH, TrackPage(page.incident_id, 1, "user_ada"))]
    night.settle().hears("ada/sms paged")
    assert set(lanes_of(night)) == {PAGES_HIGH}
