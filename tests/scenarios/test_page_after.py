"""Nobody is paged before the time, or the number of alerts, has come: it may resolve itself."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from harness.pipeline import Pipeline, step
from harness.settings import configure
from harness.world import World
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import Channel, IncidentEvent, ServiceReceiver
from opsknight.directory.routing import PageAfter
from opsknight.incident.commands import Acknowledge, Escalate, Note
from opsknight.incident.model import Status
from opsknight.store.directory_items import directory_item

WARNING = {"severity": "warning"}


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    pipeline.people("ada", "ben")
    pipeline.put(
        directory_item(
            ServiceReceiver(
                id="rcv_chat",
                name="Chat",
                channel=Channel.SLACK,
                to="C1",
                secret="x",
                service_id="svc_checkout",
                events=tuple(IncidentEvent),
            )
        )
    )
    pipeline.escalates(step("ada"), step("ben", after=10))
    yield pipeline
    pipeline.ends()


def waits(night: Pipeline, **more: Any) -> None:
    night.world.let_functions_end()
    configure(
        night.world,
        Integration(
            id="int_prometheus",
            service_id="svc_checkout",
            name="Prometheus",
            page_after=PageAfter(time=timedelta(minutes=5), **more),
        ),
    )


def told(night: Pipeline) -> list[str]:
    """What the chat has heard since the last call."""
    return [each.text for each in night.listener.new() if each.text.startswith("rcv_chat")]


def test_it_pages_when_its_time_has_come(night: Pipeline) -> None:
    waits(night)
    incident_id = night.trigger(**WARNING)
    assert night.incident(incident_id).status is Status.OPEN
    night.wait(minutes=4, seconds=59).pages()
    assert told(night) == []
    night.wait(seconds=1).pages("ada")
    assert told(night) == ["rcv_chat triggered"]
    night.wait(minutes=10).pages("ben")
    night.send("resolve")
    assert told(night) == ["rcv_chat resolved"]


def test_nobody_hears_of_what_resolves_itself(night: Pipeline) -> None:
    waits(night)
    night.trigger(**WARNING)
    night.wait(minutes=4)
    night.send("resolve")
    night.wait(hours=2).pages()
    assert told(night) == []


def test_it_pages_with_the_number_of_alerts(night: Pipeline) -> None:
    waits(night, alerts=3)
    night.trigger(**WARNING)
    night.wait(minutes=1)
    night.trigger(**WARNING)
    night.pages()
    night.trigger(**WARNING)
    night.pages("ada")
    assert told(night) == ["rcv_chat triggered"]
    night.trigger(**WARNING)
    night.wait(minutes=5).pages()


def test_what_is_high_waits_only_if_the_file_says_so(night: Pipeline) -> None:
    waits(night)
    night.trigger("one", severity="critical")
    night.pages("ada")
    waits(night, high=True)
    night.trigger("two", severity="critical")
    night.pages()
    night.wait(minutes=5).pages("ada")


def test_a_raised_urgency_ends_the_wait(night: Pipeline) -> None:
    night.serves(raises_urgency=True)
    waits(night)
    night.trigger(**WARNING)
    night.pages()
    night.trigger(severity="critical")
    night.pages("ada")
    assert told(night) == ["rcv_chat triggered"]


def test_somebody_who_acts_is_not_held_up(night: Pipeline) -> None:
    waits(night)
    incident_id = night.trigger(**WARNING)
    night.does(incident_id, Note("looking")).pages()
    assert told(night) == []
    night.does(incident_id, Escalate()).pages("ada")
    assert told(night) == ["rcv_chat triggered"]


def test_an_acknowledged_one_pages_nobody(night: Pipeline) -> None:
    waits(night)
    incident_id = night.trigger(**WARNING)
    night.does(incident_id, Acknowledge())
    night.wait(hours=1).pages()


def test_without_the_stream_a_tick_finds_it(world: World) -> None:
    night = Pipeline(world, streaming=False)
    night.people("ada")
    night.escalates(step("ada"))
    waits(night)
    night.trigger(**WARNING)
    night.wait(minutes=4).pages()
    night.wait(minutes=3).pages("ada")
    night.send("resolve")
    night.ends()
