"""Bodies as API Gateway hands them on: their size, their encoding, and what is kept of them."""

import base64
import json
from random import Random
from typing import Any

import pytest

from harness.world import Response, World, deadline, event, http_event
from opsknight.incident.event_request import LARGEST_BODY
from tests.integration.steps import of_kind, used

NOISE = base64.b64encode(Random(7).randbytes(400_000)).decode()


def post(world: World, body: str, **more: Any) -> Response:
    headers = {"authorization": f"Token token={world.integration_key}"}
    return world.request(http_event(body, headers=headers, **more))


def of_size(size: int, filling: str = "x") -> str:
    """A valid body of so many bytes of ASCII."""
    around = len(json.dumps(event(payload={"custom_details": {"dump": ""}})))
    dump = (filling * (size // len(filling) + 1))[: size - around]
    text = json.dumps(event(payload={"custom_details": {"dump": dump}}))
    assert len(text.encode()) == size
    return text


@pytest.mark.parametrize("encoded", [False, True], ids=["text", "base64"])
@pytest.mark.parametrize(
    ("size", "status"),
    [(LARGEST_BODY, 202), (LARGEST_BODY + 1, 413), (600 * 1024, 413)],
    ids=["512 KB", "one byte more", "600 KB"],
)
def test_at_most_512_kb(world: World, size: int, status: int, encoded: bool) -> None:
    text = of_size(size)
    sent = base64.b64encode(text.encode()).decode() if encoded else text
    response = post(world, sent, base64=encoded)
    assert response.status == status
    if status == 413:
        assert response.body == {"error": "Payload too large", "maximum_bytes": 524_288}
        assert not of_kind(world, "incident", "alert", "chunk")
        assert used(world) == []


def test_the_size_is_that_of_the_bytes_not_of_the_characters(world: World) -> None:
    text = json.dumps(event(unknown="\N{GRINNING FACE}" * 131_072), ensure_ascii=False)
    assert len(text) < LARGEST_BODY < len(text.encode())
    assert post(world, text).status == 413


@pytest.mark.parametrize(
    "text",
    [
        of_size(400),
        of_size(5_000),
        json.dumps(event(payload={"summary": "é \N{GRINNING FACE}"}), ensure_ascii=False),
        of_size(100_000, NOISE),
        of_size(LARGEST_BODY, NOISE),
        '{"dedup_key":"cpu-high",\n\t"event_action" : "trigger", "unknown": 1.50,'
        ' "payload": {"summary":"\\u00e9 \\ud800","source":"s","severity":"info",'
        '"custom_details":{"n": 1e400, "m": 95.5, "big": 123456789012345678901234567890}}}',
    ],
    ids=["plain", "deflated", "emoji", "98 KB of noise", "512 KB of noise", "odd but valid"],
)
def test_the_whole_event_is_kept_byte_for_byte(world: World, text: str) -> None:
    first = post(world, text)
    again = post(world, base64.b64encode(text.encode()).decode(), base64=True)
    assert (first.action, again.action) == ("triggered", "deduplicated")
    kept = world.table.alerts(first.incident["id"], deadline())
    assert [alert.body for alert in kept] == [text, text]
    one = world.table.alert(first.incident["id"], kept[0].id, deadline())
    assert one == kept[0]


def test_a_large_body_is_in_chunks_of_its_own_that_outlive_its_alert(world: World) -> None:
    post(world, of_size(LARGEST_BODY, NOISE))
    [alert] = of_kind(world, "alert")
    chunks = of_kind(world, "chunk")
    assert alert["chunks"]["N"] == str(len(chunks)) == "2"
    later = str(int(alert["expires_at"]["N"]) + 7 * 86400)
    assert {chunk["expires_at"]["N"] for chunk in chunks} == {later}
    sizes = [len(str(item)) for item in of_kind(world, "incident", "pointer", "alert")]
    assert max(sizes) < 2048, "what is hot stays small"


def test_an_alert_that_is_not_there_is_none(world: World) -> None:
    assert world.table.alert("inc_none", "al_none", deadline()) is None


def test_a_byte_order_mark_is_borne(world: World) -> None:
    text = "\ufeff" + json.dumps(event())
    assert post(world, text).status == 202
    encoded = base64.b64encode(text.encode()).decode()
    assert post(world, encoded, base64=True).status == 202


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ("", False),
        ("", True),
        ("not base64!", True),
        ("ä", True),
        (base64.b64encode(b"\xff\xfe").decode(), True),
        ("{", False),
        ("\ud800", False),
        ('{"event_action": "trigger\x00"}', False),
        (json.dumps(event(x=float("nan"))), False),
        (json.dumps(event(payload={"custom_details": {"x": float("inf")}})), False),
        ('{"a":' * 100_000, False),
        ("event_action=trigger&dedup_key=x", False),
    ],
    ids=lambda value: ascii(value[:24]) if isinstance(value, str) else "",
)
def test_what_is_not_json_is_400(shared_world: World, body: str, encoded: bool) -> None:
    response = post(shared_world, body, base64=encoded)
    assert (response.status, response.body["error"]) == (400, "Invalid JSON")
    assert response.body["message"], "and says why"


def test_no_body_at_all_is_400(shared_world: World) -> None:
    headers = {"authorization": f"Token token={shared_world.integration_key}"}
    without = http_event("", headers=headers) | {"body": None}
    assert shared_world.request(without).body["error"] == "Invalid JSON"
    del without["body"], without["isBase64Encoded"]
    assert shared_world.request(without).status == 400


def test_a_schema_400_names_every_field_that_is_wrong(shared_world: World) -> None:
    wrong = event("reopen", "x" * 201, "Critical", payload={"summary": " ", "source": 1})
    assert post(shared_world, json.dumps(wrong)).body == {
        "error": "Invalid request body",
        "issues": [
            {
                "path": "event_action",
                "message": "must be 'trigger', 'acknowledge' or 'resolve'",
            },
            {"path": "dedup_key", "message": "must have at most 200 characters"},
            {"path": "payload.summary", "message": "must not be empty"},
            {"path": "payload.source", "message": "must be a string"},
            {
                "path": "payload.severity",
                "message": "must be 'critical', 'error', 'warning' or 'info'",
            },
        ],
    }


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"]
)
def test_the_content_type_is_not_insisted_on(shared_world: World, content_type: str) -> None:
    headers = {
        "Authorization": f"Token token={shared_world.integration_key}",
        "Content-Type": content_type,
    }
    sent = http_event(event("resolve", "nothing"), headers=headers)
    assert shared_world.request(sent).status == 202


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a\x00b",
        "\x1b[31m",
        "\ud800",
        "x\udfff",
        "\u202e",
        "<script>&amp;</script>",
        "\ufffe",
    ],
    ids=ascii,
)
def test_no_text_causes_a_5xx_and_what_can_be_is_kept_as_sent(world: World, text: str) -> None:
    details = {text or "k": [text], "n": 1e308}
    payload = {"summary": text, "source": text, "custom_details": details}
    response = world.send(event(payload=payload))
    assert response.status == 202
    kept = "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)
    assert response.incident["title"] == kept


@pytest.mark.parametrize("key", ["\x00", "a#b", "\x7f", "#", "\N{GRINNING FACE}" * 200], ids=ascii)
def test_any_dedup_key_names_one_incident(world: World, key: str) -> None:
    first, second = world.send(event(dedup_key=key)), world.send(event(dedup_key=key))
    assert (first.action, second.action) == ("triggered", "deduplicated")
    assert second.incident == first.incident
    assert world.send(event(dedup_key=key + "x"[: 200 - len(key)])).status == 202


def test_a_key_is_trimmed_before_it_names_an_incident(world: World) -> None:
    first = world.send(event(dedup_key="cpu")).incident
    assert world.send(event(dedup_key=" cpu\u3000\n")).incident == first
    assert world.send(event(dedup_key="CPU")).incident["id"] != first["id"]


@pytest.mark.parametrize("details", [None, {}, {"a": None}], ids=["null", "{}", "null inside"])
def test_details_may_be_null_or_empty(world: World, details: object) -> None:
    assert world.send(event(payload={"custom_details": details})).status == 202
