"""Handlers of the HTTP API for the shifts of one schedule: what was, is and will be, by layer and
after overrides, and what an override would change.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from opsknight.config.coverage import gaps
from opsknight.escalation.policy import Rota
from opsknight.http.body import invalid
from opsknight.http.gateway import Answer, Issue
from opsknight.oncall.schedules import Override, Schedule, Shift, shifts
from opsknight.views import roster_answers
from opsknight.views import shift_models as models
from opsknight.views.names import Names, of_users
from respond.contract import NewOverride
from respond.request import ApiCall, Query
from respond.rosters import absent_users, rota_of

SHOWN: Final = timedelta(days=14)
LONGEST: Final = timedelta(days=92)


def list_shifts(call: ApiCall) -> Answer:
    [schedule_id] = call.ids
    query = Query(call.request.query)
    start = query.time("from") or call.now
    end = query.time("until") or start + SHOWN
    if not start < end <= start + LONGEST:
        query.wrong("until", f"must be after from, and within {LONGEST.days} days of it")
    query.check()
    rota = rota_of(schedule_id, call)
    schedule, absent = rota.schedule, absent_users(rota, call)
    final = shifts(schedule, rota.overrides, start, end, disabled=absent)
    inside = [each for each in rota.overrides if each.start < end and start < each.end]
    replaced = {each.replaces for each in inside}
    names = call.names(of_users(rota.user_ids | replaced))
    return Answer(
        200,
        models.ScheduleShifts(
            schedule_id=schedule.id,
            name=schedule.name,
            zone=schedule.zone,
            start=start,
            end=end,
            final=[roster_answers.shift(each, names) for each in final],
            layers=[
                models.LayerShifts(
                    id=layer.id,
                    name=layer.name,
                    priority=layer.priority,
                    shifts=[
                        roster_answers.shift(each, names)
                        for each in shifts(_alone(schedule, layer.id), (), start, end)
                    ],
                )
                for layer in sorted(schedule.layers, key=lambda each: -each.priority)
            ],
            gaps=[
                models.GapAnswer(start=each.start, end=each.end) for each in gaps(final, start, end)
            ],
            overrides=[
                roster_answers.override(each, names)
                for each in sorted(inside, key=lambda each: (each.start, each.id))
            ],
        ),
    )


def preview_override(call: ApiCall, wanted: NewOverride) -> Answer:
    """What it would change. Nothing is written, and whoever sees the schedule may ask."""
    [schedule_id] = call.ids
    rota = rota_of(schedule_id, call)
    issues = call.user_issues(wanted.user_id, "userId")
    issues += call.user_issues(wanted.replaces, "replaces")
    if wanted.end - wanted.start > LONGEST:
        issues.append(Issue(path="end", message=f"must be within {LONGEST.days} days of start"))
    if issues:
        raise invalid(*issues)
    override = Override(
        id="preview",
        user_id=wanted.user_id,
        replaces=wanted.replaces,
        start=wanted.start,
        end=wanted.end,
        created_at=call.now,
    )
    after = Rota(rota.schedule, (*rota.overrides, override))
    absent, start = absent_users(after, call), max(wanted.start, call.now)
    before, becomes = (
        shifts(each.schedule, each.overrides, start, wanted.end, disabled=absent)
        for each in (rota, after)
    )
    changed = list(changes(before, becomes))
    names = call.names(of_users(user for each in changed for user in (each[2], each[3])))
    return Answer(
        200,
        models.OverridePreview(
            changes=[_change(each, names) for each in changed],
            gaps=[
                models.GapAnswer(start=each.start, end=each.end)
                for each in (gaps(becomes, start, wanted.end) if start < wanted.end else ())
            ],
        ),
    )


type Changed = tuple[datetime, datetime, str | None, str | None]
"""From when until when, whose turn it was, and whose it becomes."""


def changes(before: Iterable[Shift], after: Iterable[Shift]) -> Iterator[Changed]:
    """In order, each as long as possible."""
    was, becomes = list(before), list(after)
    edges = sorted({at for each in (*was, *becomes) for at in (each.start, each.end)})
    last: Changed | None = None
    for start, end in pairwise(edges):
        old, new = _at(was, start), _at(becomes, start)
        if old == new:
            continue
        if last is not None and last[1:] == (start, old, new):
            last = (last[0], end, old, new)
            continue
        if last is not None:
            yield last
        last = (start, end, old, new)
    if last is not None:
        yield last


def _at(found: Iterable[Shift], at: datetime) -> str | None:
    return next((each.user_id for each in found if each.start <= at < each.end), None)


def _change(changed: Changed, names: Names) -> models.ShiftChange:
    start, end, old, new = changed
    return models.ShiftChange(
        start=start,
        end=end,
        was_id=old,
        was_name=names.user(old),
        user_id=new,
        user_name=names.user(new),
    )


def _alone(schedule: Schedule, layer_id: str) -> Schedule:
    layers = tuple(each for each in schedule.layers if each.id == layer_id)
    return schedule.model_copy(update={"layers": layers})
