"""Resolved incidents of all services by when they were resolved, from the index `resolved`.

The index is a moment behind the table. An incident enters it once, by the write that resolves it.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.incident.canary import is_canary
from opsknight.store import items
from opsknight.store.calls import Deadline, retrying
from opsknight.store.listings import LOOKED_AT, Listed, Wanted
from opsknight.store.table import Table
from opsknight.store.wire import Item, stamp

# What `opsknight restore` brought back is of a kind of its own, and of a partition of its own.
KINDS: Final = ("incident", "restored_incident")
# Before and after every time.
_FIRST, _LAST = "0", "9"


@dataclass(frozen=True, slots=True)
class Spot:
    """The last incident of a partition that was looked at."""

    at: str
    """When it was resolved, as it is stored."""
    id: str


@dataclass(frozen=True, slots=True)
class ResolvedPlace:
    """Where to continue: for each of `KINDS` after a spot, at its start (None), or nowhere."""

    spots: tuple[Spot | None, ...] = (None,) * len(KINDS)
    over: tuple[bool, ...] = (False,) * len(KINDS)


@dataclass(frozen=True, slots=True)
class Resolved:
    table: Table
    workers: Executor
    """Asks for the kinds side by side: one round trip."""
    looked_at: int = LOOKED_AT

    def page(
        self,
        wanted: Wanted,
        after: ResolvedPlace | None,
        limit: int,
        deadline: Deadline,
        *,
        oldest_first: bool = False,
    ) -> tuple[list[Listed], ResolvedPlace | None]:
        """At most `limit` incidents, and where to continue if there may be more. Where a filter
        leaves out most, one answer looks at `looked_at` and says where to continue.
        """
        place = after or ResolvedPlace()
        first = max(
            (stamp(each) for each in (wanted.since, wanted.resolved_since) if each), default=_FIRST
        )
        last = stamp(wanted.resolved_until) if wanted.resolved_until else _LAST
        if first > last:
            return [], None

        def ask(number: int) -> Callable[[], _Stretch]:
            spot = place.spots[number]
            return lambda: self._query(KINDS[number], spot, (first, last), oldest_first, deadline)

        running = {
            number: self.workers.submit(ask(number))
            for number in range(len(KINDS))
            if not place.over[number]
        }
        found = {number: each.result() for number, each in running.items()}
        return _merged(found, place, wanted, limit, self._listed, oldest_first=oldest_first)

    def _listed(self, row: Item) -> Listed | None:
        if is_canary(row["id"]["S"]):
            return None
        return next(self.table.readable(Listed, [row]), None)

    def _query(
        self,
        kind: str,
        spot: Spot | None,
        between: tuple[str, str],
        oldest_first: bool,
        deadline: Deadline,
    ) -> "_Stretch":
        first, last = between
        arguments: dict[str, Any] = {}
        if spot is not None and first <= spot.at <= last:
            # A cursor may be of a list with other times; DynamoDB refuses a place outside of it.
            arguments["ExclusiveStartKey"] = {
                "kind": {"S": kind},
                "resolved_at": {"S": spot.at},
                **items.incident_key(spot.id),
            }
        elif spot is not None and (spot.at > last if oldest_first else spot.at < first):
            return _Stretch((), complete=True)
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            IndexName="resolved",
            KeyConditionExpression="kind = :kind AND resolved_at BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":kind": {"S": kind},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            ScanIndexForward=oldest_first,
            Limit=self.looked_at,
            **arguments,
        )
        return _Stretch(page["Items"], complete="LastEvaluatedKey" not in page)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What one query found, in its order."""

    rows: Sequence[Item]
    complete: bool


def _merged(
    found: dict[int, _Stretch],
    place: ResolvedPlace,
    wanted: Wanted,
    limit: int,
    read: Callable[[Item], Listed | None],
    *,
    oldest_first: bool,
) -> tuple[list[Listed], ResolvedPlace | None]:
    spots, over = list(place.spots), list(place.over)
    taken = dict.fromkeys(found, 0)
    listed: list[Listed] = []
    for number, row in _in_order(found, oldest_first=oldest_first):
        if len(listed) == limit:
            break
        spots[number] = Spot(row["resolved_at"]["S"], row["id"]["S"])
        taken[number] += 1
        each = read(row)
        if each is not None and wanted.matches(each):
            listed.append(each)
    for number, stretch in found.items():
        over[number] = stretch.complete and taken[number] == len(stretch.rows)
    following = None if all(over) else ResolvedPlace(tuple(spots), tuple(over))
    return listed, following


def _in_order(found: dict[int, _Stretch], *, oldest_first: bool) -> Iterator[tuple[int, Item]]:
    """All rows up to where one of the kinds was cut off: what follows there may come before the
    rest of the other.
    """
    left = {number: list(stretch.rows) for number, stretch in found.items()}
    best = min if oldest_first else max
    while True:
        if any(not rows and not found[number].complete for number, rows in left.items()):
            return
        heads = [(rows[0]["resolved_at"]["S"], number) for number, rows in left.items() if rows]
        if not heads:
            return
        _, number = best(heads)
        yield number, left[number].pop(0)
