"""What a schedule leaves open in the next four weeks: hours without anybody, layers without use.

Pure: the time is an argument. Overrides are not considered.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.config.configuration import path_of, slug_of
from opsknight.config.finding import Finding, Severity, warning
from opsknight.oncall.rotations import Layer
from opsknight.oncall.schedules import Schedule, Shift, shifts

AHEAD: Final = timedelta(weeks=4)
# Seven rounds of a rotation that goes round within a year.
LONGEST_ROUNDS: Final = 7 * timedelta(days=366)
# A schedule for office hours has dozens.
MOST_GAPS: Final = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call from `start` until just before `end`."""

    start: datetime
    end: datetime


def gaps(planned: Iterable[Shift], start: datetime, end: datetime) -> Iterator[Gap]:
    """The times from `start` to `end` that no shift covers. The shifts are in order."""
    last = start
    for shift in planned:
        if shift.start > last:
            yield Gap(last, shift.start)
        last = shift.end
    if last < end:
        yield Gap(last, end)


def schedule_findings(
    schedule: Schedule, planned: Sequence[Shift], disabled: Set[str], now: datetime
) -> Iterator[Finding]:
    for layer in schedule.layers:
        for number, user_id in enumerate(layer.users):
            if user_id in disabled:
                path = (*path_of(schedule), "layers", slug_of(layer.id), "users", number)
                said = f"User {slug_of(user_id)} is disabled but still has turns: remove the user."
                yield Finding(Severity.WARNING, path, said)
    if not planned:
        said = f"Nobody is on call in the next four weeks: {_why_idle(schedule, disabled, now)}."
        yield warning(schedule, said)
        return
    for layer in schedule.layers:
        yield from _without_a_turn(schedule, layer, disabled, now)
    used = {shift.because.id for shift in planned}
    for layer in schedule.layers:
        if layer.id not in used and not set(layer.users) <= disabled:
            path = (*path_of(schedule), "layers", slug_of(layer.id))
            yield Finding(Severity.WARNING, path, _unused(layer, ZoneInfo(schedule.zone), now))
    found = tuple(gaps(planned, now, now + AHEAD))
    if not found:
        return
    zone = ZoneInfo(schedule.zone)
    shown = ", ".join(_span(gap, zone) for gap in found[:MOST_GAPS])
    more = f", and {len(found) - MOST_GAPS} more times" if len(found) > MOST_GAPS else ""
    hours = sum((gap.end - gap.start for gap in found), timedelta(0)) / timedelta(hours=1)
    yield warning(
        schedule,
        f"Nobody is on call for {hours:.4g} hours of the next four weeks: {shown}{more}. "
        "Add a layer for these times, or another step to its policies.",
    )


def _without_a_turn(
    schedule: Schedule, layer: Layer, disabled: Set[str], now: datetime
) -> Iterator[Finding]:
    """Users all of whose turns fall outside the restrictions of their layer, as those of days do
    that are as many as a week has.
    """
    cycle = len(layer.users) * layer.length.span
    # After so many rounds turns and weeks begin together again.
    until = max(now, layer.start) + cycle * 7
    if not layer.restrictions or layer.end is not None or cycle * 7 > LONGEST_ROUNDS:
        return
    alone = schedule.model_copy(update={"layers": (layer,)})
    found = {each.user_id for each in shifts(alone, (), max(now, layer.start), until)}
    for number, user_id in enumerate(layer.users):
        if user_id not in found | disabled and user_id not in layer.users[:number]:
            path = (*path_of(schedule), "layers", slug_of(layer.id), "users", number)
            said = (
                f"User {slug_of(user_id)} is never on call by this layer: all their turns fall"
                " outside its `restrictions`. Give turns of another length."
            )
            yield Finding(Severity.WARNING, path, said)


def _why_idle(schedule: Schedule, disabled: Set[str], now: datetime) -> str:
    users = {user_id for layer in schedule.layers for user_id in layer.users}
    if not schedule.layers:
        return "it has no layers"
    if users <= disabled:
        return "all users of its layers are disabled"
    if all(layer.start >= now + AHEAD for layer in schedule.layers):
        return "its layers begin later"
    if all(layer.end is not None and layer.end <= now for layer in schedule.layers):
        return "its layers have ended"
    return "check the times of its layers"


def _unused(layer: Layer, zone: ZoneInfo, now: datetime) -> str:
    if layer.end is not None and layer.end <= now:
        return f"This layer ended on {layer.end.astimezone(zone):%Y-%m-%d}: remove it."
    if layer.start >= now + AHEAD:
        return (
            f"Nobody is on call by this layer before {layer.start.astimezone(zone):%Y-%m-%d}: "
            "check its `start`."
        )
    return (
        "Nobody is on call by this layer in the next four weeks: other layers come first. Check "
        "its `priority` and `restrictions`."
    )


def _span(gap: Gap, zone: ZoneInfo) -> str:
    start, end = gap.start.astimezone(zone), gap.end.astimezone(zone)
    # When the clocks change in between, the two abbreviations differ, and both are shown.
    same = start.tzname() == end.tzname()
    begins = f"{start:%a %d %b %H:%M}" + ("" if same else f" {start.tzname()}")
    ends = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a %d %b %H:%M}"
    return f"{begins} to {ends} {end.tzname()}"
