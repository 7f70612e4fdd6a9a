"""A message that its provider repeats is called off once somebody has acted, wherever they did."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pytest

from harness.faults import DEATHS, Died, Point, Process
from harness.pipeline import Pipeline, step
from harness.post import PAGES, PAGES_HIGH
from harness.processes import planning, sending
from harness.world import World, build, deadline
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from notify.handler import plan, send
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.incident.commands import (
    Acknowledge,
    Escalate,
    Note,
    Prioritize,
    Resolve,
    Suppress,
)
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.requested import deliveries_of_test
from opsknight.notification.ringing import LARGEST_CALLED_OFF
from opsknight.runtime.wakeups import PlanNotices, QueueMessage, SendDelivery, SendHeld
from opsknight.store import directory_items
from opsknight.store.receivers import Receivers

AWAY = TemporaryFailure("timed out")


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    yield ringing(world)


def ringing(world: World, channel: Channel = Channel.PUSHOVER) -> Pipeline:
    pipeline = Pipeline(world)
    method = Receiver(id="ada/push", name="Push", channel=channel, to="ada")
    ada = User(
        id="user_ada",
        name="Ada",
        email="ada@example.com",
        role=Role.USER,
        contact_methods=(method,),
    )
    pipeline.put(directory_items.directory_item(ada))
    pipeline.escalates(step("ada"), repeat_after=3600)
    return pipeline


def silenced(night: Pipeline) -> list[str]:
    """The names of what was called off since the last call."""
    found = [ring for _, ring in night.listener.silenced]
    night.listener.silenced.clear()
    return found


def first(night: Pipeline, incident: str | None = None) -> Delivery:
    """The message that goes out at once; the rule's second one follows after three minutes."""
    found = [each for each in night.deliveries() if incident in (None, each.incident_id)]
    return min(found, key=lambda each: each.not_before)


@pytest.mark.parametrize("command", [Acknowledge(), Resolve(), Suppress()])
def test_whoever_acts_ends_the_ringing(night: Pipeline, command: Any) -> None:
    incident = night.trigger()
    night.wait(seconds=30)
    assert silenced(night) == []
    night.does(incident, command)
    [heard] = night.listener.new()
    assert silenced(night) == [heard.message.delivery_id]
    night.wait(minutes=20)
    assert silenced(night) == []
    assert first(night).due_at is None


def test_an_event_ends_the_ringing_too(night: Pipeline) -> None:
    night.trigger()
    night.send("resolve")
    assert len(silenced(night)) == 1


def test_a_note_ends_no_ringing(night: Pipeline) -> None:
    incident = night.trigger()
    night.does(incident, Note(text="I am looking", public=False))
    assert silenced(night) == []


def test_what_rings_no_more_is_left_alone(night: Pipeline) -> None:
    incident = night.trigger()
    night.wait(minutes=11)
    silenced(night)
    heard = [each.message.delivery_id for each in night.listener.new()]
    night.does(incident, Acknowledge())
    # The rule's second message, after three minutes, rings still.
    assert silenced(night) == heard[1:]


def test_a_channel_that_rings_once_is_not_asked(world: World) -> None:
    night = ringing(world, Channel.NTFY)
    night.does(night.trigger(), Acknowledge())
    assert silenced(night) == []


def test_a_provider_that_is_away_is_asked_again_while_it_rings(night: Pipeline) -> None:
    incident = night.trigger()
    night.listener.answer("ada/push silence", [AWAY, AWAY])
    night.does(incident, Acknowledge()).wait(minutes=3)
    assert len(silenced(night)) == 3
    night.wait(minutes=30)
    assert silenced(night) == []


def test_a_provider_that_stays_away_is_asked_for_ten_minutes(night: Pipeline) -> None:
    incident = night.trigger()
    night.listener.answer("ada/push silence", repeat(AWAY))
    night.does(incident, Acknowledge()).wait(minutes=10)
    assert silenced(night)
    night.wait(minutes=30)
    assert silenced(night) == []
    assert first(night).due_at is None


def test_a_refusal_is_not_repeated(night: Pipeline) -> None:
    incident = night.trigger()
    night.listener.answer("ada/push silence", repeat(PermanentFailure("answered 400")))
    night.does(incident, Acknowledge()).wait(minutes=9)
    assert len(silenced(night)) == 1


def bundled(night: Pipeline) -> tuple[list[str], str]:
    """Three incidents in one message, and its id."""
    night.trigger("first")
    night.wait(seconds=1)
    found = [night.trigger(key) for key in ("disk-a", "disk-b", "disk-c")]
    night.wait(seconds=30)
    message = night.listener.new()[-1].message
    assert sorted(each.id for each in message.incidents) == sorted(found)
    return found, message.delivery_id


def test_a_bundle_rings_until_somebody_has_acted_on_all_of_it(night: Pipeline) -> None:
    found, ring = bundled(night)
    for incident in found[:-1]:
        night.does(incident, Acknowledge())
        assert silenced(night) == []
    night.does(found[-1], Resolve())
    assert silenced(night) == [ring]


def test_a_bundle_rings_on_for_one_that_cannot_be_read(night: Pipeline) -> None:
    """It may well be open."""
    found, ring = bundled(night)
    [leads] = [each.incident_id for each in night.deliveries() if each.id == ring]
    others = [each for each in found if each != leads]
    night.damage(f"incident#{others[0]}", "incident", "seen_content")
    for incident in (leads, others[1]):
        night.does(incident, Acknowledge())
    assert silenced(night) == []


def test_of_a_bundle_only_its_leader_is_called_off(night: Pipeline) -> None:
    found, ring = bundled(night)
    night.streaming = False
    for incident in found:
        night.does(incident, Acknowledge())
    for incident in found:
        plan(night.planning, PlanNotices(incident))
    assert [each.id for each in night.deliveries() if each.stops_ringing] == [ring]
    wakeups = [each.message for each in night.post.queued if each.at <= night.world.clock()]
    assert [each.delivery_id for each in wakeups if isinstance(each, SendDelivery)] == [ring]
    assert silenced(night) == []
    night.settle()
    assert silenced(night) == [ring]


def test_a_bundle_that_still_wakes_marks_nothing(night: Pipeline) -> None:
    found, _ = bundled(night)
    for incident in found[:-1]:
        night.down = frozenset({PAGES_HIGH, PAGES})
        night.does(incident, Acknowledge())
    assert [each for each in night.deliveries() if each.stops_ringing] == []


def test_a_bundle_of_too_many_marks_nothing(night: Pipeline) -> None:
    night.trigger("first")
    found = [night.trigger(f"disk-{number}") for number in range(LARGEST_CALLED_OFF + 1)]
    night.wait(seconds=30)
    assert len(night.listener.new()[-1].message.incidents) == len(found)
    night.streaming = False
    for incident in found:
        night.does(incident, Acknowledge())
    plan(night.planning, PlanNotices(found[-1]))
    assert [each for each in night.deliveries() if each.stops_ringing] == []


def test_calling_off_holds_up_no_page(night: Pipeline) -> None:
    incident = night.trigger()
    night.down = frozenset({PAGES_HIGH})
    night.does(incident, Acknowledge())
    assert silenced(night) == [first(night).id]
    # Nor does the sweep bring it back there.
    night.down = frozenset({PAGES_HIGH, PAGES})
    later = night.trigger("later")
    night.down = frozenset({PAGES})
    night.wait(seconds=90)
    night.does(later, Acknowledge())
    night.down = frozenset({PAGES_HIGH})
    night.wait(minutes=3)
    assert len(silenced(night)) == 1


def test_what_was_no_emergency_is_left_alone(night: Pipeline) -> None:
    incident = night.trigger(severity="warning")
    assert night.incident(incident).urgency is not Urgency.HIGH
    night.wait(minutes=1)
    assert len(night.listener.new()) == 1
    night.does(incident, Acknowledge()).wait(minutes=1)
    assert silenced(night) == []
    assert [each for each in night.deliveries() if each.stops_ringing] == []


def test_what_was_lowered_or_raised_since_is_called_off(night: Pipeline) -> None:
    incident = night.trigger()
    night.does(incident, Prioritize(urgency=Urgency.LOW)).does(incident, Acknowledge())
    assert silenced(night) == [first(night).id]
    night.down = frozenset({PAGES_HIGH, PAGES})
    raised = night.trigger("raised", severity="warning")
    night.does(raised, Prioritize(urgency=Urgency.HIGH))
    night.down = frozenset()
    night.wait(minutes=2)
    before = [each for each in night.deliveries() if each.incident_id == raised]
    sent = {each.id for each in before if each.state is State.SENT and not each.bundle}
    night.does(raised, Acknowledge())
    assert sent
    assert set(silenced(night)) == sent


def test_a_test_message_is_left_alone(night: Pipeline) -> None:
    user = night.world.table.user("user_ada", deadline())
    assert user is not None
    tested = deliveries_of_test("test_1", user, user.contact_methods, night.world.clock())
    for each in tested:
        night.world.table.plan_delivery(each, deadline())
        night.queue_again(each)
    night.wait(minutes=2)
    night.hears("ada/push test")
    assert silenced(night) == []


@pytest.mark.parametrize("marked", [True, False], ids=["of an older version", "by mistake"])
def test_nothing_that_is_over_stays_due(night: Pipeline, marked: bool) -> None:
    """A version from before calling off neither calls off nor clears what it finds marked."""
    incident = night.trigger()
    delivery = first(night)
    night.down = frozenset({PAGES_HIGH, PAGES})
    night.does(incident, Acknowledge())
    assert first(night).due_at is not None
    if not marked:
        change = {"stops_ringing": False}
        assert night.sending.deliveries.change(first(night), change, deadline())
    else:
        night.wait(minutes=30)
    assert first(night).due_at is not None
    night.down = frozenset()
    night.wait(minutes=2)
    assert (first(night).id, first(night).due_at) == (delivery.id, None)
    assert silenced(night) == []


def test_a_bundle_whose_sender_died_is_called_off_once_it_is_finished(dynamodb: str) -> None:
    """It dies after the one write that settles the message, and somebody acts on all of it before
    the next turn finishes its deliveries.
    """
    world = build(dynamodb)
    night = ringing(world)
    night.trigger("first")
    night.wait(seconds=1)
    found = [night.trigger(key) for key in ("disk-a", "disk-b", "disk-c")]
    [destination] = {each.destination for each in night.deliveries()}
    night.post.queued.clear()
    turn_at = Receivers(world.table).state(destination, deadline()).due_at
    assert turn_at is not None
    world.clock.at = turn_at
    process = Process(DEATHS[1], Point("PutItem", "main", 1))
    table = process.runs(world, dynamodb).table
    sender = sending(world, night.post, night.listener.through(process), table, process.watch)
    process.watching = True
    with pytest.raises(Died):
        send(sender, SendHeld(destination, turn_at))
    message = night.listener.new()[-1].message
    assert {each.id for each in message.incidents} == set(found)
    for incident in found:
        night.does(incident, Acknowledge())
    assert silenced(night) == []
    night.wait(minutes=3)
    assert silenced(night) == [message.delivery_id]
    world.close()


def test_somebody_acts_while_the_message_is_on_its_way(night: Pipeline) -> None:
    night.down = frozenset({PAGES_HIGH, PAGES})
    incident = night.trigger()
    delivery = first(night)
    sender = night.listener.senders()[Channel.PUSHOVER]

    class Acting:
        """Somebody acknowledges while the provider takes the message."""

        def send(self, message: Any, receiver: Receiver) -> Any:
            night.does(incident, Acknowledge())
            return sender.send(message, receiver)

        def silence(self, ring: str, receiver: Receiver) -> Any:
            return night.listener.silence(ring, receiver)

    process = sending(night.world, night.post, {Channel.PUSHOVER: Acting()})
    send(process, SendDelivery(delivery.incident_id, delivery.id))
    assert first(night).state is State.SENT
    night.down = frozenset()
    night.wait(minutes=2)
    assert silenced(night) == [delivery.id]


def test_somebody_acts_again_while_a_sender_finds_that_it_is_needed_still(dynamodb: str) -> None:
    """Acknowledged, and escalated before its provider has heard of that; then acknowledged anew."""
    world = build(dynamodb)
    night = ringing(world)
    incident = night.trigger()
    night.listener.answer("ada/push silence", [AWAY])
    night.does(incident, Acknowledge())
    assert silenced(night) == [first(night).id]
    night.does(incident, Escalate())
    table = Process().runs(world, dynamodb).table
    acts = iter([Acknowledge()])

    def acting(params: dict[str, Any], **_: object) -> None:
        if b"stops_ringing" in params["body"]:
            for command in acts:
                night.does(incident, command)

    events: Any = table.client.meta.events
    events.register("before-call.dynamodb.UpdateItem", acting)
    sender = sending(world, night.post, night.listener.senders(), table)
    marked = first(night)
    assert marked.due_at is not None
    world.clock.at = marked.due_at
    night.down = frozenset({PAGES_HIGH, PAGES})
    send(sender, SendDelivery(marked.incident_id, marked.id))
    assert (list(acts), silenced(night)) == ([], [])
    night.down = frozenset()
    night.wait(minutes=2)
    assert silenced(night) == [marked.id]
    world.close()


def test_a_sender_that_died_may_have_sent_it(dynamodb: str) -> None:
    world = build(dynamodb)
    night = ringing(world)
    night.down = frozenset({PAGES_HIGH, PAGES})
    incident = night.trigger()
    delivery = first(night)
    # It dies after the provider took the message, and before it could say so.
    process = Process(DEATHS[1], Point("Send", "outside", 1))
    table = process.runs(world, dynamodb).table
    senders = night.listener.through(process)
    sender = sending(world, night.post, senders, table, process.watch)
    process.watching = True
    with pytest.raises(Died):
        send(sender, SendDelivery(delivery.incident_id, delivery.id))
    night.does(incident, Acknowledge())
    night.down = frozenset()
    night.wait(minutes=4)
    assert first(night).state is State.CANCELLED
    assert silenced(night) == [delivery.id]
    world.close()


@dataclass
class Stage:
    """Ada was paged, and has acknowledged; what is to be called off is planned, or sent."""

    endpoint: str
    sends: bool

    def __post_init__(self) -> None:
        self.world: World = build(self.endpoint)
        self.night = ringing(self.world)
        self.night.trigger()
        self.night.streaming = False
        delivery = first(self.night)
        self.message: QueueMessage = PlanNotices(delivery.incident_id)
        self.night.does(delivery.incident_id, Acknowledge())
        if self.sends:
            plan(self.night.planning, self.message)
            self.message = SendDelivery(delivery.incident_id, delivery.id)
        self.night.post.queued.clear()

    def wake(self, process: Process) -> None:
        table = process.runs(self.world, self.endpoint).table
        post, senders = self.night.post, self.night.listener.through(process)
        plans = planning(self.world, post, table, process.watch)
        sends = sending(self.world, post, senders, table, process.watch)
        process.watching = True
        if isinstance(self.message, SendDelivery):
            send(sends, self.message)
        else:
            plan(plans, self.message)


@pytest.mark.parametrize("sends", [False, True], ids=["planned", "called off"])
def test_whoever_calls_it_off_may_die(dynamodb: str, sends: bool) -> None:
    whole, process = Stage(dynamodb, sends), Process()
    whole.wake(process)
    whole.world.close()
    assert process.calls
    for point in process.calls:
        for death in DEATHS:
            stage = Stage(dynamodb, sends)
            with pytest.raises(Died):
                stage.wake(Process(death, point))
            # A slot that it held is free after a minute, and a tick finds what is due.
            stage.night.wait(minutes=3)
            assert set(silenced(stage.night)) == {first(stage.night).id}, f"{death}: {point}"
            assert first(stage.night).due_at is None
            stage.world.close()


def heard_next(night: Pipeline) -> str:
    """The id of the next message."""
    night.listener.new()
    before = len(night.listener.heard)
    while len(night.listener.heard) == before:
        night.wait(seconds=1)
    return night.listener.new()[0].message.delivery_id


def gone_on(night: Pipeline) -> tuple[str, str, str]:
    """An incident whose message got no answer, that message's id, and an incident whose delivery
    leads the next message, which tells both.
    """
    night.down = frozenset({PAGES_HIGH, PAGES})
    older = night.trigger("older")
    night.wait(seconds=1)
    night.down = frozenset()
    night.listener.answer("ada/push", [AWAY])
    incident = night.trigger("unanswered")
    [unanswered] = [each.message.delivery_id for each in night.listener.new()]
    # After this one both have to wait for Ada's pace.
    night.does(night.trigger("between"), Acknowledge())
    silenced(night)
    waits = first(night, older)
    assert waits.due_at is not None
    night.sending.queues.send_later(waits, waits.due_at, night.world.clock())
    return incident, unanswered, older


def test_what_got_no_answer_is_called_off_though_another_message_told_it_since(
    night: Pipeline,
) -> None:
    incident, unanswered, older = gone_on(night)
    told = heard_next(night)
    assert len(night.listener.heard[-1].message.incidents) == 2
    assert told != unanswered
    night.does(incident, Acknowledge())
    assert silenced(night) == [unanswered]
    night.does(older, Acknowledge())
    assert silenced(night) == [told]
    night.wait(minutes=20)
    assert silenced(night) == []


def test_somebody_acts_while_another_message_tells_what_got_no_answer(night: Pipeline) -> None:
    incident, unanswered, _ = gone_on(night)

    def acting() -> Iterator[Sent]:
        night.does(incident, Acknowledge())
        yield Sent()

    night.listener.answer("ada/push", acting())
    told = heard_next(night)
    assert told != unanswered
    night.wait(seconds=5)
    assert silenced(night) == [unanswered]


def test_what_a_message_without_an_answer_told_rings_until_all_of_it_is_over(
    night: Pipeline,
) -> None:
    """Its leader is over first, so that another delivery leads the next one."""
    night.trigger("first")
    night.wait(seconds=1)
    night.listener.answer("ada/push", [AWAY])
    found = [night.trigger(key) for key in ("disk-a", "disk-b", "disk-c")]
    unanswered = heard_next(night)
    leads = {each.id: each.incident_id for each in night.deliveries()}
    night.does(leads[unanswered], Acknowledge())
    told = heard_next(night)
    one, last = [each for each in found if each != leads[unanswered]]
    night.does(one, Acknowledge())
    assert silenced(night) == []
    night.does(last, Acknowledge())
    assert sorted(silenced(night)) == sorted([unanswered, told])
    night.wait(minutes=20)
    assert silenced(night) == []
