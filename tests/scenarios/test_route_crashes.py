"""A process that dies at any DynamoDB call of an event that is routed: the event is sent again, and
its resolve, which has none of what the routes look at, leaves nothing open.
"""

import pytest

from harness.faults import DEATHS, Died, Fault, Point, Process
from harness.settings import configure
from harness.world import World, build, event
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import Route, Routing
from tests.integration.steps import of_kind

DATABASE = Route(name="database", when="payload.source == 'db-1'", service_id="svc_reports")
GROUP = Route(name="group", when="payload.source == 'db-1'", group="'db'")


@pytest.mark.parametrize("route", [DATABASE, GROUP], ids=lambda route: route.name)
@pytest.mark.parametrize("sends", ["trigger", "resolve"])
@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_after_a_death_a_routed_event_leaves_nothing_open(
    dynamodb: str, route: Route, sends: str, death: Fault
) -> None:
    world = build(dynamodb)
    routing = Routing(routes=(route,))
    configure(
        world,
        Integration(
            id="int_prometheus",
            service_id=world.service.id,
            name="P",
            routing=routing,
            remembers=True,
        ),
    )

    def send(sender: World, action: str, take: int) -> str:
        source = "db-1" if action == "trigger" else "-"
        answer = sender.send(event(action, f"take-{take}", payload={"source": source}))
        assert answer.status == 202
        return answer.action

    def play(process: Process, take: int) -> None:
        if sends == "resolve":
            send(world, "trigger", take)
        dying = process.runs(world, dynamodb)
        dying.api()
        process.watching = True
        try:
            send(dying, sends, take)
        finally:
            dying.let_functions_end()

    points: list[Point] = []
    listening = Process()
    play(listening, 0)
    points = [each for each in listening.calls if each.table == "main"]
    send(world, "resolve", 0)
    assert len(points) > 2
    for take, point in enumerate(points, 1):
        world.clock.advance(minutes=1)
        with pytest.raises(Died):
            play(Process(death, point), take)
        if sends == "trigger":
            assert send(world, "trigger", take) in ("triggered", "deduplicated"), point
        send(world, "resolve", take)
        assert not of_kind(world, "pointer"), point
    world.close()
