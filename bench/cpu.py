"""Processor time of the handler, compared with bare boto3 making the same calls.

The handler gets each event, then bare boto3 repeats its calls. The time of all threads counts.
"""

import time
from dataclasses import replace
from statistics import median
from typing import Final

from bench.figures import Figure
from bench.stage import body, new_world, post, request
from bench.twin import Twin
from events.intake import Intake
from harness.hot_key import InTransactions
from opsknight.runtime.clock import new_id
from opsknight.store.execute import Settling

_BEFORE: Final = "deduplicated, as one transaction as before"
_KINDS: Final = (
    ("new trigger", "trigger"),
    ("deduplicated", "trigger"),
    (_BEFORE, "trigger"),
    ("acknowledge", "acknowledge"),
    ("resolve", "resolve"),
)


class _Earlier(Intake):
    """Writes each merge as one transaction."""

    def _settling(self) -> Settling:
        return InTransactions(self.table, self.new_id, self.background)


def measure_cpu(endpoint: str, quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    api = world.api()
    # It remembers keys on its own, and gets no other events.
    earlier = world.api()
    earlier = replace(
        earlier,
        intake=_Earlier(api.intake.table, api.intake.limiter, new_id, earlier.intake.background),
    )
    twin = Twin(endpoint, world)
    handler: dict[str, list[float]] = {name: [] for name, _ in _KINDS}
    bare: dict[str, list[float]] = {name: [] for name, _ in _KINDS}
    rounds = 125 if quick else 500
    for number in range(rounds):
        if number % 20 == 0:
            # A key may send 120 events a minute. The first event of a minute looks up the key.
            world.clock.advance(minutes=1)
            for each in (api, earlier):
                post(each, request(body("trigger", f"first-{number}"), world.integration_key))
            twin.forget()
        for name, action in _KINDS:
            event = request(body(action, f"cpu-{number}"), world.integration_key)
            began = time.process_time()
            post(earlier if name == _BEFORE else api, event)
            handler[name].append(time.process_time() - began)
            bare[name].append(twin.repeat(time.process_time))
    group = f"Processor time, handler against bare boto3, {len(_KINDS) * rounds} events"
    figures = []
    ratios: list[float] = []
    for name, _ in _KINDS:
        own = [h / b for h, b in zip(handler[name], bare[name], strict=True)]
        ratios += own if name != _BEFORE else []
        figures += [
            Figure(group, f"{name}: handler, median", median(handler[name]) * 1000, "ms"),
            Figure(group, f"{name}: bare boto3, median", median(bare[name]) * 1000, "ms"),
            Figure(group, f"{name}: median ratio", median(own), ""),
        ]
    # Four calls: a read, a count, and the two writes.
    plain_call = median(bare["deduplicated"]) / 4
    more = (median(handler["deduplicated"]) - median(handler[_BEFORE])) / plain_call
    return [
        *figures,
        Figure(group, "deduplicated: more than before", more, "bare calls", 1),
        Figure(group, "all events: median ratio", median(ratios), "", 1.3),
    ]
