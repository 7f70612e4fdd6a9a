"""Who hears what at night: pages to people, notices to receivers, by a virtual clock."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import repeat

import pytest

from harness.pipeline import Pipeline, step
from harness.processes import LINK_KEY
from harness.world import World, deadline, event
from notify.channels.protocol import PermanentFailure, Sent, TemporaryFailure
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import (
    DEFAULT_EVENTS,
    Channel,
    IncidentEvent,
    Receiver,
    ServiceReceiver,
)
from opsknight.directory.status_pages import StatusPage, StatusPageWebhook
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.pages import PageState
from opsknight.incident.commands import Acknowledge, Note, Reassign, Resolve, Snooze
from opsknight.incident.model import Escalation
from opsknight.notification import signed_link
from opsknight.notification.delivery import State
from opsknight.store import directory_items
from opsknight.store.replies import Replies

DOWN = TemporaryFailure("answered 500")


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    for name in ("ada", "ben"):
        person(pipeline, name, Channel.SMS)
    yield pipeline
    pipeline.hears()


def person(night: Pipeline, name: str, *channels: Channel) -> None:
    methods = tuple(
        Receiver(id=f"{name}/{channel}", name=str(channel), channel=channel, to=name)
        for channel in channels
    )
    user = User(
        id=f"user_{name}",
        name=name.title(),
        email=f"{name}@example.com",
        role=Role.USER,
        contact_methods=methods,
    )
    night.put(directory_items.directory_item(user))


def receiver(
    night: Pipeline, receiver_id: str, *told: IncidentEvent, channel: Channel = Channel.WEBHOOK
) -> None:
    known = ServiceReceiver(
        id=receiver_id,
        name=receiver_id,
        channel=channel,
        to="https://hook.example.com",
        service_id=night.world.service.id,
        events=told or DEFAULT_EVENTS,
    )
    night.put(directory_items.directory_item(known))


def test_a_page_goes_out_at_once_and_again_after_three_minutes(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=3600)
    night.trigger()
    night.hears("ada/sms paged").wait(minutes=2, seconds=59).hears()
    night.wait(seconds=1).hears("ada/sms paged").wait(minutes=30)


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_what_is_pending_is_cancelled(night: Pipeline, action: str) -> None:
    night.escalates(step("ada"))
    night.trigger()
    night.hears("ada/sms paged").send(action)
    night.wait(hours=1)
    states = [each.state for each in night.deliveries()]
    assert states.count(State.CANCELLED) == 1
    (over,) = [each for each in night.deliveries() if each.state is State.CANCELLED]
    assert over.why in ("the incident is ACKNOWLEDGED", "the incident is RESOLVED")
    assert over.ended_at == over.not_before, "the timeline tells it"


def test_a_later_step_does_not_cancel_an_earlier_persons_rules(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=2), repeat_after=3600)
    night.trigger()
    night.hears("ada/sms paged").wait(minutes=2).hears("ben/sms paged")
    night.wait(minutes=1).hears("ada/sms paged").wait(minutes=2).hears("ben/sms paged")


def test_a_snoozed_incident_is_silent_until_it_wakes(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=3600)
    incident = night.trigger()
    night.hears("ada/sms paged")
    night.does(incident, Snooze(night.world.clock() + timedelta(minutes=30)))
    night.wait(minutes=29, seconds=59).hears().wait(seconds=1).hears("ada/sms paged")
    night.wait(minutes=3).hears("ada/sms paged")


def test_receivers_of_the_service_are_notified_with_and_without_a_policy(night: Pipeline) -> None:
    receiver(night, "ops")
    incident = night.trigger()
    night.hears("ops triggered", "ada/sms paged", "ben/sms paged")
    night.does(incident, Acknowledge(by="user_ada")).hears("ops acknowledged")
    night.does(incident, Resolve()).hears("ops resolved")
    night.escalates(step("ada"))
    night.wait(minutes=1).trigger("other")
    night.hears("ops triggered", "ada/sms paged").send("resolve", "other")
    night.hears("ops resolved").wait(hours=1)


def test_a_channel_is_sent_to_the_address_of_the_incident(night: Pipeline) -> None:
    """Whoever reads the channel must not act in somebody's name."""
    receiver(night, "ops")
    night.escalates(step("ada"))
    incident = night.trigger()
    night.hears("ops triggered", "ada/sms paged")
    links = {
        each.receiver.id: each.message.incidents[0].link or "" for each in night.listener.heard
    }
    assert links.pop("ops") == f"https://ops.example.com/incidents/{incident}"
    [personal] = links.values()
    assert personal.startswith("https://ops.example.com/r/")


def test_whoever_replied_stop_is_paged_by_another_method_at_once(night: Pipeline) -> None:
    person(night, "ada", Channel.SMS, Channel.EMAIL)
    Replies(night.world.table).opt_out("ada", "m1", night.world.clock(), deadline())
    night.escalates(step("ada"))
    night.trigger()
    night.hears("ada/email paged")
    Replies(night.world.table).opt_in("ada", deadline())
    night.trigger("again")
    night.wait(minutes=1)
    night.hears("ada/sms paged", "ada/email paged")


def test_whoever_has_nothing_but_what_they_stopped_is_not_reached_and_the_next_step_comes(
    night: Pipeline,
) -> None:
    Replies(night.world.table).opt_out("ada", "m1", night.world.clock(), deadline())
    night.escalates(step("ada"), step("ben", after=1800))
    night.trigger()
    night.hears("ben/sms paged")


def test_messages_name_the_runbook_and_the_readers_zone(night: Pipeline) -> None:
    night.serves(runbook="https://wiki.example/checkout")
    ada = night.world.table.user("user_ada", deadline())
    assert ada
    night.put(directory_items.directory_item(ada.model_copy(update={"zone": "Asia/Tokyo"})))
    night.escalates(step("ada"))
    night.trigger()
    night.hears("ada/sms paged")
    [heard] = night.listener.heard
    [brief] = heard.message.incidents
    assert [each.url for each in brief.references] == ["https://wiki.example/checkout"]
    assert str(heard.message.zone) == "Asia/Tokyo"


def test_receivers_hear_of_exhausted_and_snoozed_if_they_want_to(night: Pipeline) -> None:
    receiver(night, "ops", IncidentEvent.EXHAUSTED, IncidentEvent.SNOOZED, IncidentEvent.REOPENED)
    night.escalates(step("ada"), repeat_after=600)
    incident = night.trigger()
    night.hears("ada/sms paged").wait(minutes=3).hears("ada/sms paged")
    night.wait(minutes=7).hears("ops exhausted").fallback(1)
    night.does(incident, Snooze(night.world.clock() + timedelta(hours=1))).hears("ops snoozed")
    night.wait(hours=1).hears("ops reopened", "ada/sms paged")
    night.wait(minutes=9, seconds=59).hears("ada/sms paged").send("resolve")


def test_nobody_hears_of_what_opens_in_a_window_until_it_comes_out(night: Pipeline) -> None:
    receiver(night, "ops")
    at = night.world.clock()
    end = at + timedelta(hours=1)
    night.serves(windows=(MaintenanceWindow(id="w", start=at, end=end, reason="upgrade"),))
    night.escalates(step("ada"))
    night.trigger("resolved-inside")
    night.send("resolve", "resolved-inside")
    night.trigger("stays")
    night.hears().wait(minutes=59, seconds=59).hears()
    night.wait(seconds=1).hears("ops triggered", "ada/sms paged").send("resolve", "stays")
    night.hears("ops resolved").wait(hours=1)


def test_status_pages_hear_of_the_services_that_they_list(night: Pipeline) -> None:
    for page_id, listed in (("mine", night.world.service.id), ("other", "svc_other")):
        hook = StatusPageWebhook(
            id=page_id, name=page_id, channel=Channel.WEBHOOK, to="https://status.example.com"
        )
        page = StatusPage(id=page_id, name=page_id, service_ids=(listed,), webhooks=(hook,))
        night.put(directory_items.directory_item(page))
    night.escalates(step("ada"))
    night.trigger()
    night.hears("mine incident.created", "ada/sms paged")
    (told,) = [each for each in night.listener.heard if each.receiver.id == "mine"]
    (brief,) = told.message.incidents
    assert (brief.description, brief.source, brief.assignee, brief.link) == (None,) * 4
    night.send("acknowledge")
    night.hears("mine incident.acknowledged").wait(hours=1)


def test_an_assignee_of_an_acknowledged_incident_is_notified_once(night: Pipeline) -> None:
    night.escalates(step("ada"))
    incident = night.trigger()
    night.hears("ada/sms paged").does(incident, Acknowledge(by="user_ada"))
    night.does(incident, Reassign("user_ben")).hears("ben/sms assigned").wait(hours=1)


def test_an_open_incident_given_to_somebody_pages_them_and_nobody_else(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ada", after=5))
    incident = night.trigger()
    night.hears("ada/sms paged").does(incident, Reassign("user_ben")).hears("ben/sms paged")
    night.wait(minutes=3).hears("ada/sms paged", "ben/sms paged").wait(hours=1)


def test_a_receiver_that_is_down_is_tried_until_it_works(night: Pipeline) -> None:
    receiver(night, "ops", IncidentEvent.TRIGGERED)
    night.escalates(step("ada"), repeat_after=3600)
    night.listener.answer("ops", [DOWN, TemporaryFailure("answered 429", timedelta(seconds=90))])
    night.trigger()
    night.hears("ops triggered", "ada/sms paged").wait(seconds=10).hears("ops triggered")
    night.wait(seconds=89).hears().wait(seconds=1).hears("ops triggered")
    (told,) = [each for each in night.deliveries() if not each.pages]
    assert told.state is State.SENT
    assert [each.outcome for each in told.attempts] == ["retry", "retry", "sent"]
    ids = {each.message.delivery_id for each in night.listener.heard if not each.message.step}
    assert told.id in ids
    night.wait(minutes=1, seconds=20).hears("ada/sms paged")


def test_a_receiver_back_after_two_days_gets_only_the_newest(night: Pipeline) -> None:
    receiver(night, "ops")
    night.listener.answer("ops", repeat(DOWN))
    night.trigger()
    night.send("acknowledge")
    night.wait(hours=1)
    night.listener.new()
    night.send("resolve")
    night.listener.answer("ops", [])
    night.wait(minutes=20)
    assert [each.text for each in night.listener.new()] == ["ops resolved", "ops resolved"]
    states = sorted(each.state for each in night.deliveries() if not each.pages)
    assert states == [State.COLLAPSED, State.COLLAPSED, State.SENT]


def test_a_receiver_that_never_works_is_given_up_and_its_illness_seen(night: Pipeline) -> None:
    receiver(night, "ops", IncidentEvent.RESOLVED)
    night.escalates(step("ada"))
    night.listener.answer("ops", repeat(DOWN))
    night.send("trigger")
    night.send("resolve")
    night.wait(minutes=30)
    tried = len(night.listener.new())
    assert tried > 5
    # Nobody looks at it for two days: the next attempt is the last.
    night.world.clock.advance(hours=48)
    night.wait(minutes=10)
    (told,) = [each for each in night.deliveries() if not each.pages]
    assert told.state is State.GIVEN_UP
    night.listener.new()


def test_the_step_moves_on_at_once_when_every_method_refuses(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=30), repeat_after=3600)
    night.listener.answer("ada/sms", repeat(PermanentFailure("no such number")))
    incident = night.trigger()
    # Both rules of a HIGH page have to fail: the second is due after three minutes, but two
    # minutes without anybody are enough.
    night.hears("ada/sms paged").wait(minutes=1, seconds=59).hears()
    night.wait(seconds=1).hears("ben/sms paged")
    told = [each.what for each in night.world.table.changes(incident, deadline())]
    assert "unreached" in told
    (failed,) = [each for each in night.all_pages() if each.user_id == "user_ada"]
    assert failed.state is PageState.FAILED
    night.send("acknowledge")
    night.wait(hours=1)


def test_a_step_that_reached_one_of_two_does_not_move_on(night: Pipeline) -> None:
    night.escalates(step("ada", "ben"), step("ada", after=30), repeat_after=3600)
    night.listener.answer("ada/sms", repeat(DOWN))
    night.trigger()
    night.wait(minutes=5)
    assert {each.page_no for each in night.all_pages()} == {1}
    states = {each.user_id: each.state for each in night.all_pages()}
    assert states == {"user_ada": PageState.FAILED, "user_ben": PageState.REACHED}
    night.send("resolve")
    night.listener.new()
    night.wait(hours=1)


def test_nobody_reached_at_all_notifies_the_fallback(night: Pipeline) -> None:
    night.escalates(step("ada"))
    night.listener.answer("ada/sms", repeat(DOWN))
    incident = night.trigger()
    night.wait(minutes=2).fallback(1)
    assert night.incident(incident).escalation is Escalation.ESCALATING, "it goes on trying"
    night.send("resolve")
    night.listener.new()
    night.wait(hours=1)


def test_a_user_who_is_gone_is_a_page_that_failed(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=30), repeat_after=3600)
    night.streaming = False
    night.engine.attend(night.trigger(), deadline())
    night.delete("user#user_ada", "user")
    night.streaming = True
    night.wait(minutes=2)
    night.hears("ben/sms paged").send("acknowledge")
    (failed,) = [each for each in night.all_pages() if each.user_id == "user_ada"]
    assert failed.state is PageState.FAILED


def test_a_public_note_goes_to_the_status_pages_word_for_word(night: Pipeline) -> None:
    hook = StatusPageWebhook(
        id="page", name="", channel=Channel.WEBHOOK, to="https://page.example.com"
    )
    listed = (night.world.service.id,)
    page = StatusPage(id="page", name="", service_ids=listed, webhooks=(hook,))
    night.put(directory_items.directory_item(page))
    receiver(night, "ops")
    night.escalates(step("ada", after=30))
    incident = night.trigger()
    night.hears("ops triggered", "page incident.created")
    night.does(incident, Note("We look at the disks.")).hears()
    night.does(incident, Note("We are on it.", public=True))
    (heard,) = night.listener.new()
    assert (heard.text, heard.message.note) == ("page incident.updated", "We are on it.")
    night.send("resolve")
    night.hears("ops resolved", "page incident.resolved")


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.TELEGRAM])
def test_the_next_message_knows_where_the_first_one_is(night: Pipeline, channel: Channel) -> None:
    receiver(night, "ops", channel=channel)
    place = {"channel": "C1", "ts": "1.5"}
    night.listener.answer("ops", [Sent("1.5", place)])
    night.escalates(step("ada", after=30))
    night.trigger()
    night.send("acknowledge")
    first, second = night.listener.new()
    assert (first.message.remembered, second.message.remembered) == ({}, place)
    night.send("resolve")
    night.hears("ops resolved")


def test_a_receiver_that_cannot_be_read_keeps_no_other_from_hearing(night: Pipeline) -> None:
    receiver(night, "ops")
    receiver(night, "broken")
    night.damage(f"service#{night.world.service.id}", "receiver#broken", "events")
    night.escalates(step("ada", after=30))
    night.trigger()
    night.hears("ops triggered").send("resolve")
    night.hears("ops resolved")


def test_a_user_who_cannot_be_read_is_a_page_that_failed(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=30), repeat_after=3600)
    night.streaming = False
    night.engine.attend(night.trigger(), deadline())
    night.damage("user#user_ada", "user", "contact_methods")
    night.streaming = True
    night.wait(minutes=2)
    night.hears("ben/sms paged").send("acknowledge")


def test_with_the_stream_switched_off_ticks_page_and_tell(night: Pipeline) -> None:
    receiver(night, "ops", IncidentEvent.TRIGGERED)
    night.escalates(step("ada"))
    night.streaming = False
    night.trigger()
    night.hears().wait(minutes=3).hears("ops triggered", "ada/sms paged").send("acknowledge")
    night.wait(hours=1)


def test_duplicates_of_every_message_send_nothing_twice(night: Pipeline) -> None:
    receiver(night, "ops", IncidentEvent.TRIGGERED)
    night.escalates(step("ada"), repeat_after=3600)

    night.trigger()
    night.hears("ops triggered", "ada/sms paged")
    for delivery in night.deliveries():
        night.queue_again(delivery)
    night.settle()
    night.hears().send("acknowledge")
    night.wait(hours=1)


@pytest.mark.soak
def test_a_storm_makes_few_messages_that_show_it_all(
    night: Pipeline, full_size: bool, say: Callable[[str], None]
) -> None:
    night.escalates(step("ada"), repeat_after=3600)
    numbers = range(500 if full_size else 40)
    opened = []
    for number in numbers:
        if number % 100 == 99:
            # A key may send 120 events a minute.
            night.world.clock.advance(minutes=1)
        opened.append(night.world.send(event(dedup_key=f"storm-{number}")).incident["id"])
    night.settle()
    night.hears("ada/sms paged").wait(minutes=2 if full_size else 1)
    bundles = night.listener.new()
    assert len(bundles) == 1
    told = {night.listener.heard[0].message.incidents[0].id}
    for bundle in bundles:
        assert bundle.message.link
        token = bundle.message.link.rpartition("/")[2]
        link = signed_link.read(token, (LINK_KEY,), night.world.clock())
        assert link.whole, "it opens the list of all"
        assert link.delivery_id == bundle.message.delivery_id
        listed = night.world.table.bundle(bundle.message.delivery_id, deadline())
        told |= {each.incident_id for each in listed}
        assert {brief.id for brief in bundle.message.incidents} <= told
    assert told == set(opened)
    say(f"{len(opened)} incidents in {1 + len(bundles)} messages")
    for number in numbers:
        if number % 100 == 99:
            night.world.clock.advance(minutes=1)
        night.world.send(event("resolve", dedup_key=f"storm-{number}"))
    night.settle().wait(minutes=10)
    assert night.listener.new() == []
