"""`oncall` and `override`: who is on call, and who takes over for a while."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.escalation.policy import Rota
from opsknight.oncall.schedules import Override, Shift, shifts
from opsknight.store.calls import Conflict
from opsknight.store.operations import Operations
from opsknight.views import audited
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.my_turns import show_mine
from opsknight_cli.terminal.naming import configuration, unknown
from opsknight_cli.terminal.telling import tell_changes
from opsknight_cli.terminal.times import moment, shown, span, stamp

AHEAD: Final = timedelta(weeks=4)

app = typer.Typer()
overrides = typer.Typer(
    help="Put somebody on call for a while. Overrides are not part of the configuration file.",
    no_args_is_help=True,
)

ScheduleOption = Annotated[str | None, typer.Option("--schedule", help="Only this schedule.")]
ScheduleArgument = Annotated[str, typer.Argument(help="The schedule's name.")]


@app.command("oncall")
@common_options(acting=True)
def oncall_command(
    invocation: Invocation,
    schedule: ScheduleOption = None,
    mine: Annotated[
        bool, typer.Option("--mine", help="Show when you are on call in the next four weeks.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option("--at", help='"2026-11-25 18:00" by the schedule\'s clock, or "+2h".'),
    ] = None,
) -> None:
    """Show who is on call, until when, and who is next."""
    session, screen = invocation.session, invocation.screen
    found = configuration(invocation)
    rotas = _rotas(invocation, found, schedule)
    if mine:
        show_mine(invocation, found, rotas, at, AHEAD)
        return
    absent = {user.id for user in found.users.values() if user.disabled}
    rows, data = [], []
    for rota in rotas:
        zone = ZoneInfo(rota.schedule.zone)
        time = session.now() if at is None else moment(at, session.now(), zone)
        now, following = _now_and_next(rota, time, absent)
        data.append(_data(rota, time, now, following))
        name = slug_of(rota.schedule.id)
        rows.append(
            (name, _who(now, found), _until(now, following, zone), _then(now, following, found))
        )
    if screen.as_json:
        screen.data({"schedules": data})
    elif rows:
        screen.table(("SCHEDULE", "ON CALL", "UNTIL", "THEN"), rows, split=2)
    else:
        screen.say("There are no schedules.")


def _now_and_next(rota: Rota, at: datetime, absent: Set[str]) -> tuple[Shift | None, Shift | None]:
    ahead: list[Shift] = []
    for shift in shifts(rota.schedule, rota.overrides, at, at + AHEAD, disabled=absent):
        last = ahead[-1] if ahead else None
        if last and (last.user_id, last.end) == (shift.user_id, shift.start):
            # Another layer takes over with the same user: to the reader it is one turn.
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


def _data(rota: Rota, at: datetime, now: Shift | None, following: Shift | None) -> dict[str, Any]:
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
@common_options(acting=True)
def add_command(
    invocation: Invocation,
    schedule: ScheduleArgument,
    user: Annotated[str, typer.Argument(help="Who takes over.")],
    start: Annotated[
        str,
        typer.Option("--from", help='"18:00" by the schedule\'s clock, or with a date; or "+2h".'),
    ] = "+0s",
    until: Annotated[
        str | None, typer.Option("--until", help="When it ends; written like --from.")
    ] = None,
    lasts: Annotated[
        str | None, typer.Option("--for", help='How long it lasts, instead of --until: "8h".')
    ] = None,
    replaces: Annotated[
        str | None, typer.Option("--replaces", help="Take over only the turns of this user.")
    ] = None,
) -> None:
    """Put a user on call, whoever would be on call by the layers."""
    session, screen = invocation.session, invocation.screen
    if (until is None) is (lasts is None):
        raise UsageError("Give exactly one of --for and --until.")
    found = configuration(invocation)
    [rota] = _rotas(invocation, found, schedule)
    zone, now = ZoneInfo(rota.schedule.zone), session.now()
    begins = moment(start, now, zone)
    ends = begins + span(lasts) if lasts is not None else moment(until or "", now, zone, begins)
    if ends <= max(begins, now):
        raise CommandError(
            "An override must end in the future, and after it begins: "
            f"{shown(ends, zone)} does not."
        )
    if replaces == user:
        raise CommandError(
            "A user cannot replace themselves: --replaces names the user who is off."
        )
    override = Override(
        id=session.id("ovr"),
        user_id=_user(found, user),
        replaces=None if replaces is None else _user(found, replaces),
        start=begins,
        end=ends,
        created_at=now,
        by=invocation.deployment.operator().rsplit("/", 1)[-1],
    )
    try:
        names = {each.id: each.name for each in found.users.values()}
        added = audited.override_added(rota.schedule, override, lambda it: names.get(it or ""))
        Operations(invocation.deployment.table).add_override(
            rota.schedule.id,
            override,
            session.token(),
            session.deadline(),
            audit=entry(invocation, added),
        )
    except Conflict:
        raise CommandError(f'Somebody has just removed schedule "{schedule}".') from None
    _tell(invocation, found, rota, Rota(rota.schedule, (*rota.overrides, override)))
    if screen.as_json:
        screen.data(_override_data(rota, override))
        return
    name = found.users[override.user_id].name
    times = f"from {shown(begins, zone)} until {shown(ends, zone)}"
    screen.say(f"{name} is on call for {schedule} {times}. To undo this:", "green")
    screen.command(f"opsknight override remove {schedule} {override.id}")


@overrides.command("list")
@common_options()
def list_command(
    invocation: Invocation,
    schedule: ScheduleOption = None,
) -> None:
    """List the current and future overrides."""
    screen, now = invocation.screen, invocation.session.now()
    found = configuration(invocation)
    overriding = [
        (rota, override)
        for rota in _rotas(invocation, found, schedule)
        for override in sorted(rota.overrides, key=lambda each: (each.start, each.id))
        if override.end > now
    ]
    if screen.as_json:
        screen.data({"overrides": [_override_data(*each) for each in overriding]})
    elif not overriding:
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
            for rota, override in overriding
        ]
        header = ("OVERRIDE", "SCHEDULE", "USER", "REPLACES", "FROM", "UNTIL")
        screen.table(header, rows, split=4)


@overrides.command("remove")
@common_options(acting=True)
def remove_command(
    invocation: Invocation,
    schedule: ScheduleArgument,
    override: Annotated[str, typer.Argument(help="Its id, as `override list` shows it.")],
) -> None:
    """Remove an override. The layers of the schedule apply again."""
    screen, found = invocation.screen, configuration(invocation)
    [rota] = _rotas(invocation, found, schedule)
    names = {each.id: each.name for each in found.users.values()}
    known = next((each for each in rota.overrides if each.id == override), None)
    gone = audited.override_removed(rota.schedule, override, known, lambda it: names.get(it or ""))
    try:
        Operations(invocation.deployment.table).remove_override(
            id_of(Kind.SCHEDULE, schedule),
            override,
            invocation.session.deadline(),
            audit=entry(invocation, gone),
        )
    except Conflict:
        raise CommandError(
            f'Schedule "{schedule}" has no override {override}. '
            "`opsknight override list` shows them."
        ) from None
    left = tuple(each for each in rota.overrides if each.id != override)
    _tell(invocation, found, rota, Rota(rota.schedule, left))
    if screen.as_json:
        screen.data({"removed": override})
    else:
        screen.say(f"Override {override} of {schedule} is removed.", "green")


def _tell(invocation: Invocation, found: Configuration, before: Rota, after: Rota) -> None:
    """Tells those whose time on call it changes."""
    schedule_id = before.schedule.id
    tell_changes(invocation, {schedule_id: before}, {schedule_id: after}, found.users)


def _override_data(rota: Rota, override: Override) -> dict[str, Any]:
    return {
        "id": override.id,
        "schedule": slug_of(rota.schedule.id),
        "user": slug_of(override.user_id),
        "replaces": override.replaces and slug_of(override.replaces),
        "start": stamp(override.start),
        "end": stamp(override.end),
    }


def _rotas(invocation: Invocation, found: Configuration, schedule: str | None) -> Sequence[Rota]:
    table, session = invocation.deployment.table, invocation.session
    wanted = list(found.schedules) if schedule is None else [id_of(Kind.SCHEDULE, schedule)]
    rotas = (table.rota(each, session.deadline()) for each in wanted)
    known = [rota for rota in rotas if rota is not None]
    if schedule is not None and not known:
        raise unknown(Kind.SCHEDULE, schedule, found.schedules)
    return known


def _user(found: Configuration, name: str) -> str:
    user = found.users.get(id_of(Kind.USER, name))
    if user is None:
        raise unknown(Kind.USER, name, found.users)
    if user.disabled:
        raise CommandError(f"User {name} is disabled and would not be paged.")
    return user.id
