"""The throughput of DynamoDB: for each partition, each partition of an index, and a new table.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
Bursts and splits of hot partitions, which only help, are left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

WRITES_OF_A_PARTITION: Final = 1000.0
READS_OF_A_PARTITION: Final = 3000.0
WRITES_OF_A_NEW_TABLE: Final = 4000.0
READS_OF_A_NEW_TABLE: Final = 12000.0


@dataclass
class _Bucket:
    """A second's worth, filled again at that rate."""

    rate: float
    left: float
    at: float

    def level(self, now: float) -> float:
        self.left = min(self.rate, self.left + (now - self.at) * self.rate)
        self.at = now
        return self.left


@dataclass
class Capacity:
    now: Callable[[], float]
    is_limited: bool = True
    throttled: int = 0
    _buckets: dict[tuple[str, ...], _Bucket] = field(default_factory=dict[tuple[str, ...], _Bucket])

    def write(self, costs: Mapping[tuple[str, ...], float]) -> bool:
        """Whether all of these partitions take their units; if not, none does."""
        return self._spend(costs, "write", WRITES_OF_A_PARTITION, WRITES_OF_A_NEW_TABLE)

    def read(self, costs: Mapping[tuple[str, ...], float]) -> bool:
        return self._spend(costs, "read", READS_OF_A_PARTITION, READS_OF_A_NEW_TABLE)

    def _spend(
        self, costs: Mapping[tuple[str, ...], float], kind: str, partition: float, table: float
    ) -> bool:
        if not self.is_limited:
            return True
        now = self.now()
        totals: dict[tuple[str, ...], float] = {}
        for place, units in costs.items():
            totals[(kind, *place)] = units
            # An index has a throughput of its own: its first part names table and index.
            whole = (kind, place[0])
            totals[whole] = totals.get(whole, 0.0) + units
        buckets = []
        for place, units in totals.items():
            rate = table if len(place) == 2 else partition
            bucket = self._buckets.get(place)
            if bucket is None:
                bucket = self._buckets[place] = _Bucket(rate, rate, now)
            # One request may overdraw: the units of a write are known when it is done.
            if bucket.level(now) <= 0:
                self.throttled += 1
                return False
            buckets.append((bucket, units))
        for bucket, units in buckets:
            bucket.left -= units
        return True


def size(item: Mapping[str, Any]) -> int:
    """Bytes, near enough: names and values."""
    return sum(len(name) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S" | "B":
            return len(content) if content.isascii() else len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + sum(1 + len(name) + _size(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _size(each) for each in content)
        case _:
            return 1


def write_units(size_in_bytes: int) -> int:
    return max(1, ceil(size_in_bytes / 1024))


def read_units(size_in_bytes: int, *, consistent: bool) -> float:
    units = max(1, ceil(size_in_bytes / 4096))
    return units if consistent else units / 2
