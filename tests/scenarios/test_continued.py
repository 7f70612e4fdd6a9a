"""What one message cannot tell goes on in it at once, where it can be updated: told once, and
without another sound.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import repeat

import pytest

from harness.faults import DEATHS, Died, Fault, Process
from harness.pipeline import Pipeline, step
from harness.post import PAGES_HIGH
from harness.processes import sending
from harness.world import World, build, deadline, event
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from notify.channels.words import words
from notify.handler import send
from notify.sending import Sending
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Owner, Receiver
from opsknight.incident.commands import Acknowledge
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.throttle import ReceiverState
from opsknight.runtime.wakeups import SendHeld
from opsknight.store.directory_items import directory_item
from opsknight.store.items import receiver_state_key
from opsknight.store.receivers import Receivers

SLACK = Owner.user("user_ada").destination("ada/slack")
INTERVAL = timedelta(seconds=15)
MEDIUM = {"severity": "warning"}


def prepare(world: World, *, updatable: bool = True) -> Pipeline:
    """A message tells three incidents at most. One was told a moment ago."""
    night = Pipeline(world)
    night.listener.updatable = updatable
    slack = Receiver(id="ada/slack", name="", channel=Channel.SLACK, to="U1", secret="s")
    known = User(id="user_ada", name="Ada", email="", role=Role.ADMIN, contact_methods=(slack,))
    night.put(directory_item(known))
    night.escalates(step("ada"), repeat_after=360_000)
    night.serves(raises_urgency=True)
    night.sending = few(night.sending)
    night.trigger("told")
    night.hears("ada/slack paged")
    return night


def few(sends: Sending) -> Sending:
    turns = sends.turns
    return replace(sends, turns=replace(turns, bundles=replace(turns.bundles, most=3)))


@pytest.fixture
def night(world: World) -> Pipeline:
    return prepare(world)


def state(night: Pipeline) -> ReceiverState:
    return Receivers(night.world.table).state(SLACK, deadline())


def pending(night: Pipeline) -> list[Delivery]:
    soon = night.world.clock()
    found = [each for each in night.deliveries() if each.state is State.PENDING]
    return [each for each in found if each.not_before <= soon]


def storm(night: Pipeline, number: int, **more: object) -> list[str]:
    return [night.trigger(f"disk-{each}", **more) for each in range(number)]


def test_the_rest_goes_into_the_same_message_at_once(night: Pipeline) -> None:
    found = storm(night, 8)
    night.wait(seconds=15)
    [heard] = night.listener.new()
    assert len(heard.message.incidents) == 3
    first, second = night.listener.updated
    assert set(night.listener.places) == {"provider-2"}
    assert second.at - heard.at < timedelta(seconds=5)
    # It says what all of them are, and names the most urgent as before.
    said = words(second.message)
    assert said.title.startswith("8 incidents: ")
    assert "8 HIGH, on 1 service" in said.happened
    assert (said.more, said.link_label) == ("and 3 more", "See all 8")
    assert said.listed[:3] == words(heard.message).listed
    assert words(first.message).title.startswith("6 incidents: ")
    assert pending(night) == []
    # All are behind the message's own link.
    assert second.message.link == heard.message.link
    listed = night.world.table.bundle(heard.message.delivery_id, deadline())
    assert sorted(each.incident_id for each in listed) == sorted(found)
    assert state(night).continued is None
    night.wait(minutes=2).hears()


def test_a_channel_that_updates_nothing_waits_for_the_pace(world: World) -> None:
    night = prepare(world, updatable=False)
    storm(night, 5)
    night.wait(seconds=15).hears("ada/slack paged x3")
    assert night.listener.updated == []
    night.wait(seconds=15).hears("ada/slack paged x2")


def test_an_update_leaves_the_pace_as_it_is(night: Pipeline) -> None:
    storm(night, 5)
    night.wait(seconds=15)
    told_at = night.listener.new()[-1].at
    assert len(night.listener.updated) == 1
    assert state(night).next_at == told_at + INTERVAL


def test_what_comes_after_the_message_makes_a_sound_of_its_own(night: Pipeline) -> None:
    storm(night, 3)
    night.wait(seconds=15).hears("ada/slack paged x3")
    night.trigger("new")
    night.wait(seconds=15).hears("ada/slack paged")
    assert night.listener.updated == []


def test_what_comes_while_it_goes_on_is_not_told_without_a_sound(night: Pipeline) -> None:
    storm(night, 5)
    night.world.clock.advance(seconds=15)
    night.listener.answer("ada/slack update", [TemporaryFailure("timed out")])
    night.sending.turns.take(SLACK, deadline())
    night.world.clock.advance(seconds=1)
    late = night.trigger("late")
    night.wait(seconds=5).hears("ada/slack paged x3")
    [update] = night.listener.updated
    assert late not in {brief.id for brief in update.message.incidents}
    night.wait(seconds=15)
    [heard] = night.listener.new()
    assert [brief.id for brief in heard.message.incidents] == [late]


def begins(night: Pipeline, number: int = 5, **more: object) -> tuple[list[str], list[str]]:
    """A storm's first message has just gone out. What it told, and what is left."""
    found = storm(night, number, **more)
    night.world.clock.advance(seconds=15)
    night.sending.turns.take(SLACK, deadline())
    told = {brief.id for brief in night.listener.new()[-1].message.incidents}
    return [it for it in found if it in told], [it for it in found if it not in told]


def raises(night: Pipeline, incident_id: str) -> None:
    """By an alert that is critical."""
    key = night.incident(incident_id).dedup_key
    assert key is not None
    night.world.send(event("trigger", key))
    assert night.incident(incident_id).urgency is Urgency.HIGH


def added(night: Pipeline) -> set[str]:
    return {brief.id for each in night.listener.updated for brief in each.message.incidents}


def test_what_was_due_before_and_is_held_after_makes_a_sound(night: Pipeline) -> None:
    night.listener.answer("ada/slack update", [TemporaryFailure("timed out")])
    begins(night)
    # At the very moment of the first message: the clock says nothing of which was first.
    late = night.trigger("late")
    night.wait(seconds=5).hears()
    assert len(night.listener.updated) == 1
    assert late not in added(night)
    night.wait(seconds=10)
    [heard] = night.listener.new()
    assert [brief.id for brief in heard.message.incidents] == [late]


def test_what_was_raised_since_makes_a_sound(night: Pipeline) -> None:
    _, (raised, other) = begins(night, payload=MEDIUM)
    raises(night, raised)
    night.wait(seconds=5).hears()
    assert len(night.listener.updated) == 1
    assert other in added(night)
    assert raised not in added(night)
    night.wait(seconds=15)
    assert raised in {it.id for each in night.listener.new() for it in each.message.incidents}


def test_what_is_raised_just_before_its_claim_makes_a_sound(night: Pipeline) -> None:
    _, (raised, other) = begins(night, payload=MEDIUM)
    claims: list[str] = []

    def first(**_: object) -> None:
        if not claims:
            claims.append(raised)
            raises(night, raised)

    name = "before-call.dynamodb.TransactWriteItems"
    night.world.table.client.meta.events.register(name, first)
    night.sending.turns.take(SLACK, deadline())
    assert claims
    assert night.listener.updated == []
    night.wait(seconds=15)
    heard = {it.id for each in night.listener.new() for it in each.message.incidents}
    assert {raised, other} <= heard
    assert pending(night) == []


def test_something_high_that_came_later_stays_in_its_lane(night: Pipeline) -> None:
    night.listener.answer("ada/slack update", [TemporaryFailure("timed out")])
    begins(night, payload=MEDIUM)
    night.wait(seconds=1)
    high = night.trigger("high")
    night.wait(seconds=3).hears()
    assert len(night.listener.updated) == 1
    assert high not in added(night)
    assert state(night).urgent
    due_at = state(night).due_at
    assert due_at is not None
    [lane] = {it.queue for it in night.post.queued if it.message == SendHeld(SLACK, due_at)}
    assert lane == PAGES_HIGH


def test_what_a_provider_asks_of_updates_puts_off_no_message(night: Pipeline) -> None:
    asked = TemporaryFailure("slow down", after=timedelta(hours=1))
    night.listener.answer("ada/slack update", repeat(asked))
    _, left = begins(night)
    night.wait(seconds=14).hears()
    night.wait(seconds=1)
    [heard] = night.listener.new()
    assert {brief.id for brief in heard.message.incidents} == set(left)


def test_an_update_leaves_a_waiver_of_the_pace_for_the_next_message(night: Pipeline) -> None:
    """What waives it is held between the updating sender's look and its lease."""
    begins(night)
    table, waived = night.world.table, list[bool]()

    def first(**_: object) -> None:
        if not waived:
            waived.append(True)
            table.client.update_item(
                TableName=table.name,
                Key=receiver_state_key(SLACK),
                UpdateExpression="SET pace_waived = :yes",
                ExpressionAttributeValues={":yes": {"BOOL": True}},
            )

    table.client.meta.events.register("before-call.dynamodb.UpdateItem", first)
    night.sending.turns.take(SLACK, deadline())
    assert waived
    assert len(night.listener.updated) == 1
    assert state(night).pace_waived


def test_a_message_that_pages_nobody_leaves_it_as_it_is(night: Pipeline) -> None:
    begins(night)
    throttling = night.sending.turns.throttling
    [delivery, *_] = pending(night)
    turn = throttling.slot(delivery, 0, deadline())
    assert turn is not None
    throttling.release(turn, Sent(), deadline(), pages=False)
    assert state(night).continued is not None
    night.wait(seconds=5).hears()
    assert len(night.listener.updated) == 1


def test_what_somebody_has_taken_is_not_added(night: Pipeline) -> None:
    _, (left,) = begins(night, 4)
    night.does(left, Acknowledge())
    night.wait(minutes=1).hears()
    assert night.listener.updated == []
    assert state(night).due_at is None


def test_a_message_that_is_gone_is_followed_by_one_at_the_pace(night: Pipeline) -> None:
    storm(night, 5)
    night.listener.answer("ada/slack update", repeat(PermanentFailure("it is gone")))
    night.wait(seconds=15).hears("ada/slack paged x3")
    night.wait(seconds=14).hears()
    night.wait(seconds=1).hears("ada/slack paged x2")
    assert pending(night) == []


def test_a_provider_that_fails_for_a_moment_is_asked_again(night: Pipeline) -> None:
    storm(night, 5)
    night.listener.answer("ada/slack update", [TemporaryFailure("timed out")] * 2)
    night.wait(seconds=14).hears()
    night.wait(seconds=8)
    assert [each.text for each in night.listener.new()] == ["ada/slack paged x3"]
    assert len(night.listener.updated) == 1
    assert pending(night) == []


def test_a_provider_that_fails_for_longer_gets_a_message_at_the_pace(night: Pipeline) -> None:
    storm(night, 5)
    night.listener.answer("ada/slack update", repeat(TemporaryFailure("timed out")))
    night.wait(seconds=15).hears("ada/slack paged x3")
    night.wait(seconds=20).hears("ada/slack paged x2")
    assert night.listener.updated == []


@pytest.mark.soak
@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_whoever_updates_may_die(dynamodb: str, death: Fault, full_size: bool) -> None:
    """At each call: each incident is told once, but for the update that a death left unrecorded,
    which shows the same again.
    """
    whole, process = _updating(dynamodb), Process()
    _wakes(whole, process, dynamodb)
    assert len(whole.listener.updated) == 1
    whole.world.close()
    for point in process.calls[:: 1 if full_size else 3]:
        night = _updating(dynamodb)
        with pytest.raises(Died):
            _wakes(night, Process(death, point), dynamodb)
        night.wait(minutes=2, seconds=30)
        heard = night.listener.new()
        told = Counter(brief.id for each in heard for brief in each.message.incidents)
        for each in night.listener.updated:
            # What the message named before is no news.
            told.update({brief.id for brief in each.message.incidents} - told.keys())
        assert len(told) == 5, f"{death}: {point}"
        again = [name for name, count in told.items() if count > 1]
        assert not again or _is_unrecorded(death, point.operation), f"{death}: {point}: {again}"
        assert pending(night) == []
        night.world.close()


def _is_unrecorded(death: Fault, operation: str) -> bool:
    """Whether the update had been made, and nothing said so."""
    return operation == "Update" if death.moment == "after" else operation == "PutItem"


def _updating(endpoint: str) -> Pipeline:
    """Five wait, three were told, and the message is about to be updated."""
    night = prepare(build(endpoint))
    storm(night, 5)
    night.world.clock.advance(seconds=15)
    night.sending.turns.take(SLACK, deadline())
    night.post.queued.clear()
    return night


def _wakes(night: Pipeline, process: Process, endpoint: str) -> None:
    table = process.runs(night.world, endpoint).table
    senders = night.listener.through(process)
    sends = few(sending(night.world, night.post, senders, table, process.watch))
    due_at = state(night).due_at
    assert due_at is not None
    process.watching = True
    send(sends, SendHeld(SLACK, due_at))
