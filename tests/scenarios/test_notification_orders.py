"""Records and messages come doubled and in any order: each message is sent once, and no receiver
hears something old after something new.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Barrier

import pytest
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from escalation.handler import on_message
from harness.pipeline import Pipeline, step
from harness.post import PLANS, TIMERS, Queued
from harness.processes import sending
from harness.streams import record, woken_by
from harness.world import build, deadline, event
from notify.handler import on_record, plan, send
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver, ServiceReceiver
from opsknight.directory.status_pages import StatusPage, StatusPageWebhook
from opsknight.notification.delivery import State
from opsknight.runtime.wakeups import PlanNotices, QueueMessage, SendDelivery
from opsknight.store.directory_items import directory_item

ACTIONS = st.lists(st.sampled_from(("trigger", "acknowledge", "resolve")), max_size=3)


def _town(endpoint: str) -> Pipeline:
    night = Pipeline(build(endpoint), streaming=False)
    sms = Receiver(id="ada/sms", name="", channel=Channel.SMS, to="+4915112345678")
    hook = StatusPageWebhook(
        id="page", name="", channel=Channel.WEBHOOK, to="https://page.example.com"
    )
    service_id = night.world.service.id
    for known in (
        User(id="user_ada", name="Ada", email="", role=Role.USER, contact_methods=(sms,)),
        ServiceReceiver(id="ops", name="", channel=Channel.SLACK, to="C1", service_id=service_id),
        StatusPage(id="page", name="", service_ids=(service_id,), webhooks=(hook,)),
    ):
        night.put(directory_item(known))
    night.escalates(step("ada"), repeat_after=7200)
    return night


def _stream(night: Pipeline) -> list[DynamoDBRecord]:
    told = [record(item) for item in night.new_items()]
    return [DynamoDBRecord(each) for each in told if "NotifyFunction" in woken_by(each)]


def _deliver(night: Pipeline, queued: Queued) -> None:
    if queued.queue == PLANS:
        plan(night.planning, queued.message)
    elif queued.queue == TIMERS:
        on_message(night.engine, queued.message)
    else:
        send(night.sending, queued.message)


@pytest.mark.soak
def test_each_message_is_sent_once_and_in_order(
    dynamodb: str, full_size: bool, phases: tuple[Phase, ...], say: Callable[[str], None]
) -> None:
    sent: list[int] = []

    @settings(max_examples=150 if full_size else 12, phases=phases)
    @given(actions=ACTIONS, chance=st.randoms(use_true_random=False))
    def anything_goes(actions: list[str], chance: Random) -> None:
        night = _town(dynamodb)
        records: list[DynamoDBRecord] = []
        for action in ("trigger", *actions):
            night.world.send(event(action))
            for incident in night.world.items():
                if incident["kind"]["S"] == "incident" and chance.random() < 0.7:
                    night.engine.attend(incident["id"]["S"], deadline())
            records += _stream(night)
            # Some now, some later; each perhaps twice.
            _shuffled(night, records, chance, share=0.5)
        _shuffled(night, records, chance, share=1)
        night.streaming = True
        night.wait(minutes=8)
        _judge(night)
        sent.append(len(night.listener.heard))
        night.world.close()

    anything_goes()
    say(f"{len(sent)} nights, {sum(sent)} messages, each sent once")


def _shuffled(night: Pipeline, records: list[DynamoDBRecord], chance: Random, share: float) -> None:
    while True:
        work: list[Queued | DynamoDBRecord] = [*records, *_due(night)]
        if not work:
            return
        if chance.random() > share:
            return
        chosen = chance.choice(work)
        if isinstance(chosen, Queued):
            _deliver(night, chosen)
            if chance.random() < 0.7:
                night.post.queued.remove(chosen)
        else:
            on_record(night.planning, chosen)
            if chance.random() < 0.7:
                records.remove(chosen)
        records += _stream(night)


def _due(night: Pipeline) -> list[Queued]:
    soon = night.world.clock() + timedelta(seconds=1)
    return [each for each in night.post.queued if each.at <= soon]


def _judge(night: Pipeline) -> None:
    heard = night.listener.heard
    times = Counter(each.message.delivery_id for each in heard)
    assert set(times.values()) <= {1}, times
    for delivery in night.deliveries():
        assert delivery.state is not State.PENDING, delivery
        told = delivery.bundle or delivery.id
        assert (delivery.state is State.SENT) == (told in times), delivery
    for place in ("ops", "page"):
        for incident in {each.message.incidents[0].id for each in heard}:
            numbers = [
                each.message.sequence
                for each in heard
                if each.receiver.id == place and each.message.incidents[0].id == incident
            ]
            assert numbers == sorted(set(numbers)), f"{place} heard {numbers}"


@pytest.mark.soak
def test_of_several_senders_one_sends(dynamodb_server: str, full_size: bool) -> None:
    night = _town(dynamodb_server)
    races, rivals = (100 if full_size else 8), 6
    with ThreadPoolExecutor(rivals) as threads:
        for number in range(races):
            incident = night.world.send(event(dedup_key=f"race-{number}")).incident["id"]
            plan(night.planning, PlanNotices(incident))
            start = Barrier(rivals)

            def race(message: QueueMessage, start: Barrier = start) -> None:
                sender = sending(night.world, night.post, night.listener.senders())
                start.wait()
                send(sender, message)

            (ops,) = (
                each
                for each in night.world.table.deliveries(incident, deadline())
                if each.receiver_id == "ops"
            )
            message = SendDelivery(incident, ops.id)
            list(threads.map(race, [message] * rivals))
    # Whoever found both places taken by its rivals has put it off.
    night.wait(minutes=2)
    # Several rivals count as several changes, so the last ones come in a digest.
    times = Counter(
        brief.id
        for each in night.listener.heard
        if each.receiver.id == "ops"
        for brief in each.message.incidents
    )
    assert (len(times), set(times.values())) == (races, {1})
    night.world.close()
