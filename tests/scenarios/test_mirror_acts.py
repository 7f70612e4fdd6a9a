"""What people do, passed on to another system while monitors say more: acts are numbered when they
are planned, events when they come. In shadow the other system is the only one that pages.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest

from harness.mirrors import Mirrored, actions
from harness.people import ADA
from harness.pipeline import step
from harness.receivers import HttpReceiver, answers, http_receiver
from harness.world import Response, World, deadline, event, http_event
from notify.handler import pass_on
from opsknight.directory.mirror import MARK
from opsknight.directory.passing_on import Passed
from opsknight.incident.commands import Acknowledge, Command, Resolve
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Action
from opsknight.store.items import dedup_pointer_key, incident_key
from opsknight.store.mirrors import Mirrors
from tests.integration.test_own_paths import alert, flush

AWAY, TAKEN = answers(503), answers(202)


class Night(Mirrored):
    def acts(self, incident_id: str, command: Command) -> None:
        """The planner is not woken before something else has come."""
        timeouts = self.world.service.timeouts
        now = self.world.clock()
        decision = act(self.incident(incident_id), command, actor=ADA, now=now, timeouts=timeouts)
        assert isinstance(decision, Transitioned)
        self.world.table.apply(decision, token_hex(14), deadline())

    def comes(self, action: str = "trigger", **more: Any) -> Response:
        """It is answered, and no stream has woken anybody."""
        answer = self.world.send(event(action, **more))
        assert answer.status == 202
        return answer

    def flushes(self, *alerts: dict[str, Any]) -> str:
        """Alertmanager sends a group; the id of its incident."""
        path = f"/k/{self.world.integration_key}/alertmanager"
        sent = http_event(json.dumps(flush(*alerts)), path=path, query={"per": "group"})
        answer = self.world.request(sent)
        assert answer.status == 202, answer.body
        incident: str = answer.body["results"][0]["incidentId"]
        return incident

    def hears(self, old: HttpReceiver) -> list[str]:  # type: ignore[override]
        """What the other system is told of the one key, once all have had their turn."""
        self.settle()
        return [each for each, _ in actions(self.heard(old))]


@pytest.fixture
def old() -> Iterator[HttpReceiver]:
    with http_receiver(TAKEN) as receiver:
        yield receiver


@pytest.fixture
def night(world: World, old: HttpReceiver) -> Iterator[Night]:
    pipeline = Night(world)
    pipeline.mirrors(old, actions=True)
    pipeline.people("ada")
    pipeline.escalates(step("ada"))
    pipeline.serves(shadow_until=world.clock() + timedelta(hours=1))
    yield pipeline
    pipeline.ends()


def test_a_late_resolve_leaves_the_newer_incident_open_there(
    night: Night, old: HttpReceiver
) -> None:
    night.acts(night.trigger(), Resolve())
    night.comes(payload={"summary": "Again", "custom_details": {"cpu": 0.97}})
    night.settle()
    heard = night.heard(old)
    assert [each for each, _ in actions(heard)] == ["trigger", "trigger", "resolve", "trigger"]
    # As its monitor told it, as that one pages.
    assert heard[-1] == heard[1]
    assert heard[-1]["payload"]["custom_details"] == {"cpu": 0.97}


def test_nor_is_it_there_what_somebody_acknowledged_before(night: Night, old: HttpReceiver) -> None:
    incident = night.trigger()
    night.does(incident, Acknowledge())
    assert night.hears(old) == ["trigger", "acknowledge"]
    night.acts(incident, Resolve())
    night.comes()
    assert night.hears(old) == ["trigger", "resolve", "trigger"]


def test_a_late_acknowledgement_is_of_no_newer_incident(night: Night, old: HttpReceiver) -> None:
    night.acts(night.trigger(), Acknowledge())
    night.comes("resolve")
    night.comes()
    assert night.hears(old) == ["trigger", "resolve", "trigger"]


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_while_nothing_newer_is_there_it_goes_out_however_late(
    night: Night, old: HttpReceiver, action: str
) -> None:
    command = Acknowledge() if action == "acknowledge" else Resolve()
    night.acts(night.trigger(), command)
    night.comes("resolve")
    assert sorted(night.hears(old)) == sorted(["trigger", "resolve", action])


def test_what_was_noted_in_time_goes_out_before_what_came_later(
    night: Night, old: HttpReceiver
) -> None:
    """The other side was away meanwhile."""
    incident = night.trigger()
    night.hears(old)
    old.then(AWAY)
    night.does(incident, Resolve())
    night.trigger()
    night.hears(old)
    old.then(TAKEN)
    night.wait(minutes=2)
    assert night.hears(old) == ["resolve", "trigger", "trigger"]


def test_what_did_not_open_again_is_closed_and_opened_once_more(
    night: Night, old: HttpReceiver
) -> None:
    incident = night.trigger()
    night.hears(old)
    night.acts(incident, Resolve())
    night.comes()
    # The trigger and the resolve go through, and what opens again does not.
    old.then(TAKEN, TAKEN, AWAY, TAKEN)
    assert night.hears(old) == ["trigger", "resolve", "trigger"]
    night.wait(minutes=2)
    assert night.hears(old) == ["resolve", "trigger"]


def test_a_newer_incident_that_somebody_has_is_left_alone(night: Night, old: HttpReceiver) -> None:
    night.acts(night.trigger(), Resolve())
    night.comes()
    night.comes("acknowledge")
    assert night.hears(old) == ["trigger", "trigger", "acknowledge"]


def test_nor_is_one_opened_of_which_nothing_is_passed_on(night: Night, old: HttpReceiver) -> None:
    night.acts(night.trigger(), Resolve())
    night.comes(client=MARK)
    assert night.hears(old) == ["trigger", "resolve"]


def test_a_newer_incident_whose_event_is_gone_is_opened_by_its_title(
    night: Night, old: HttpReceiver
) -> None:
    night.acts(night.trigger(), Resolve())
    answer = night.comes(payload={"summary": "Again"})
    newer = night.incident(answer.incident["id"])
    night.damage(incident_key(newer.id)["pk"]["S"], f"alert#{newer.first_alert_id}", "body")
    night.settle()
    said = night.heard(old)[-1]
    assert said["event_action"] == "trigger"
    assert said["payload"] == {"summary": "Again", "source": MARK, "severity": "critical"}


@pytest.mark.parametrize("kind", ["pointer", "incident"])
def test_one_that_cannot_be_read_is_not_guessed_at(
    night: Night, old: HttpReceiver, kind: str
) -> None:
    first = night.trigger()
    night.acts(first, Resolve())
    newer = night.comes().incident["id"]
    night.planning.incident(first, deadline())
    service_id, table = night.world.service.id, night.world.table
    keys = {
        "pointer": dedup_pointer_key(service_id, "cpu-high", internal=False),
        "incident": incident_key(newer),
    }
    stored = table.item(keys[kind], deadline())
    assert stored
    night.damage(stored["pk"]["S"], stored["sk"]["S"], "title")
    night.heard(old)
    pass_on(night.passing, service_id)
    assert actions(night.heard(old)) == [("trigger", "cpu-high")]
    assert Mirrors(table).waiting(service_id, 9, deadline()) == []
    night.put(stored)


def test_of_a_group_each_alert_is_looked_at(night: Night, old: HttpReceiver) -> None:
    first = night.flushes(alert("disk"), alert("cpu"))
    night.settle()
    night.heard(old)
    night.acts(first, Resolve())
    second = night.flushes(alert("cpu", startsAt="2026-11-23T03:00:00Z"))
    assert first != second
    night.settle()
    heard = night.heard(old)
    assert actions([each for each in heard if each["dedup_key"] == "disk"]) == [("resolve", "disk")]
    mine = [each for each in heard if each["dedup_key"] == "cpu"]
    assert [each for each, _ in actions(mine)] == ["trigger", "resolve", "trigger"]
    assert mine[-1]["payload"]["summary"] == mine[0]["payload"]["summary"]


def test_nobody_has_acknowledged_what_joined_a_group_later(night: Night, old: HttpReceiver) -> None:
    incident = night.flushes(alert("disk"))
    night.settle()
    night.heard(old)
    night.acts(incident, Acknowledge())
    night.world.clock.advance(seconds=1)
    night.flushes(alert("disk"), alert("cpu"))
    night.settle()
    found = actions(night.heard(old))
    assert ("acknowledge", "disk") in found
    assert ("acknowledge", "cpu") not in found


def test_a_large_group_is_noted_in_a_few_requests(night: Night, old: HttpReceiver) -> None:
    """One by one they would not be noted within the time of a plan."""
    names = [f"alert-{number:02}" for number in range(30)]
    incident = night.flushes(*map(alert, names))
    night.settle()
    night.heard(old)
    calls: list[str] = []
    client, name = night.world.table.client, "before-call.dynamodb"

    def called(model: Any, params: Any, **_: Any) -> None:
        if b"mirror#" in params["body"]:
            calls.append(model.name)

    night.acts(incident, Resolve())
    client.meta.events.register(name, called)
    night.planning.incident(incident, deadline())
    client.meta.events.unregister(name, called)
    assert calls == ["UpdateItem", "BatchWriteItem", "BatchWriteItem", "UpdateItem"]
    night.settle()
    assert sorted(actions(night.heard(old))) == [("resolve", each) for each in names]


def test_an_act_that_an_older_version_noted_goes_out(night: Night, old: HttpReceiver) -> None:
    night.trigger()
    service_id, now = night.world.service.id, night.world.clock()
    act = Passed(service_id=service_id, at=now, action=Action.RESOLVE, key="cpu-high", body="{}")
    Mirrors(night.world.table).note(act, deadline())
    assert night.hears(old) == ["trigger", "resolve"]
