"""Reports of providers that come before their message's id is kept, or beside other writes."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.faults import DEATHS, Died, Point, Process
from harness.pipeline import Pipeline, step
from harness.post import PAGES
from harness.processes import reports, sending
from harness.world import World, build, deadline
from notify.handler import send
from notify.reports import AGAIN_AFTER, EARLY
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification.delivery import Delivery, State
from opsknight.runtime.wakeups import MessageReported, SendHeld
from opsknight.store import items
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.deliveries import Deliveries
from opsknight.store.directory_items import directory_item
from opsknight.store.receivers import Receivers


@pytest.fixture
def night(world: World) -> Pipeline:
    return escalating(world)


def escalating(world: World) -> Pipeline:
    night = Pipeline(world)
    mail = Receiver(id="mail", name="", channel=Channel.EMAIL, to="ada@example.com")
    night.put(
        directory_item(
            User(id="user_ada", name="Ada", email="", role=Role.USER, contact_methods=(mail,))
        )
    )
    night.escalates(step("ada", after=0), step("ben", after=60))
    return night


def test_a_report_that_outruns_the_messages_id_is_taken_a_minute_later(night: Pipeline) -> None:
    delivery = _sent(night)
    kept = _forgets(night, delivery)
    reports(night.sending).take(_bounce(night, delivery), deadline())
    assert _again(night)
    night.put(kept)
    night.wait(seconds=AGAIN_AFTER.seconds)
    assert _now(night, delivery).state is State.BOUNCED


def test_a_strangers_report_is_looked_at_twice_and_no_more(night: Pipeline) -> None:
    stranger = _event(night, "0102-somebody-elses")
    reports(night.sending).take(stranger, deadline())
    [again] = _again(night)
    night.post.queued.clear()
    reports(night.sending).settle(again, deadline())
    assert not _again(night)
    # So long after the message, its id would have been kept.
    night.world.clock.at += EARLY + AGAIN_AFTER
    reports(night.sending).take(stranger, deadline())
    assert not _again(night)


def test_a_write_in_between_does_not_lose_a_report(night: Pipeline) -> None:
    delivery = _sent(night)
    client = night.world.table.client
    stale = [True]

    def other_first(**_: object) -> None:
        if stale and stale.pop():
            changes = {"due_at": night.world.clock()}
            assert Deliveries(night.world.table).change(delivery, changes, deadline())

    client.meta.events.register("before-parameter-build.dynamodb.UpdateItem", other_first)
    reports(night.sending).take(_bounce(night, delivery), deadline())
    assert not stale
    assert _now(night, delivery).state is State.BOUNCED


def told_together(night: Pipeline, number: int) -> Delivery:
    """The delivery that leads a message about so many."""
    night.trigger("first", severity="error")
    night.wait(seconds=1)
    for each in range(number):
        night.trigger(f"disk-{each}", severity="error")
    night.wait(minutes=2)
    [told] = {each.bundle for each in night.deliveries() if each.bundle}
    [leader] = [each for each in night.deliveries() if each.id == told]
    return leader


def escalated(night: Pipeline) -> set[str]:
    """The incidents for which ben was paged."""
    return {each.incident_id for each in night.all_pages() if each.user_id == "user_ben"}


@pytest.mark.parametrize("again", [False, True], ids=["once", "whoever wrote it died after half"])
def test_what_a_message_about_several_told_has_bounced_with_it(
    night: Pipeline, again: bool
) -> None:
    night.people("ben")
    leader = told_together(night, 3)
    mine = {each.incident_id for each in night.deliveries() if leader.id in (each.id, each.bundle)}
    assert len(mine) == 3
    if again:
        # A delivery is written, and not yet its page.
        [other, *_] = [each for each in night.deliveries() if each.bundle == leader.id]
        changes = {"state": State.BOUNCED}
        assert Deliveries(night.world.table).change(other, changes, deadline())
    reports(night.sending).take(_bounce(night, leader), deadline())
    states = {each.state for each in night.deliveries() if each.incident_id in mine}
    assert states == {State.BOUNCED}
    night.wait(seconds=5)
    assert escalated(night) == mine


def test_what_a_message_told_has_bounced_though_its_sender_has_not_finished(
    dynamodb: str,
) -> None:
    """One write settles the message. Its deliveries follow, and providers may be quicker."""
    world = build(dynamodb)
    night = escalating(world)
    night.people("ben")
    night.trigger("first", severity="error")
    night.wait(seconds=1)
    for each in range(3):
        night.trigger(f"disk-{each}", severity="error")
    [destination] = {each.destination for each in night.deliveries()}
    night.post.queued.clear()
    turn_at = Receivers(world.table).state(destination, deadline()).due_at
    assert turn_at is not None
    world.clock.at = turn_at
    # After the provider's id of the message.
    process = Process(DEATHS[1], Point("PutItem", "main", 2))
    table = process.runs(world, dynamodb).table
    sender = sending(world, night.post, night.listener.through(process), table, process.watch)
    process.watching = True
    with pytest.raises(Died):
        send(sender, SendHeld(destination, turn_at))
    mine = {each.id for each in night.deliveries() if each.claim}
    assert len(mine) == 3
    event = _event(night, f"provider-{len(night.listener.heard)}")
    reports(night.sending).take(event, deadline())
    night.wait(minutes=5)
    found = [each for each in night.deliveries() if each.id in mine]
    assert {each.state for each in found} == {State.BOUNCED}
    assert len(escalated(night)) == 3
    world.close()


def test_a_report_about_hundreds_goes_on_in_another(night: Pipeline) -> None:
    night.people("ben")
    leader = told_together(night, 5)
    seconds = [0.0]

    def slow() -> float:
        seconds[0] += 0.5
        return seconds[0]

    reports(night.sending).take(_bounce(night, leader), Deadline(1000.0, slow, lambda _: None))
    [rest] = _again(night)
    assert rest.after
    bounced = [each for each in night.deliveries() if each.state is State.BOUNCED]
    assert 1 < len(bounced) < 5
    night.wait(seconds=5)
    assert len(escalated(night)) == 5


def test_a_report_that_can_be_kept_nowhere_comes_again(night: Pipeline) -> None:
    night.post.away = True
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        reports(night.sending).take(_event(night, "0102-early"), deadline())
    with pytest.raises(Unavailable):
        reports(night.sending).take(_event(night, "0102-early"), deadline(seconds=-1))


def _sent(night: Pipeline) -> Delivery:
    night.trigger()
    night.wait(seconds=1)
    [delivery] = [each for each in night.deliveries() if each.state is State.SENT]
    return delivery


def _forgets(night: Pipeline, delivery: Delivery) -> Any:
    """As before its sender has kept the id of the message."""
    key = items.provider_key(str(delivery.attempts[-1].provider_id))
    table = night.world.table
    row = table.client.get_item(TableName=table.name, Key=key)["Item"]
    table.client.delete_item(TableName=table.name, Key=key)
    return row


def _bounce(night: Pipeline, delivery: Delivery) -> dict[str, Any]:
    return _event(night, str(delivery.attempts[-1].provider_id))


def _event(night: Pipeline, provider_id: str) -> dict[str, Any]:
    bounce = {"bounceType": "Permanent"}
    detail = {"eventType": "Bounce", "mail": {"messageId": provider_id}, "bounce": bounce}
    at = night.world.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"source": "aws.ses", "time": at, "detail": detail}


def _again(night: Pipeline) -> list[MessageReported]:
    queued = [each for each in night.post.queued if isinstance(each.message, MessageReported)]
    assert {each.queue for each in queued} <= {PAGES}
    return [each.message for each in queued if isinstance(each.message, MessageReported)]


def _now(night: Pipeline, delivery: Delivery) -> Delivery:
    found = night.world.table.delivery(delivery.incident_id, delivery.id, deadline())
    assert found is not None
    return found
