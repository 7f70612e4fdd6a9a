"""PagerDuty's schedules: layers of which one comes before the other, overrides, and what it says of
their future.

Its support pages say that a layer further down takes precedence, and one user is on call at a time.
Its API has given the layers in that order and in the reverse: the rendered schedule shows which.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.config.configuration import Kind
from opsknight.oncall.rotations import Layer as OurLayer
from opsknight.oncall.schedules import Override
from opsknight.oncall.schedules import Schedule as OurSchedule
from opsknight.oncall.wall_clock import Restriction as OurRestriction
from opsknight.oncall.wall_clock import Weekday
from opsknight_cli.importing.comparing import apart, differences
from opsknight_cli.importing.draft import Draft, Names, title
from opsknight_cli.importing.outcome import Comparison, Entry
from opsknight_cli.importing.pagerduty.shapes import (
    Export,
    Layer,
    Reference,
    Rendered,
    Restriction,
    Schedule,
)
from opsknight_cli.importing.restrictions import into_day, merged, spanning
from opsknight_cli.importing.turns import Turns, layers, length_of
from opsknight_cli.importing.wire import understood
from opsknight_cli.importing.zones import known_zone

_DAYS: Final = tuple(Weekday)


def add_schedules(
    export: Export, users: Mapping[str, str], draft: Draft, now: datetime
) -> dict[str, str]:
    """Our ids by theirs."""
    found: dict[str, str] = {}
    for schedule in understood(Schedule, export.schedules, "schedule", draft):
        name = schedule.name or schedule.called
        schedule_id = draft.name(Kind.SCHEDULE, name, schedule.id)
        found[schedule.id] = schedule_id
        where = f"schedule {name}"
        zone = known_zone(schedule.time_zone)
        if zone is None:
            draft.lose_page(
                where,
                f'Its time zone "{schedule.time_zone}" is unknown here, and UTC stands for it: '
                "write the right one.",
            )
        names = Names()
        made = [
            _layers(layer, names, where, ZoneInfo(zone or "UTC"), users, draft, now)
            for layer in schedule.schedule_layers
            if layer.end is None or layer.end > now
        ]
        overrides = tuple(_overrides(schedule, schedule_id, where, users, draft, now))
        for override in overrides:
            draft.plan_override(schedule_id, override)
        entries = tuple(_entries(schedule.final_schedule, users))
        ours = OurSchedule(id=schedule_id, name=title(name, schedule.id), zone=zone or "UTC")
        ours = _in_order(ours, made, entries, overrides, where, draft, now)
        draft.add(ours)
        if not schedule.schedule_layers:
            draft.lose_page(
                where,
                "The export has none of its layers, so nobody is on call by it: ask for each "
                "schedule by its id, with `since` and `until`.",
            )
        draft.comparisons.append(Comparison(name, (ours,), entries))
    return found


def _in_order(
    bare: OurSchedule,
    made: Sequence[Sequence[OurLayer]],
    entries: tuple[Entry, ...],
    overrides: Sequence[Override],
    where: str,
    draft: Draft,
    now: datetime,
) -> OurSchedule:
    """With its layers, the one that comes first listed first."""
    first_wins, last_wins = (
        bare.model_copy(update={"layers": tuple(layer for several in order for layer in several)})
        for order in (made, [*reversed(made)])
    )

    def off(schedule: OurSchedule) -> timedelta:
        each = Comparison(where, (schedule,), entries)
        return apart(differences(each, {schedule.id: overrides}, now))

    if len(made) < 2:
        return first_wins
    if not entries:
        draft.page_otherwise(
            where,
            "The export does not say who will be on call, so the order of its layers could not be "
            "checked: see that the first in the file is the one that takes precedence.",
        )
        return first_wins
    return last_wins if off(last_wins) < off(first_wins) else first_wins


def _layers(
    layer: Layer,
    names: Names,
    where: str,
    zone: ZoneInfo,
    users: Mapping[str, str],
    draft: Draft,
    now: datetime,
) -> tuple[OurLayer, ...]:
    name = layer.name or "Layer"
    length = length_of(timedelta(seconds=layer.rotation_turn_length_seconds))
    if length is None:
        draft.lose_page(
            where,
            f"Layer {name} is not in the file: its turns of {layer.rotation_turn_length_seconds} "
            "seconds are no whole number of hours.",
        )
        return ()
    wanted = _users([each.user for each in layer.users], f"{where}, layer {name}", users, draft)
    if not wanted:
        draft.lose_page(where, f"Layer {name} is not in the file: none of its users is.")
        return ()
    anchor = layer.rotation_virtual_start
    if anchor.second or anchor.microsecond:
        draft.page_otherwise(where, f"The turns of layer {name} begin at the whole minute before.")
    restrictions = _restrictions(layer.restrictions or (), f"{where}, layer {name}", draft)
    if restrictions is None:
        return ()
    rotation = Turns(
        slug=names.slug(name, "layer"),
        name=title(name, "Layer"),
        users=wanted,
        length=length,
        anchor=anchor.replace(second=0, microsecond=0),
        start=layer.start,
        end=layer.end,
        restrictions=restrictions,
    )
    return layers(rotation, zone, now)


def _users(
    wanted: Sequence[Reference], where: str, users: Mapping[str, str], draft: Draft
) -> tuple[str, ...]:
    """Whose turn it is, in order. In the place of somebody unknown comes whoever is next, so that
    all others keep their turns.
    """
    known = [users.get(each.id) for each in wanted]
    if not any(known):
        return ()
    found: list[str] = []
    for number, user_id in enumerate(known):
        following = [each for each in (*known[number:], *known) if each]
        found.append(following[0])
        if user_id is None:
            draft.lose_page(
                where,
                f"{wanted[number].called} is not in the file: their turns are those of whoever is "
                "next.",
            )
    return tuple(found)


def _restrictions(
    wanted: Iterable[Restriction], where: str, draft: Draft
) -> tuple[OurRestriction, ...] | None:
    """None if one of them makes no sense: the layer would be on call at other times."""
    found: list[OurRestriction | None] = []
    for each in wanted:
        try:
            start = into_day(each.start_time_of_day)
            day = None
            if each.type.startswith("weekly"):
                day = _DAYS[(each.start_day_of_week or 1) - 1]
        except (ValueError, IndexError):
            draft.lose_page(where, "Is not in the file: one of its restrictions cannot be read.")
            return None
        lasts = timedelta(seconds=each.duration_seconds)
        if start % timedelta(minutes=1) or lasts % timedelta(minutes=1):
            draft.page_otherwise(where, "Its restrictions begin and end at whole minutes.")
        found.append(spanning(day, start, lasts))
    return merged(found)


def _overrides(
    schedule: Schedule,
    schedule_id: str,
    where: str,
    users: Mapping[str, str],
    draft: Draft,
    now: datetime,
) -> Iterable[Override]:
    rendered = schedule.overrides_subschedule or Rendered()
    for number, each in enumerate(rendered.rendered_schedule_entries, 1):
        if each.end <= max(now, each.start):
            continue
        user_id = users.get(each.user.id)
        if user_id is None:
            draft.lose_page(
                where,
                f"{each.user.called}, who is not in the file, takes over from "
                f"{each.start:%d %b %H:%M} to {each.end:%d %b %H:%M %Z}: without them, the layers "
                "apply.",
            )
            continue
        yield Override(
            id=f"ovr_{schedule_id.partition('_')[2]}-{number}",
            user_id=user_id,
            start=each.start,
            end=each.end,
            created_at=now,
        )


def _entries(rendered: Rendered | None, users: Mapping[str, str]) -> Iterable[Entry]:
    for each in rendered.rendered_schedule_entries if rendered else ():
        yield Entry(each.start, each.end, users.get(each.user.id, each.user.called))
