"""A process that dies at any DynamoDB call of an event of AWS: the queue brings the event again,
and nothing is lost, counted twice, or left open.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from events.cloud.queue import Arrivals
from harness.faults import DEATHS, Died, Fault, Process
from harness.world import World, build, deadline
from opsknight.directory.aws import AwsRules
from opsknight.http.directory_cache import DirectoryCache
from opsknight.runtime import clock
from opsknight.store.directory_items import directory_item
from opsknight.store.wire import plain
from tests.integration.steps import of_kind
from tests.integration.test_aws_queue import at, bring

BACKGROUND: Final = ThreadPoolExecutor(max_workers=2)


def arrivals(world: World) -> Arrivals:
    directory = DirectoryCache(world.table, BACKGROUND)
    return Arrivals(world.table, directory, clock.new_id, BACKGROUND, world.clock, "opsknight")


def named(state: str, second: int, take: int) -> dict[str, Any]:
    return at(state, second, f"take-{take}")


@pytest.mark.parametrize("state", ["ALARM", "OK"])
@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_after_a_death_an_event_counts_once(dynamodb: str, state: str, death: Fault) -> None:
    world = build(dynamodb)
    rules = AwsRules(default_service_id=world.service.id)
    world.table.put_all([directory_item(rules)], deadline())

    def play(process: Process, take: int) -> None:
        if state == "OK":
            bring(arrivals(world), named("ALARM", 1, take))
        dying = process.runs(world, dynamodb)
        made = arrivals(dying)
        process.watching = True
        bring(made, named(state, 2, take))

    listening = Process()
    play(listening, 0)
    points = [each for each in listening.calls if each.table == "main"]
    assert len(points) > 4
    for take, point in enumerate(points, 1):
        with pytest.raises(Died):
            play(Process(death, point), take)
        bring(arrivals(world), named(state, 2, take))
        found = [
            plain(each)
            for each in of_kind(world, "incident")
            if each["dedup_key"]["S"].endswith(f"take-{take}")
        ]
        assert [each["status"] for each in found] == ["OPEN" if state == "ALARM" else "RESOLVED"]
        assert found[0]["alert_count"] == 1, point
        # What happened before changes nothing, whatever was written by then.
        late = named("OK" if state == "ALARM" else "ALARM", 1, take) | {"id": "late"}
        assert bring(arrivals(world), late) == ["ignored"], point
    world.close()
