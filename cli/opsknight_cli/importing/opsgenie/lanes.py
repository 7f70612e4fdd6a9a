"""Rotations that are never on call at the same time, together. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from opsknight.oncall.rotations import Layer
from opsknight.oncall.wall_clock import DAY, Restriction, Weekday

_MONDAY: Final = datetime(1970, 1, 5)  # noqa: DTZ001
_DAYS: Final = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class Made:
    """A rotation there, as layers of ours."""

    id: str
    name: str
    layers: tuple[Layer, ...]
    end: datetime | None

    @property
    def start(self) -> datetime:
        return min(each.start for each in self.layers)

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        """Those of all layers."""
        return self.layers[0].restrictions

    def overlaps(self, other: "Made") -> bool:
        """Whether both may have somebody at the same time."""
        for one, two in ((self, other), (other, self)):
            if one.end is not None and one.end <= two.start:
                return False
        return self._covers_start_of(other) or other._covers_start_of(self)

    def _covers_start_of(self, other: "Made") -> bool:
        """By the wall clock. Of two that overlap at all, one begins while the other lasts."""
        if not self.restrictions:
            return True
        return any(
            each.covers(start)
            for start in _starts(other.restrictions)
            for each in self.restrictions
        )


def _starts(restrictions: Sequence[Restriction]) -> Iterator[datetime]:
    for each in restrictions:
        for day in each.days:
            into = timedelta(hours=each.start.hour, minutes=each.start.minute)
            yield _MONDAY + _DAYS.index(day) * DAY + into


def lanes(made: Sequence[Made]) -> list[list[Made]]:
    """In the order given, as few as that takes."""
    found: list[list[Made]] = []
    for each in made:
        for lane in found:
            if not any(each.overlaps(other) for other in lane):
                lane.append(each)
                break
        else:
            found.append([each])
    return found
