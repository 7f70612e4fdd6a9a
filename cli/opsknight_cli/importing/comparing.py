"""Who is on call in the next four weeks, by the other system's own calculation and by ours. Pure.

The other system's entries say nothing of the time before the first and after the last of them: only
what is between is compared.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from opsknight.config.coverage import AHEAD
from opsknight.oncall.schedules import Override, shifts
from opsknight_cli.importing.outcome import Comparison, Entry, Imported


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    """The schedule's there."""
    start: datetime
    end: datetime
    theirs: frozenset[str]
    ours: frozenset[str]

    @property
    def missing(self) -> frozenset[str]:
        """On call there, and not here."""
        return self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class Compared:
    schedules: int
    """Schedules that were compared."""
    unknown: tuple[str, ...]
    """Schedules of which the export does not say who will be on call."""
    differences: tuple[Difference, ...]


def compared(imported: Imported, now: datetime) -> Compared:
    known = [each for each in imported.comparisons if _ahead(each.entries, now)]
    disabled = {user.id for user in imported.configuration.users.values() if user.disabled}
    return Compared(
        schedules=len(known),
        unknown=tuple(each.name for each in imported.comparisons if not _ahead(each.entries, now)),
        differences=tuple(
            difference
            for each in known
            for difference in differences(each, imported.overrides, now, disabled)
        ),
    )


def differences(
    comparison: Comparison,
    overrides: Mapping[str, Sequence[Override]],
    now: datetime,
    disabled: Set[str] = frozenset(),
) -> Iterator[Difference]:
    """In order of time, each as long as possible."""
    theirs = _ahead(comparison.entries, now)
    if not theirs:
        return
    start = max(now, min(each.start for each in theirs))
    end = min(now + AHEAD, max(each.end for each in theirs))
    ours = [
        Entry(shift.start, shift.end, shift.user_id)
        for schedule in comparison.schedules
        for shift in shifts(schedule, overrides.get(schedule.id, ()), start, end, disabled=disabled)
    ]
    found: Difference | None = None
    for begin, until in pairwise(_edges([*theirs, *ours], start, end)):
        there, here = _on_call(theirs, begin), _on_call(ours, begin)
        if found and (found.end, found.theirs, found.ours) == (begin, there, here):
            found = Difference(comparison.name, found.start, until, there, here)
            continue
        if found:
            yield found
        found = Difference(comparison.name, begin, until, there, here) if there != here else None
    if found:
        yield found


def apart(found: Iterable[Difference]) -> timedelta:
    """How long the two differ."""
    return sum((each.end - each.start for each in found), timedelta(0))


def _ahead(entries: Iterable[Entry], now: datetime) -> list[Entry]:
    return [
        each for each in entries if each.end > max(now, each.start) and each.start < now + AHEAD
    ]


def _edges(entries: Iterable[Entry], start: datetime, end: datetime) -> list[datetime]:
    edges = {at for each in entries for at in (each.start, each.end) if start < at < end}
    return sorted({start, end} | edges)


def _on_call(entries: Iterable[Entry], at: datetime) -> frozenset[str]:
    return frozenset(each.user_id for each in entries if each.start <= at < each.end)
