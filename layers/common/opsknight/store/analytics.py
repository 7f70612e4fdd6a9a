"""Figures of days in the table: an item for each service and day that had something, in a partition
for each month; and how far they have been made, slice by slice.

A slice holds what a few incidents of the day add up to. It is put whole, so that one that is made
again after a death is the same item; the day's items are put from all slices of the day. Nothing is
ever added to what is stored.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from opsknight.analytics.days import Day, bounds
from opsknight.classes import dataclass
from opsknight.escalation.pages import Page, StepTaken
from opsknight.incident.model import Model
from opsknight.store import items, transactions
from opsknight.store.calls import Deadline, retrying
from opsknight.store.resolved import ResolvedPlace, Spot
from opsknight.store.rows import Rows
from opsknight.store.wire import Item, attributes, expiry, plain, wire

# Nobody reads a slice once its day is whole.
SLICES_KEPT: Final = timedelta(days=7)


class StoredSpot(Model):
    at: str
    id: str


class Progress(Model):
    """Which day is being made, and how much of it is."""

    day: date
    slices: int = 0
    spots: tuple[StoredSpot, ...] = ()
    """After which incidents the next slice begins, as in `ResolvedPlace`; one without an id is a
    beginning.
    """
    over: tuple[bool, ...] = ()
    version: int = 1
    """Grows with every write: of two that work on it at once, one goes on."""

    @property
    def place(self) -> ResolvedPlace | None:
        if not self.over:
            return None
        spots = tuple(Spot(each.at, each.id) if each.id else None for each in self.spots)
        return ResolvedPlace(spots, self.over)

    def after(self, place: ResolvedPlace) -> "Progress":
        """With one more slice."""
        spots = tuple(
            StoredSpot(at=each.at if each else "", id=each.id if each else "")
            for each in place.spots
        )
        return Progress(day=self.day, slices=self.slices + 1, spots=spots, over=place.over)


@dataclass(frozen=True, slots=True)
class Analytics:
    table: Rows

    def days(self, first: date, last: date, deadline: Deadline) -> Iterator[Day]:
        """Of all services, oldest first, both ends with them. A query for each month, and one more
        for each megabyte.
        """
        month = first.replace(day=1)
        while month <= last:
            begin = items.analytics_day_key(max(first, month))
            end = items.analytics_day_key(min(last, _end_of(month)), "~")
            found = self.table.query(
                "pk = :pk AND sk BETWEEN :first AND :last",
                {":pk": begin["pk"], ":first": begin["sk"], ":last": end["sk"]},
                deadline,
            )
            yield from self.table.readable(Day, found)
            month = _end_of(month) + timedelta(days=1)

    def pages(self, incident_id: str, deadline: Deadline) -> list[Page]:
        """All of an incident."""
        pk = items.incident_key(incident_id)["pk"]
        return list(self.table.readable(Page, self.table.under(pk, "page#", deadline)))

    def steps(self, incident_id: str, deadline: Deadline) -> list[StepTaken]:
        pk = items.incident_key(incident_id)["pk"]
        return list(self.table.readable(StepTaken, self.table.under(pk, "step#", deadline)))

    def progress(self, deadline: Deadline) -> Progress | None:
        return self.table.get(Progress, items.ANALYTICS_KEY, deadline)

    def advance(self, seen: Progress | None, then: Progress, deadline: Deadline) -> None:
        """Raises Conflict when somebody else went on since `seen` was read."""
        version = seen.version if seen is not None else 0
        changed = transactions.update(
            {
                "kind": "analytics_progress",
                "day": then.day,
                "slices": then.slices,
                "spots": tuple(then.spots),
                "over": tuple(then.over),
                "version": version + 1,
            }
        )
        terms = "attribute_not_exists(#version)"
        if seen is not None:
            changed["ExpressionAttributeValues"][":seen"] = wire(version)
            terms = "#version = :seen"
        update = transactions.updating(self.table.name, items.ANALYTICS_KEY, terms, changed)
        retrying(deadline, self.table.client.update_item, **update["Update"])

    def put_slice(
        self, day: date, number: int, found: Iterable[Day], now: datetime, deadline: Deadline
    ) -> None:
        item: Item = items.analytics_slice_key(day, number) | {
            "kind": {"S": "analytics_slice"},
            "days": wire(tuple(found)),
            "expires_at": expiry(now, SLICES_KEPT),
        }
        self._put(item, deadline)

    def slices(self, day: date, number: int, deadline: Deadline) -> Iterator[Day]:
        """What the first `number` slices of a day hold."""
        for each in range(number):
            item = self.table.item(items.analytics_slice_key(day, each), deadline)
            yield from _Slice.model_validate(plain(item)).days if item else ()

    def put_day(self, day: Day, deadline: Deadline) -> None:
        item = items.analytics_day_key(day.day, day.service_id) | attributes(day)
        item |= {
            "kind": {"S": "analytics_day"},
            "expires_at": expiry(bounds(day.day)[1], self.table.retention),
        }
        self._put(item, deadline)

    def _put(self, item: Item, deadline: Deadline) -> None:
        retrying(deadline, self.table.client.put_item, TableName=self.table.name, Item=item)


class _Slice(Model):
    days: tuple[Day, ...] = ()


def _end_of(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
