"""The stage of all figures: a world on MiniStack's DynamoDB with room for threads, and events."""

import json
from secrets import token_hex
from typing import Any, Final

from botocore.config import Config

from events.handler import Api
from harness.dynamodb import connect
from harness.world import World, build, deadline, event, http_event
from opsknight.directory.entries import IntegrationKey, key_hash
from opsknight.http.gateway import respond
from opsknight.store.calls import RATES_CONFIG, TABLE_CONFIG

BODY_BYTES: Final = 500
# In Lambda every function has its own connections; here all share a client. They also share one
# MiniStack, which answers them in turn. So the limiter may wait longer than its 0.3 s, after which
# it would let an event pass uncounted.
_ROOM: Final = Config(max_pool_connections=128)
_PATIENCE: Final = Config(connect_timeout=10, read_timeout=10)


def new_world(endpoint: str) -> World:
    return build(
        client=connect(endpoint, TABLE_CONFIG.merge(_ROOM)),
        rates_client=connect(endpoint, RATES_CONFIG.merge(_ROOM).merge(_PATIENCE)),
    )


def new_key(world: World) -> str:
    """Creates another integration key for the service of the world."""
    secret = token_hex(16)
    key = IntegrationKey(
        id=f"key_{token_hex(14)}",
        name="Prometheus",
        created_at=world.clock.at,
        service_id=world.service.id,
        integration_id="int_prometheus",
    )
    world.table.create([], {key_hash(secret): key}, token_hex(8), deadline())
    return secret


def body(action: str, dedup_key: str, *, details: bool = True) -> str:
    """An event of 500 bytes, most of them in its custom details, or else in its summary."""
    payload: dict[str, Any] = {"source": "prometheus", "severity": "critical"}
    padded = payload | ({"custom_details": {"log": ""}} if details else {"summary": ""})
    bare = json.dumps(event(action, dedup_key, payload=padded))
    filling = "x" * (BODY_BYTES - len(bare))
    padded |= {"custom_details": {"log": filling}} if details else {"summary": filling}
    return json.dumps(event(action, dedup_key, payload=padded))


def request(text: str, key: str) -> dict[str, Any]:
    """The request in the form that API Gateway passes to a function."""
    headers = {"authorization": f"Token token={key}", "content-type": "application/json"}
    return http_event(text, headers=headers)


def post(api: Api, gateway_event: dict[str, Any]) -> dict[str, Any]:
    """Returns the handler's answer. Raises unless it is a 202: nothing else is worth measuring."""
    answer = respond(gateway_event, lambda: api)
    if answer["statusCode"] != 202:
        raise RuntimeError(f"the handler answered {answer}")
    return answer
