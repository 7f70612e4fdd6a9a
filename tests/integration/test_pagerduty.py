"""The paths of PagerDuty's Events API: what its senders write, and answers that they understand."""

import json
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from harness.invariants import check
from harness.world import Response, World, deadline, http_event
from opsknight.incident.event_request import LARGEST_BODY
from opsknight.incident.references import references
from opsknight.views.answers import alert
from opsknight.views.wire import to_json
from tests.integration.conftest import Log
from tests.integration.steps import of_kind, use_up
from tests.integration.wire import ALWAYS, THROTTLES, Wire

V2 = "/v2/enqueue"
V1 = "/generic/2010-04-15/create_event.json"


def v2(world: World, action: str = "trigger", **more: Any) -> dict[str, Any]:
    payload = {"summary": "CPU above 90%", "source": "web-01", "severity": "critical"}
    known = {"routing_key": world.integration_key, "event_action": action, "payload": payload}
    return known | more


def v1(world: World, kind: str = "trigger", **more: Any) -> dict[str, Any]:
    known = {"service_key": world.integration_key, "event_type": kind, "description": "Disk full"}
    return known | more


def post(world: World, body: object, path: str = V2, **headers: str) -> Response:
    return world.request(http_event(body, path=path, headers=headers))


def bodies(world: World) -> list[dict[str, Any]]:
    alerts = [world.table.alert(*where, deadline()) for where in _alerts(world)]
    return [json.loads(each.body) for each in alerts if each]


def alert_answers(world: World) -> list[dict[str, Any]]:
    """As the HTTP API shows them."""
    found = [world.table.alert(*where, deadline()) for where in _alerts(world)]
    return [to_json(alert(each)) for each in found if each]


def incident(world: World) -> dict[str, Any]:
    [found] = check(world).incidents.values()
    return found


@pytest.mark.parametrize("path", [V2, V2 + "/"])
def test_an_incident_from_trigger_to_resolve(world: World, path: str) -> None:
    for action, status in (
        ("trigger", "OPEN"),
        ("acknowledge", "ACKNOWLEDGED"),
        ("resolve", "RESOLVED"),
    ):
        body = v2(world, action, dedup_key="srv01/HTTP")
        if action != "trigger":
            del body["payload"]
        answer = post(world, body, path)
        assert answer.status == 202
        assert answer.body == {
            "status": "success",
            "message": "Event processed",
            "dedup_key": "srv01/HTTP",
        }
        assert incident(world)["status"] == status


def test_an_incident_from_trigger_to_resolve_in_version_1(world: World) -> None:
    for kind, status in (
        ("trigger", "OPEN"),
        ("acknowledge", "ACKNOWLEDGED"),
        ("resolve", "RESOLVED"),
    ):
        answer = post(world, v1(world, kind, incident_key="srv01/HTTP"), V1)
        assert answer.status == 200
        assert answer.body == {
            "status": "success",
            "message": "Event processed",
            "incident_key": "srv01/HTTP",
        }
        assert incident(world)["status"] == status
    assert incident(world)["title"] == "Disk full"


@pytest.mark.parametrize(("path", "name"), [(V2, "dedup_key"), (V1, "incident_key")])
@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_trigger_without_a_key_gets_one_that_resolves_it(
    world: World, path: str, name: str, key: str | None
) -> None:
    known: dict[str, Any] = {name: key}
    body = (v2 if path == V2 else v1)(world, **known)
    made = post(world, body, path).body[name]
    assert len(made) == 32
    assert post(world, body, path).body[name] != made
    closing = (v2 if path == V2 else v1)(world, "resolve", **{name: made})
    post(world, closing, path)
    statuses = sorted(each["status"] for each in check(world).incidents.values())
    assert statuses == ["OPEN", "RESOLVED"]


def test_a_resolve_of_what_is_not_active_is_accepted_and_changes_nothing(world: World) -> None:
    for action in ("acknowledge", "resolve"):
        assert post(world, v2(world, action, dedup_key="unknown")).status == 202
    assert check(world).incidents == {}


def test_only_the_key_in_the_event_counts(world: World) -> None:
    answer = post(world, v2(world), Authorization="Token token=" + "0" * 32)
    assert answer.status == 202
    unknown = v2(world, routing_key="0" * 32)
    answer = post(world, unknown, Authorization=f"Token token={world.integration_key}")
    assert answer.status == 400
    assert answer.body["errors"] == ["routing_key is not the key of an integration here"]
    # Elsewhere in the event it is somebody's text.
    hidden = v2(world, routing_key=None, client=f'"routing_key": "{world.integration_key}"')
    hidden["payload"]["custom_details"] = {"routing_key": world.integration_key}
    answer = post(world, hidden)
    assert (answer.status, answer.body["errors"]) == (
        400,
        ["routing_key must stand in the event itself"],
    )
    assert len(check(world).incidents) == 1


@pytest.mark.parametrize("before", [True, False])
def test_a_key_that_a_monitor_tells_costs_no_event(world: World, before: bool) -> None:
    told = v2(world)
    told["payload"]["custom_details"] = {"routing_key": "0" * 32}
    key = told.pop("routing_key")
    body = {**told, "routing_key": key} if before else {"routing_key": key, **told}
    assert post(world, body).status == 202


@pytest.mark.parametrize("path", [V2, V1])
def test_the_key_is_stored_and_logged_nowhere(world: World, log: Log, path: str) -> None:
    body = (v2 if path == V2 else v1)(world, routing_key=world.integration_key)
    body |= {"service_key": world.integration_key, "dedup_key": "a", "incident_key": "a"}
    assert post(world, body, path).status in (200, 202)
    assert world.integration_key not in json.dumps([*world.items(), *log.lines], default=str)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"event_action": "close"}, "event_action must be one of trigger, acknowledge, resolve"),
        ({"event_action": None}, "event_action must be one of trigger, acknowledge, resolve"),
        ({"payload": None}, "payload must be an object"),
        ({"payload": {"summary": " "}}, "payload.summary is missing or blank"),
        ({"event_action": "resolve"}, "dedup_key is required to resolve"),
        ({"event_action": "acknowledge", "dedup_key": " "}, "dedup_key is required to acknowledge"),
    ],
)
def test_what_means_nothing_is_refused_in_words_that_its_clients_show(
    world: World, change: dict[str, Any], says: str
) -> None:
    answer = post(world, v2(world) | change)
    assert answer.status == 400
    assert answer.body == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": [says],
    }
    assert check(world).incidents == {}


@pytest.mark.parametrize("body", ["", "[]", "{", "\ud800", "null", "NaN", '{"a":' * 5000])
def test_a_body_that_is_no_event_is_400_in_json(world: World, body: str) -> None:
    for path in (V2, V1):
        assert post(world, body, path).status == 400
        with_key = f'{{"routing_key": "{world.integration_key}", "x": {body or "{"}'
        assert post(world, with_key, path).status == 400
    assert check(world).incidents == {}


def test_an_event_over_512_kb_is_400(world: World) -> None:
    answer = post(world, v2(world, client="x" * LARGEST_BODY))
    assert answer.status == 400
    assert answer.body["errors"] == [f"The event is larger than {LARGEST_BODY} bytes"]


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("warning", "warning"),
        (" Error ", "error"),
        ("page", "critical"),
        ("high", "critical"),
        ("minor", "warning"),
        ("P4", "info"),
        ("purple", "critical"),
        (None, "critical"),
        (["error"], "critical"),
    ],
)
def test_a_severity_is_mapped_and_never_refused(world: World, sent: object, taken: str) -> None:
    body = v2(world, dedup_key="a")
    body["payload"]["severity"] = sent
    assert post(world, body).status == 202
    [kept] = bodies(world)
    assert kept["payload"]["severity"] == taken
    assert [each["field"] for each in kept.get("adjusted", [])] == (
        [] if isinstance(sent, str) and sent.strip().lower() == taken else ["severity"]
    )


def test_what_is_too_long_or_missing_is_adjusted_and_says_so(world: World) -> None:
    body = v2(world, dedup_key="k" * 255)
    body["payload"] = {"summary": "x" * 1024, "severity": "error", "custom_details": "text"}
    answer = post(world, body)
    assert answer.body["dedup_key"] == "k" * 255
    found = incident(world)
    assert found["title"] == "x" * 497 + "..."
    assert found["dedup_key"].startswith("k" * 100 + "~")
    assert len(found["dedup_key"]) == 133
    [kept] = bodies(world)
    assert kept["payload"]["source"] == "Prometheus"
    assert kept["payload"]["custom_details"] == "text"
    assert [each["field"] for each in kept["adjusted"]] == ["dedup_key", "summary", "source"]
    shown = alert_answers(world)
    assert shown[0]["adjusted"][1] == {
        "field": "summary",
        "sent": "1024 characters",
        "taken": "the first 497",
    }
    # The same key finds it again; one that only begins alike does not.
    post(world, v2(world, "resolve", dedup_key="k" * 254))
    assert incident(world)["status"] == "OPEN"
    post(world, v2(world, "resolve", dedup_key="k" * 255))
    assert incident(world)["status"] == "RESOLVED"


@pytest.mark.parametrize(
    "details",
    [
        {"cpu": 95.5},
        {"firing": [{"a": 1}]},
        ["a"],
        "text",
        7,
        False,
        None,
        {"n": 10**400},
    ],
)
def test_details_of_any_type_are_kept(world: World, details: object) -> None:
    body = v2(world)
    body["payload"]["custom_details"] = details
    assert post(world, body).status == 202
    [kept] = bodies(world)
    assert kept["payload"]["custom_details"] == details


@pytest.mark.parametrize("levels", [150, 900])
def test_details_that_nest_too_deep_are_kept_as_text(world: World, levels: int) -> None:
    body = v2(world)
    body["payload"]["custom_details"] = "HERE"
    nested = '{"a":' * levels + "1" + "}" * levels
    assert post(world, json.dumps(body).replace('"HERE"', nested)).status == 202
    [kept] = bodies(world)
    assert kept["payload"]["custom_details"].startswith('{"a": {"a"')


def test_links_images_and_the_client_are_kept_for_people(world: World) -> None:
    link = {"href": "https://runbooks.example.com/cpu", "text": "Runbook"}
    image = {"src": "https://graphs.example.com/cpu.png", "alt": "CPU"}
    client = {"client": "Alertmanager", "client_url": "https://alerts.example.com/"}
    post(world, v2(world, links=[link], images=[image], dedup_key="v2", **client))
    contexts = [{"type": "link", **link}, {"type": "image", **image}, {"type": "other"}, 5]
    post(world, v1(world, contexts=contexts, incident_key="v1", **client), V1)
    for each in bodies(world):
        found = references(json.dumps(each))
        assert [one.url for one in found] == [link["href"], image["src"], client["client_url"]]


def test_over_the_limit_a_client_is_told_to_try_later(world: World) -> None:
    use_up(world)
    answer = post(world, v2(world))
    assert (answer.status, answer.body["status"]) == (429, "throttle exceeded")
    assert int(answer.headers["Retry-After"]) <= 60
    # Version 1 says so with a 403.
    assert post(world, v1(world), V1).status == 403
    world.clock.at += timedelta(minutes=1)
    assert post(world, v2(world)).status == 202


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
@pytest.mark.parametrize("path", [V2, V1])
def test_a_store_that_is_away_is_503_in_json(world: World, path: str, operation: str) -> None:
    Wire(world.table.client).fail(operation, THROTTLES, ALWAYS)
    body = (v2 if path == V2 else v1)(world)
    answer = world.request(http_event(body, path=path), world.api(patience=0.2))
    assert (answer.status, answer.body["status"]) == (503, "error")
    assert "Retry-After" in answer.headers


def test_another_method_is_405_in_json(world: World) -> None:
    answer = world.request(http_event("", method="GET", path=V2))
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_a_burst_of_garbage_makes_no_incident_and_no_5xx(world: World) -> None:
    chance = Random(7)
    for _ in range(300):
        body = v2(world)
        for _ in range(chance.randrange(1, 4)):
            where = chance.choice([body, body["payload"] or {}])
            if not isinstance(where, dict):
                break
            name = chance.choice(list(where) or ["x"])
            where[name] = chance.choice([None, [], {}, 5, -1.5, True, "\ud800", "", "x" * 3000])
            body["payload"] = body.get("payload") or None
        world.clock.at += timedelta(seconds=1)
        assert post(world, body, chance.choice([V2, V1])).status in (200, 202, 400)
    check(world)


def _alerts(world: World) -> list[tuple[str, str]]:
    return [
        (
            item["pk"]["S"].removeprefix("incident#"),
            item["sk"]["S"].removeprefix("alert#"),
        )
        for item in of_kind(world, "alert")
    ]


def test_a_senders_own_field_of_that_name_is_nothing_of_ours(world: World) -> None:
    for number, own in enumerate([5, [5], {"field": "x"}, [{"field": 5}], None]):
        body = v2(world, dedup_key=f"k{number}", adjusted=own)
        body["payload"]["severity"] = "error"
        assert post(world, body).status == 202
    assert all("adjusted" not in each for each in alert_answers(world))
