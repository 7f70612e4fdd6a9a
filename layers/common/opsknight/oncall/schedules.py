"""Who is on call: schedules of layers, and the overrides that take precedence over them.

Pure: instants are arguments. One user per schedule at a time: an override, else the layer with the
highest priority that has someone. Whose turn it is within one layer is in `rotations`.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, model_validator

from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.incident.model import Model
from opsknight.oncall.rotations import Layer
from opsknight.oncall.wall_clock import Instant, wall_at

# Debian has these beside the zones of the tz database. The first two count leap seconds or repeat
# the others; the rest mean something else on every machine.
_NO_ZONES = ("right/", "posix/", "localtime", "posixrules", "Factory")


def _is_zone(name: str) -> str:
    try:
        # A folder of zones ("Europe") is an OSError, a path or a broken name a ValueError.
        known = ZoneInfo(name).key
    except (LookupError, OSError, ValueError):
        known = "localtime"
    if known.startswith(_NO_ZONES):
        raise ValueError(f"{name[:60]!r} is no zone of the tz database, such as Europe/Berlin")
    return name


type Zone = Annotated[str, AfterValidator(_is_zone)]
"""IANA name."""


class Schedule(Model):
    id: str
    name: str
    zone: Zone
    """Handoffs and restrictions are by its wall clock."""
    layers: tuple[Layer, ...] = ()
    channel: Receiver | None = None
    """Hears when it is handed over."""

    @model_validator(mode="after")
    def _layers_differ(self) -> Self:
        if len({layer.id for layer in self.layers}) < len(self.layers):
            raise ValueError("the layers of a schedule have different ids")
        return self


class Override(Model):
    """`user_id` is on call from `start` until `end`: in place of everybody, or of one user.

    `replaces` names a user who would be on call by the layers or by an older override; while it is
    somebody else's turn the override does nothing. Of several that apply the newest wins.
    """

    id: str
    user_id: str
    replaces: str | None = None
    start: Instant
    end: Instant
    created_at: Instant
    by: str | None = None
    """The name of whoever made it; None where a version before this did."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.end <= self.start:
            raise ValueError("an override ends after its start")
        if self.replaces == self.user_id:
            raise ValueError("an override replaces a user by another one")
        return self


type Because = Layer | Override


@dataclass(frozen=True, slots=True)
class Shift:
    """A user is on call from `start` until just before `end` (aware UTC)."""

    start: datetime
    end: datetime
    user_id: str
    because: Because
    """The layer or override that put the user there; of several overrides, the last in line."""


def on_call_at(
    schedule: Schedule,
    overrides: Iterable[Override],
    at: datetime,
    *,
    disabled: Set[str] = frozenset(),
) -> str | None:
    """The id of the user on call at `at` (aware); None for nobody.

    `overrides` are those of this schedule, in any order. `disabled` users keep their turns, but are
    not on call in them: whoever would be on call without them is.
    """
    holder = _holder(schedule, _newest_first(overrides), at, disabled)
    return holder[0] if holder else None


def shifts(
    schedule: Schedule,
    overrides: Iterable[Override],
    start: datetime,
    end: datetime,
    *,
    disabled: Set[str] = frozenset(),
) -> tuple[Shift, ...]:
    """Who is on call from `start` until just before `end` (aware), and because of what.

    In order of time, each as long as possible within these bounds; between two, nobody is on call.
    `overrides` and `disabled` are those of `on_call_at`, which agrees at every instant.
    """
    zone = ZoneInfo(schedule.zone)
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if start >= end:
        return ()
    seen = [o for o in _newest_first(overrides) if o.start < end and start < o.end]
    edges = chain(
        chain.from_iterable(layer.edges(zone, start, end) for layer in schedule.layers),
        chain.from_iterable((override.start, override.end) for override in seen),
    )
    found: list[Shift] = []
    for begin, until in pairwise(sorted({start, end, *(at for at in edges if start < at < end)})):
        if (holder := _holder(schedule, seen, begin, disabled)) is None:
            continue
        user_id, because = holder
        last = found[-1] if found else None
        if last and (last.end, last.user_id) == (begin, user_id) and last.because is because:
            found[-1] = replace(last, end=until)
        else:
            found.append(Shift(begin, until, user_id, because))
    return tuple(found)


def _newest_first(overrides: Iterable[Override]) -> list[Override]:
    return sorted(overrides, key=lambda o: (o.created_at, o.id), reverse=True)


type _Holder = tuple[str, Because]


def _holder(
    schedule: Schedule, overrides: Sequence[Override], at: datetime, disabled: Set[str]
) -> _Holder | None:
    """Who is on call, given the overrides from the newest to the oldest.

    Everybody concerned forms one line, the same whoever is disabled, and the first in line who is
    not disabled has it. So disabling a user moves nobody else.
    """
    zone = ZoneInfo(schedule.zone)
    line: list[tuple[Override, _Holder | None]] = []
    for override in overrides:
        if override.start <= at < override.end:
            line.append((override, _relieved(override.user_id, override, line, disabled)))
    for override, holder in line:
        if override.replaces is None and holder:
            return holder
    wall = wall_at(zone, at)
    for layer in sorted(schedule.layers, key=lambda layer: -layer.priority):
        user = layer.user_at(zone, at, wall)
        if user is not None and (holder := _relieved(user, layer, line, disabled)):
            return holder
    return None


def _relieved(
    user: str,
    because: Because,
    newer: Sequence[tuple[Override, _Holder | None]],
    disabled: Set[str],
) -> _Holder | None:
    """Who has the turn of `user`: whom the newest override puts there, else the user."""
    for override, holder in newer:
        if override.replaces == user and holder:
            return holder
    return None if user in disabled else (user, because)
