"""Alerts, timeline and deliveries of one incident, batch by batch."""

import json
from typing import Any

import pytest

from harness.desk import Desk
from harness.pipeline import Pipeline, step
from harness.world import World, event
from opsknight.directory.entries import SCOPES
from opsknight.incident.model import Status
from opsknight.notification.delivery import State
from tests.integration.steps import incident_in


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def everything(desk: Desk, path: str, name: str) -> list[dict[str, Any]]:
    """All batches of three."""
    found: list[dict[str, Any]] = []
    place = ""
    for _ in range(20):
        answer = desk.call("GET", f"{path}?limit=3{place}")
        assert answer.status == 200, answer.body
        assert len(answer.body[name]) <= 3
        found += answer.body[name]
        if "cursor" not in answer.body:
            return found
        place = f"&cursor={answer.body['cursor']}"
    raise AssertionError("the list does not end")


def test_all_alerts_are_there_batch_by_batch(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    for number in range(6):
        desk.world.clock.advance(seconds=1)
        desk.world.send(event(payload={"summary": f"number {number}"}))
    found = everything(desk, f"/api/incidents/{incident_id}/alerts", "alerts")
    assert [each["summary"] for each in found[:6]] == [f"number {n}" for n in range(5, -1, -1)]
    assert len(found) == 7


def test_one_alert_has_its_event_as_it_was_received(desk: Desk) -> None:
    body = event(payload={"custom_details": {"b": 1, "a": "ü"}}, of_its_own=[1.50])
    text = json.dumps(body, ensure_ascii=False, indent=1)
    incident_id = desk.world.send(text).incident["id"]
    [alert] = desk.call("GET", f"/api/incidents/{incident_id}/alerts").body["alerts"]
    path = f"/api/incidents/{incident_id}/alerts/{alert['id']}"
    shown = desk.call("GET", path).body
    assert (shown["event"], shown["alert"]) == (text, alert)
    assert desk.call("GET", f"{path}0").status == 404


def test_the_whole_timeline_is_there_and_ends_with_the_opening(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    for number in range(7):
        desk.world.clock.advance(seconds=1)
        desk.call("POST", f"/api/incidents/{incident_id}/notes", {"text": f"note {number}"})
    found = everything(desk, f"/api/incidents/{incident_id}/timeline", "timeline")
    said = [f"Ada (CI): note {number}" for number in range(6, -1, -1)]
    assert [each["text"] for each in found] == [*said, "Opened by Prometheus"]


def test_all_deliveries_are_there(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    made = {desk.delivery(incident_id, step=number).id for number in range(7)}
    found = everything(desk, f"/api/incidents/{incident_id}/deliveries", "deliveries")
    assert {each["id"] for each in found} == made
    assert len(found) == 7
    assert found[0]["ownerName"] == "Ada"


@pytest.mark.parametrize("part", ["alerts", "timeline", "deliveries", "alerts/al_1"])
def test_a_stranger_sees_no_part(desk: Desk, part: str) -> None:
    path = f"/api/incidents/{incident_in(desk.world, Status.OPEN)}/{part}"
    assert desk.call("GET", path, key=desk.key("eve", *SCOPES)).status == 403
    if part != "alerts/al_1":
        assert desk.call("GET", f"{path}?cursor=YWN0aXZlIA").status == 400


def test_a_page_that_will_not_be_sent_is_not_announced(desk: Desk) -> None:
    """The second message's turn would come in minutes, but somebody has the incident since."""
    night = Pipeline(desk.world)
    night.escalates(step("ada"))
    incident_id = desk.world.send(event()).incident["id"]
    night.wait(seconds=1)
    [later] = [each.id for each in night.deliveries() if each.state is State.PENDING]

    def states() -> list[dict[str, str]]:
        whole = desk.call("GET", f"/api/incidents/{incident_id}").body["incident"]["deliveries"]
        part = desk.call("GET", f"/api/incidents/{incident_id}/deliveries").body["deliveries"]
        return [{each["id"]: each["state"] for each in found} for found in (whole, part)]

    assert [each[later] for each in states()] == ["PENDING", "PENDING"]
    assert desk.call("POST", f"/api/incidents/{incident_id}/acknowledge").status == 200
    assert [each[later] for each in states()] == ["CANCELLED", "CANCELLED"]
