"""Whom a notice names as the one who was paged first, or as the one who has the incident."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from harness.pipeline import Pipeline, step
from harness.world import World
from notify.channels.words import words
from opsknight.directory.receivers import Channel, IncidentEvent
from opsknight.incident.commands import (
    Acknowledge,
    AcknowledgementTimeout,
    Command,
    Escalate,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unacknowledge,
    Unsuppress,
)
from tests.scenarios.test_notifications import person, receiver


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    for name in ("ada", "ben"):
        person(pipeline, name, Channel.SMS)
    receiver(pipeline, "ops", *IncidentEvent)
    yield pipeline
    pipeline.hears()


def told(night: Pipeline) -> str | None:
    """Who has it, as the newest notice says."""
    message = [each for each in night.listener.heard if each.receiver.id == "ops"][-1].message
    facts = dict(words(message).facts)
    said = facts.get("Who has it", facts.get("Who had it"))
    assert said is None or isinstance(said, str)
    return said


def test_whoever_acknowledged_it_unpaged_was_not_paged_first(night: Pipeline) -> None:
    """Ben acknowledged it in the console before Ada was paged, and it came back."""
    night.escalates(step("ada"), repeat_after=3600)
    incident = night.trigger()
    night.hears("ops triggered", "ada/sms paged")
    night.does(incident, Acknowledge(by="user_ben")).hears("ops acknowledged")
    assert told(night) == "Ben"
    night.wait(hours=1).does(incident, AcknowledgementTimeout()).hears(
        "ops reopened", "ada/sms paged"
    )
    assert told(night) == "nobody yet"
    night.does(incident, Resolve()).hears("ops resolved")
    assert told(night) == "Ben"


def test_whoever_was_given_an_open_one_was_not_paged_first(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=3600)
    incident = night.trigger()
    night.hears("ops triggered", "ada/sms paged")
    night.does(incident, Reassign("user_ben")).hears("ben/sms paged")
    night.does(incident, Suppress()).wait(hours=1)
    night.does(incident, Unsuppress()).hears("ops reopened", "ada/sms paged")
    assert told(night) == "nobody yet"
    night.does(incident, Resolve()).hears("ops resolved")


def test_what_a_monitor_acknowledged_is_nobodys(night: Pipeline) -> None:
    """It said that Ada had it, whom it had paged, and everybody else went back to sleep."""
    night.escalates(step("ada"), repeat_after=3600)
    incident = night.trigger()
    night.hears("ops triggered", "ada/sms paged")
    night.send("acknowledge")
    night.hears("ops acknowledged")
    assert told(night) == "nobody, though it is acknowledged"
    night.does(incident, Snooze(night.world.clock() + timedelta(hours=1))).hears("ops snoozed")
    assert told(night) == "nobody"
    night.send("acknowledge")
    night.hears("ops acknowledged")
    night.does(incident, Reassign("user_ben")).hears("ben/sms assigned")
    night.does(incident, Resolve()).hears("ops resolved")
    assert told(night) == "Ben"


def test_a_monitor_takes_nothing_from_whoever_snoozed_it(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=3600)
    incident = night.trigger()
    night.hears("ops triggered", "ada/sms paged")
    night.does(incident, Acknowledge(by="user_ben")).hears("ops acknowledged").wait(minutes=1)
    night.does(incident, Snooze(night.world.clock() + timedelta(hours=1))).hears("ops snoozed")
    night.wait(minutes=1).send("acknowledge")
    night.hears("ops acknowledged")
    assert told(night) == "Ben"
    night.does(incident, Resolve()).hears("ops resolved")
    assert told(night) == "Ben"


@pytest.mark.parametrize("again", [AcknowledgementTimeout(), Escalate(), Unacknowledge()])
def test_what_pages_on_is_nobodys_until_somebody_takes_it_again(
    night: Pipeline, again: Command
) -> None:
    """Ben was paged and snoozed it, and everybody else read that Ada had it."""
    night.escalates(step("ben"), repeat_after=3600)
    incident = night.trigger()
    night.hears("ops triggered", "ben/sms paged")
    night.does(incident, Acknowledge(by="user_ada")).hears("ops acknowledged").wait(hours=1)
    reopened = [] if isinstance(again, Escalate) else ["ops reopened"]
    night.does(incident, again).hears("ben/sms paged", *reopened)
    night.does(incident, Snooze(night.world.clock() + timedelta(hours=1))).hears("ops snoozed")
    assert told(night) == "nobody"
    night.wait(minutes=1).send("acknowledge")
    night.hears("ops acknowledged")
    assert told(night) == "nobody, though it is acknowledged"
    night.does(incident, Resolve()).hears("ops resolved")
    assert told(night) == "Ada"


def test_whoever_was_only_paged_had_nothing(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=3600)
    incident = night.trigger()
    night.hears("ops triggered", "ada/sms paged")
    night.does(incident, Suppress()).wait(hours=1)
    night.does(incident, Unsuppress()).hears("ops reopened", "ada/sms paged")
    assert told(night) == "nobody yet; Ada was paged first"
    night.does(incident, Resolve()).hears("ops resolved")
    assert told(night) is None
