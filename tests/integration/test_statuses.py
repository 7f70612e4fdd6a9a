"""The table in docs/integrations/clients.md, row by row: what we answer, as clients act on it."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from harness.dynamodb import ROOT
from harness.world import World, http_event
from tests.integration.steps import use_up
from tests.integration.wire import ALWAYS, THROTTLES, Wire

PAGE: Final = ROOT / "docs" / "integrations" / "clients.md"
WIRES: Final = ("PagerDuty v2", "PagerDuty v1", "Webhooks", "Opsgenie")


def rows() -> Iterator[tuple[str, str, int]]:
    """Situation, wire and status of each cell of the first table."""
    lines = PAGE.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("| When"))
    assert [each.strip() for each in lines[first].split("|")[2:-1]] == list(WIRES)
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            return
        situation, *statuses = [each.strip() for each in line.split("|")[1:-1]]
        for wire, status in zip(WIRES, statuses, strict=True):
            yield situation, wire, int(status)


def request(wire: str, key: str | None) -> dict[str, Any]:
    alert = {"status": "firing", "labels": {"alertname": "HighCPU"}}
    headers: dict[str, str] = {}
    match wire:
        case "PagerDuty v2":
            payload = {"summary": "s", "source": "w", "severity": "error"}
            body: dict[str, Any] = {"event_action": "trigger", "payload": payload}
            path, named = "/v2/enqueue", {"routing_key": key}
        case "PagerDuty v1":
            body = {"event_type": "trigger", "description": "d"}
            path, named = "/generic/2010-04-15/create_event.json", {"service_key": key}
        case "Webhooks":
            body, path, named = {"alerts": [alert]}, "/api/integrations/alertmanager", {}
            headers = {"Authorization": f"Bearer {key}"}
        case _:
            body, path, named = {"message": "m"}, "/v2/alerts", {}
            headers = {"Authorization": f"GenieKey {key}"}
    if key is None:
        headers, named = {}, {}
    return http_event(body | named, path=path, headers=headers)


@pytest.mark.parametrize(("situation", "wire", "status"), list(rows()))
def test_a_row(world: World, situation: str, wire: str, status: int) -> None:
    key = world.integration_key
    sent = request(wire, key)
    patience = 8.0
    match situation:
        case "It is taken":
            pass
        case "No key":
            sent = request(wire, None)
        case "A key that is not live":
            sent = request(wire, "0" * 32)
        case "Not JSON":
            sent["body"] = f'{{"routing_key": "{key}", "service_key": "{key}", '
        case "It means nothing":
            body = json.loads(sent["body"])
            for name in ("payload", "description", "alerts", "message"):
                body.pop(name, None)
            sent["body"] = json.dumps(body)
        case "Too large":
            body = json.loads(sent["body"]) | {"more": "x" * 5_000_000}
            sent["body"] = json.dumps(body)
        case "Another method":
            sent["requestContext"]["http"]["method"] = "PATCH"
        case "Over 120 requests in a minute":
            use_up(world)
        case "DynamoDB does not answer":
            patience = 0.1
            wire_ = Wire(world.table.client)
            for operation in ("GetItem", "BatchGetItem", "TransactWriteItems"):
                wire_.fail(operation, THROTTLES, ALWAYS)
        case _:
            pytest.fail(f"nobody knows how to try: {situation}")
    answer = world.request(sent, world.api(patience))
    assert answer.status == status, answer.body
    assert ("Retry-After" in answer.headers) == (
        situation in ("Over 120 requests in a minute", "DynamoDB does not answer")
    )
