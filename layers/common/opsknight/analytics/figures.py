"""Figures of a time, from its days: a row for each service, team, person, key or day. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import date
from enum import StrEnum
from typing import Final

from opsknight.analytics.days import Counts, Day, PersonDay, added, together
from opsknight.classes import dataclass

# By a person's own clock: from 22:00 to 7:00.
NIGHT: Final = frozenset({22, 23, *range(7)})
HOURS: Final = 24


class By(StrEnum):
    SERVICE = "service"
    TEAM = "team"
    PERSON = "person"
    KEY = "key"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds, by the nearest rank."""

    median: int
    p90: int


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    """Of a key: that of its service, a slash, and the key. Of a day: its date."""
    title: str = ""
    """Of a key: what its incidents say."""
    service_id: str = ""
    incidents: int = 0
    """Of a person: those that they were the first to acknowledge."""
    alerts: int = 0
    acknowledged: int = 0
    to_acknowledge: Took | None = None
    """Of a person: from their own page on."""
    to_resolve: Took | None = None
    paging: int = 0
    in_time: int = 0
    hours: tuple[int, ...] = field(default=(0,) * HOURS)
    """Pages, by the hour of whoever was paged."""

    @property
    def pages(self) -> int:
        return sum(self.hours)

    @property
    def night_pages(self) -> int:
        return sum(number for hour, number in enumerate(self.hours) if hour in NIGHT)


def rows(by: By, days: Iterable[Day], team_of: Callable[[str], str | None]) -> list[Row]:
    """The most pages, or incidents, first. `team_of` gives the team of a service now."""
    match by:
        case By.SERVICE:
            found = _grouped(days, lambda day: day.service_id)
        case By.TEAM:
            found = _grouped(days, lambda day: team_of(day.service_id) or "")
        case By.DAY:
            grouped = _grouped(days, lambda day: day.day.isoformat())
            return sorted(grouped, key=lambda row: row.id, reverse=True)
        case By.PERSON:
            found = _people(days)
            return sorted(found, key=lambda row: (-row.pages, row.id))
        case By.KEY:
            found = _keys(days)
    return sorted(found, key=lambda row: (-row.incidents, -row.alerts, row.id))


def total(days: Iterable[Day]) -> Row:
    found = _grouped(days, lambda _: "")
    return found[0] if found else Row("")


def took(counts: Mapping[int, int]) -> Took | None:
    number = sum(counts.values())
    if not number:
        return None
    return Took(_nearest(counts, (number + 1) // 2), _nearest(counts, -(-number * 9 // 10)))


def _nearest(counts: Mapping[int, int], rank: int) -> int:
    passed = 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= rank:
            return value
    raise ValueError("no such rank")


def _grouped(days: Iterable[Day], group: Callable[[Day], str]) -> list[Row]:
    groups: defaultdict[str, list[Day]] = defaultdict(list)
    for day in days:
        groups[group(day)].append(day)
    found = {name: added(mine) for name, mine in groups.items()}
    return [
        Row(
            id=name,
            incidents=day.incidents,
            alerts=day.alerts,
            acknowledged=sum(day.acknowledged.values()),
            to_acknowledge=took(day.acknowledged),
            to_resolve=took(day.resolved),
            paging=day.paging,
            in_time=day.in_time,
            hours=_hours(each.pages for each in day.people.values()),
        )
        for name, day in found.items()
    ]


def _people(days: Iterable[Day]) -> list[Row]:
    mine: defaultdict[str, list[PersonDay]] = defaultdict(list)
    for day in days:
        for name, each in day.people.items():
            mine[name].append(each)
    found = {name: together(parts) for name, parts in mine.items()}
    return [
        Row(
            id=name,
            incidents=sum(each.answered.values()),
            acknowledged=sum(each.answered.values()),
            to_acknowledge=took(each.answered),
            hours=_hours([each.pages]),
        )
        for name, each in found.items()
    ]


def _keys(days: Iterable[Day]) -> list[Row]:
    incidents, alerts = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    titles: dict[tuple[str, str], tuple[date, str]] = {}
    for day in days:
        for key, each in day.keys.items():
            name = (day.service_id, key)
            incidents[name] += each.incidents
            alerts[name] += each.alerts
            # What it said last.
            titles[name] = max(titles.get(name, (day.day, each.title)), (day.day, each.title))
    return [
        Row(
            id=f"{service_id}/{key}",
            title=titles[service_id, key][1],
            service_id=service_id,
            incidents=number,
            alerts=alerts[service_id, key],
        )
        for (service_id, key), number in incidents.items()
    ]


def _hours(pages: Iterable[Counts]) -> tuple[int, ...]:
    found = Counter[int]()
    for each in pages:
        found.update(each)
    return tuple(found[hour] for hour in range(HOURS))
