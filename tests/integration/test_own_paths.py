"""OpsKnight's own paths for tools: where a key may stand, what a batch is, and what is answered."""

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from events.integrations.batch import MOST_PARTS
from events.unpacking import LARGEST_BATCH
from harness.invariants import check
from harness.world import Response, World, deadline, http_event
from opsknight.directory.presets import ActionRule, Preset
from opsknight.directory.rate_limit import LIMIT
from opsknight.store.directory_items import directory_item
from tests.integration.conftest import Log
from tests.integration.steps import of_kind, use_up, used
from tests.integration.wire import ALWAYS, THROTTLES, Wire, doing

PATH = "/api/integrations/alertmanager"
PROMETHEUS = "/api/integrations/prometheus"


def alert(name: str = "HighCPU", status: str = "firing", **more: Any) -> dict[str, Any]:
    """As Alertmanager sends it; its fingerprint is its name."""
    return {
        "status": status,
        "labels": {"alertname": name, "instance": "web-01", "severity": "critical"},
        "annotations": {"summary": f"{name} on web-01"},
        "startsAt": "2026-11-23T02:17:38.06859719Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": name,
    } | more


def flush(*alerts: object, **more: Any) -> dict[str, Any]:
    return {
        "receiver": "all",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}:{alertname="HighCPU"}',
        "truncatedAlerts": 0,
    } | more


def post(
    world: World,
    body: object,
    path: str = PATH,
    *,
    query: dict[str, str] | None = None,
    method: str = "POST",
    patience: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    sent = http_event(body, path=path, headers=headers, method=method)
    if query:
        sent["queryStringParameters"] = query
    return world.request(sent, None if patience is None else world.api(patience))


def test_prometheus_is_another_name_of_alertmanager(world: World) -> None:
    assert post(world, flush(alert()), PROMETHEUS, headers=bearer(world)).status == 202
    answer = post(world, flush(alert(status="resolved")), headers=bearer(world))
    assert [each["action"] for each in answer.body["results"]] == ["resolved"]


def bearer(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.integration_key}"}


PLACES = ["bearer", "token", "basic", "x-api-key", "body", "key", "integrationKey", "path"]


def placed(world: World, place: str, key: str) -> Response:
    """Sends a flush with the key in that place."""
    body, path, query, headers = flush(alert()), PATH, dict[str, str](), dict[str, str]()
    match place:
        case "bearer":
            headers["Authorization"] = f"Bearer {key}"
        case "token":
            headers["Authorization"] = f'Token token="{key}"'
        case "basic":
            words = base64.b64encode(f"opsknight:{key}".encode()).decode()
            headers["Authorization"] = f"Basic {words}"
        case "x-api-key":
            headers["X-API-Key"] = key
        case "body":
            body["integration_key"] = key
        case "path":
            path = f"/k/{key}/alertmanager"
        case name:
            query[name] = key
    return post(world, body, path, query=query, headers=headers)


@pytest.mark.parametrize("place", PLACES)
def test_a_key_counts_wherever_a_tool_can_put_it(shared_world: World, place: str) -> None:
    key = shared_world.integration_key
    for written in (key, key.upper()):
        assert placed(shared_world, place, written).status == 202


@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_stored_logged_and_answered_nowhere(world: World, log: Log, place: str) -> None:
    """The canary: a live key, and one that is not, in each place in turn."""
    for key in (world.integration_key, "c0ffee" * 5 + "00"):
        answer = placed(world, place, key)
        seen = json.dumps(
            [*world.items(), *log.lines, answer.body, dict(answer.headers)], default=str
        )
        assert key not in seen.lower()


def test_a_key_that_an_alert_repeats_is_taken_out_of_it(world: World, log: Log) -> None:
    body = flush(alert(annotations={"summary": f"key {world.integration_key} is old"}))
    assert post(world, body, headers=bearer(world)).status == 202
    assert world.integration_key not in json.dumps([*world.items(), *log.lines], default=str)
    [incident] = check(world).incidents.values()
    assert incident["title"] == "key [integration key] is old"


@pytest.mark.parametrize("second", ["query", "body", "path"])
def test_two_different_keys_are_a_mistake_that_is_named(world: World, second: str) -> None:
    for other, status in ((world.second_integration_key, 400), (world.integration_key, 202)):
        body, path, query = flush(alert()), PATH, dict[str, str]()
        match second:
            case "query":
                query["key"] = other
            case "body":
                body["routing_key"] = other
            case _:
                path = f"/k/{other}/alertmanager"
        answer = post(world, body, path, query=query, headers=bearer(world))
        assert answer.status == status
        if status == 400:
            assert answer.body["error"] == "Two integration keys"
            assert check(world).incidents == {}


def test_a_header_that_is_no_key_does_not_hide_the_key(world: World) -> None:
    query = {"key": world.integration_key}
    for header in ("Basic dXNlcjpwYXNz", "Bearer eyJhbGciOi.x.y", "Basic x", "Bearer", ""):
        answer = post(world, flush(alert()), query=query, headers={"Authorization": header})
        assert answer.status == 202, header


def test_without_a_key_401_and_with_a_dead_one_403(world: World) -> None:
    assert post(world, flush(alert())).status == 401
    assert (
        post(world, flush(alert()), headers={"Authorization": "Bearer " + "0" * 32}).status == 403
    )
    # Deeper in the body it is somebody's text.
    hidden = flush(alert(annotations={"integration_key": world.integration_key}))
    assert post(world, hidden).status == 401
    # And under a path of another system a key in the query is none.
    sent = http_event(flush(alert()), path="/v2/enqueue")
    sent["queryStringParameters"] = {"key": world.integration_key}
    assert world.request(sent).status == 400
    # A key in the path counts under /k alone.
    assert post(world, flush(alert()), f"{PATH}/{world.integration_key}").status == 404
    assert check(world).incidents == {}


def test_an_unknown_integration_is_404_and_another_method_405(world: World) -> None:
    assert post(world, "{}", "/api/integrations/nobody", headers=bearer(world)).status == 404
    assert post(world, "{}", "/k/nobody", headers=bearer(world)).status == 404
    answer = post(world, "", method="GET")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, PUT")
    assert post(world, flush(alert()), method="PUT", headers=bearer(world)).status == 202


@pytest.mark.parametrize("body", ["", "[]", "{", "null", "NaN", "{}", '{"alerts": {}}', "7"])
def test_what_means_nothing_is_400_in_json(world: World, body: str) -> None:
    for name in ("alertmanager", "grafana"):
        path = f"/api/integrations/{name}"
        assert post(world, body, path, headers=bearer(world)).status == 400
    assert check(world).incidents == {}


def test_a_part_that_means_nothing_does_not_fail_the_rest(world: World, log: Log) -> None:
    bad = [7, {"status": "odd", "labels": {"a": "b"}}, {"status": "firing"}]
    answer = post(world, flush(*bad, alert()), headers=bearer(world))
    assert answer.status == 202
    assert [each["action"] for each in answer.body["results"]] == ["triggered"]
    assert [each["place"] for each in answer.body["notTaken"]] == [
        "alerts[0]",
        "alerts[1]",
        "alerts[2]",
    ]
    assert "alerts[0]: must be an object" in log.text
    answer = post(world, flush(*bad), headers=bearer(world))
    assert (answer.status, len(answer.body["issues"])) == (400, 3)


def test_a_batch_is_one_request_of_the_limit(world: World) -> None:
    answer = post(world, flush(*(alert(f"a{n}") for n in range(150))), headers=bearer(world))
    assert (answer.status, len(answer.body["results"])) == (202, 150)
    assert used(world) == [1]
    assert len(check(world).incidents) == 150


def test_over_the_limit_a_batch_is_503_as_its_senders_drop_a_429(world: World, log: Log) -> None:
    use_up(world)
    answer = post(world, flush(alert(), alert("b")), headers=bearer(world))
    assert answer.status == 503
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert '"StoreUnavailable"' not in log.text
    [refused] = check(world).incidents.values()
    assert refused["title"] == "Rate limit exceeded: events sent with 'Prometheus' are refused"
    world.clock.at += timedelta(minutes=1)
    assert post(world, flush(alert(), alert("b")), headers=bearer(world)).status == 202
    assert len(check(world).incidents) == 3


def test_a_batch_over_4_mb_is_413_and_loud(world: World) -> None:
    body = json.dumps(flush(alert()))
    fits = body + " " * (LARGEST_BATCH - len(body))
    assert post(world, fits, headers=bearer(world)).status == 202
    answer = post(world, fits + " ", headers=bearer(world))
    assert (answer.status, answer.body["maximum_bytes"]) == (413, LARGEST_BATCH)
    loud = [each for each in check(world).incidents.values() if "internal" in each]
    assert [each["title"] for each in loud] == [
        "Too large: events sent with 'Prometheus' are refused"
    ]
    assert loud[0]["urgency"] == "HIGH"
    assert any("max_alerts" in str(item.get("body")) for item in of_kind(world, "alert"))
    assert used(world) == [2]


def test_more_events_than_anybody_has_are_413_and_loud_and_counted(world: World) -> None:
    answer = post(world, {"alerts": [0] * (MOST_PARTS + 1)}, headers=bearer(world))
    assert (answer.status, answer.body["maximum_bytes"]) == (413, LARGEST_BATCH)
    assert str(MOST_PARTS) in answer.body["message"]
    [loud] = check(world).incidents.values()
    assert "internal" in loud
    assert any(str(MOST_PARTS) in str(item.get("body")) for item in of_kind(world, "alert"))
    assert used(world) == [1]


def test_above_the_limit_a_large_batch_costs_nothing_more(world: World) -> None:
    use_up(world, requests=LIMIT)
    body = json.dumps(flush(alert()))
    assert post(world, body + " " * LARGEST_BATCH, headers=bearer(world)).status == 413
    assert check(world).incidents == {}


def test_if_one_is_not_stored_it_is_503_and_the_rest_is_stored(world: World) -> None:
    """The repeat opens what was missing."""
    post(world, flush(alert("known")), headers=bearer(world))
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", THROTTLES, ALWAYS)
    everything = flush(alert("new"), alert("known", startsAt="2026-11-23T02:18:00Z"))
    answer = post(world, everything, patience=1, headers=bearer(world))
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    [known] = check(world).incidents.values()
    assert (known["dedup_key"], known["alert_count"]) == ("known", 2)
    wire.mend()
    assert post(world, everything, headers=bearer(world)).status == 202
    assert {each["dedup_key"] for each in check(world).active} == {"known", "new"}


def test_events_without_a_key_are_not_opened_again_by_the_repeat_of_a_request(world: World) -> None:
    action = ActionRule(value="''")
    preset = Preset(
        id="preset_bare", name="Bare", events="body", action=action, summary="item", dedup_key="''"
    )
    world.table.put_all([directory_item(preset)], deadline())
    path, everything = "/api/integrations/bare", ["disk", "load", "disk"]
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", doing(dict))
    wire.fail("TransactWriteItems", THROTTLES, ALWAYS)
    answer = post(world, everything, path, patience=1, headers=bearer(world))
    assert answer.status == 503
    assert 0 < len(check(world).incidents) < 3
    wire.mend()
    assert post(world, everything, path, headers=bearer(world)).status == 202
    assert sorted(each["title"] for each in check(world).active) == ["disk", "disk", "load"]
    before = world.items()
    assert post(world, everything, path, headers=bearer(world)).status == 202
    assert world.items() == before
    # One event by itself is what it is: who sends the same twice means it twice.
    for _ in range(2):
        assert post(world, ["disk"], path, headers=bearer(world)).status == 202
    assert len(check(world).active) == 5


def test_a_store_that_is_away_is_503(world: World) -> None:
    Wire(world.table.client).fail("BatchGetItem", THROTTLES, ALWAYS)
    answer = post(world, flush(alert()), patience=0.2, headers=bearer(world))
    assert answer.status == 503
