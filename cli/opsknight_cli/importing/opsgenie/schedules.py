"""Opsgenie's schedules. There everybody who has the turn in some rotation is on call at the same
time; here one person is. So rotations that overlap become several schedules, and whatever pages
theirs pages all of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from opsknight.config.configuration import Kind, slug_of
from opsknight.oncall.schedules import Override, shifts
from opsknight.oncall.schedules import Schedule as OurSchedule
from opsknight.oncall.wall_clock import DAY, Restriction, Weekday
from opsknight_cli.importing.draft import Draft, Names, title
from opsknight_cli.importing.opsgenie.lanes import Made, lanes
from opsknight_cli.importing.opsgenie.people import Known
from opsknight_cli.importing.opsgenie.shapes import (
    Export,
    ForwardingRule,
    Hours,
    Named,
    Rotation,
    Schedule,
    ScheduleOverride,
    TimeRestriction,
)
from opsknight_cli.importing.outcome import Comparison, Entry
from opsknight_cli.importing.restrictions import merged, spanning
from opsknight_cli.importing.turns import Turns, layers, length_of
from opsknight_cli.importing.wire import understood
from opsknight_cli.importing.zones import known_zone

_DAYS: Final = tuple(Weekday)
_UNITS: Final = {"hourly": timedelta(hours=1), "daily": DAY, "weekly": 7 * DAY}


@dataclass(frozen=True, slots=True)
class Schedules:
    """Ours, by the id and the name of theirs."""

    ids: Mapping[str, tuple[str, ...]]

    def find(self, named: Named | None) -> tuple[str, ...]:
        wanted = (named.id, named.name) if named else ()
        return next((self.ids[each] for each in wanted if each and each in self.ids), ())


def add_schedules(export: Export, users: Known, draft: Draft, now: datetime) -> Schedules:
    found: dict[str, tuple[str, ...]] = {}
    forwardings = understood(ForwardingRule, export.forwardings, "forwarding", draft)
    for schedule in understood(Schedule, export.schedules, "schedule", draft):
        where = f"schedule {schedule.name or schedule.id}"
        if not schedule.enabled:
            draft.leave(where, "Is not in the file: it is disabled.")
            continue
        zone = known_zone(schedule.timezone)
        if zone is None:
            draft.lose_page(
                where,
                f'Its time zone "{schedule.timezone}" is unknown here, and UTC stands for it: '
                "write the right one.",
            )
        made = _rotations(schedule, where, ZoneInfo(zone or "UTC"), users, draft, now)
        ours = []
        for lane in lanes(made):
            name = schedule.name if len(made) == len(lane) else f"{schedule.name} {lane[0].name}"
            one = OurSchedule(
                id=draft.name(Kind.SCHEDULE, name, schedule.id),
                name=title(name, schedule.id),
                zone=zone or "UTC",
                layers=tuple(layer for each in lane for layer in each.layers),
            )
            draft.add(one)
            ours.append(one)
            _plan_overrides(one, lane, schedule, forwardings, where, users, draft, now)
        if not ours:
            draft.lose_page(where, "Nobody is on call by it: none of its rotations is in the file.")
            continue
        ids = tuple(each.id for each in ours)
        found |= dict.fromkeys((schedule.id, schedule.name), ids)
        entries = tuple(_entries(schedule, users, now))
        draft.comparisons.append(Comparison(schedule.name, tuple(ours), entries))
    return Schedules(found)


def _rotations(
    schedule: Schedule, where: str, zone: ZoneInfo, users: Known, draft: Draft, now: datetime
) -> list[Made]:
    names = Names()
    found = []
    for number, rotation in enumerate(schedule.rotations, 1):
        if rotation.end_date is not None and rotation.end_date <= now:
            continue
        name = rotation.name or f"Rotation {number}"
        place = f"{where}, rotation {name}"
        length = length_of(rotation.length * _UNITS.get(rotation.type, timedelta(0)))
        restrictions = _restrictions(rotation.time_restriction)
        if length is None or restrictions is None:
            what = "turns" if length is None else "time restriction"
            draft.lose_page(place, f"Is not in the file: its {what} cannot be read.")
            continue
        people = _participants(rotation, place, users, draft)
        if not people:
            draft.lose_page(place, "Is not in the file: none of its participants is.")
            continue
        anchor = rotation.start_date
        made = layers(
            Turns(
                slug=names.slug(name, "rotation"),
                name=title(name, "Rotation"),
                users=people,
                length=length,
                anchor=anchor.replace(second=0, microsecond=0),
                start=anchor,
                end=rotation.end_date,
                restrictions=restrictions,
            ),
            zone,
            now,
        )
        if made:
            found.append(Made(rotation.id, name, made, rotation.end_date))
    return found


def _participants(rotation: Rotation, where: str, users: Known, draft: Draft) -> tuple[str, ...]:
    """Whose turn it is, in order. In the place of anything but a user who is in the file comes
    whoever is next, so that all others keep their turns.
    """
    known = [
        users.find(each) if each.type in ("", "user") else None for each in rotation.participants
    ]
    if not any(known):
        return ()
    found: list[str] = []
    for number, user_id in enumerate(known):
        following = [each for each in (*known[number:], *known) if each]
        found.append(following[0])
        if user_id is not None:
            continue
        each = rotation.participants[number]
        if each.type in ("none", "noone"):
            draft.page_more(where, "Has turns of nobody: they are those of whoever is next.")
        else:
            draft.lose_page(
                where,
                f"{each.type or 'user'} {each.called} is not in the file as somebody who takes "
                "turns: they are those of whoever is next.",
            )
    return tuple(found)


def _restrictions(given: TimeRestriction | None) -> tuple[Restriction, ...] | None:
    """None for what makes no sense."""
    if given is None or not given.hours:
        return ()
    try:
        return merged(_hours(each) for each in given.hours)
    except (ValueError, ValidationError):
        return None


def _hours(each: Hours) -> Restriction | None:
    """Raises ValueError."""
    start = timedelta(hours=each.start_hour, minutes=each.start_min)
    end = timedelta(hours=each.end_hour, minutes=each.end_min)
    if each.start_day is None or each.end_day is None:
        return spanning(None, start, (end - start) % DAY or DAY)
    first, last = (_DAYS.index(Weekday(day.upper())) for day in (each.start_day, each.end_day))
    lasts = ((last - first) * DAY + end - start) % (7 * DAY)
    return spanning(_DAYS[first], start, lasts or 7 * DAY)


def _plan_overrides(
    ours: OurSchedule,
    lane: Sequence[Made],
    schedule: Schedule,
    forwardings: Iterable[ForwardingRule],
    where: str,
    users: Known,
    draft: Draft,
    now: datetime,
) -> None:
    slug, number = slug_of(ours.id), 0
    for each in schedule.schedule_override_list:
        if each.end_date <= max(now, each.start_date):
            continue
        concerned = _concerned(each, lane)
        user_id = users.find(each.user)
        if not concerned:
            continue
        if user_id is None:
            draft.lose_page(
                where,
                f"{each.user.called}, who takes over from {each.start_date:%d %b %H:%M %Z} to "
                f"{each.end_date:%d %b %H:%M %Z}, is not in the file as a user: without them, the "
                "rotations apply.",
            )
            continue
        for start, end in _spans(each, ours, concerned, lane):
            number += 1
            draft.plan_override(
                ours.id,
                Override(
                    id=f"ovr_{slug}-{number}", user_id=user_id, start=start, end=end, created_at=now
                ),
            )
    turns = {user for layer in ours.layers for user in layer.users}
    for rule in forwardings:
        relieved, instead = users.find(rule.from_user), users.find(rule.to_user)
        if rule.end_date <= max(now, rule.start_date) or relieved not in turns:
            continue
        if instead is None or instead == relieved:
            draft.lose_page(where, f"{rule.to_user.called} stands in, and is not in the file.")
            continue
        number += 1
        draft.plan_override(
            ours.id,
            Override(
                id=f"ovr_{slug}-{number}",
                user_id=instead,
                replaces=relieved,
                start=rule.start_date,
                end=rule.end_date,
                created_at=now,
            ),
        )


def _concerned(override: ScheduleOverride, lane: Sequence[Made]) -> list[Made]:
    """The rotations of this schedule of ours that it is for: all, unless it names some."""
    named = {each.id for each in override.rotations} | {each.name for each in override.rotations}
    return [each for each in lane if not override.rotations or {each.id, each.name} & named]


def _spans(
    override: ScheduleOverride,
    ours: OurSchedule,
    concerned: Sequence[Made],
    lane: Sequence[Made],
) -> Iterator[tuple[datetime, datetime]]:
    """When it counts: the whole time, unless another rotation beside has turns of its own."""
    if len(concerned) == len(lane):
        yield override.start_date, override.end_date
        return
    part = ours.model_copy(
        update={"layers": tuple(layer for each in concerned for layer in each.layers)}
    )
    for shift in shifts(part, (), override.start_date, override.end_date):
        yield shift.start, shift.end


def _entries(schedule: Schedule, users: Known, now: datetime) -> Iterator[Entry]:
    if schedule.timeline is None:
        return
    for rotation in schedule.timeline.final_timeline.rotations:
        for period in rotation.periods:
            named = period.recipient
            if named is None or named.type in ("none", "noone") or period.end_date <= now:
                continue
            yield Entry(period.start_date, period.end_date, users.find(named) or named.called)
