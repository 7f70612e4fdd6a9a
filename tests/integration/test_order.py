"""The order of checks: an earlier failure wins over every later one; a refusal leaves nothing."""

import json
from itertools import combinations
from secrets import token_hex, token_urlsafe
from typing import Any

import pytest

from harness.world import Response, World, event
from opsknight.directory.entries import EVENTS_WRITE, ApiKey, IntegrationKey, key_hash
from opsknight.incident.event_request import LARGEST_BODY
from opsknight.store.key_items import any_key_item
from tests.integration.steps import in_order, put, use_up

# In the order of the contract. For an integration key the four in the middle do not apply.
REFUSALS = {
    "authentication": (401, "Unauthorized"),
    "size": (413, "Payload too large"),
    "json": (400, "Invalid JSON"),
    "schema": (400, "Invalid request body"),
    "scope": (403, "API key missing scope"),
    "no service": (400, "Invalid request body"),
    "unknown service": (404, "Service not found"),
    "access": (403, "Service access denied"),
    "rate": (429, "Rate limit exceeded."),
}
OF_API_KEYS = ("scope", "no service", "unknown service", "access")
API_KEY_ORDER = list(REFUSALS)
INTEGRATION_KEY_ORDER = [name for name in REFUSALS if name not in OF_API_KEYS]


def body(wrong: set[str], service_id: str) -> str:
    wanted: dict[str, Any] = event("resolve", "nothing", service_id=service_id)
    if "unknown service" in wrong:
        wanted["service_id"] = "svc_none"
    if "no service" in wrong:
        del wanted["service_id"]
    if "schema" in wrong:
        del wanted["dedup_key"]
    text = json.dumps(wanted)
    if "json" in wrong:
        text = text.removesuffix("}")
    return text.ljust(LARGEST_BODY + 1) if "size" in wrong else text


def send_with_api_key(world: World, wrong: set[str]) -> Response:
    secret = f"opsk_{token_urlsafe(32)}"
    key = ApiKey(
        id=f"key_{token_hex(8)}",
        name="CI",
        created_at=world.clock(),
        user_id="user_eve" if "access" in wrong else "user_ben",
        scopes=("incidents:read",) if "scope" in wrong else (EVENTS_WRITE,),
        disabled="authentication" in wrong,
    )
    return send(world, secret, key, wrong)


def send_with_integration_key(world: World, wrong: set[str]) -> Response:
    secret = token_hex(16)
    key = IntegrationKey(
        id=f"key_{token_hex(8)}",
        name="Prometheus",
        created_at=world.clock(),
        service_id=world.service.id,
        integration_id="int_prometheus",
        disabled="authentication" in wrong,
    )
    return send(world, secret, key, wrong)


def send(world: World, secret: str, key: ApiKey | IntegrationKey, wrong: set[str]) -> Response:
    put(world, any_key_item(key_hash(secret), key))
    if "rate" in wrong:
        use_up(world, key.id)
    before = in_order(world.items())
    response = world.send(body(wrong, world.service.id), key=secret)
    if wrong and "rate" not in wrong:
        assert in_order(world.items()) == before, "nothing is stored on a 4xx"
        kept = world.counters.client.scan(TableName=world.counters.name)["Items"]
        assert key.id not in str(kept), "nor counted"
    return response


def pairs(order: list[str]) -> list[Any]:
    alone = [(name,) for name in order]
    return [pytest.param(wrong, id=" before ".join(wrong)) for wrong in combinations(order, 2)] + [
        pytest.param(wrong, id=f"{wrong[0]} alone") for wrong in alone
    ]


@pytest.mark.parametrize("wrong", pairs(API_KEY_ORDER))
def test_with_an_api_key(shared_world: World, wrong: tuple[str, ...]) -> None:
    if set(wrong) == {"no service", "unknown service"}:
        wrong = ("no service",)
    response = send_with_api_key(shared_world, set(wrong))
    assert (response.status, response.body["error"]) == REFUSALS[wrong[0]]
    if wrong[0] == "no service":
        assert response.body["issues"][0]["path"] == "service_id"
    elif wrong[0] == "schema":
        assert response.body["issues"][0]["path"] == "dedup_key"


@pytest.mark.parametrize("wrong", pairs(INTEGRATION_KEY_ORDER))
def test_with_an_integration_key(shared_world: World, wrong: tuple[str, ...]) -> None:
    response = send_with_integration_key(shared_world, set(wrong))
    expected = (
        (403, "Invalid Integration Key") if wrong[0] == "authentication" else REFUSALS[wrong[0]]
    )
    assert (response.status, response.body["error"]) == expected


def test_with_nothing_wrong(shared_world: World) -> None:
    assert send_with_api_key(shared_world, set()).status == 202
    assert send_with_integration_key(shared_world, set()).status == 202
