"""The items of one table in the order of their keys, and its indexes, which are a moment behind."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.simulation import template
from harness.simulation.capacity import Stored, size
from harness.simulation.expressions import Item

type Key = tuple[str, ...]
type Row = tuple[str, Key]
"""Range key and primary key: the order within one partition of an index."""


@dataclass
class Partition:
    items: dict[Any, Stored] = field(default_factory=dict[Any, Stored])
    order: list[Any] = field(default_factory=list[Any])

    def put(self, place: Any, item: Stored) -> None:
        if place not in self.items:
            insort(self.order, place)
        self.items[place] = item

    def drop(self, place: Any) -> None:
        if self.items.pop(place, None) is not None:
            del self.order[bisect_left(self.order, place)]

    def __iter__(self) -> Iterator[tuple[Any, Stored]]:
        return iter([(place, self.items[place]) for place in self.order])


@dataclass
class IndexState:
    shape: template.Index
    keys: tuple[str, ...]
    partitions: dict[str, Partition] = field(default_factory=dict[str, Partition])
    _versions: dict[Key, tuple[int, Stored | None]] = field(
        default_factory=dict[Key, tuple[int, Stored | None]]
    )
    _holds: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        shape = self.shape
        self._holds = frozenset({*self.keys, shape.hash, shape.range, *(shape.holds or ())})

    def entry(self, item: Item | None) -> Stored | None:
        """The attributes of an item that the index holds; None if it does not hold the item."""
        if item is None or self.shape.hash not in item or self.shape.range not in item:
            return None
        return Stored({name: value for name, value in item.items() if name in self._holds})

    def written(self, was: Item | None, is_now: Item | None) -> list[Item]:
        """The entries that a change writes: an entry that stays in its place is written once, one
        that moves is taken away and put.
        """
        if was == is_now:
            return []
        keys = self.shape.hash, self.shape.range
        if was and is_now and all(was[each] == is_now[each] for each in keys):
            return [max(was, is_now, key=size)]
        return [each for each in (was, is_now) if each is not None]

    def catch_up(self, key: Key, version: int, entry: Stored | None) -> None:
        """A write has arrived, perhaps behind a later one."""
        seen, old = self._versions.get(key, (0, None))
        if version < seen:
            return
        self._versions[key] = (version, entry)
        if old is not None:
            self._partition(old).drop((old[self.shape.range]["S"], key))
        if entry is not None:
            self._partition(entry).put((entry[self.shape.range]["S"], key), entry)

    def _partition(self, entry: Item) -> Partition:
        return self.partitions.setdefault(entry[self.shape.hash]["S"], Partition())


@dataclass
class TableState:
    shape: template.Table
    partitions: dict[str, Partition] = field(default_factory=dict[str, Partition])
    indexes: dict[str, IndexState] = field(init=False)
    written_at: dict[Key, float] = field(default_factory=dict[Key, float])
    held_until: dict[Key, float] = field(default_factory=dict[Key, float])
    """By a transaction."""

    def __post_init__(self) -> None:
        self.indexes = {
            name: IndexState(shape, self.shape.keys) for name, shape in self.shape.indexes.items()
        }

    def key(self, item: Item) -> Key:
        return tuple(item[name]["S"] for name in self.shape.keys)

    def get(self, key: Key) -> Stored | None:
        partition = self.partitions.get(key[0])
        return partition.items.get(key[1:]) if partition else None

    def size(self, key: Key) -> int:
        """0 for what is not there."""
        item = self.get(key)
        return 0 if item is None else size(item)

    def put(self, key: Key, item: Stored) -> None:
        self.partitions.setdefault(key[0], Partition()).put(key[1:], item)

    def drop(self, key: Key) -> None:
        if key[0] in self.partitions:
            self.partitions[key[0]].drop(key[1:])

    def items(self) -> Iterator[Mapping[str, Any]]:
        for name in sorted(self.partitions):
            for _, item in self.partitions[name]:
                yield item
