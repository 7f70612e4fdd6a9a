"""`oncall` and `override`: who has to answer, and who takes over."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.config.lint import meant
from opsknight.escalation.policy import Rota
from opsknight.oncall.schedules import Override, Shift, shifts
from opsknight.store.calls import Conflict
from opsknight.store.configurations import Configurations
from opsknight.store.operations import Operations
from opsknight_cli.deployments import Deployment, Where
from opsknight_cli.session import (
    JsonOption,
    ProfileOption,
    Refused,
    RegionOption,
    Session,
    StackOption,
    session_of,
)
from opsknight_cli.terminal.screen import Screen
from opsknight_cli.terminal.times import moment, shown, span, stamp

AHEAD: Final = timedelta(weeks=4)

app = typer.Typer()
overrides = typer.Typer(
    help="Take somebody's turn, for a while. Not part of the file.", no_args_is_help=True
)

ScheduleOption = Annotated[str | None, typer.Option("--schedule", help="Only this schedule.")]
ScheduleArgument = Annotated[str, typer.Argument(help="The schedule's name.")]


@app.command("oncall")
def oncall_command(
    context: typer.Context,
    schedule: ScheduleOption = None,
    at: Annotated[
        str | None, typer.Option("--at", help='"2026-11-25 18:00" by its clock, or "+2h".')
    ] = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who is on call, until when, and who is next."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    found = _configuration(deployment, session)
    rotas = _rotas(deployment, session, found, schedule)
    absent = {user.id for user in found.users.values() if user.disabled}
    rows, told = [], []
    for rota in rotas:
        zone = ZoneInfo(rota.schedule.zone)
        time = session.now() if at is None else moment(at, session.now(), zone)
        now, following = _now_and_next(rota, time, absent)
        told.append(_told(rota, time, now, following))
        name = slug_of(rota.schedule.id)
        rows.append(
            (name, _who(now, found), _until(now, following, zone), _then(now, following, found))
        )
    if as_json:
        screen.data({"schedules": told})
    elif rows:
        screen.columns(("SCHEDULE", "ON CALL", "UNTIL", "THEN"), rows)
    else:
        screen.say("There are no schedules.")


def _now_and_next(rota: Rota, at: datetime, absent: Set[str]) -> tuple[Shift | None, Shift | None]:
    ahead: list[Shift] = []
    for shift in shifts(rota.schedule, rota.overrides, at, at + AHEAD, disabled=absent):
        last = ahead[-1] if ahead else None
        if last and (last.user_id, last.end) == (shift.user_id, shift.start):
            # By another layer; for whoever asks it is one turn.
            ahead[-1] = replace(last, end=shift.end)
        else:
            ahead.append(shift)
    now = ahead.pop(0) if ahead and ahead[0].start == at else None
    return now, ahead[0] if ahead else None


def _who(shift: Shift | None, found: Configuration) -> str:
    if shift is None:
        return "nobody"
    user = found.users.get(shift.user_id)
    name = user.name if user else slug_of(shift.user_id)
    return f"{name} (override)" if isinstance(shift.because, Override) else name


def _until(shift: Shift | None, following: Shift | None, zone: ZoneInfo) -> str:
    if shift is None:
        return shown(following.start, zone) if following else ""
    return shown(shift.end, zone)


def _then(shift: Shift | None, following: Shift | None, found: Configuration) -> str:
    gap = shift is not None and (following is None or following.start > shift.end)
    return _who(None if gap else following, found)


def _told(rota: Rota, at: datetime, now: Shift | None, following: Shift | None) -> dict[str, Any]:
    def turn(shift: Shift | None) -> dict[str, Any] | None:
        if shift is None:
            return None
        return {
            "userId": shift.user_id,
            "user": slug_of(shift.user_id),
            "start": stamp(shift.start),
            "end": stamp(shift.end),
            "override": shift.because.id if isinstance(shift.because, Override) else None,
        }

    return {
        "schedule": slug_of(rota.schedule.id),
        "scheduleId": rota.schedule.id,
        "at": stamp(at),
        "onCall": turn(now),
        "next": turn(following),
    }


@overrides.command("add")
def add_command(
    context: typer.Context,
    schedule: ScheduleArgument,
    user: Annotated[str, typer.Argument(help="Who takes over.")],
    start: Annotated[
        str, typer.Option("--from", help='"2026-11-25 18:00" by the schedule\'s clock, or "+2h".')
    ] = "+0s",
    until: Annotated[str | None, typer.Option("--until", help="The same.")] = None,
    lasts: Annotated[str | None, typer.Option("--for", help='Instead of --until: "8h".')] = None,
    replaces: Annotated[
        str | None, typer.Option("--replaces", help="Only the turns of this user.")
    ] = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put somebody on call in the place of whoever would be."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    found = _configuration(deployment, session)
    [rota] = _rotas(deployment, session, found, schedule)
    zone, now = ZoneInfo(rota.schedule.zone), session.now()
    begins = moment(start, now, zone)
    if (until is None) is (lasts is None):
        raise Refused("Until when? Give --until or --for, one of them.")
    ends = begins + span(lasts) if lasts is not None else moment(until or "", now, zone)
    if ends <= max(begins, now):
        raise Refused(f"It would end before it begins, or in the past: {ends.astimezone(zone)}.")
    if replaces == user:
        raise Refused("An override replaces a user by another one.")
    override = Override(
        id=session.id("ovr"),
        user_id=_user(found, user),
        replaces=None if replaces is None else _user(found, replaces),
        start=begins,
        end=ends,
        created_at=now,
    )
    try:
        Operations(deployment.table).add_override(
            rota.schedule.id, override, session.id("new"), session.deadline()
        )
    except Conflict:
        raise Refused(f'Schedule "{schedule}" was removed at this moment.') from None
    if as_json:
        screen.data(_override_told(rota, override))
        return
    name = found.users[override.user_id].name
    times = f"from {shown(begins, zone)} until {shown(ends, zone)}"
    screen.say(f"{name} is on call for {schedule} {times}. Take it back with", "green")
    screen.say(f"    opsknight override remove {schedule} {override.id}")


@overrides.command("list")
def list_command(
    context: typer.Context,
    schedule: ScheduleOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List overrides that are not over."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    found = _configuration(deployment, session)
    now = session.now()
    each_of = [
        (rota, override)
        for rota in _rotas(deployment, session, found, schedule)
        for override in sorted(rota.overrides, key=lambda each: (each.start, each.id))
        if override.end > now
    ]
    if as_json:
        screen.data({"overrides": [_override_told(*each) for each in each_of]})
    elif not each_of:
        screen.say("There are no overrides.")
    else:
        rows = [
            (
                override.id,
                slug_of(rota.schedule.id),
                slug_of(override.user_id),
                slug_of(override.replaces) if override.replaces else "anybody",
                shown(override.start, ZoneInfo(rota.schedule.zone)),
                shown(override.end, ZoneInfo(rota.schedule.zone)),
            )
            for rota, override in each_of
        ]
        screen.columns(("OVERRIDE", "SCHEDULE", "USER", "REPLACES", "FROM", "UNTIL"), rows)


@overrides.command("remove")
def remove_command(
    context: typer.Context,
    schedule: ScheduleArgument,
    override: Annotated[str, typer.Argument(help="Its id, as `override list` shows it.")],
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an override back: turns are as the layers say again."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    try:
        Operations(deployment.table).remove_override(
            id_of(Kind.SCHEDULE, schedule), override, session.deadline()
        )
    except Conflict:
        raise Refused(
            f'Schedule "{schedule}" has no override {override}. '
            "`opsknight override list` shows them."
        ) from None
    if as_json:
        screen.data({"removed": override})
    else:
        screen.say(f"Override {override} of {schedule} is taken back.", "green")


def _override_told(rota: Rota, override: Override) -> dict[str, Any]:
    return {
        "id": override.id,
        "schedule": slug_of(rota.schedule.id),
        "user": slug_of(override.user_id),
        "replaces": override.replaces and slug_of(override.replaces),
        "start": stamp(override.start),
        "end": stamp(override.end),
    }


def _configuration(deployment: Deployment, session: Session) -> Configuration:
    return Configurations(deployment.table).read(session.deadline()).configuration


def _rotas(
    deployment: Deployment, session: Session, found: Configuration, schedule: str | None
) -> Sequence[Rota]:
    wanted = list(found.schedules) if schedule is None else [id_of(Kind.SCHEDULE, schedule)]
    rotas = (deployment.table.rota(each, session.deadline()) for each in wanted)
    known = [rota for rota in rotas if rota is not None]
    if schedule is not None and not known:
        hint = meant(schedule, map(slug_of, found.schedules))
        raise Refused(f'There is no schedule called "{schedule}".{hint}')
    return known


def _user(found: Configuration, name: str) -> str:
    user = found.users.get(id_of(Kind.USER, name))
    if user is None:
        hint = meant(name, map(slug_of, found.users))
        raise Refused(f'There is no user called "{name}".{hint}')
    if user.disabled:
        raise Refused(f"User {name} is disabled and would not be paged.")
    return user.id
