"""The cost of the steps of an escalation in DynamoDB, for docs/capacity.md."""

from bench.calls import CallLog, round_trips
from bench.figures import Figure
from bench.stage import new_world
from harness.pipeline import Pipeline, step
from harness.world import deadline
from notify.handler import plan
from opsknight.escalation.pages import PageState
from opsknight.runtime.wakeups import PlanNotices
from opsknight.store.paging import Paging

_READS = frozenset({"GetItem", "BatchGetItem", "Query"})


def measure_steps(endpoint: str, _quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    night = Pipeline(world)
    night.escalates(step("ada"), step("ben", after=5), repeat_after=600)
    # Only the measured calls run.
    night.streaming = False
    log = CallLog(world.table.client)
    incident = night.trigger()
    plan(night.planning, PlanNotices(incident))
    figures = []
    # After five minutes the round is judged; after the pause the fallback address gets a message.
    moments = (("first step", 0, 8), ("second step", 5, 8), ("round counts", 5, 8))
    for name, minutes, most_calls in (*moments, ("exhausted", 5, 24)):
        world.clock.advance(minutes=minutes)
        for page in night.new_pages():
            Paging(world.table).end(page, PageState.REACHED, world.clock(), deadline())
        log.drain()
        night.engine.advance(incident, deadline())
        calls = log.drain()
        read = sum(call.units for call in calls if call.operation in _READS)
        written = sum(call.units for call in calls) - read
        group = "A step that pages one user"
        figures += [
            Figure(group, f"{name}, written", written, "units", 16),
            Figure(group, f"{name}, read", read, "units", 10),
            Figure(group, f"{name}, calls", round_trips(calls), "", most_calls),
        ]
    return figures
