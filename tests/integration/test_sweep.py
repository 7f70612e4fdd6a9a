"""A sweep in bad weather: what is wrong with one incident costs the others nothing."""

import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from threading import Barrier, Lock, current_thread, get_ident, main_thread
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from escalation.engine import Engine
from escalation.handler import on_message
from escalation.sweep import sweep as sweep_shard
from harness.pipeline import Pipeline, step
from harness.world import World
from opsknight.runtime.wakeups import SweepShard
from opsknight.store.calls import Deadline
from opsknight.store.items import due_shard, incident_key
from tests.integration.conftest import Log
from tests.integration.wire import THROTTLES


class Throttled:
    """DynamoDB refuses every call about one incident, as for a hot partition."""

    def __init__(self, night: Pipeline, incident_id: str) -> None:
        self.name = f"incident#{incident_id}"
        self.operations: set[str] = set()
        """Empty for all."""
        # The stubs know no hook that answers.
        events: Any = night.world.table.client.meta.events
        events.register("before-call.dynamodb", self._before)

    def _before(
        self, model: Any, params: Mapping[str, Any], **_: object
    ) -> tuple[AWSResponse, dict[str, Any]] | None:
        body = params["body"] if isinstance(params["body"], str) else params["body"].decode()
        if self.name not in body or (self.operations and model.name not in self.operations):
            return None
        answer = THROTTLES()
        assert answer is not None
        parsed = json.loads(answer.content)
        code = parsed["__type"].partition("#")[2]
        metadata = {"HTTPStatusCode": 400}
        return answer, {"Error": {"Code": code}, "ResponseMetadata": metadata}


@pytest.fixture
def night(world: World) -> Pipeline:
    pipeline = Pipeline(world, streaming=False)
    pipeline.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    return pipeline


def in_one_shard(night: Pipeline, number: int) -> list[str]:
    """So many due incidents of one shard, in the order in which the sweep finds them."""
    night.trigger()
    client, name = night.world.table.client, night.world.table.name
    [like] = [item for item in night.world.items() if item["sk"]["S"] == "incident"]
    shard = like["due_shard"]["S"]
    known = [like["id"]["S"]]
    for seed in count():
        incident_id = f"inc_{seed:06}"
        if len(known) == number:
            break
        if due_shard(incident_id) != shard:
            continue
        known.append(incident_id)
        at = night.world.clock() + timedelta(seconds=len(known))
        due = {"due_at": {"S": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"}}
        item = like | incident_key(incident_id) | {"id": {"S": incident_id}} | due
        client.put_item(TableName=name, Item=item)
    night.world.clock.advance(minutes=1)
    return known


def sweep(night: Pipeline, incident_id: str) -> None:
    on_message(night.engine, SweepShard(int(due_shard(incident_id)), night.world.clock()))


def paged(night: Pipeline) -> set[str]:
    return {page.incident_id for page in night.all_pages()}


def test_one_throttled_incident_starves_no_neighbour(night: Pipeline, log: Log) -> None:
    first, *others = in_one_shard(night, 8)
    Throttled(night, first)
    sweep(night, first)
    assert paged(night) == set(others)
    assert "left to the next tick" in log.text


def test_what_can_neither_be_done_nor_postponed_is_left(night: Pipeline, log: Log) -> None:
    first, *others = in_one_shard(night, 4)
    client, name = night.world.table.client, night.world.table.name
    client.update_item(
        TableName=name,
        Key=incident_key(first),
        UpdateExpression="SET escalation = :nonsense",
        ExpressionAttributeValues={":nonsense": {"S": "NONSENSE"}},
    )
    Throttled(night, first).operations = {"UpdateItem"}
    sweep(night, first)
    assert paged(night) == set(others)
    assert "left as it is" in log.text


def as_deployed(night: Pipeline) -> Engine:
    """With as many threads as it has unless a test says otherwise."""
    made = night.engine
    return Engine(made.table, made.outbox, made.clock, made.hold, made.new_token, made.sleep)


def test_eight_incidents_are_attended_to_side_by_side(night: Pipeline) -> None:
    known = in_one_shard(night, 16)
    night.engine = as_deployed(night)
    # Each waits, in its first call, until there are eight.
    together = Barrier(8)
    begun: set[str] = set()
    counting = Lock()

    def meet(params: Mapping[str, Any], **_: object) -> None:
        body = params["body"] if isinstance(params["body"], str) else params["body"].decode()
        with counting:
            new = {each for each in known if f"incident#{each}" in body} - begun
            begun.update(new)
        if new:
            together.wait(timeout=20)

    events: Any = night.world.table.client.meta.events
    events.register("before-call.dynamodb.GetItem", meet)
    sweep(night, known[0])
    assert not together.broken
    assert begun == paged(night) == set(known)


def test_no_more_than_eight_are_attended_to_at_once(night: Pipeline) -> None:
    """A batch of them is eight connections, and half a virtual processor."""
    known = in_one_shard(night, 20)
    night.engine = as_deployed(night)
    threads: set[int] = set()

    def heard(**_: object) -> None:
        if current_thread() is not main_thread():
            threads.add(get_ident())

    events: Any = night.world.table.client.meta.events
    events.register("before-call.dynamodb", heard)
    sweep(night, known[0])
    assert paged(night) == set(known)
    assert 0 < len(threads) <= 8


def test_a_throttled_incident_takes_a_second_from_the_others(night: Pipeline) -> None:
    """And one more when all of its batch have had their turn."""
    *throttled, last = in_one_shard(night, 4)
    for each in throttled:
        Throttled(night, each)
    passed = [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    # One after the other: the calls themselves take no time.
    until = Deadline(3.5, lambda: passed[0], sleep, lambda: 0.5)
    sweep_shard(night.engine, SweepShard(int(due_shard(last)), night.world.clock()), until)
    assert paged(night) == {last}
    assert passed[0] <= 3.5
    passed[0] = 0.0
    until = Deadline(100.0, lambda: passed[0], sleep, lambda: 0.5)
    sweep_shard(night.engine, SweepShard(int(due_shard(last)), night.world.clock()), until)
    # Nearly: the last pause would have gone beyond it.
    assert 2 * len(throttled) / 2 <= passed[0] <= 2 * len(throttled)
