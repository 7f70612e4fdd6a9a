"""What a beat costs, and what the sweep does about one that is overdue, for docs/capacity.md."""

import time
from datetime import timedelta
from typing import Final

from bench.calls import CallLog, round_trips
from bench.figures import Figure
from bench.stage import new_world
from escalation.heartbeats import attend
from harness.pipeline import Pipeline
from harness.settings import configure
from harness.world import World, deadline, http_event
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.store.due import Due
from opsknight.store.heartbeats import Heartbeats

GROUP: Final = "A heartbeat"
READS: Final = frozenset({"GetItem", "BatchGetItem", "Query"})
_BEATS: Final = 500


def measure_heartbeats(endpoint: str, quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    night = Pipeline(world)
    # Only the measured calls run.
    night.streaming = night.ticking = False
    configure(
        world,
        Integration(
            id="int_prometheus",
            service_id=world.service.id,
            name="Prometheus",
            heartbeat=Heartbeat(every=timedelta(minutes=5)),
        ),
    )
    log = CallLog(world.table.client)
    _beat(world)
    world.clock.advance(seconds=1)
    log.drain()
    _beat(world)
    figures = _costs(log, "a beat", 3, 1)
    number = _BEATS // 10 if quick else _BEATS
    began = time.process_time()
    for _ in range(number):
        world.clock.advance(milliseconds=1)
        _beat(world)
    ms = (time.process_time() - began) / number * 1000
    figures.append(Figure(GROUP, "a beat, processor time", ms, "ms", 10))
    for name, minutes, most in (("overdue, in doubt", 7, 6), ("excused after a gap", 3, 6)):
        world.clock.advance(minutes=minutes)
        if minutes == 3:
            Heartbeats(world.table).hear(world.clock(), deadline())
        log.drain()
        _attend(night)
        figures += _costs(log, name, most, 6)
    for _ in range(2):
        world.clock.advance(minutes=4)
        Heartbeats(world.table).hear(world.clock(), deadline())
    log.drain()
    _attend(night)
    return [*figures, *_costs(log, "its incident opens", 20, 12)]


def _beat(world: World) -> None:
    sent = http_event("", method="GET", path=f"/heartbeat/{world.integration_key}")
    if (status := world.request(sent).status) != 200:
        raise RuntimeError(f"the handler answered {status}")


def _attend(night: Pipeline) -> None:
    due = Due("", night.world.clock(), heartbeat="svc_checkout/int_prometheus")
    attend(night.engine, due, deadline())


def _costs(log: CallLog, name: str, most: float, most_calls: int) -> list[Figure]:
    calls = log.drain()
    read = sum(call.units for call in calls if call.operation in READS)
    written = sum(call.units for call in calls) - read
    return [
        Figure(GROUP, f"{name}, written", written, "units", most),
        Figure(GROUP, f"{name}, read", read, "units", 10),
        Figure(GROUP, f"{name}, calls", round_trips(calls), "", most_calls),
    ]
