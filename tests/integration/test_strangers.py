"""Somebody without a key makes no function slow, and no call to SSM with each request."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from harness.desk import Desk
from harness.strangers import SecretCalls, large_body, to_events, to_people
from harness.world import World
from opsknight.http.body import InvalidBody, parse
from opsknight.incident.event_request import EventRequest
from opsknight.incident.model import Status
from opsknight.runtime.ssm_secrets import ASKED_AGAIN
from tests.integration.steps import incident_in

REFUSALS = (400, 401, 403, 404)


@pytest.fixture
def desk(world: World) -> Desk:
    """With the key of links and the secret of Slack in SSM, and in the memory of its function."""
    desk = Desk(world)
    assert desk.ask(desk.link(incident_in(world, Status.OPEN))).status == 200
    assert desk.slack({"type": "block_actions", "user": {"id": "U1"}}).status == 200
    return desk


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("kind", to_events(""))
def test_a_strangers_body_is_not_read(kind: str, world: World) -> None:
    request = to_events(large_body())[kind]
    world.api()
    world.request(request)  # Whatever a first request makes.

    def ten() -> None:
        for _ in range(10):
            assert world.request(request).status in REFUSALS

    def reading() -> None:
        with suppress(InvalidBody):
            parse(EventRequest, request["body"].encode())

    assert cpu(ten) < cpu(reading)


@pytest.mark.parametrize(
    "kind", ["link of no shape", "button without a signature", "API call with no key"]
)
def test_what_has_no_shape_costs_no_call(kind: str, desk: Desk) -> None:
    # Long after whatever was remembered.
    desk.world.clock.advance(hours=1)
    calls = SecretCalls(desk)
    request = to_people(desk.world)[kind]
    for _ in range(10):
        assert desk.send(request).status in REFUSALS
    assert calls.number == 0


@pytest.mark.parametrize("kind", ["link with a forged signature", "button with a forged signature"])
def test_a_hundred_forgeries_cost_one_call_in_ten_seconds(kind: str, desk: Desk) -> None:
    calls = SecretCalls(desk)
    for _ in range(3):
        desk.world.clock.advance(seconds=ASKED_AGAIN.total_seconds())
        request = to_people(desk.world)[kind]
        for _ in range(100):
            assert desk.send(request).status in REFUSALS
    assert calls.number == 3


def test_without_a_secret_a_hundred_cost_one_call(world: World) -> None:
    desk = Desk(world)
    calls = SecretCalls(desk)
    request = to_people(world)["button with a forged signature"]
    for _ in range(100):
        assert desk.send(request).status == 401
    assert calls.number == 1
