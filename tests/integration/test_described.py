"""Real answers of the handler are as the OpenAPI description says."""

from typing import Any

import pytest

from harness import described
from harness.world import Response, World, event, http_event
from tests.integration.steps import use_up
from tests.integration.wire import ALWAYS, TIMES_OUT, Wire, refusing

OPERATION = described.DESCRIBED["paths"]["/api/events"]["post"]


def check(response: Response, status: int) -> None:
    assert response.status == status
    described.check(OPERATION, status, response.headers, response.body)


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
@pytest.mark.parametrize("before", [0, 1], ids=["none active", "open"])
def test_202(world: World, action: str, before: int) -> None:
    for _ in range(before):
        world.send(event())
    response = world.send(event(action))
    check(response, 202)


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (400, http_event("{", headers={"Authorization": "Token token={key}"})),
        (400, http_event({}, headers={"Authorization": "Token token={key}"})),
        (400, http_event(event(), headers={"X-API-Key": "{api_key}"})),
        (401, http_event(event())),
        (403, http_event(event(), headers={"Authorization": "Token x"})),
        (404, http_event(event(service_id="svc_x"), headers={"X-API-Key": "{api_key}"})),
        (413, http_event(" " * 600_000, headers={"Authorization": "Token token={key}"})),
    ],
    ids=["not JSON", "no event", "no service", "401", "403", "404", "413"],
)
def test_refusals(shared_world: World, status: int, sent: dict[str, Any]) -> None:
    keys = {"key": shared_world.integration_key, "api_key": shared_world.api_key}
    headers = {name: value.format(**keys) for name, value in sent["headers"].items()}
    check(shared_world.request({**sent, "headers": headers}), status)


def test_429(world: World) -> None:
    use_up(world)
    check(world.send(event()), 429)


def test_500(world: World) -> None:
    Wire(world.table.client).fail("GetItem", refusing("AccessDeniedException"))
    check(world.send(event()), 500)


def test_503(world: World) -> None:
    Wire(world.table.client).fail("GetItem", TIMES_OUT, ALWAYS)
    check(world.send(event(), api=world.api(patience=0)), 503)
