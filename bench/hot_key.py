"""Many events for one dedup key, in a model of DynamoDB (`harness.hot_key`), now and before.

"Before" is the same with each merge as one transaction and with pauses that always grow; "growing
pauses" is only the latter.
"""

from random import Random
from statistics import quantiles
from typing import Final

from bench.figures import Figure
from harness.hot_key import HotKey
from harness.pipeline import Pipeline, step
from opsknight.incident.commands import Acknowledge, Escalate

BURSTS: Final = (120, 250, 500, 1000)
RATE: Final = 400
# Eight keys, each at the 120 events a minute that it may send.
RATE_OF_EIGHT: Final = 16


def measure_hot_key(_endpoint: str, quick: bool) -> list[Figure]:
    bursts = BURSTS[:2] if quick else BURSTS
    return [
        *(figure for each in bursts for figure in _burst(each, before=True)),
        *(figure for each in bursts for figure in _burst(each)),
        *([] if quick else _burst(1000, partition=True)),
        *_first(120, before=True),
        *_first(120),
        *([] if quick else _sustained(2, before=True)),
        *([] if quick else _sustained(30, growing=True)),
        *_sustained(5 if quick else 30),
        *_large(5 if quick else 25),
    ]


def _burst(number: int, *, before: bool = False, partition: bool = False) -> list[Figure]:
    model = HotKey(before=before, partition=partition)
    model.connected()
    began = [model.time.start(lambda: model.timed(model.trigger)) for _ in range(number)]
    model.time.run()
    took = [task.result() for task in began]
    group = f"{number} known triggers at once on one key, in the model" + (
        ", a partition of 1,000 units a second" * partition + ", before" * before
    )
    writes = model.sent["TransactWriteItems"] or model.sent["UpdateItem"]
    return [
        *_times(group, took, None if before or number != BURSTS[0] else 500),
        Figure(group, "writes to the incident, an event", writes / number, ""),
        _given_up(group, model.failed, before=before),
    ]


def _first(number: int, *, before: bool = False) -> list[Figure]:
    """Triggers of a key without an incident: one opens it."""
    model = HotKey(before=before)
    model.connected()
    began = [
        model.time.start(lambda: model.timed(lambda: model.trigger("new"))) for _ in range(number)
    ]
    model.time.run()
    took = [task.result() for task in began]
    group = f"{number} first triggers at once of one key, in the model" + ", before" * before
    tries = model.sent["TransactWriteItems"] / number
    return [
        *_times(group, took, None if before else 1000),
        Figure(group, "transactions tried, an event", tries, ""),
        _given_up(group, model.failed, before=before),
    ]


def _sustained(seconds: int, *, before: bool = False, growing: bool = False) -> list[Figure]:
    """Triggers at a steady rate, while somebody acts and the engine takes steps."""
    model = HotKey(before=before, growing=growing)
    group = f"{RATE} known triggers a second on one key for {seconds} s, in the model"
    group += ", before" * before + ", growing pauses" * growing
    return _beside_acts(model, seconds, RATE, group, None if before or growing else 1000)


def _large(seconds: int) -> list[Figure]:
    """Bodies of 64 KB deflated, which lie in partitions of their own (ADR 28)."""
    body = Random(28).randbytes(55 * 1024).hex()
    model = HotKey(partition=True, body=body)
    group = f"{RATE_OF_EIGHT} bodies of 64 KB deflated a second on one incident for {seconds} s"
    return _beside_acts(model, seconds, RATE_OF_EIGHT, f"{group}, in the model", 1000)


def _beside_acts(
    model: HotKey, seconds: int, rate: int, group: str, bound: float | None
) -> list[Figure]:
    night = Pipeline(model.world)
    night.escalates(step("ada"), repeat_after=600)
    night.streaming = False
    model.connected()
    # Independent senders: at random moments, not in step.
    moments = (model.chance.uniform(0, seconds) for _ in range(rate * seconds))
    triggers = [model.time.start(lambda: model.timed(model.trigger), at) for at in moments]
    people: list[float | None] = []
    steps: list[float | None] = []

    def acts() -> None:
        while model.time.now < seconds:
            for command in (Acknowledge(), Escalate()):
                people.append(model.timed(lambda it=command: model.act(it)))  # type: ignore[misc]
            steps.append(
                model.timed(lambda: night.engine.advance(model.pointer.id, model.deadline()))
            )
            model.world.clock.advance(seconds=1)

    model.time.start(acts)
    model.time.run()
    return [
        *_times(f"{group}: triggers", [task.result() for task in triggers]),
        *_times(f"{group}: acknowledges and escalates", people, bound),
        *_times(f"{group}: steps of the engine", steps, bound),
        _given_up(f"{group}: all of them", model.failed, before=bound is None),
    ]


def _times(group: str, took: list[float | None], most: float | None = None) -> list[Figure]:
    done = [seconds * 1000 for seconds in took if seconds is not None]
    if len(done) < 2:
        return [Figure(group, "finished", len(done), "")]
    percentiles = quantiles(done, n=100, method="inclusive")
    return [
        Figure(group, "finished", len(done), ""),
        Figure(group, "p50", percentiles[49], "ms"),
        Figure(group, "p99", percentiles[98], "ms", most, "under"),
    ]


def _given_up(group: str, failed: int, *, before: bool) -> Figure:
    return Figure(group, "given up (503)", failed, "", None if before else 0, "exactly")
