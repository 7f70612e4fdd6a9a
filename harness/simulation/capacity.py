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


type _Buckets = dict[tuple[str, ...], _Bucket]
"""By partition, and by the table or index alone."""


@dataclass
class Capacity:
    now: Callable[[], float]
    is_limited: bool = True
    throttled: int = 0
    _written: _Buckets = field(default_factory=dict[tuple[str, ...], _Bucket])
    _read: _Buckets = field(default_factory=dict[tuple[str, ...], _Bucket])

    def write(self, costs: Mapping[tuple[str, ...], float]) -> bool:
        """Whether all of these partitions take their units; if not, none does."""
        return self._spend(costs, self._written, WRITES_OF_A_PARTITION, WRITES_OF_A_NEW_TABLE)

    def read(self, costs: Mapping[tuple[str, ...], float]) -> bool:
        return self._spend(costs, self._read, READS_OF_A_PARTITION, READS_OF_A_NEW_TABLE)

    def _spend(
        self,
        costs: Mapping[tuple[str, ...], float],
        known: _Buckets,
        partition: float,
        table: float,
    ) -> bool:
        if not self.is_limited:
            return True
        now = self.now()
        totals: dict[tuple[str, ...], float] = {}
        for place, units in costs.items():
            totals[place] = units
            # An index has a throughput of its own: its first part names table and index.
            whole = place[:1]
            totals[whole] = totals.get(whole, 0.0) + units
        buckets = []
        for place, units in totals.items():
            bucket = known.get(place)
            if bucket is None:
                rate = table if len(place) == 1 else partition
                bucket = known[place] = _Bucket(rate, rate, now)
            # One request may overdraw: the units of a write are known when it is done.
            if bucket.level(now) <= 0:
                self.throttled += 1
                return False
            buckets.append((bucket, units))
        for bucket, units in buckets:
            bucket.left -= units
        return True


class Stored(dict[str, Any]):
    """An item as it stands in a table or an index: from then on it is not changed."""

    __slots__ = ("size",)
    size: int


def size(item: Mapping[str, Any]) -> int:
    """Bytes, near enough: names and values. Of what is stored they are counted once."""
    if not isinstance(item, Stored):
        return _total(item)
    if not hasattr(item, "size"):
        item.size = _total(item)
    return item.size


def _total(item: Mapping[str, Any]) -> int:
    total = 0
    for name, value in item.items():
        total += len(name) + _size(value)
    return total


def _size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content) if content.isascii() else len(content.encode())
        case "B":
            return len(content)
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
