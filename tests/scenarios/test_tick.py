"""A minute in which very many timers are due at once, as after an outage of everything."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import batched
from threading import Lock

import pytest

from escalation.handler import on_message
from escalation.sweep import BATCH, tick
from harness.crowd import at_once
from harness.dynamodb import connect
from harness.pipeline import Pipeline, step
from harness.post import Queued
from harness.processes import engine
from harness.world import World
from opsknight.runtime.wakeups import SweepShard
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.items import due_shard, incident_key
from opsknight.store.wire import Item

WORKERS = 4


@pytest.mark.soak
def test_a_tick_finishes_whatever_is_due(
    server_world: World, dynamodb_server: str, full_size: bool, say: Callable[[str], None]
) -> None:
    due = 10_000 if full_size else 300
    night = Pipeline(server_world, streaming=False)
    night.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    first = night.trigger()
    client, name = server_world.table.client, server_world.table.name
    [like] = [item for item in server_world.items() if item["sk"]["S"] == "incident"]
    seeds: list[Item] = []
    for number in range(due - 1):
        known = f"inc_{number:06}"
        own: Item = {"id": {"S": known}, "dedup_key": {"S": known}}
        shard: Item = {"due_shard": {"S": due_shard(known)}}
        seeds.append(like | incident_key(known) | own | shard)
    for chunk in batched(seeds, 25, strict=False):
        client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": it}} for it in chunk]})
    server_world.clock.advance(minutes=1)
    night.post.queued.clear()
    lock, swept = Lock(), []

    def next_message() -> Queued | None:
        with lock:
            found = night.post.take(server_world.clock())
            if found is not None and isinstance(found.message, SweepShard):
                swept.append(found.message)
            return found

    def works() -> None:
        table = server_world.table.__class__(
            connect(dynamodb_server, TABLE_CONFIG), name, timedelta(days=1)
        )
        mine = engine(server_world, night.post, table)
        quiet = 0
        while quiet < 20:
            queued = next_message()
            if queued is None:
                # Another one may be about to send where to go on.
                quiet += 1
                time.sleep(0.05)
            elif "timers" in queued.queue:
                quiet = 0
                on_message(mine, queued.message)

    began = time.monotonic()
    tick(night.engine)
    at_once([partial(works) for _ in range(WORKERS)])
    took = time.monotonic() - began - 1
    pages = night.all_pages()
    assert len({page.incident_id for page in pages}) == len(pages) == due
    assert first in {page.incident_id for page in pages}
    assert len(swept) <= due / BATCH + 2 * 16, "bounded batches, and none twice"
    say(f"{due} due timers, {WORKERS} workers: {took:.0f} s, {due / took:.0f} a second")
