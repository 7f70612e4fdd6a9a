"""The pulse of the HTTP API, and one action on many incidents."""

import json

import pytest

from harness.desk import Desk, RawResponse
from harness.world import World, deadline, event, http_event
from opsknight.directory.entries import SCOPES
from opsknight.incident.model import Status, Urgency
from tests.integration.steps import incident
from tests.integration.wire import ALWAYS, TIMES_OUT, Wire


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.configured(services=["svc_checkout", "svc_reports"])
    return desk


def asked(desk: Desk, tag: str, key: str | None = None) -> RawResponse:
    headers = {"Authorization": f"Bearer {key or desk.key('ada', *SCOPES)}", "If-None-Match": tag}
    return desk.send(http_event(path="/api/pulse", method="GET", headers=headers))


def opened(desk: Desk, count: int, **sent: str) -> list[str]:
    made = []
    for number in range(count):
        made.append(desk.world.send(event(dedup_key=f"k{number}", **sent)).incident["id"])
        desk.world.clock.advance(seconds=1)
    return made


def test_the_pulse_has_mine_first_and_counts_all(desk: Desk) -> None:
    first, second, third = opened(desk, 3)
    desk.call("PATCH", f"/api/incidents/{third}", {"urgency": "LOW"})
    desk.call("POST", f"/api/incidents/{second}/acknowledge")
    pulse = desk.call("GET", "/api/pulse").body
    assert [each["id"] for each in pulse["incidents"]] == [second, first, third]
    assert pulse["counts"] == {"active": 3, "open": 2, "high": 1, "mine": 1, "complete": True}
    assert pulse["incidents"][0]["assigneeName"] == "Ada"
    high = desk.call("GET", "/api/pulse?urgency=HIGH&service=svc_checkout").body
    assert [each["id"] for each in high["incidents"]] == [second, first]


def test_nothing_new_has_no_body(desk: Desk) -> None:
    opened(desk, 1)
    first = desk.call("GET", "/api/pulse")
    tag = first.headers["ETag"]
    again = asked(desk, tag)
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag)
    # Another reader has other incidents first: nothing of one may serve the other.
    assert asked(desk, tag, desk.key("ben", *SCOPES)).status == 200
    desk.world.send(event(dedup_key="new"))
    assert asked(desk, tag).status == 200


def test_a_user_feels_the_pulse_of_their_teams(desk: Desk) -> None:
    opened(desk, 1)
    for name, count in (("ben", 1), ("eve", 0)):
        seen = desk.call("GET", "/api/pulse", key=desk.key(name, *SCOPES)).body
        assert (len(seen["incidents"]), seen["counts"]["active"]) == (count, count)
    assert desk.call("GET", "/api/pulse?team=team_web", key=desk.key("eve", *SCOPES)).status == 403


def test_the_pulse_is_one_query_at_any_size(desk: Desk) -> None:
    opened(desk, 230)
    desk.call("GET", "/api/pulse")
    wire = Wire(desk.world.table.client)
    pulse = desk.call("GET", "/api/pulse").body
    assert wire.calls == ["Query"]
    assert len(pulse["incidents"]) == 50
    assert pulse["counts"] == {
        "active": 200,
        "open": 200,
        "high": 200,
        "mine": 0,
        "complete": False,
    }


def test_many_are_acknowledged_each_by_itself(desk: Desk) -> None:
    first, second, third = opened(desk, 3)
    desk.call("POST", f"/api/incidents/{second}/resolve")
    theirs = event(dedup_key="theirs") | {"service_id": "svc_reports"}
    other = desk.world.send(theirs, key=desk.world.api_key).incident["id"]
    asked = [first, second, other, "inc_" + "0" * 28, third, first]
    body = {"action": "acknowledge", "incidentIds": asked, "note": "One outage"}
    key = desk.key("ben", *SCOPES)
    answer = desk.call("POST", "/api/incidents/actions", body, key=key)
    assert answer.status == 200
    results = {each["id"]: each for each in answer.body["results"]}
    assert [each["id"] for each in answer.body["results"]] == list(dict.fromkeys(asked))
    acknowledged = {"status": 200, "action": "acknowledged", "incidentStatus": "ACKNOWLEDGED"}
    for one in (first, third):
        assert results[one] == {"id": one, **acknowledged}
        assert incident(desk.world, one).assignee_id == "user_ben"
        *_, note = desk.world.table.changes(one, deadline())
        assert "One outage" in note.detail.values()
    assert results[second]["status"] == 409
    assert (results[second]["error"], results[second]["incidentStatus"]) == (
        "Not possible in this status",
        "RESOLVED",
    )
    # Nothing is said about other teams' incidents, not even that there is one.
    assert {results[each]["status"] for each in (other, "inc_" + "0" * 28)} == {403}
    assert incident(desk.world, other).status is Status.OPEN


def test_many_are_snoozed_until_one_time(desk: Desk) -> None:
    made = opened(desk, 2)
    body = {"action": "snooze", "incidentIds": made, "snooze": {"minutes": 30}}
    answer = desk.call("POST", "/api/incidents/actions", body)
    assert [each["incidentStatus"] for each in answer.body["results"]] == ["SNOOZED"] * 2
    assert {incident(desk.world, each).urgency for each in made} == {Urgency.HIGH}


@pytest.mark.parametrize(
    "body",
    [
        {"action": "acknowledge", "incidentIds": []},
        {"action": "acknowledge", "incidentIds": ["inc_1"] * 201},
        {"action": "dance", "incidentIds": ["inc_1"]},
        {"action": "snooze", "incidentIds": ["inc_1"]},
        {"action": "resolve", "incidentIds": ["inc_1"], "snooze": {"minutes": 5}},
        {"action": "snooze", "incidentIds": ["inc_1"], "snooze": {"until": "2026-01-01T00:00:00Z"}},
        {"action": "note", "incidentIds": ["inc_1"]},
    ],
    ids=json.dumps,
)
def test_a_bad_body_acts_on_nothing(desk: Desk, body: dict[str, object]) -> None:
    assert desk.call("POST", "/api/incidents/actions", body).status == 400


def test_a_store_that_does_not_answer_is_a_503(desk: Desk) -> None:
    made = opened(desk, 2)
    body = {"action": "resolve", "incidentIds": made}
    slow = desk.responder(patience=0)
    desk.call("GET", "/api/pulse", function=slow)
    wire = Wire(desk.world.table.client)
    wire.fail("TransactWriteItems", TIMES_OUT, ALWAYS)
    assert desk.call("POST", "/api/incidents/actions", body, function=slow).status == 503
    wire.mend()
    assert {incident(desk.world, each).status for each in made} == {Status.OPEN}
