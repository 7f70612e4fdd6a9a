"""Fills the answers about services and schedules. Their shapes are in `roster_models`."""

from datetime import datetime

from opsknight.directory.entries import Service
from opsknight.directory.windows import MaintenanceWindow
from opsknight.oncall.schedules import Override, Schedule, Shift
from opsknight.views import roster_models
from opsknight.views.names import Names


def service(each: Service, names: Names, now: datetime) -> roster_models.ServiceAnswer:
    in_force = each.maintenance_at(now)
    return roster_models.ServiceAnswer(
        id=each.id,
        name=each.name,
        team_id=each.team_id,
        team_name=names.team(each.team_id),
        disabled=each.disabled,
        policy_id=each.policy_id,
        policy_name=names.policy(each.policy_id),
        supported=None if each.support_hours is None else each.support_hours.covers(now),
        maintenance_until=in_force.end if in_force else None,
        shadow_until=each.shadow_until if each.in_shadow(now) else None,
    )


def window(each: MaintenanceWindow, now: datetime) -> roster_models.WindowAnswer:
    following = each.next(now) or each
    return roster_models.WindowAnswer(
        id=each.id,
        start=following.start,
        end=following.end,
        repeat=None
        if each.repeats is None
        else roster_models.RepeatAnswer(
            days=each.repeats.days, zone=each.repeats.zone, until=each.repeats.until
        ),
        reason=each.reason,
        keep_suppressed=each.keep_suppressed,
        by=each.by,
    )


def schedule(each: Schedule, on_call: str | None, names: Names) -> roster_models.ScheduleAnswer:
    return roster_models.ScheduleAnswer(
        id=each.id,
        name=each.name,
        zone=each.zone,
        layers=[roster_models.LayerAnswer(id=layer.id, users=layer.users) for layer in each.layers],
        on_call=on_call,
        on_call_name=names.user(on_call),
    )


def override(each: Override, names: Names) -> roster_models.OverrideAnswer:
    return roster_models.OverrideAnswer(
        id=each.id,
        user_id=each.user_id,
        user_name=names.user(each.user_id),
        replaces=each.replaces,
        replaces_name=names.user(each.replaces),
        start=each.start,
        end=each.end,
        created_at=each.created_at,
        by=each.by,
    )


def shift(each: Shift, names: Names) -> roster_models.ShiftAnswer:
    by_override = isinstance(each.because, Override)
    return roster_models.ShiftAnswer(
        user_id=each.user_id,
        user_name=names.user(each.user_id),
        start=each.start,
        end=each.end,
        layer=None if by_override else each.because.id,
        override=each.because.id if by_override else None,
    )
