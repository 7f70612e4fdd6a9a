"""Processor time of the handler, compared with bare boto3 making the same calls.

The handler gets each event. Then bare boto3 repeats the calls that the handler made, one after the
other, with the same prepared parameters, on a copy of its tables. So both do the same work on
tables in the same state. The time of all threads counts.
"""

import json
import time
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name

from bench.figures import Figure
from bench.stage import body, new_world, post, request
from events.intake import Intake
from harness.hot_key import InTransactions
from harness.world import World
from opsknight.runtime.clock import new_id
from opsknight.store.execute import Settling

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_BEFORE: Final = "deduplicated, as one transaction as before"
_KINDS: Final = (
    ("new trigger", "trigger"),
    ("deduplicated", "trigger"),
    (_BEFORE, "trigger"),
    ("acknowledge", "acknowledge"),
    ("resolve", "resolve"),
)


class _Twin:
    """Bare boto3 with its own tables. Records the calls of the original, and repeats them."""

    def __init__(self, endpoint: str, original: World) -> None:
        twin = new_world(endpoint)
        self._names = {
            original.table.name: twin.table.name,
            original.counters.name: twin.counters.name,
        }
        self._recorded: list[tuple[Any, str, dict[str, Any]]] = []
        self._listen(original.table.client, twin.table.client)
        self._listen(original.counters.client, twin.counters.client)

    def forget(self) -> None:
        """Drops the recorded calls."""
        self._recorded.clear()

    def repeat(self) -> float:
        """Repeats the recorded calls, drops them, and returns their processor time in seconds."""
        calls = [
            (getattr(client, xform_name(operation)), self._own(params))
            for client, operation, params in self._recorded
        ]
        self.forget()
        began = time.process_time()
        for call, params in calls:
            call(**params)
        return time.process_time() - began

    def _listen(self, original: "DynamoDBClient", twin: "DynamoDBClient") -> None:
        def record(params: dict[str, Any], model: Any, **_: object) -> None:
            self._recorded.append((twin, model.name, params))

        original.meta.events.register("provide-client-params.dynamodb", record)

    def _own(self, params: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(params)
        for name, own in self._names.items():
            text = text.replace(name, own)
        renamed: dict[str, Any] = json.loads(text)
        if "ClientRequestToken" in renamed:
            renamed["ClientRequestToken"] += "t"
        return renamed


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
    twin = _Twin(endpoint, world)
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
            bare[name].append(twin.repeat())
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
