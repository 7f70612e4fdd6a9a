"""What every answer has: JSON, its request's id, and a line in the log that gives nothing away."""

import json
from typing import Any

import pytest

import events.handler
from events.handler import OPENAPI
from harness.world import World, event, http_event
from opsknight.http.gateway import respond
from opsknight.runtime import clients
from tests.integration.conftest import Log
from tests.integration.wire import Wire, refusing


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/event", "/api/events/", "/API/EVENTS", "/api/events/1", "", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404(shared_world: World, path: str, method: str) -> None:
    response = shared_world.request(http_event(path=path, method=method))
    assert (response.status, response.body) == (404, {"error": "Not found"})


@pytest.mark.parametrize(
    ("path", "allowed"), [("/api/events", "POST"), ("/health", "GET"), ("/openapi.json", "GET")]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_another_method_is_405_and_told_which(
    shared_world: World, path: str, allowed: str, method: str
) -> None:
    response = shared_world.request(http_event(path=path, method=method))
    if method == allowed or (method, allowed) == ("HEAD", "GET"):
        assert response.status != 405
        return
    assert (response.status, response.body) == (405, {"error": "Method not allowed"})
    assert response.headers["Allow"] == allowed


def test_health_answers_without_a_key_and_without_the_store(shared_world: World) -> None:
    wire = Wire(shared_world.table.client)
    response = shared_world.request(http_event(path="/health", method="GET"))
    assert (response.status, response.body) == (200, {"status": "ok"})
    assert wire.calls == []


def test_the_description_is_served(shared_world: World) -> None:
    response = shared_world.request(http_event(path="/openapi.json", method="GET"))
    assert response.status == 200
    assert response.body == json.loads(OPENAPI.read_text(encoding="utf-8"))


EVERY_STATUS = [
    (200, http_event(path="/health", method="GET")),
    (404, http_event(path="/")),
    (405, http_event(method="GET")),
    (401, http_event(event())),
    (403, http_event(event(), headers={"Authorization": "Token x"})),
]


@pytest.mark.parametrize(("status", "sent"), EVERY_STATUS, ids=[str(s) for s, _ in EVERY_STATUS])
@pytest.mark.parametrize(
    ("request_id", "kept"),
    [
        ("order-66", True),
        ("A.b_c-9", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("two words", False),
        ("line\nbreak", False),
        ('quote"', False),
        ("é", False),
        ("\x00", False),
    ],
    ids=ascii,
)
def test_the_request_id_is_in_the_answer_and_in_the_log(
    shared_world: World, log: Log, status: int, sent: dict[str, Any], request_id: str, kept: bool
) -> None:
    headers = sent["headers"] | {"x-request-id": request_id}
    response = shared_world.request({**sent, "headers": headers})
    assert response.status == status
    assert response.headers["X-Request-Id"] == (request_id if kept else "gateway-1")
    assert response.headers["Content-Type"] == "application/json"
    [line] = log.lines
    assert (line["request_id"], line["status"]) == (response.headers["X-Request-Id"], status)


def test_without_any_id_one_is_made(shared_world: World) -> None:
    sent = http_event(path="/health", method="GET")
    del sent["requestContext"]["requestId"]
    ids = {shared_world.request(sent).headers["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(each.startswith("req_") for each in ids)


def test_an_event_is_one_line_in_the_log(world: World, log: Log) -> None:
    response = world.send(event(), **{"X-Request-Id": "from-the-sender"})  # type: ignore[arg-type]
    [line] = log.lines
    assert {name: line[name] for name in line if name not in ("timestamp", "ms", "service")} == {
        "level": "INFO",
        "message": "request answered",
        "request_id": "from-the-sender",
        "key_id": "key_int_prometheus",
        "service_id": "svc_checkout",
        "event_action": "trigger",
        "result": "triggered",
        "incident_id": response.incident["id"],
        "status": 202,
    }
    assert line["ms"] > 0


@pytest.mark.parametrize(
    "body",
    [
        event(dedup_key="dedup-secret", payload={"summary": "s-secret", "source": "secret"}),
        event("reopen-secret", payload={"summary": "summary-secret"}),
        '{"not json-secret',
        event(payload={"summary": "x", "custom_details": {"password": "detail-secret"}}),
    ],
    ids=["accepted", "invalid", "not JSON", "details"],
)
@pytest.mark.parametrize("kind", ["integration key", "API key", "unknown key"])
def test_the_log_gives_no_key_and_no_word_of_the_body(
    world: World, log: Log, body: object, kind: str
) -> None:
    secrets = {
        "integration key": world.integration_key,
        "API key": world.api_key,
        "unknown key": "0123456789abcdef0123456789abcdef",
    }
    world.send(body, key=secrets[kind])
    assert len(log.lines) == 1
    assert "secret" not in log.text
    assert secrets[kind] not in log.text


def test_what_goes_wrong_with_us_is_500_in_json_and_logged(world: World, log: Log) -> None:
    fault = refusing("AccessDeniedException")
    Wire(world.table.client).fail("TransactWriteItems", fault)
    response = world.send(event(payload={"summary": "a-secret"}))
    assert (response.status, response.body) == (500, {"error": "Internal Server Error"})
    assert response.headers["X-Request-Id"] == "gateway-1"
    failed, answered = log.lines
    assert (failed["level"], failed["request_id"]) == ("ERROR", "gateway-1")
    assert "AccessDeniedException" in failed["exception"]
    assert (answered["level"], answered["status"]) == ("ERROR", 500)
    assert "a-secret" not in log.text
    assert world.integration_key not in log.text


def test_a_function_that_cannot_start_is_500_in_json(log: Log) -> None:
    def broken() -> Any:
        raise KeyError("TABLE_NAME")

    answer = respond(http_event(event()), broken)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (
        500,
        "Internal Server Error",
    )
    assert "TABLE_NAME" in log.text


def test_lambda_calls_on_request(
    moto_world: World, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setenv("TABLE_NAME", moto_world.table.name)
    monkeypatch.setenv("RATES_TABLE_NAME", moto_world.counters.name)
    monkeypatch.setenv("RETENTION_DAYS", "400")
    monkeypatch.setenv("CORS_ORIGINS", "")
    monkeypatch.setenv("SECRETS_PREFIX", "/opsknight/stack/secrets/")
    made_once = (events.handler.api, clients.rows, clients.counters)
    headers = {"authorization": f"Token token={moto_world.integration_key}"}
    try:
        answers = [
            events.handler.on_request(http_event(event(), headers=headers), None) for _ in range(2)
        ]
    finally:
        for each in made_once:
            each.cache_clear()
    assert [answer["statusCode"] for answer in answers] == [202, 202]
    assert [line["result"] for line in log.lines] == ["triggered", "deduplicated"]


@pytest.mark.parametrize(
    ("prepare", "sent", "metric"),
    [
        ([], event(), "Triggered"),
        ([event()], event(), "Deduplicated"),
        ([event()], event("acknowledge"), "Acknowledged"),
        ([event()], event("resolve"), "Resolved"),
        ([], event("resolve"), "Ignored"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_became_of_events_is_counted(
    world: World,
    capsys: pytest.CaptureFixture[str],
    prepare: list[Any],
    sent: Any,
    metric: str,
) -> None:
    for each in prepare:
        world.send(each)
    capsys.readouterr()
    world.send(sent)
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    [told] = counted
    assert told[metric] == [1.0]
    assert told["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "OpsKnight/testing"


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/nowhere", "/api/events"])
def test_no_answer_is_for_a_cache_or_to_be_guessed_at(shared_world: World, path: str) -> None:
    headers = shared_world.request(http_event(path=path, method="GET")).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
