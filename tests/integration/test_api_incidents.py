"""The HTTP API of incidents: lists, details, and each cell of the second table of
docs/events-api.md.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.desk import Desk
from harness.model import REPEATED, TABLE
from harness.world import World, deadline, event
from opsknight.directory.entries import SCOPES
from opsknight.incident.commands import Acknowledge, Escalate, Reassign, Resolve
from opsknight.incident.model import ActorKind, Status, Timer
from opsknight.notification.delivery import State, ended
from opsknight.store import directory_items, message_items
from tests.integration.steps import do, in_order, incident, incident_in, paged, put, use_up
from tests.integration.wire import ALWAYS, TIMES_OUT, Wire

OPEN = Status.OPEN


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.configured(services=["svc_checkout", "svc_reports"])
    return desk


def ids(answer: Any) -> list[str]:
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.body["incidents"]]


def several(desk: Desk, count: int, **more: Any) -> list[str]:
    """Opened a minute apart; newest first."""
    found = []
    for number in range(count):
        found.append(incident_in(desk.world, OPEN, dedup_key=f"k{number}", **more))
        desk.world.clock.advance(minutes=1)
    return found[::-1]


def other_service(desk: Desk, dedup_key: str = "other") -> str:
    body = event(dedup_key=dedup_key, service_id="svc_reports")
    opened: str = desk.world.send(body, key=desk.world.api_key).incident["id"]
    return opened


# Lists


def test_a_list_shows_active_incidents_newest_first(desk: Desk) -> None:
    found = several(desk, 3)
    incident_in(desk.world, Status.RESOLVED, dedup_key="over")
    answer = desk.call("GET", "/api/incidents")
    assert ids(answer) == found
    assert answer.body["incidents"][-1] == {
        "id": found[-1],
        "title": "CPU above 90% on web-01",
        "status": "OPEN",
        "urgency": "HIGH",
        "serviceId": "svc_checkout",
        "serviceName": "Checkout",
        "createdAt": "2026-11-23T03:00:00.000Z",
    }
    assert "cursor" not in answer.body


def test_pages_hold_everything_once_whatever_is_opened_meanwhile(desk: Desk) -> None:
    found = several(desk, 7)
    seen, cursor = [], ""
    while True:
        answer = desk.call("GET", f"/api/incidents?limit=3&cursor={cursor}")
        seen += ids(answer)
        if "cursor" not in answer.body:
            break
        cursor = answer.body["cursor"]
        incident_in(desk.world, OPEN, dedup_key=f"late{len(seen)}")
    assert seen == found


def test_a_list_by_status_urgency_service_and_time(desk: Desk) -> None:
    acknowledged = incident_in(desk.world, Status.ACKNOWLEDGED, dedup_key="a")
    desk.world.clock.advance(hours=1)
    snoozed = incident_in(desk.world, Status.SNOOZED, dedup_key="b", severity="info")
    desk.world.clock.advance(hours=1)
    other = other_service(desk)

    def listed(query: str) -> list[str]:
        return ids(desk.call("GET", f"/api/incidents?{query}"))

    assert listed("") == [other, snoozed, acknowledged]
    assert listed("status=acknowledged") == [acknowledged]
    assert listed("status=OPEN,SNOOZED") == [other, snoozed]
    assert listed("urgency=low") == [snoozed]
    assert listed("service=svc_reports") == [other]
    assert listed("team=team_web") == [snoozed, acknowledged]
    assert listed("team=team_web&service=svc_reports") == []
    assert listed("team=team_none") == []
    assert listed("since=2026-11-23T04:00:00Z") == [other, snoozed]
    assert listed("until=2026-11-23T04:00:00Z") == [acknowledged]
    assert listed("since=2026-11-23T05:00:00%2B01:00&until=2026-11-23T05:00:00Z") == [snoozed]


def test_resolved_incidents_are_listed_service_by_service(desk: Desk) -> None:
    old = incident_in(desk.world, Status.RESOLVED, dedup_key="a")
    desk.world.clock.advance(days=40)
    new = incident_in(desk.world, Status.RESOLVED, dedup_key="b")
    newest = incident_in(desk.world, Status.RESOLVED, dedup_key="c")
    path = "/api/incidents?status=RESOLVED&service=svc_checkout"
    assert set(ids(desk.call("GET", path))) == {newest, new, old}
    assert ids(desk.call("GET", path))[-1] == old
    assert old not in ids(desk.call("GET", f"{path}&since=2026-12-01T00:00:00Z"))
    page = desk.call("GET", f"{path}&limit=2")
    rest = desk.call("GET", f"{path}&limit=2&cursor={page.body['cursor']}")
    assert ids(rest) == [old]
    assert "resolvedAt" not in rest.body["incidents"][0]
    detailed = desk.call("GET", f"{path}&since=2026-12-01T00:00:00Z&details=true")
    assert {each["resolvedAt"][:10] for each in detailed.body["incidents"]} == {"2027-01-02"}
    assert {each["dedupKey"] for each in detailed.body["incidents"]} == {"b", "c"}
    assert ids(desk.call("GET", "/api/incidents?status=RESOLVED&service=svc_reports")) == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("details=1", "details"),
        ("status=RESOLVED,OPEN&service=svc_checkout", "status"),
        ("status=NEW", "status"),
        ("urgency=critical", "urgency"),
        ("since=yesterday", "since"),
        ("until=2026-11-23T03:00:00", "until"),
        ("until=9999-12-31T23:59:59-12:00", "until"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=9999999999999999999", "limit"),
        ("limit=%C2%B2", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        ("cursor=YWN0aXZlIGluY18x", "cursor"),
    ],
)
def test_a_query_that_makes_no_sense_is_400_and_says_where(
    desk: Desk, query: str, path: str
) -> None:
    answer = desk.call("GET", f"/api/incidents?{query}")
    assert (answer.status, answer.body["error"]) == (400, "Invalid request body")
    assert [issue["path"] for issue in answer.body["issues"]] == [path]


def test_a_page_costs_one_request_and_what_is_resolved_costs_nothing(desk: Desk) -> None:
    several(desk, 7)
    for number in range(3):
        incident_in(desk.world, Status.RESOLVED, dedup_key=f"over{number}")
    desk.call("GET", "/api/incidents")
    store, limiter = Wire(desk.world.table.client), Wire(desk.world.counters.client)
    assert len(ids(desk.call("GET", "/api/incidents?limit=5"))) == 5
    assert (store.calls, limiter.calls) == (["Query"], ["UpdateItem"])
    [query] = store.sent
    assert query["ExpressionAttributeValues"] == {":listing": {"S": "active"}}
    assert (query["IndexName"], query["Limit"]) == ("listing", 5)


# Who may


def test_a_user_sees_and_touches_only_what_is_of_their_teams(desk: Desk) -> None:
    own, other = incident_in(desk.world, OPEN), other_service(desk)
    ben, eve = desk.key("ben", *SCOPES), desk.key("eve", *SCOPES)
    assert ids(desk.call("GET", "/api/incidents", key=ben)) == [own]
    assert ids(desk.call("GET", "/api/incidents", key=eve)) == []
    assert desk.call("GET", f"/api/incidents/{own}", key=ben).status == 200
    before = in_order(desk.world.items())
    requests = [
        ("GET", "", None),
        ("PATCH", "", {"urgency": "LOW"}),
        ("POST", "/acknowledge", None),
        ("POST", "/resolve", None),
        ("POST", "/suppress", None),
        ("POST", "/snooze", {"minutes": 5}),
        ("POST", "/escalate", None),
        ("POST", "/reassign", {"userId": "user_ben"}),
        ("POST", "/notes", {"text": "x"}),
    ]
    for key, incident_id in ((ben, other), (eve, own), (eve, other)):
        for method, path, body in requests:
            answer = desk.call(method, f"/api/incidents/{incident_id}{path}", body, key=key)
            assert (answer.status, answer.body["error"]) == (403, "Incident access denied")
    for query in ("service=svc_reports", "team=team_data"):
        assert desk.call("GET", f"/api/incidents?{query}", key=ben).status == 403
    new = {"title": "x", "serviceId": "svc_reports"}
    assert desk.call("POST", "/api/incidents", new, key=ben).status == 403
    assert in_order(changed(desk)) == [
        each for each in before if each["kind"]["S"] not in ("api_key",)
    ]
    assert desk.call("POST", f"/api/incidents/{own}/acknowledge", key=ben).status == 200


def changed(desk: Desk) -> list[dict[str, Any]]:
    """All but the days on which keys were used."""
    return [each for each in desk.world.items() if each["kind"]["S"] != "api_key"]


def test_a_responder_sees_every_team(desk: Desk) -> None:
    own, other = incident_in(desk.world, OPEN), other_service(desk)
    assert set(ids(desk.call("GET", "/api/incidents"))) == {own, other}
    assert desk.call("POST", f"/api/incidents/{other}/acknowledge").status == 200


READS = ["/api/incidents", "/api/incidents/inc_1"]
WRITES = [
    ("POST", "/api/incidents"),
    ("PATCH", "/api/incidents/inc_1"),
    ("POST", "/api/incidents/inc_1/acknowledge"),
    ("POST", "/api/incidents/inc_1/notes"),
]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        *(("GET", path, "incidents:read") for path in READS),
        *((method, path, "incidents:write") for method, path in WRITES),
        ("GET", "/api/services", "services:read"),
        ("GET", "/api/services/svc_checkout/maintenance", "services:read"),
        ("POST", "/api/services/svc_checkout/maintenance", "services:write"),
        ("DELETE", "/api/services/svc_checkout/maintenance/mw_1", "services:write"),
        ("GET", "/api/schedules", "schedules:read"),
        ("GET", "/api/oncall", "schedules:read"),
        ("GET", "/api/schedules/sch_1/overrides", "schedules:read"),
        ("POST", "/api/schedules/sch_1/overrides", "schedules:write"),
        ("DELETE", "/api/schedules/sch_1/overrides/ovr_1", "schedules:write"),
    ],
)
def test_each_route_takes_its_scope(desk: Desk, method: str, path: str, scope: str) -> None:
    without = desk.key("ada", *(each for each in SCOPES if each != scope))
    answer = desk.call(method, path, key=without)
    assert (answer.status, answer.body["error"]) == (403, "API key missing scope")
    assert scope in answer.body["message"]
    assert desk.call(method, path, key=desk.key("ada", scope)).status != 403
    assert desk.call(method, path, key="").status == 401
    for token in (desk.world.integration_key, "0" * 32):
        refused = desk.call(method, path, key="", Authorization=f"Token token={token}")
        assert refused.status == 401
        assert "API key" in refused.body["message"] and "integration" not in refused.body["message"]


def test_a_disabled_owner_is_401(desk: Desk) -> None:
    key = desk.key("ben", *SCOPES)
    user = desk.world.table.user("user_ben", deadline())
    assert user
    put(desk.world, directory_items.directory_item(user.model_copy(update={"disabled": True})))
    assert desk.call("GET", "/api/incidents", key=key).status == 401


# Details


def test_the_details_of_an_incident(desk: Desk) -> None:
    details = {"host": "web-01"}
    sent = desk.world.send(event(payload={"custom_details": details}))
    incident_id = sent.incident["id"]
    desk.world.clock.advance(minutes=1)
    desk.world.send(event(severity="info"))
    desk.delivery(incident_id)
    desk.call("POST", f"/api/incidents/{incident_id}/notes", {"text": "It is the database."})
    told = desk.call("GET", f"/api/incidents/{incident_id}").body["incident"]
    assert told["description"] == json.dumps(details, indent=2)
    assert told["alertCount"] == 2
    assert [row["what"] for row in told["timeline"]] == ["opened", "noted"]
    assert told["timeline"][1]["detail"] == {"note": "It is the database."}
    assert told["timeline"][1]["by"]["name"] == "Ada (CI)"
    assert [each["severity"] for each in told["alerts"]] == ["info", "critical"], "newest first"
    [delivery] = told["deliveries"]
    assert (delivery["userId"], delivery["channel"]) == ("user_ada", "email")
    assert "to" not in delivery


def test_the_timeline_tells_how_messages_to_people_ended(desk: Desk) -> None:
    incident_id = desk.world.send(event()).incident["id"]
    planned = desk.delivery(incident_id)
    why = "the incident is RESOLVED"
    over = planned.model_copy(update=ended(State.CANCELLED, why, desk.world.clock()))
    put(desk.world, message_items.delivery_item(over, timedelta(days=1)))
    told = desk.call("GET", f"/api/incidents/{incident_id}").body["incident"]
    row = told["timeline"][-1]
    assert (row["what"], row["userId"], row["why"]) == ("cancelled", "user_ada", why)


@pytest.mark.parametrize("path", ["inc_1", "inc_" + "0" * 28, "x"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_is_not_there_is_404(desk: Desk, path: str, method: str) -> None:
    body = {"urgency": "LOW"} if method == "PATCH" else None
    answer = desk.call(method, f"/api/incidents/{path}", body)
    assert (answer.status, answer.body["error"]) == (404, "Incident not found")


# What people do

BODIES: dict[str, Any] = {
    "snooze": {"minutes": 60},
    "reassign": {"userId": "user_ben"},
    "also-page": {"userId": "user_ben"},
    "notes": {"text": "Looking."},
}
ROUTES = {
    "acknowledge": "acknowledge",
    "resolve": "resolve",
    "snooze": "snooze",
    "unsnooze": "unsnooze",
    "suppress": "suppress",
    "unsuppress": "unsuppress",
    "escalate": "escalate",
    "reassign": "reassign",
    "also page": "also-page",
    "note": "notes",
}


@pytest.mark.parametrize("before", Status, ids=str)
@pytest.mark.parametrize("what", sorted(ROUTES))
def test_the_second_table_by_http(desk: Desk, what: str, before: Status) -> None:
    incident_id = incident_in(desk.world, before)
    seen = incident(desk.world, incident_id)
    answer = desk.call(
        "POST", f"/api/incidents/{incident_id}/{ROUTES[what]}", BODIES.get(ROUTES[what])
    )
    after = TABLE[what].get(before)
    known = incident(desk.world, incident_id)
    if after is None:
        assert (answer.status, answer.body["status"]) == (409, before)
        assert known == seen
        return
    assert answer.status == 200
    assert answer.incident["status"] == known.status == after
    changes = desk.world.table.changes(incident_id, deadline())
    if (what, before) in REPEATED:
        assert known == seen
    else:
        assert known.changes == seen.changes + 1
        assert answer.action == changes[-1].what
        assert (changes[-1].actor.kind, changes[-1].actor.name) == (ActorKind.API_KEY, "Ada (CI)")


def test_acknowledging_makes_the_owner_of_the_key_the_assignee(desk: Desk) -> None:
    incident_id = incident_in(desk.world, OPEN)
    desk.call("POST", f"/api/incidents/{incident_id}/acknowledge", key=desk.key("ben", *SCOPES))
    assert incident(desk.world, incident_id).assignee_id == "user_ben"


def test_what_a_person_does_is_what_an_event_does(desk: Desk) -> None:
    """But for the assignee, and for who did it."""

    def known(incident_id: str) -> dict[str, Any]:
        own = {"id", "dedup_key", "title", "first_alert_id", "assignee_id"}
        own |= {"taken", "taken_as_of"}
        return incident(desk.world, incident_id).model_dump(exclude=own)

    by_event = incident_in(desk.world, OPEN, dedup_key="by event")
    body = {"title": "By hand", "serviceId": "svc_checkout", "dedupKey": "by hand"}
    by_hand = desk.call("POST", "/api/incidents", body).incident["id"]
    assert known(by_hand) == known(by_event)
    for action in ("acknowledge", "resolve"):
        desk.world.clock.advance(minutes=1)
        desk.world.send(event(action, "by event"))
        assert desk.call("POST", f"/api/incidents/{by_hand}/{action}").status == 200
        assert known(by_hand) == known(by_event)
    assert desk.world.table.pointer("svc_checkout", "by hand", deadline()) is None
    rows = desk.call("GET", f"/api/incidents/{by_hand}").body["incident"]["timeline"]
    assert [(row["what"], row["by"]["name"]) for row in rows] == [
        ("opened", "Ada (CI)"),
        ("acknowledged", "Ada (CI)"),
        ("resolved", "Ada (CI)"),
    ]


def test_an_answer_says_whether_its_assignee_has_it(desk: Desk) -> None:
    """Programs and the console said of whoever it paged first that they had it."""
    incident_id = paged(desk.world)

    def told() -> list[bool | None]:
        one = desk.call("GET", f"/api/incidents/{incident_id}").body["incident"]
        assert one["assigneeId"] == incident(desk.world, incident_id).assignee_id
        path = f"/api/incidents?status={one['status']}&service=svc_checkout"
        [brief] = desk.call("GET", path).body["incidents"]
        [whole] = desk.call("GET", f"{path}&details=true").body["incidents"]
        return [each.get("assigneeHasIt") for each in (one, whole, brief)]

    assert told() == [False, False, None]
    desk.world.send(event("acknowledge"))
    assert told() == [False, False, None]
    do(desk.world, incident_id, Reassign("user_ben"))
    assert told() == [True, True, None]
    do(desk.world, incident_id, Escalate())
    assert told() == [False, False, None]
    do(desk.world, incident_id, Acknowledge(by="user_ben"))
    do(desk.world, incident_id, Resolve())
    assert told() == [True, True, None]


def test_a_snooze_ends_when_it_is_told_to(desk: Desk) -> None:
    incident_id = incident_in(desk.world, OPEN)
    path = f"/api/incidents/{incident_id}/snooze"
    for body, hours in (
        ({"minutes": 120}, 2),
        ({"until": "2026-11-23T06:00:00Z"}, 3),
        ({"until": "2026-11-23T08:00:00+01:00"}, 4),
    ):
        assert desk.call("POST", path, body).status == 200
        until = desk.world.clock() + timedelta(hours=hours)
        assert incident(desk.world, incident_id).timers[Timer.SNOOZE] == until


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("snooze", {}),
        ("snooze", {"minutes": 0}),
        ("snooze", {"minutes": 10_081}),
        ("snooze", {"minutes": 5, "until": "2026-11-23T06:00:00Z"}),
        ("snooze", {"until": "2026-11-23T03:00:00Z"}),
        ("snooze", {"until": "2026-11-30T03:00:00.000001Z"}),
        ("snooze", {"until": "2026-11-23T06:00:00"}),
        ("snooze", {"until": "9999-12-31T23:59:59-23:59"}),
        ("snooze", {"until": "never"}),
        ("snooze", {"until": 1_795_413_600}),
        ("escalate", {"step": 0}),
        ("escalate", {"step": 51}),
        ("escalate", {"step": 1.5}),
        ("reassign", {}),
        ("reassign", {"userId": "user_nobody"}),
        ("reassign", {"userId": "a#b"}),
        ("notes", {"text": "  "}),
        ("notes", {"text": "x" * 2001}),
        ("notes", {"text": "x", "public": "yes"}),
    ],
)
def test_an_impossible_wish_is_400_and_changes_nothing(
    desk: Desk, action: str, body: dict[str, Any]
) -> None:
    incident_id = incident_in(desk.world, OPEN)
    seen = incident(desk.world, incident_id)
    answer = desk.call("POST", f"/api/incidents/{incident_id}/{action}", body)
    assert (answer.status, answer.body["error"]) == (400, "Invalid request body")
    assert answer.body["issues"]
    assert incident(desk.world, incident_id) == seen


def test_an_escalation_to_a_step_counts_from_one(desk: Desk) -> None:
    incident_id = incident_in(desk.world, OPEN)
    assert desk.call("POST", f"/api/incidents/{incident_id}/escalate", {"step": 2}).status == 200
    assert incident(desk.world, incident_id).next_step == 1
    [_, row] = desk.call("GET", f"/api/incidents/{incident_id}").body["incident"]["timeline"]
    assert (row["what"], row["detail"]) == ("escalated", {"step": "2"})


def test_urgency_and_assignee_are_patched(desk: Desk) -> None:
    incident_id = incident_in(desk.world, OPEN)
    path = f"/api/incidents/{incident_id}"
    answer = desk.call("PATCH", path, {"urgency": "LOW", "assigneeId": "user_ben"})
    assert answer.status == 200
    known = incident(desk.world, incident_id)
    assert (known.urgency, known.assignee_id) == ("LOW", "user_ben")
    whats = [each.what for each in desk.world.table.changes(incident_id, deadline())]
    assert whats == ["lowered", "reassigned"]
    assert desk.call("PATCH", path, {"urgency": "LOW"}).action == "prioritized"
    assert len(desk.world.table.changes(incident_id, deadline())) == 2
    assert desk.call("PATCH", path, {}).status == 400
    desk.call("POST", f"{path}/resolve")
    refused = desk.call("PATCH", path, {"urgency": "HIGH"})
    assert (refused.status, refused.body["status"]) == (409, "RESOLVED")


def test_a_person_opens_an_incident(desk: Desk) -> None:
    body = {
        "title": "The office is on fire",
        "serviceId": "svc_checkout",
        "urgency": "MEDIUM",
        "description": "Second floor.",
    }
    answer = desk.call("POST", "/api/incidents", body)
    assert answer.status == 201
    assert answer.action == "triggered"
    incident_id = answer.incident["id"]
    assert answer.headers["Location"] == f"/api/incidents/{incident_id}"
    told = desk.call("GET", answer.headers["Location"]).body["incident"]
    assert (told["urgency"], told["status"]) == ("MEDIUM", "OPEN")
    assert "Second floor." in told["description"]
    assert incident(desk.world, incident_id).due_at == desk.world.clock()


def test_the_same_dedup_key_is_the_same_incident(desk: Desk) -> None:
    body = {"title": "Fire", "serviceId": "svc_checkout", "dedupKey": "fire"}
    first = desk.call("POST", "/api/incidents", body)
    second = desk.call("POST", "/api/incidents", body)
    assert (second.status, second.action) == (200, "deduplicated")
    assert second.incident["id"] == first.incident["id"]
    assert desk.world.send(event("resolve", "fire")).incident["id"] == first.incident["id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"serviceId": "svc_checkout"}, 400),
        ({"title": " ", "serviceId": "svc_checkout"}, 400),
        ({"title": "x" * 501, "serviceId": "svc_checkout"}, 400),
        ({"title": "x"}, 400),
        ({"title": "x", "serviceId": 1}, 400),
        ({"title": "x", "serviceId": " "}, 400),
        ({"title": "x", "serviceId": "svc_none"}, 404),
        ({"title": "x", "serviceId": "#" * 3000}, 404),
        ({"title": "x", "serviceId": "svc_checkout", "urgency": "high"}, 400),
        ({"title": "x", "serviceId": "svc_checkout", "dedupKey": "\ud800"}, 400),
        ("[]", 400),
        ("{", 400),
        ('{"title": NaN}', 400),
        (json.dumps({"title": "x" * 65536}), 413),
    ],
)
def test_what_cannot_be_opened(desk: Desk, body: object, status: int) -> None:
    key = desk.key("ada", *SCOPES)
    before = len(desk.world.items())
    assert desk.call("POST", "/api/incidents", body, key=key).status == status
    assert len(desk.world.items()) == before


# What every answer has


def test_an_unknown_path_is_404_and_another_method_405(desk: Desk) -> None:
    for path in ("/api", "/api/", "/api/incident", "/api/incidents/", "/api/incidents/a/burn"):
        assert desk.call("GET", path).status == 404
    answer = desk.call("DELETE", "/api/incidents")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")
    # It looks like an incident's id, and is none.
    answer = desk.call("OPTIONS", "/api/incidents/actions")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_a_list_of_no_time_at_all_is_empty_and_a_cursor_of_other_times_no_fault(desk: Desk) -> None:
    """DynamoDB refuses an empty range, and a place outside of the range."""
    known = [incident_in(desk.world, OPEN, dedup_key=each) for each in "abc"]
    at = desk.world.clock()
    day = timedelta(days=1)
    cursor = desk.call("GET", "/api/incidents?limit=1").body["cursor"]

    def listed(since: datetime, until: datetime, cursor: str = "") -> list[str]:
        times = f"since={since:%Y-%m-%dT%H:%M:%SZ}&until={until:%Y-%m-%dT%H:%M:%SZ}"
        answer = desk.call("GET", f"/api/incidents?{times}&cursor={cursor}")
        assert answer.status == 200
        return ids(answer)

    assert listed(at + day, at - day) == []
    assert listed(at + day, at - day, cursor) == []
    # The cursor is of a time before, after, and within.
    assert listed(at + day, at + 2 * day, cursor) == []
    assert listed(at - 2 * day, at - day, cursor) == []
    assert sorted(listed(at - day, at + day, cursor)) == sorted(known)[:2]


def test_120_requests_a_minute_pass_and_cost_no_events(desk: Desk) -> None:
    key = desk.key("ada", *SCOPES)
    first = desk.call("GET", "/api/incidents", key=key)
    assert first.headers["RateLimit-Remaining"] == "119"
    [counter] = desk.world.counters.client.scan(TableName=desk.world.counters.name)["Items"]
    name = counter["pk"]["S"].rpartition("#")[0]
    assert name.endswith(":reads")
    full = counter | {"requests": {"N": "120"}}
    counted = desk.call("GET", "/api/incidents/inc_1", key=key)
    assert (counted.status, counted.headers["RateLimit-Remaining"]) == (404, "118")
    desk.world.counters.client.put_item(TableName=desk.world.counters.name, Item=full)
    refused = desk.call("GET", "/api/incidents", key=key)
    assert (refused.status, refused.body["error"]) == (429, "Rate limit exceeded.")
    assert int(refused.headers["Retry-After"]) >= 1
    sent = desk.world.send(event(service_id="svc_checkout"), key=key)
    assert sent.status == 202
    written = desk.call("POST", f"/api/incidents/{sent.incident['id']}/acknowledge", key=key)
    assert written.status == 200, "a dashboard keeps nobody from acknowledging"
    assert written.headers["RateLimit-Remaining"] == "119"
    desk.world.clock.advance(minutes=1)
    assert desk.call("GET", "/api/incidents", key=key).status == 200


def test_a_store_that_is_away_is_503(desk: Desk) -> None:
    desk.call("GET", "/api/incidents")
    function = desk.responder(patience=0.2)
    Wire(desk.world.table.client).fail("Query", TIMES_OUT, ALWAYS)
    answer = desk.call("GET", "/api/incidents", function=function)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


def test_use_up_is_for_events(desk: Desk) -> None:
    use_up(desk.world)
    assert desk.call("GET", "/api/incidents").status == 200


def test_a_parameter_that_there_is_not_is_refused(desk: Desk) -> None:
    """A misspelt filter would list everything."""
    answer = desk.call("GET", "/api/incidents?stauts=OPEN&limit=1")
    assert (answer.status, answer.body["error"]) == (400, "Invalid request body")
    [issue] = answer.body["issues"]
    assert issue["path"] == "stauts"
    assert "status, urgency" in issue["message"]
    assert desk.call("GET", "/api/services?limit=1").status == 400
    assert desk.call("GET", "/api/incidents?limit=1").status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/incidents/inc_1", 404, "incident-not-found"),
        ("PUT", "/api/incidents", 405, "method-not-allowed"),
        ("GET", "/api/incidents?limit=0", 400, "invalid-request-body"),
        ("GET", "/api/nothing", 404, "not-found"),
    ],
)
def test_each_error_has_a_code_and_a_type(
    desk: Desk, method: str, path: str, status: int, code: str
) -> None:
    """RFC 9457, beside the words of the document."""
    answer = desk.call(method, path)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.problem == {
        "code": code,
        "type": f"urn:opsknight:error:{code}",
        "title": answer.body["error"],
        "status": status,
    }


def test_a_conflict_keeps_the_status_of_the_incident(desk: Desk) -> None:
    opened = desk.world.send(event()).incident["id"]
    desk.call("POST", f"/api/incidents/{opened}/resolve")
    answer = desk.call("POST", f"/api/incidents/{opened}/snooze", {"minutes": 5})
    assert (answer.status, answer.body["status"]) == (409, "RESOLVED")
    assert answer.problem["code"] == "not-possible-in-this-status"
    assert "status" not in answer.problem


def test_a_401_says_which_keys_are_taken(desk: Desk) -> None:
    answer = desk.call("GET", "/api/incidents", key="opsk_unknown")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="opsknight"')
    assert answer.problem["detail"] == answer.body["message"]


ORIGIN = "https://ops.example.com"


def test_a_page_of_a_named_origin_may_read(desk: Desk) -> None:
    answer = desk.call(
        "GET", "/api/incidents", function=desk.responder(origins=ORIGIN), Origin=ORIGIN
    )
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", f"{ORIGIN}.evil.com", "http://ops.example.com", "null"]
)
def test_no_other_page_may(desk: Desk, origin: str) -> None:
    answer = desk.call(
        "GET", "/api/incidents", function=desk.responder(origins=f"{ORIGIN},*"), Origin=origin
    )
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_nobody_may_where_no_origin_is_named(desk: Desk) -> None:
    answer = desk.call("GET", "/api/incidents", Origin=ORIGIN)
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
