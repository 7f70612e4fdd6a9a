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


def rows() -> Iterator[tuple[str, list[int]]]:
    """Situation and statuses of each row of the first table."""
    lines = PAGE.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("| When"))
    assert [each.strip() for each in lines[first].split("|")[2:-1]] == list(WIRES)
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            return
        situation, *statuses = [each.strip() for each in line.split("|")[1:-1]]
        yield situation, [int(status) for status in statuses]


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


@pytest.mark.parametrize(("situation", "statuses"), list(rows()))
def test_a_row(world: World, situation: str, statuses: list[int]) -> None:
    patience = 8.0
    match situation:
        case "Over 120 requests in a minute":
            use_up(world)
        case "DynamoDB does not answer":
            patience = 0.1
            store = Wire(world.table.client)
            for operation in ("GetItem", "BatchGetItem", "TransactWriteItems"):
                store.fail(operation, THROTTLES, ALWAYS)
        case _:
            pass
    api = world.api(patience)
    for wire, status in zip(WIRES, statuses, strict=True):
        answer = world.request(tried(situation, wire, world.integration_key), api)
        assert answer.status == status, (wire, answer.body)
        later = situation in ("Over 120 requests in a minute", "DynamoDB does not answer")
        assert ("Retry-After" in answer.headers) == later, wire


def tried(situation: str, wire: str, key: str) -> dict[str, Any]:
    """The request that is in this situation."""
    sent = request(wire, key)
    body = json.loads(sent["body"])
    match situation:
        case "It is taken" | "Over 120 requests in a minute" | "DynamoDB does not answer":
            pass
        case "No key":
            return request(wire, None)
        case "A key that is not live":
            return request(wire, "0" * 32)
        case "Not JSON":
            sent["body"] = f'{{"routing_key": "{key}", "service_key": "{key}", '
        case "It means nothing":
            for name in ("payload", "description", "alerts", "message"):
                body.pop(name, None)
            sent["body"] = json.dumps(body)
        case "Too large":
            sent["body"] = json.dumps(body | {"more": "x" * 5_000_000})
        case "Another method":
            sent["requestContext"]["http"]["method"] = "PATCH"
        case _:
            pytest.fail(f"nobody knows how to try: {situation}")
    return sent
