"""Bare boto3 that makes the calls of the handler again: what a figure is compared with, as machines
differ threefold.

With the same prepared parameters, on a copy of the handler's tables: both do the same work on
tables in the same state.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from bench.stage import new_world
from harness.world import World

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class Twin:
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

    def repeat(self, clock: Callable[[], float]) -> float:
        """Repeats the recorded calls, one after the other, drops them, and returns the seconds that
        they took by the clock.
        """
        calls = [
            (getattr(client, xform_name(operation)), self._own(params))
            for client, operation, params in self._recorded
        ]
        self.forget()
        began = clock()
        for call, params in calls:
            call(**params)
        return clock() - began

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
