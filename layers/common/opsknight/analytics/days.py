"""What a service had on a day, as it is kept: counts alone, of a size with a bound. Pure.

Days add up in any order and any parts, so that a day can be made of slices. Lengths of time are
kept rounded, as how many there were of each: medians of several days need them all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pydantic import Field

from opsknight.analytics.facts import Facts
from opsknight.incident.model import Model

# Of a day, by how often; what comes after them is left out.
MOST_KEYS: Final = 20
# The pages of everybody after them are those of nobody in particular.
MOST_PEOPLE: Final = 100
OTHERS: Final = "others"

type Counts = dict[int, int]
"""How many there were of each value."""


class PersonDay(Model):
    pages: Counts = Field(default_factory=dict)
    """By the hour of the person's own clock."""
    answered: Counts = Field(default_factory=dict)
    """By the seconds from the page to the acknowledgement."""


class KeyDay(Model):
    title: str
    incidents: int
    alerts: int


class Day(Model):
    """Of one service, of the incidents that were resolved on this day, in UTC."""

    service_id: str
    day: date
    incidents: int = 0
    alerts: int = 0
    paging: int = 0
    """Incidents that paged somebody."""
    in_time: int = 0
    """Of those, which were acknowledged before the escalation went on."""
    acknowledged: Counts = Field(default_factory=dict)
    """By the seconds that it took."""
    resolved: Counts = Field(default_factory=dict)
    people: dict[str, PersonDay] = Field(default_factory=dict)
    keys: dict[str, KeyDay] = Field(default_factory=dict)


def bounds(day: date) -> tuple[datetime, datetime]:
    """Its beginning and its end. All days are those of UTC."""
    begin = datetime.combine(day, time(), UTC)
    return begin, begin + timedelta(days=1)


def rounded(seconds: int) -> int:
    """Exact below 100, and then to half of the second digit: at most 2.5 percent off. A day has no
    more than a thousand different ones.
    """
    step = 1
    while seconds // step >= 100:
        step *= 10
    half = max(step // 2, 1)
    return (seconds + half // 2) // half * half


def one(facts: Facts, day: date) -> Day:
    """A day with this incident alone."""
    people: dict[str, PersonDay] = {}
    for user_id in {each.user_id for each in facts.paged}:
        hours = Counter(each.hour for each in facts.paged if each.user_id == user_id)
        people[user_id] = PersonDay(pages=dict(hours))
    if facts.answered is not None:
        user_id, seconds = facts.answered
        known = people[user_id]
        people[user_id] = known.model_copy(update={"answered": {rounded(seconds): 1}})
    after = facts.acknowledged_after
    return Day(
        service_id=facts.service_id,
        day=day,
        incidents=1,
        alerts=facts.alerts,
        paging=int(facts.in_time is not None),
        in_time=int(facts.in_time or False),
        acknowledged={} if after is None else {rounded(after): 1},
        resolved={rounded(facts.resolved_after): 1},
        people=people,
        keys={
            facts.dedup_key: KeyDay(title=facts.title, incidents=1, alerts=facts.alerts),
        },
    )


def merged(days: Iterable[Day]) -> dict[str, Day]:
    """By service, without a bound."""
    found: defaultdict[str, list[Day]] = defaultdict(list)
    for each in days:
        found[each.service_id].append(each)
    return {service_id: added(mine) for service_id, mine in found.items()}


def added(days: Sequence[Day]) -> Day:
    """All of them in one, with the first service and the first day of theirs. At least one."""
    people: defaultdict[str, list[PersonDay]] = defaultdict(list)
    keys: defaultdict[str, list[KeyDay]] = defaultdict(list)
    for day in days:
        for name, person in day.people.items():
            people[name].append(person)
        for key, each in day.keys.items():
            keys[key].append(each)
    return Day(
        service_id=min(day.service_id for day in days),
        day=min(day.day for day in days),
        incidents=sum(day.incidents for day in days),
        alerts=sum(day.alerts for day in days),
        paging=sum(day.paging for day in days),
        in_time=sum(day.in_time for day in days),
        acknowledged=summed(day.acknowledged for day in days),
        resolved=summed(day.resolved for day in days),
        people={name: together(mine) for name, mine in people.items()},
        keys={key: _key(mine) for key, mine in keys.items()},
    )


def bounded(day: Day) -> Day:
    """As it is stored: the noisiest keys, and those who were paged most."""
    keys = sorted(day.keys.items(), key=lambda each: (-each[1].incidents, -each[1].alerts, each[0]))
    people = sorted(day.people.items(), key=lambda each: (-sum(each[1].pages.values()), each[0]))
    kept = dict(people[:MOST_PEOPLE])
    if rest := [person for _, person in people[MOST_PEOPLE:]]:
        kept[OTHERS] = together(rest)
    return day.model_copy(update={"keys": dict(keys[:MOST_KEYS]), "people": kept})


def together(days: Sequence[PersonDay]) -> PersonDay:
    return PersonDay(
        pages=summed(each.pages for each in days),
        answered=summed(each.answered for each in days),
    )


def summed(counts: Iterable[Mapping[int, int]]) -> Counts:
    found = Counter[int]()
    for each in counts:
        found.update(each)
    return dict(found)


def _key(days: Sequence[KeyDay]) -> KeyDay:
    """The smallest title, where a key has several: any other choice would depend on the order."""
    return KeyDay(
        title=min(each.title for each in days),
        incidents=sum(each.incidents for each in days),
        alerts=sum(each.alerts for each in days),
    )
