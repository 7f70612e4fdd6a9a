"""Opsgenie's Alert API: what its senders and scripts write, and answers that they understand."""

import json
from datetime import UTC, datetime, time, timedelta
from random import Random
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import pytest

from events.integrations.opsgenie.request_ids import tiny
from harness.invariants import check
from harness.settings import configure
from harness.world import Response, World, deadline, event, http_event
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import Route, Routing
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.incident.commands import Reassign, Suppress
from opsknight.incident.event_request import LARGEST_BODY
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule
from opsknight.store import directory_items
from opsknight.views.sentences import said
from tests.integration.conftest import Log
from tests.integration.steps import do, put, use_up
from tests.integration.wire import ALWAYS, THROTTLES, Wire

ALERTS = "/v2/alerts"
ALIAS = {"identifierType": "alias"}
JIRA = "/jsm/ops/integration/v2/alerts"


def ask(
    world: World,
    method: str,
    path: str,
    body: object = "",
    *,
    key: str | None = None,
    **query: str,
) -> Response:
    headers = {"Authorization": f"GenieKey {key or world.integration_key}"}
    headers |= {"Host": "api.example.com"}
    return world.request(http_event(body, method=method, path=path, headers=headers, query=query))


def create(world: World, path: str = ALERTS, **fields: Any) -> Response:
    answer = ask(world, "POST", path, {"message": "Disk full", "alias": "disk"} | fields)
    assert answer.status == 202, answer.body
    return answer


def act(world: World, what: str, body: object = "", identifier: str = "disk") -> dict[str, Any]:
    """By alias. What became of the request."""
    path = f"{ALERTS}/{identifier}/{what}"
    method = "PUT" if what in ("message", "description", "priority") else "POST"
    answer = ask(world, method, path, body, identifierType="alias")
    assert answer.status == 202, answer.body
    return became(world, answer)


def became(world: World, answer: Response) -> dict[str, Any]:
    status = ask(world, "GET", f"{ALERTS}/requests/{answer.body['requestId']}")
    assert status.status == 200
    found: dict[str, Any] = status.body["data"]
    return found


def shown(world: World, identifier: str = "disk", by: str = "alias") -> dict[str, Any]:
    answer = ask(world, "GET", f"{ALERTS}/{identifier}", identifierType=by)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["data"]
    return found


def listed(world: World, **query: str) -> list[str]:
    answer = ask(world, "GET", ALERTS, **query)
    assert answer.status == 200, answer.body
    return [each["alias"] for each in answer.body["data"]]


def incident(world: World) -> dict[str, Any]:
    [found] = check(world).incidents.values()
    return found


def timeline(world: World) -> list[str]:
    changes = world.table.changes(incident(world)["id"], deadline())
    return [said(each, str, str) for each in changes]


@pytest.mark.parametrize("path", [ALERTS, JIRA, ALERTS + "/"])
def test_an_alert_from_create_to_close(world: World, path: str) -> None:
    made = became(world, create(world, path))
    assert made["isSuccess"] is made["success"] is True
    assert (made["action"], made["status"], made["alias"]) == ("Create", "Created alert", "disk")
    assert made["alertId"] == incident(world)["id"]
    assert became(world, create(world, path))["status"] == "Added to the open alert with this alias"
    for what, status in (("acknowledge", "ACKNOWLEDGED"), ("close", "RESOLVED")):
        acting = f"{path.rstrip('/')}/disk/{what}"
        answer = ask(world, "POST", acting, {"user": "ada"}, identifierType="alias")
        assert set(answer.body) == {"result", "took", "requestId"}
        assert incident(world)["status"] == status
    assert timeline(world) == [
        "Acknowledged by Prometheus (says: ada)",
        "Resolved by Prometheus (says: ada)",
    ]


def test_what_alertmanager_sends(world: World) -> None:
    """Captured from its receiver, with the updates of `update_alerts`."""
    alias = "9f2a099adf99adbf3e1d24abbd84835468e75b8b96fca010db3f2b763340e4c1"
    source = "http://vm:19093/#/alerts?receiver=all"
    message = "[FIRING:1] HighCPU (web-01 critical)"
    details = {"alertname": "HighCPU", "instance": "web-01", "severity": "critical"}
    firing: dict[str, Any] = {
        "alias": alias,
        "message": message,
        "description": "load CPU above 90%\nAlerts Firing:\n...",
        "details": details,
        "source": source,
    }
    for _ in range(3):
        create(world, **firing)
        act(world, "message", {"message": message}, alias)
        act(world, "description", {"description": firing["description"]}, alias)
    found = incident(world)
    assert (found["alert_count"], found["urgency"], found["changes"]) == (3, "MEDIUM", 1)
    seen = shown(world, alias)
    assert (seen["details"], seen["source"]) == (details, source)
    assert seen["description"] == firing["description"]
    worse = {"message": "[FIRING:2] HighCPU (critical)"}
    assert act(world, "message", worse, alias)["status"] == "Done"
    assert shown(world, alias)["message"] == worse["message"]
    assert incident(world)["title"] == message, "what threads of messages hang on"
    assert timeline(world) == [f"Prometheus says now: message: {worse['message']}"]
    act(world, "close", {"source": source}, alias)
    assert incident(world)["status"] == "RESOLVED"
    # Nothing is active any more: accepted, as there.
    assert act(world, "close", {"source": source}, alias)["isSuccess"] is False


@pytest.mark.parametrize("by", ["id", "alias", "tiny"])
def test_identifiers(world: World, by: str) -> None:
    create(world)
    incident_id = incident(world)["id"]
    named = {"id": incident_id, "alias": "disk", "tiny": tiny(incident_id)}[by]
    seen = shown(world, named, by)
    assert (seen["id"], seen["alias"], seen["tinyId"]) == (incident_id, "disk", tiny(incident_id))
    for what, status in (("acknowledge", "ACKNOWLEDGED"), ("close", "RESOLVED")):
        path = f"{ALERTS}/{named}/{what}"
        answer = ask(world, "POST", path, {"note": "by hand"}, identifierType=by)
        assert became(world, answer)["isSuccess"]
        assert incident(world)["status"] == status
    assert [each for each in timeline(world) if "by hand" in each] == ["Prometheus: by hand"] * 2


def test_a_closed_alert_by_its_id_leaves_the_next_one_with_its_alias_alone(world: World) -> None:
    create(world)
    first = incident(world)["id"]
    act(world, "close")
    create(world)
    answer = ask(world, "POST", f"{ALERTS}/{first}/close", {})
    assert became(world, answer)["status"] == "Not possible in this status of the alert"
    assert sorted(each["status"] for each in check(world).incidents.values()) == [
        "OPEN",
        "RESOLVED",
    ]


@pytest.mark.parametrize("alias", ["a/b/close", "disk /var 97%", "käse", "k" * 300, "%", "a%2Fb"])
@pytest.mark.parametrize("decoded", [True, False])
def test_an_alias_of_any_characters_finds_its_alert(
    world: World, alias: str, decoded: bool
) -> None:
    """API Gateway decodes paths but for `%25`, other doors do not."""
    create(world, alias=alias)
    path = f"{ALERTS}/{alias.replace('%', '%25') if decoded else quote(alias, safe='')}/close"
    ask(world, "POST", path, {}, identifierType="alias")
    assert incident(world)["status"] == "RESOLVED"


def test_an_alert_without_an_alias_is_found_by_the_id_of_its_request(world: World) -> None:
    made = became(world, create(world, alias=None))
    assert made["alias"] == incident(world)["dedup_key"]
    closing = ask(world, "POST", f"{ALERTS}/{made['alertId']}/close")
    assert became(world, closing)["action"] == "Close"
    assert incident(world)["status"] == "RESOLVED"


def test_unacknowledge_pages_from_the_start(world: World) -> None:
    create(world)
    assert act(world, "unacknowledge")["isSuccess"] is False
    act(world, "acknowledge")
    assert act(world, "unacknowledge", {"user": "ben"})["isSuccess"]
    found = incident(world)
    assert (found["status"], found["escalation"]) == ("OPEN", "NONE")
    assert timeline(world)[-1] == "Acknowledgement taken back by Prometheus (says: ben)"


def test_snooze_ends_when_it_says_and_after_seven_days_at_most(world: World) -> None:
    create(world)
    hour = world.clock() + timedelta(hours=1)
    assert act(world, "snooze", {"endTime": hour.isoformat()})["isSuccess"]
    seen = shown(world)
    assert (seen["snoozed"], seen["snoozedUntil"]) == (
        True,
        f"{hour:%Y-%m-%dT%H:%M:%S.000Z}",
    )
    month = world.clock() + timedelta(days=30)
    path = f"{ALERTS}/disk/snooze"
    answer = ask(world, "POST", path, {"endTime": month.isoformat()}, identifierType="alias")
    assert "7 days" in answer.body["detail"]
    for wrong in (None, "soon", world.clock().isoformat()):
        answer = ask(world, "POST", path, {"endTime": wrong}, identifierType="alias")
        assert (answer.status, set(answer.body["errors"])) == (422, {"endTime"})


def test_what_the_rules_refuse_is_said_by_the_request_status(world: World) -> None:
    create(world)
    do(world, incident(world)["id"], Suppress())
    hour = world.clock() + timedelta(hours=1)
    refused = act(world, "snooze", {"endTime": hour.isoformat()})
    assert (refused["isSuccess"], refused["action"]) == (False, "Snooze")
    assert refused["status"] == "Not possible in this status of the alert"
    assert incident(world)["status"] == "SUPPRESSED"


def test_priority_note_tags_details_and_description(world: World) -> None:
    create(world, tags=["db"], details={"host": "db-01", "zone": "a"}, priority="P3")
    assert act(world, "priority", {"priority": "P1"})["isSuccess"]
    assert incident(world)["urgency"] == "HIGH"
    act(world, "priority", {"priority": "P1"})
    act(world, "notes", {"note": "Looking.", "user": "ada"})
    act(world, "tags", {"tags": ["eu", "db"]})
    act(world, "details", {"details": {"zone": "b", "disk": "/var"}})
    act(world, "description", {"description": "98 %"})
    for what, query in (("tags", {"tags": "db,none"}), ("details", {"keys": "host"})):
        path = f"{ALERTS}/disk/{what}"
        assert ask(world, "DELETE", path, **query, identifierType="alias").status == 202
    seen = shown(world)
    assert seen["priority"] == "P1"
    assert seen["tags"] == ["eu"]
    assert seen["details"] == {"zone": "b", "disk": "/var"}
    assert (seen["description"], seen["message"]) == ("98 %", "Disk full")
    assert timeline(world) == [
        "Urgency raised to HIGH by Prometheus",
        "Prometheus says now: priority: P1",
        "Prometheus (says: ada): Looking.",
        "Prometheus says now: tags added: eu",
        "Prometheus says now: details.zone: b; details.disk: /var",
        "Prometheus says now: description: 98 %",
        "Prometheus says now: tags removed: db",
        "Prometheus says now: details removed: host",
    ]


def test_said_again_it_is_not_written_again(world: World) -> None:
    create(world, tags=["db"], details={"host": "db-01"}, priority="P4", description="97 %")
    for what, body in (
        ("message", {"message": "Disk full"}),
        ("description", {"description": "97 %"}),
        ("priority", {"priority": "P4"}),
        ("tags", {"tags": ["db"]}),
        ("details", {"details": {"host": "db-01"}}),
    ):
        assert act(world, what, body)["status"] == "It was so already"
    assert incident(world)["changes"] == 1


def test_the_answer_shows_the_alert(world: World) -> None:
    responders = [{"type": "team", "id": "t1"}]
    create(world, source="nagios", entity="db-01", responders=responders, actions=["Restart"])
    world.clock.advance(minutes=2)
    create(world)
    act(world, "acknowledge", {"user": "ada"})
    seen = shown(world)
    assert seen["status"] == "open"
    assert seen["acknowledged"] is True
    assert (seen["count"], seen["source"], seen["entity"]) == (2, "nagios", "db-01")
    assert (seen["responders"], seen["actions"]) == (responders, ["Restart"])
    assert seen["createdAt"] == "2026-11-23T03:00:00.000Z"
    assert seen["lastOccurredAt"] == seen["updatedAt"] == "2026-11-23T03:02:00.000Z"
    assert seen["report"] == {
        "ackTime": 120_000,
        "acknowledgedBy": "Prometheus (says: ada)",
    }
    assert seen["integration"] == {"id": "int_prometheus", "name": "Prometheus", "type": "API"}


def test_its_owner_is_who_took_it_on(world: World) -> None:
    """It was whoever it paged first, too."""
    create(world)
    [item] = [each for each in world.items() if each["kind"] == {"S": "incident"}]
    put(world, item | {"assignee_id": {"S": "user_ada"}})
    assert shown(world)["owner"] == ""
    act(world, "acknowledge")
    assert shown(world)["owner"] == ""
    do(world, item["id"]["S"], Reassign("user_ada"))
    assert shown(world)["owner"] == "Ada"


def test_a_key_sees_the_alerts_of_its_integration_alone(world: World) -> None:
    create(world)
    world.send(event(dedup_key="grafana"), key=world.second_integration_key)
    other = next(
        each["id"] for each in check(world).incidents.values() if each["dedup_key"] == "grafana"
    )
    assert listed(world) == ["disk"]
    for by, named in (("alias", "grafana"), ("id", other), ("tiny", tiny(other))):
        answer = ask(world, "GET", f"{ALERTS}/{named}", identifierType=by)
        assert answer.status == 404
    answer = ask(world, "GET", ALERTS, key=world.second_integration_key)
    assert [each["alias"] for each in answer.body["data"]] == ["grafana"]


def test_another_services_alert_is_nobodys(world: World) -> None:
    service = {"service_id": "svc_reports"}
    incident_id = world.send(event(**service), key=world.api_key).incident["id"]
    for method, what, body in (("POST", "close", {}), ("PUT", "message", {"message": "x"})):
        answer = ask(world, method, f"{ALERTS}/{incident_id}/{what}", body)
        assert became(world, answer)["status"] == "Alert does not exist"
    assert ask(world, "GET", f"{ALERTS}/{incident_id}").status == 404
    forged = f"{incident_id.removeprefix('inc_')}-0203-000000000000"
    assert ask(world, "GET", f"{ALERTS}/requests/{forged}").status == 404


def test_lists(world: World) -> None:
    for number in range(5):
        create(world, alias=f"a{number}", tags=["odd"] if number % 2 else [], priority="P2")
        world.clock.advance(seconds=1)
    act(world, "close", identifier="a0")
    act(world, "acknowledge", identifier="a1")
    assert listed(world) == ["a4", "a3", "a2", "a1", "a0"]
    assert listed(world, query="status: closed") == ["a0"]
    assert listed(world, query="status: open AND acknowledged: false") == ["a4", "a3", "a2"]
    assert listed(world, query="tag: ODD") == ["a3", "a1"]
    assert listed(world, query='alias: "a2" priority: P2') == ["a2"]
    assert listed(world, query="priority: P1") == []
    assert listed(world, limit="2", offset="1") == ["a3", "a2"]
    answer = ask(world, "GET", ALERTS, limit="2", query="status: open")
    following = answer.body["paging"]["next"]
    assert following == "https://api.example.com/v2/alerts?limit=2&query=status%3A+open&offset=2"
    assert ask(world, "GET", ALERTS, limit="5").body["paging"] == {}


@pytest.mark.parametrize(
    "query",
    [
        {"query": "disk"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "-1"},
        {"offset": "x"},
        {"offset": "481"},
        {"order": "asc"},
        {"sort": "tinyId"},
    ],
)
def test_a_list_that_cannot_be_made_is_refused(world: World, query: dict[str, str]) -> None:
    answer = ask(world, "GET", ALERTS, **query)
    assert answer.status == 422
    assert set(answer.body["errors"]) <= set(query) | {"limit"}


def test_an_unknown_key_is_401_in_the_words_of_its_clients(world: World) -> None:
    for scheme in ("GenieKey " + "0" * 32, "Token token=" + world.integration_key, "", "GenieKey"):
        headers = {"Authorization": scheme}
        answer = world.request(http_event({"message": "x"}, path=ALERTS, headers=headers))
        assert answer.status == 401
        assert set(answer.body) >= {"message", "took", "requestId"}
    assert check(world).incidents == {}


def test_a_key_may_have_the_dashes_of_a_uuid(world: World) -> None:
    key = world.integration_key
    dashed = f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}".upper()
    assert ask(world, "POST", ALERTS, {"message": "x"}, key=dashed).status == 202


def test_the_key_is_stored_and_logged_nowhere(world: World, log: Log) -> None:
    create(world)
    act(world, "acknowledge", {"user": "ada"})
    shown(world)
    assert world.integration_key not in json.dumps([*world.items(), *log.lines], default=str)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 422),
        ("null", 422),
        ({}, 422),
        ({"message": " "}, 422),
        ({"message": 5}, 422),
        ({"message": "x", "description": "x" * LARGEST_BODY}, 413),
    ],
)
def test_what_means_nothing_is_refused(world: World, body: object, status: int) -> None:
    answer = ask(world, "POST", ALERTS, body)
    assert answer.status == status
    assert set(answer.body) >= {"message", "took", "requestId"}
    assert check(world).incidents == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", ALERTS, 405),
        ("GET", ALERTS + "/disk/close", 404),
        ("POST", ALERTS + "/disk", 405),
        ("POST", ALERTS + "/disk/escalate", 404),
        ("DELETE", ALERTS + "/disk", 405),
        ("POST", "/v2/schedules/x/on-calls", 405),
        ("GET", "/v2/schedules/x", 404),
        ("GET", "/jsm/ops/integration/v2/nothing", 404),
        ("GET", ALERTS + "/requests/none", 404),
    ],
)
def test_what_is_not_there(world: World, method: str, path: str, status: int) -> None:
    assert ask(world, method, path).status == status


def test_over_the_limit_a_client_is_told_to_try_later(world: World) -> None:
    create(world)
    world.clock.advance(minutes=1)
    use_up(world)
    for method, path in (
        ("POST", ALERTS),
        ("POST", ALERTS + "/disk/close"),
        ("PUT", ALERTS + "/disk/priority"),
    ):
        body = {"message": "x", "priority": "P1"}
        answer = ask(world, method, path, body, identifierType="alias")
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) <= 60
    # Who looks is counted apart.
    assert shown(world)["alias"] == "disk"
    [loud] = [each for each in check(world).incidents.values() if each["dedup_key"] != "disk"]
    assert loud["title"].startswith("Rate limit exceeded")


def test_a_refused_close_by_id_is_as_loud_as_one_by_alias(world: World) -> None:
    create(world)
    incident_id = incident(world)["id"]
    world.clock.advance(minutes=1)
    use_up(world)
    assert ask(world, "POST", f"{ALERTS}/{incident_id}/close").status == 429
    assert len(check(world).incidents) == 2


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("POST", "/disk/close"), ("PUT", "/disk/message")]
)
def test_a_store_that_is_away_is_503(world: World, method: str, path: str, operation: str) -> None:
    if path:
        create(world)
    Wire(world.table.client).fail(operation, THROTTLES, ALWAYS)
    headers = {"Authorization": f"GenieKey {world.integration_key}"}
    query = {"identifierType": "alias"}
    asked = http_event(
        {"message": "new"}, method=method, path=ALERTS + path, headers=headers, query=query
    )
    answer = world.request(asked, world.api(patience=0.2))
    assert answer.status == 503
    assert "Retry-After" in answer.headers


SCHEDULE = Schedule(
    id="sch_web",
    name="Web",
    zone="UTC",
    layers=(
        Layer(
            id="daily",
            name="Daily",
            users=("user_ada",),
            length=Length(count=1, unit=Unit.DAYS),
            handoff=time(0),
            start=datetime(2026, 11, 1, tzinfo=UTC),
        ),
    ),
)


def pages_by(world: World, schedule: Schedule) -> None:
    """Its service does, and there is another schedule."""
    other = Schedule(id="sch_data", name="Data", zone="UTC")
    world.table.create([schedule, other], {}, token_hex(8), deadline())
    target = Target(kind=TargetKind.SCHEDULE, id=schedule.id)
    policy = Policy(id="pol_a", name="A", version=1, steps=(Step(targets=(target,)),))
    world.table.publish(policy, token_hex(8), deadline())
    service = world.service.model_copy(update={"policy_id": policy.id})
    put(world, directory_items.directory_item(service))


def on_call(world: World, name: str, **query: str) -> Response:
    return ask(world, "GET", f"/v2/schedules/{name}/on-calls", **query)


def test_who_is_on_call_by_the_schedules_of_its_service(world: World) -> None:
    pages_by(world, SCHEDULE)
    for name in ("Web", "sch_web"):
        data = on_call(world, name, scheduleIdentifierType="name").body["data"]
        assert data["_parent"] == {"id": "sch_web", "name": "Web", "enabled": True}
        assert data["onCallParticipants"] == [
            {"id": "user_ada", "name": "ada@example.com", "type": "user"}
        ]
    flat = on_call(world, "Web", flat="true", date="2026-11-24T00:00:00+01:00").body["data"]
    assert flat["onCallRecipients"] == ["ada@example.com"]
    assert on_call(world, "Web", date="soon").status == 422
    assert on_call(world, "Data").status == 404, "its service pages by another"


def test_a_burst_of_garbage_makes_no_5xx(world: World) -> None:
    chance = Random(11)
    create(world)
    paths = ["", "/disk", "/disk/close", "/disk/notes", "/disk/tags", "/disk/details"]
    paths += ["/disk/message", "/disk/priority", "/disk/snooze", "/requests/x", "/%", "//", "/a//b"]
    values: list[Any] = [
        None,
        [],
        {},
        5,
        -1.5,
        True,
        "\ud800",
        "",
        "x" * 3000,
        ["\ud800", 5],
        {"": 1},
    ]
    names = ["message", "alias", "tags", "details", "responders", "note", "user", "priority"]
    names += ["endTime", "description", "source"]
    for _ in range(150):
        body = {name: chance.choice(values) for name in chance.sample(names, 5)}
        method = chance.choice(["GET", "POST", "PUT", "DELETE", "HEAD"])
        query = {name: str(chance.choice(values)) for name in ("tags", "keys", "query", "limit")}
        query["identifierType"] = chance.choice(["id", "alias", "tiny", "x", ""])
        world.clock.advance(seconds=1)
        answer = ask(world, method, ALERTS + chance.choice(paths), body, **query)
        assert answer.status < 500
    check(world)


def routed(world: World) -> None:
    routes = (
        Route(name="group", when="contains(payload.tags, 'group')", group="'group'"),
        Route(name="noise", when="contains(payload.tags, 'noise')", drop=True),
        Route(
            name="database",
            when="payload.responders[0].name == 'Data'",
            service_id=world.other_service.id,
        ),
    )
    configure(
        world,
        Integration(
            id="int_prometheus",
            service_id=world.service.id,
            name="Prometheus",
            routing=Routing(routes=routes),
            remembers=True,
        ),
    )


def test_an_alert_that_a_route_sends_to_another_service_is_still_its_senders(world: World) -> None:
    routed(world)
    made = became(world, create(world, responders=[{"type": "team", "name": "Data"}]))
    found = incident(world)
    assert (found["service_id"], made["alertId"]) == (world.other_service.id, found["id"])
    assert act(world, "notes", {"note": "Looking."})["isSuccess"]
    assert act(world, "acknowledge")["isSuccess"]
    for by, named in (("alias", "disk"), ("id", found["id"]), ("tiny", tiny(found["id"]))):
        assert shown(world, named, by)["acknowledged"]
        answer = ask(world, "POST", f"{ALERTS}/{named}/unacknowledge", identifierType=by)
        assert became(world, answer)["isSuccess"]
        act(world, "acknowledge")
    # Another integration's key finds nothing of it.
    other = world.second_integration_key
    for by, named in (("alias", "disk"), ("id", found["id"])):
        answer = ask(world, "GET", f"{ALERTS}/{named}", key=other, identifierType=by)
        assert answer.status == 404
    act(world, "close")
    assert incident(world)["status"] == "RESOLVED"
    assert shown(world, found["id"], "id")["status"] == "closed"


@pytest.mark.parametrize("body", [{}, {"note": "Done."}])
def test_an_alert_that_a_route_puts_with_others_is_closed_alone(
    world: World, body: dict[str, str]
) -> None:
    routed(world)
    for alias in ("disk", "load"):
        create(world, alias=alias, tags=["group"])
    assert act(world, "close", body)["isSuccess"]
    assert incident(world)["status"] == "OPEN"
    assert act(world, "close", body, "load")["isSuccess"]
    assert incident(world)["status"] == "RESOLVED"


@pytest.mark.parametrize("found_by", ["request", "get"])
def test_an_alert_that_a_route_puts_with_others_is_closed_alone_by_its_id(
    world: World, found_by: str
) -> None:
    routed(world)
    ids: dict[str, str] = {}
    for alias in ("disk", "load"):
        request = became(world, create(world, alias=alias, tags=["group"]))
        assert request["alias"] == alias
        ids[alias] = request["alertId"] if found_by == "request" else shown(world, alias)["id"]
    assert len(set(ids.values())) == 2
    for alias, status in (("load", "OPEN"), ("load", "OPEN"), ("disk", "RESOLVED")):
        assert shown(world, ids[alias], "id")["alias"] == alias
        path = f"{ALERTS}/{ids[alias]}/close"
        ask(world, "POST", path, {"note": "Done."}, identifierType="id")
        assert incident(world)["status"] == status


def test_the_id_of_an_incident_closes_the_alert_that_it_shows(world: World) -> None:
    routed(world)
    for alias in ("disk", "load"):
        create(world, alias=alias, tags=["group"])
    found = incident(world)["id"]
    for by, named in (("id", found), ("tiny", tiny(found))):
        assert shown(world, named, by)["alias"] == "disk"
        answer = ask(world, "POST", f"{ALERTS}/{named}/close", identifierType=by)
        assert answer.status == 202
        assert incident(world)["status"] == "OPEN"
    # An id of nobody's alert closes nothing.
    ask(world, "POST", f"{ALERTS}/{found}-{'0' * 16}/close", identifierType="id")
    assert incident(world)["status"] == "OPEN"
    act(world, "close", identifier="load")
    assert incident(world)["status"] == "RESOLVED"


def test_an_alert_that_a_route_drops_says_so(world: World) -> None:
    routed(world)
    dropped = became(world, create(world, tags=["noise"]))
    assert (dropped["isSuccess"], dropped["status"]) == (True, "Taken, and dropped by a route")
    assert check(world).incidents == {}


def test_without_routes_none_are_read(world: World) -> None:
    create(world)
    wire = Wire(world.table.client)
    ask(world, "POST", f"{ALERTS}/disk/snooze", {"endTime": "2026-11-23T04:00:00Z"}, **ALIAS)
    assert wire.calls == ["GetItem", "GetItem", "GetItem", "TransactWriteItems"]
