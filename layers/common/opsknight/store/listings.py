"""Lists of incidents, newest first, from the index `listing`.

The index is a moment behind the table, and holds only what a list shows. Resolved incidents are
partitioned by service and month of resolution, so that old ones get in no list's way.
"""

from collections.abc import Iterable, Iterator, Set
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import AwareDatetime

from opsknight.classes import dataclass
from opsknight.incident.members import GROUP
from opsknight.incident.model import ACTIVE, Model, Status, Urgency
from opsknight.store import items
from opsknight.store.calls import Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item

# Where a filter leaves out most, one answer looks this far and says where to continue.
MOST_QUERIES: Final = 10
LOOKED_AT: Final = 500
# DynamoDB takes 100 operands of IN.
MOST_NAMED: Final = 100


class Listed(Model):
    """An incident as a list shows it."""

    id: str
    service_id: str
    title: str
    urgency: Urgency
    status: Status
    created_at: AwareDatetime
    assignee_id: str | None = None
    acknowledged_at: AwareDatetime | None = None
    """This and what follows up to `alert_count` only where the list is by time of resolution."""
    resolved_at: AwareDatetime | None = None
    alert_count: int | None = None
    members: int | None = None
    """How many alerts of a group it has had, while it is active; None where it is no group."""
    firing: int | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody searches for: in titles, ids, and names of services."""

    text: str
    """In small letters (`str.casefold`)."""
    service_ids: Set[str] = frozenset()
    """The services whose names have it."""

    def is_in(self, each: Listed) -> bool:
        text = f"{each.title} {each.id}".casefold()
        return each.service_id in self.service_ids or self.text in text


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents to list: active ones of these statuses, or one service's resolved ones."""

    statuses: Set[Status]
    service_ids: Set[str] | None = None
    """None for all services."""
    urgencies: Set[Urgency] = frozenset(Urgency)
    since: datetime | None = None
    """Opened then or later, to the millisecond."""
    until: datetime | None = None
    """Opened before."""
    resolved_since: datetime | None = None
    resolved_until: datetime | None = None
    """Only in lists by time of resolution."""
    words: tuple[Word, ...] = ()
    """All must be found."""
    assignee_id: str | None = None
    """None for all."""

    def matches(self, each: Listed) -> bool:
        """Whether it is one of those, as far as it can be seen by itself; not by its status."""
        return (
            (self.service_ids is None or each.service_id in self.service_ids)
            and each.urgency in self.urgencies
            and self.assignee_id in (None, each.assignee_id)
            and (self.since is None or each.created_at >= self.since)
            and (self.until is None or each.created_at < self.until)
            and (
                self.resolved_until is None
                or each.resolved_at is None
                or each.resolved_at < self.resolved_until
            )
            and all(word.is_in(each) for word in self.words)
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where to continue a list: after this incident, or at the start when the id is empty."""

    partition: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Listings:
    table: Table

    def page(
        self, wanted: Wanted, after: Place | None, limit: int, now: datetime, deadline: Deadline
    ) -> tuple[list[Listed], Place | None]:
        """At most `limit` incidents, and where to continue if there may be more."""
        found: list[Listed] = []
        if wanted.service_ids is not None and not wanted.service_ids:
            return found, None
        queries = 0
        for partition in self._partitions(wanted, now):
            if after is not None and after.partition != partition:
                continue
            place: Place | None = after or Place(partition)
            after = None
            while place is not None:
                if len(found) == limit or queries == MOST_QUERIES:
                    return found, place
                more, place = self._query(wanted, place, limit - len(found), deadline)
                found += more
                queries += 1
        return found, None

    def glance(self, wanted: Wanted, limit: int, deadline: Deadline) -> tuple[list[Listed], bool]:
        """The newest active ones by one query, and whether it may have missed some."""
        if wanted.service_ids is not None and not wanted.service_ids:
            return [], False
        found, following = self._query(wanted, Place("active"), limit, deadline)
        return found, following is not None

    def newest(
        self, wanted: Iterable[Wanted], limit: int, now: datetime, deadline: Deadline
    ) -> list[Listed]:
        """The newest of several lists together, however many pages that takes."""
        found: dict[str, Listed] = {}
        for each in wanted:
            mine: list[Listed] = []
            place: Place | None = None
            while True:
                more, place = self.page(each, place, limit - len(mine), now, deadline)
                mine += more
                if place is None or len(mine) == limit:
                    break
            # One that was resolved between two queries is in both lists: the later list counts.
            found |= {one.id: one for one in mine}
        return sorted(found.values(), key=lambda one: one.id, reverse=True)[:limit]

    def beginning(self, prefix: str, most: int, deadline: Deadline) -> list[str]:
        """Ids of active incidents that begin with `prefix`, newest first."""
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            IndexName="listing",
            KeyConditionExpression="listing = :active AND begins_with(id, :prefix)",
            ExpressionAttributeValues={":active": {"S": "active"}, ":prefix": {"S": prefix}},
            ScanIndexForward=False,
            Limit=most,
        )
        return [item["id"]["S"] for item in page["Items"]]

    def _partitions(self, wanted: Wanted, now: datetime) -> Iterator[str]:
        if Status.RESOLVED not in wanted.statuses:
            yield "active"
            return
        [service_id] = list(wanted.service_ids or ())
        # What was opened since then was resolved since then; what was resolved longer ago than the
        # retention is gone.
        first = max(wanted.since or now - self.table.retention, now - self.table.retention)
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        while (month.year, month.month) >= (first.year, first.month):
            yield items.resolved_listing(service_id, month)
            month = (month - timedelta(days=1)).replace(day=1)

    def _query(
        self, wanted: Wanted, place: Place, limit: int, deadline: Deadline
    ) -> tuple[list[Listed], Place | None]:
        names: dict[str, str] = {}
        values: Item = {":listing": {"S": place.partition}}
        first, end = _opened(wanted)
        # DynamoDB refuses an empty range, and a place outside of it: a cursor may be of a list with
        # other times.
        if first > end or (place.id and place.id <= first):
            return [], None
        condition = "listing = :listing"
        if wanted.since is not None or wanted.until is not None:
            condition += " AND id BETWEEN :first AND :end"
            values |= {":first": {"S": first}, ":end": {"S": end}}
        # A partition of resolved ones is of one service, and of nothing else.
        resolved = Status.RESOLVED in wanted.statuses
        services = None if resolved else wanted.service_ids
        filters = [
            text
            for text in (
                _among(
                    "status", None if resolved else _some(wanted.statuses, ACTIVE), names, values
                ),
                _among("urgency", _some(wanted.urgencies, set(Urgency)), names, values),
                _among("service_id", services, names, values),
            )
            if text
        ]
        arguments: dict[str, Any] = {"Limit": limit}
        if filters or wanted.words or wanted.assignee_id is not None:
            arguments["Limit"] = LOOKED_AT
        if filters:
            arguments["FilterExpression"] = " AND ".join(filters)
            arguments["ExpressionAttributeNames"] = names
        if place.id and place.id < end:
            arguments["ExclusiveStartKey"] = {
                "listing": {"S": place.partition},
                "id": {"S": place.id},
                **items.incident_key(place.id),
            }
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            IndexName="listing",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            **arguments,
        )
        found = [*self.table.readable(Listed, page["Items"])]
        if wanted.service_ids is not None:
            found = [each for each in found if each.service_id in wanted.service_ids]
        found = [each for each in found if all(word.is_in(each) for word in wanted.words)]
        found = [each for each in found if wanted.assignee_id in (None, each.assignee_id)]
        last = page.get("LastEvaluatedKey")
        following = Place(place.partition, last["id"]["S"]) if last else None
        found = self._with_members(found, deadline)
        if len(found) > limit:
            # The query looked further than the list shows.
            found = found[:limit]
            following = Place(place.partition, found[-1].id)
        return found, following

    def _with_members(self, found: list[Listed], deadline: Deadline) -> list[Listed]:
        """The index has no counts: each alert that comes or goes would be a write to it."""
        groups = [each.id for each in found if each.id.endswith(GROUP) and each.status in ACTIVE]
        if not groups:
            return found
        incidents = self.table.incidents(groups, deadline)
        return [
            each.model_copy(update={"members": known.members, "firing": known.firing})
            if (known := incidents.get(each.id))
            else each
            for each in found
        ]


def _some(wanted: Set[str], everything: Set[str]) -> Set[str] | None:
    return None if wanted == everything else wanted


def _opened(wanted: Wanted) -> tuple[str, str]:
    """The first id and the end: ids begin with the time at which the incident was opened."""
    first = _first_id(wanted.since) if wanted.since else "inc_"
    # A longer text sorts after its prefix: no id of that millisecond is before it.
    return first, _first_id(wanted.until) if wanted.until else "inc`"


def _first_id(at: datetime) -> str:
    return f"inc_{max(0, int(at.timestamp() * 1000)):012x}"


def _among(name: str, wanted: Set[str] | None, names: dict[str, str], values: Item) -> str | None:
    """The filter; None when everything passes, or too many values to name them."""
    if wanted is None or len(wanted) > MOST_NAMED:
        return None
    names[f"#{name}"] = name
    places = [f":{name}{number}" for number in range(len(wanted))]
    values |= {p: {"S": str(each)} for p, each in zip(places, sorted(wanted), strict=True)}
    return f"#{name} IN ({', '.join(places)})"
