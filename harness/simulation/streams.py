"""The table's stream as it wakes functions: shards, lanes, batches, and trying again.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from harness.simulation import template
from harness.simulation.expressions import Item
from harness.simulation.functions import Lambda
from harness.simulation.hub import Future, Hub
from harness.simulation.journal import Journal
from harness.simulation.weather import Weather
from harness.streams import fits, record

# A new on-demand table has four partitions, and its stream as many shards.
SHARDS: Final = 4
LONGEST_PAUSE: Final = 60.0
AGAIN_AFTER: Final = (0.5, 2.0)


@dataclass(eq=False)
class _Lane:
    records: deque[dict[str, Any]] = field(default_factory=deque[dict[str, Any]])
    is_busy: bool = False
    arrived: float = 0.0
    size: int = 0
    """The size of the next batch; 0 for the template's."""
    failures: int = 0


@dataclass(repr=False)
class Stream:
    source: template.StreamSource
    hub: Hub
    weather: Weather
    journal: Journal
    functions: Lambda
    given_up: int = 0
    _lanes: dict[tuple[int, int], _Lane] = field(default_factory=dict[tuple[int, int], _Lane])
    _number: int = 0

    def tell(self, kind: str, item: Item) -> None:
        told = {**record(item), "eventName": kind}
        if not any(fits(pattern, told) for pattern in self.source.patterns):
            return
        chance, weather = self.hub.chance, self.weather
        if weather.lost_record and chance.random() < weather.lost_record:
            where = f"{item['pk']['S']} {item['sk']['S']}"
            self.journal.note(self.hub.now, f"{self.source.function} never hears of {where}")
            return
        hashed = zlib.crc32(item["pk"]["S"].encode())
        place = hashed % SHARDS, hashed // SHARDS % self.source.lanes
        lane = self._lanes.setdefault(place, _Lane())
        copies = 2 if weather.doubled_record and chance.random() < weather.doubled_record else 1
        for _ in range(copies):
            self._number += 1
            mine = {**told, "dynamodb": {**told["dynamodb"], "SequenceNumber": str(self._number)}}
            mine["eventID"] = str(self._number)
            mine["written"] = self.hub.now
            # In order, however long each of them takes.
            lane.arrived = max(lane.arrived, self.hub.now + chance.uniform(*weather.stream_lag))
            self.hub.at(lane.arrived, partial(self._arrive, lane, mine))

    def _arrive(self, lane: _Lane, told: dict[str, Any]) -> None:
        lane.records.append(told)
        self._pump(lane)

    def _pump(self, lane: _Lane) -> None:
        while lane.records and self.hub.now - lane.records[0]["written"] > self.source.oldest:
            self.given_up += 1
            given_up = lane.records.popleft()
            self.journal.note(self.hub.now, f"gives up a record: {given_up['dynamodb']['Keys']}")
        if lane.is_busy or not lane.records:
            return
        size = lane.size or self.source.batch_size
        batch = list(lane.records)[:size]
        lane.is_busy = True

        def done(future: Future) -> None:
            lane.is_busy = False
            self._settle(lane, batch, future)

        event = {"Records": [{k: v for k, v in each.items() if k != "written"} for each in batch]}
        if not self.functions.invoke(self.source.function, event, done):
            lane.is_busy = False
            self.hub.later(self.hub.chance.uniform(*AGAIN_AFTER), lambda: self._pump(lane))

    def _settle(self, lane: _Lane, batch: list[dict[str, Any]], future: Future) -> None:
        handled = len(batch)
        if future.exception() is not None:
            handled = 0
            if self.source.bisects:
                lane.size = max(1, len(batch) // 2)
        else:
            answer: Mapping[str, Any] = future.result() or {}
            failed = {each["itemIdentifier"] for each in answer.get("batchItemFailures", ())}
            numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
            # From the first that failed on, all come again.
            handled = min((numbers.index(each) for each in failed), default=len(batch))
        for _ in range(handled):
            lane.records.popleft()
        if handled == len(batch):
            lane.size = lane.failures = 0
            self._pump(lane)
            return
        lane.failures += 1
        pause = min(LONGEST_PAUSE, 2.0 ** (lane.failures - 1))
        self.hub.later(pause, lambda: self._pump(lane))
