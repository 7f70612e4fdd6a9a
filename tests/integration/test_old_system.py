"""The webhooks of the system that a service still pages by."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from harness.mirrors import Mirrored, actions
from harness.pipeline import step
from harness.receivers import HttpReceiver, http_receiver
from harness.world import Response, World, deadline, http_event
from opsknight.directory.passing_on import Heard, HeardKind
from opsknight.incident.model import Status
from opsknight.store.mirrors import Mirrors


@pytest.fixture
def old() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def night(world: World, old: HttpReceiver) -> Iterator[Mirrored]:
    pipeline = Mirrored(world).mirrors(old)
    pipeline.people("ada")
    pipeline.escalates(step("ada"))
    pipeline.serves(shadow_until=world.clock() + timedelta(hours=1))
    yield pipeline
    pipeline.ends()


def pagerduty(what: str, world: World, key: str = "cpu-high", **more: Any) -> dict[str, Any]:
    data = {
        "id": "PT4KHLK",
        "type": "incident",
        "incident_key": key,
        "title": "CPU",
        "assignees": [{"id": "PXPGF42", "type": "user_reference", "summary": "Ada Lovelace"}],
    }
    event = {
        "id": f"event-{what}-{key}",
        "event_type": f"incident.{what}",
        "occurred_at": world.clock().isoformat(),
        "agent": {"id": "PXPGF42", "type": "user_reference", "summary": "Ada Lovelace"},
        "data": data,
    }
    return {"event": event | more}


def opsgenie(what: str, world: World, key: str = "cpu-high") -> dict[str, Any]:
    at = int(world.clock().timestamp() * 1000)
    alert = {"alertId": "1-2", "alias": key, "username": "ben@example.com", "updatedAt": at}
    return {"action": what, "alert": alert, "source": {"name": "web", "type": "API"}}


def tells(night: Mirrored, body: dict[str, Any], name: str = "pagerduty") -> Response:
    headers = {"Authorization": f"Token token={night.world.integration_key}"}
    path = f"/api/integrations/{name}"
    answer = night.world.request(http_event(body, path=path, headers=headers))
    night.settle()
    return answer


def heard(night: Mirrored) -> list[Heard]:
    since = night.world.clock() - timedelta(days=1)
    return Mirrors(night.world.table).heard(night.world.service.id, since, deadline())


def test_what_people_do_there_is_done_here(night: Mirrored, old: HttpReceiver) -> None:
    incident = night.trigger()
    night.world.clock.advance(minutes=1)
    answer = tells(night, pagerduty("acknowledged", night.world))
    assert (answer.status, answer.body["action"]) == (202, "acknowledged")
    assert night.incident(incident).status is Status.ACKNOWLEDGED
    [change] = night.world.table.changes(incident, deadline())
    assert change.actor.name == "PagerDuty: Ada Lovelace"
    assert tells(night, pagerduty("resolved", night.world)).body["action"] == "resolved"
    assert night.incident(incident).status is Status.RESOLVED
    # It is not told of what it has told us.
    assert actions(night.heard(old)) == [("trigger", "cpu-high")]


def test_opsgenie_likewise(night: Mirrored, old: HttpReceiver) -> None:
    night.mirrors(old, "opsgenie")
    incident = night.trigger("disk/db-1")
    night.world.clock.advance(minutes=1)
    said = opsgenie("Acknowledge", night.world, "disk/db-1")
    assert tells(night, said, "opsgenie").body["action"] == "acknowledged"
    [change] = night.world.table.changes(incident, deadline())
    assert change.actor.name == "Opsgenie: ben@example.com"
    said = opsgenie("Close", night.world, "disk/db-1")
    assert tells(night, said, "opsgenie").body["action"] == "resolved"


def test_whom_it_paged_is_noted_once(night: Mirrored) -> None:
    said = pagerduty("triggered", night.world)
    for _ in range(2):
        assert tells(night, said).body["action"] == "noted"
    [found] = heard(night)
    assert (found.what, found.key, found.who) == (HeardKind.PAGED, "cpu-high", ("Ada Lovelace",))
    # It opens nothing: it tells of what we have told it.
    assert night.world.table.pointer(night.world.service.id, "cpu-high", deadline()) is None


def test_of_an_earlier_incident_it_does_nothing(night: Mirrored) -> None:
    said = pagerduty("resolved", night.world)
    night.world.clock.advance(minutes=1)
    incident = night.trigger()
    assert tells(night, said).body["action"] == "ignored"
    assert night.incident(incident).status is Status.SUPPRESSED


def test_a_live_service_is_stopped_by_nobody_elsewhere(night: Mirrored) -> None:
    night.serves(shadow_until=None)
    incident = night.trigger()
    night.pages("ada")
    assert tells(night, pagerduty("resolved", night.world)).body["action"] == "ignored"
    assert night.incident(incident).status is Status.OPEN
    night.send("acknowledge")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"event": []},
        {"event": {"event_type": "pagey.ping", "data": {"message": "Hello"}}},
        {"event": {"event_type": "incident.resolved", "data": {"incident_key": None}}},
        {"event": {"event_type": ["x"], "occurred_at": 5, "data": {"incident_key": {}}}},
        {"event": {"event_type": "incident.resolved", "data": {"incident_key": " "}}},
    ],
)
def test_what_means_nothing_is_left(night: Mirrored, body: Any) -> None:
    answer = tells(night, body)
    assert (answer.status, answer.body["action"]) == (202, "left")
    assert heard(night) == []


def test_half_a_character_is_no_fault_of_ours(night: Mirrored) -> None:
    said = pagerduty("triggered", night.world, "cpu-\ud800", id="\udfff")
    assert tells(night, said).status == 202
    assert [each.key for each in heard(night)] == ["cpu-\ufffd"]


@pytest.mark.parametrize("at", ["9999-99-99T00:00:00Z", "9999-12-31T23:59:59Z", 5, None])
def test_strange_times_are_now(night: Mirrored, at: Any) -> None:
    said = pagerduty("triggered", night.world, occurred_at=at, id=None)
    assert tells(night, said).body["action"] == "noted"
    assert [each.at for each in heard(night)] == [night.world.clock()]


def test_a_mirror_to_a_webhook_keeps_no_tool_s_webhook_from_paging(
    night: Mirrored, old: HttpReceiver
) -> None:
    night.mirrors(old, "webhook").serves(shadow_until=None)
    said = {"action": "trigger", "dedup_key": "disk", "summary": "The disk is full"}
    assert tells(night, said, "webhook").body["results"][0]["action"] == "triggered"
    night.pages("ada")


def test_without_a_mirror_there_its_webhooks_open_incidents_as_ever(night: Mirrored) -> None:
    night.serves(mirror=None, shadow_until=None)
    said = pagerduty("triggered", night.world)
    assert tells(night, said).body["results"][0]["action"] == "triggered"
    night.pages("ada")
    night.wait(seconds=1)
    assert tells(night, pagerduty("resolved", night.world)).status == 202
