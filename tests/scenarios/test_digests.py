"""In a storm a service's chat channel gets one message in an interval; programs get each change."""

from datetime import timedelta

import pytest

from harness.pipeline import Pipeline
from harness.world import World
from notify.channels.protocol import TemporaryFailure
from notify.channels.words import words
from opsknight.directory.receivers import Channel, IncidentEvent, ServiceReceiver
from opsknight.incident.commands import Resolve
from opsknight.notification.delivery import State
from opsknight.notification.digest import DIGEST_EVERY, TOLD_ALONE
from opsknight.store.directory_items import directory_item

EVERY = DIGEST_EVERY.total_seconds()


def channel(
    night: Pipeline, name: str, channel: Channel, *events: IncidentEvent
) -> ServiceReceiver:
    more = {"events": events} if events else {}
    found = ServiceReceiver.model_validate(
        {
            "id": name,
            "name": name,
            "channel": channel,
            "to": "https://x.example.com" if channel is Channel.WEBHOOK else "C1",
            "service_id": night.world.service.id,
            **more,
        }
    )
    night.put(directory_item(found))
    return found


@pytest.fixture
def night(world: World) -> Pipeline:
    found = Pipeline(world)
    # Nobody is paged: this is about channels.
    found.serves(team_id="team_data")
    return found


def storm(night: Pipeline, incidents: int) -> list[str]:
    """All but those that are told alone wait."""
    return [night.trigger(f"disk-{number}") for number in range(incidents)]


def resolve(night: Pipeline, incident: str) -> None:
    night.does(incident, Resolve())


def heard(night: Pipeline) -> list[tuple[str, int]]:
    """Of each new message, what it is about and how many incidents it tells."""
    return [(str(each.message.about), len(each.message.incidents)) for each in night.listener.new()]


def test_a_storm_is_one_message_in_an_interval(night: Pipeline) -> None:
    channel(night, "ops", Channel.SLACK)
    storm(night, TOLD_ALONE + 20)
    assert heard(night) == [("triggered", 1)] * TOLD_ALONE
    night.wait(seconds=EVERY - 1)
    assert heard(night) == []
    night.wait(seconds=1)
    assert heard(night) == [("triggered", 20)]
    # Within an interval after a digest all goes into the next one.
    night.trigger("late")
    night.wait(seconds=EVERY - 1)
    assert heard(night) == []
    night.wait(seconds=1)
    assert heard(night) == [("triggered", 1)]
    assert {each.state for each in night.deliveries()} == {State.SENT}


def test_after_the_storm_each_change_is_a_message_again(night: Pipeline) -> None:
    channel(night, "ops", Channel.SLACK)
    storm(night, TOLD_ALONE + 2)
    night.wait(seconds=2 * EVERY + 1)
    heard(night)
    night.trigger("quiet")
    assert heard(night) == [("triggered", 1)]


def test_whoever_heard_of_it_in_a_digest_hears_the_rest_in_one(night: Pipeline) -> None:
    channel(night, "ops", Channel.SLACK)
    incidents = storm(night, TOLD_ALONE + 5)
    night.wait(minutes=10)
    heard(night)
    # Long after the storm: the digest's own in a digest, the others each by itself.
    for incident in incidents[TOLD_ALONE:]:
        resolve(night, incident)
    resolve(night, incidents[0])
    night.wait(seconds=EVERY)
    assert heard(night) == [("resolved", 6)]
    night.wait(minutes=3)
    resolve(night, incidents[1])
    assert heard(night) == [("resolved", 1)]


def test_a_digest_says_what_happened_and_what_is_still_open(night: Pipeline) -> None:
    channel(night, "ops", Channel.SLACK)
    incidents = storm(night, TOLD_ALONE + 3)
    resolve(night, incidents[0])
    resolve(night, incidents[-1])
    night.wait(seconds=EVERY)
    *_, digest = night.listener.new()
    said = words(digest.message)
    assert said.happened == (
        "Since the last message: 2 triggered, 2 resolved; 2 of them open now, on 1 service"
    )
    # Nobody of a channel's many readers acts in another's name.
    assert said.link is None


def test_webhooks_get_each_change_by_itself(night: Pipeline) -> None:
    channel(night, "hook", Channel.WEBHOOK)
    storm(night, TOLD_ALONE + 5)
    assert heard(night) == [("triggered", 1)] * (TOLD_ALONE + 5)


def test_whoever_switched_triggered_off_hears_that_it_is_resolved(night: Pipeline) -> None:
    channel(night, "ops", Channel.SLACK, IncidentEvent.RESOLVED)
    for incident in storm(night, 5):
        resolve(night, incident)
    assert heard(night) == [("resolved", 1)] * 5


def test_a_lost_wakeup_of_a_digest_costs_a_tick(night: Pipeline) -> None:
    channel(night, "ops", Channel.SLACK)
    storm(night, TOLD_ALONE + 5)
    heard(night)
    night.post.queued.clear()
    night.wait(seconds=EVERY + 90)
    assert heard(night) == [("triggered", 5)]


def test_what_cannot_be_told_is_told_in_the_next_digest(night: Pipeline) -> None:
    channel(night, "ops", Channel.SLACK)
    storm(night, TOLD_ALONE + 5)
    heard(night)
    asked = TemporaryFailure("answered 429", timedelta(seconds=20))
    night.listener.answer("ops", [asked])
    night.wait(seconds=EVERY + 30)
    first, second = night.listener.new()
    assert len(second.message.incidents) == 5
    assert first.message.delivery_id == second.message.delivery_id
