"""A process that dies at any DynamoDB call on an event's way to another system: it gets there all
the same, a trigger before its resolve.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from harness.faults import DEATHS, Died, Fault, Point, Process
from harness.mirrors import Mirrored, actions
from harness.receivers import HttpReceiver, answers, http_receiver
from harness.settings import configure
from harness.world import World, build, deadline, event
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import Route, Routing
from opsknight.store.mirrors import Mirrors


@pytest.fixture
def old() -> Iterator[HttpReceiver]:
    with http_receiver(answers(202)) as receiver:
        yield receiver


@pytest.fixture
def world(dynamodb: str) -> Iterator[World]:
    world = build(dynamodb)
    yield world
    world.close()


def shadowed(world: World, old: HttpReceiver) -> Mirrored:
    night = Mirrored(world).mirrors(old)
    night.serves(shadow_until=world.clock() + timedelta(days=30))
    return night


def arrived(night: Mirrored, old: HttpReceiver, key: str) -> None:
    """Once, or twice where somebody died in between; and nothing waits any more."""
    heard = [action for action, name in actions(night.heard(old)) if name == key]
    assert heard[0] == "trigger", heard
    assert heard[-1] == "resolve", heard
    mirrors, service_id = Mirrors(night.world.table), night.world.service.id
    assert mirrors.waiting(service_id, 1, deadline()) == []
    state = mirrors.state(service_id, deadline())
    assert state
    assert (state.due_at, state.lease_until) == (None, None)


HERE: Final = Route(name="here", when="`true`", service_id="svc_checkout")
GROUP: Final = Route(name="group", when="`true`", group="key('all', dedup_key)")


@pytest.mark.parametrize("route", [None, HERE, GROUP], ids=["unrouted", "routed", "grouped"])
@pytest.mark.parametrize("once", [False, True], ids=["plain", "with an Idempotency-Key"])
@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_the_intake_dies(
    world: World, dynamodb: str, old: HttpReceiver, death: Fault, once: bool, route: Route | None
) -> None:
    night = shadowed(world, old)
    if route is not None:
        where = {"id": "int_prometheus", "service_id": world.service.id, "name": "P"}
        routing = {"routing": Routing(routes=(route,)), "remembers": True}
        configure(world, Integration.model_validate(where).model_copy(update=routing))

    def headers(take: int) -> dict[str, Any]:
        return {"Idempotency-Key": f"request-{take}"} if once else {}

    def play(process: Process, take: int) -> None:
        dying = process.runs(world, dynamodb)
        dying.api()
        process.watching = True
        try:
            assert dying.send(event("trigger", f"take-{take}"), **headers(take)).status == 202
        finally:
            dying.let_functions_end()

    listening = Process()
    play(listening, 0)
    points = [each for each in listening.calls if each.table == "main"]
    noted = ["UpdateItem", "BatchWriteItem", "UpdateItem"]
    # It is numbered, it waits, and it is known that it does.
    assert once or [each.operation for each in points[-3:]] == noted
    for take, point in enumerate(points, 1):
        with pytest.raises(Died):
            play(Process(death, point), take)
        # Whoever got no answer sends it again.
        world.clock.advance(minutes=2)
        assert world.send(event("trigger", f"take-{take}"), **headers(take)).status == 202
        night.send("resolve", f"take-{take}")
        night.wait(minutes=3)
        arrived(night, old, f"take-{take}")


@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_the_sender_dies(world: World, dynamodb: str, old: HttpReceiver, death: Fault) -> None:
    night = shadowed(world, old)
    night.streaming = False

    def play(process: Process, take: int) -> None:
        night.send("trigger", f"take-{take}")
        night.send("resolve", f"take-{take}")
        dying = process.runs(world, dynamodb)
        process.watching = True
        replace(night.passing, table=dying.table).attend(world.service.id, deadline())

    listening = Process()
    play(listening, 0)
    arrived(night, old, "take-0")
    points: list[Point] = [each for each in listening.calls if each.table == "main"]
    assert len(points) > 6
    for take, point in enumerate(points, 1):
        with pytest.raises(Died):
            play(Process(death, point), take)
        night.wait(minutes=3)
        arrived(night, old, f"take-{take}")
