"""`maintenance`: times in which a service's new incidents page nobody."""

from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.config.lint import meant
from opsknight.directory.entries import MaintenanceWindow, Service
from opsknight.store.calls import Conflict
from opsknight.store.configurations import Configurations
from opsknight.store.operations import KEPT, Operations
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

UTC_ZONE: Final = ZoneInfo("UTC")

app = typer.Typer(
    help="Times in which a service pages nobody. Not part of the file.", no_args_is_help=True
)

ServiceArgument = Annotated[str, typer.Argument(help="The service's name.")]


@app.command("start")
def start_command(
    context: typer.Context,
    service: ServiceArgument,
    lasts: Annotated[str, typer.Option("--for", help='How long: "2h".')],
    reason: Annotated[str, typer.Option("--reason", help="Why, as people read it.")],
    start: Annotated[
        str, typer.Option("--from", help='"2026-11-25 18:00" in UTC, or "+2h".')
    ] = "+0s",
    keep_suppressed: Annotated[
        bool, typer.Option("--stay", help="What it suppressed stays so when it ends.")
    ] = False,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Suppress what a service opens from now, or from a later time."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    now = session.now()
    begins = moment(start, now, UTC_ZONE)
    window = MaintenanceWindow(
        id=session.id("mw"),
        start=begins,
        end=begins + span(lasts),
        reason=reason,
        keep_suppressed=keep_suppressed,
    )
    if window.end <= now:
        raise Refused(f"It would have ended already: {window.end}.")
    found = _service(deployment, session, service)
    kept = [each for each in found.windows if each.end + KEPT > now]
    _set(deployment, session, found, [*kept, window])
    if as_json:
        screen.data(_told(found, window, now))
        return
    screen.say(
        f"What {found.name} opens from {shown(begins, UTC_ZONE)} until "
        f"{shown(window.end, UTC_ZONE)} pages nobody. It takes up to 30 seconds until "
        "all functions know. End it earlier with",
        "green",
    )
    screen.say(f"    opsknight maintenance stop {service} {window.id}")


@app.command("list")
def list_command(
    context: typer.Context,
    service: Annotated[str | None, typer.Option("--service", help="Only this service.")] = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List windows that are not over."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    now = session.now()
    if service is None:
        seen = Configurations(deployment.table).read(session.deadline()).configuration
        services = list(seen.services.values())
    else:
        services = [_service(deployment, session, service)]
    found = [
        (each, window)
        for each in services
        for window in sorted(each.windows, key=lambda window: (window.start, window.id))
        if window.end > now
    ]
    if as_json:
        screen.data({"windows": [_told(each, window, now) for each, window in found]})
    elif not found:
        screen.say("There is no maintenance, now or later.")
    else:
        rows = [
            (
                window.id,
                slug_of(each.id),
                "now" if window.start <= now else "later",
                shown(window.start, UTC_ZONE),
                shown(window.end, UTC_ZONE),
                window.reason,
            )
            for each, window in found
        ]
        screen.columns(("WINDOW", "SERVICE", "WHEN", "FROM", "UNTIL", "REASON"), rows)


@app.command("stop")
def stop_command(
    context: typer.Context,
    service: ServiceArgument,
    window: Annotated[
        str | None, typer.Argument(help="Its id; without one, all that are in force.")
    ] = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """End windows now. What they suppressed pages within a minute, if they do not let it stay."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    now = session.now()
    found = _service(deployment, session, service)
    chosen = [each for each in found.windows if each.end > now and _is_meant(each, window, now)]
    if not chosen:
        raise Refused(
            f"Service {service} has no maintenance in force."
            if window is None
            else f"Service {service} has no window {window} that is not over."
        )
    _set(deployment, session, found, _ended(found, chosen, now))
    freed = sum(
        Operations(deployment.table).end_suppression(
            found.id, each.id, now, session.id("end"), session.deadline()
        )
        for each in chosen
    )
    if as_json:
        screen.data({"stopped": [each.id for each in chosen], "incidents": freed})
    else:
        what = (
            "1 incident that it suppressed is"
            if freed == 1
            else f"{freed} suppressed incidents are"
        )
        more = f" {what} looked at within a minute." if freed else ""
        screen.say(f"Maintenance of {found.name} is over.{more}", "green")


def _is_meant(each: MaintenanceWindow, window: str | None, now: datetime) -> bool:
    return each.start <= now if window is None else each.id == window


def _ended(
    service: Service, chosen: list[MaintenanceWindow], now: datetime
) -> list[MaintenanceWindow]:
    """Those that began end now, those that did not are gone."""
    return [
        each.model_copy(update={"end": now}) if each in chosen else each
        for each in service.windows
        if each not in chosen or each.start < now
    ]


def _set(
    deployment: Deployment, session: Session, service: Service, windows: list[MaintenanceWindow]
) -> None:
    try:
        Operations(deployment.table).set_windows(service, windows, session.deadline())
    except Conflict:
        raise Refused(
            "Somebody else has changed the maintenance of this service at this moment: "
            "run the command again."
        ) from None


def _service(deployment: Deployment, session: Session, name: str) -> Service:
    found = deployment.table.service(id_of(Kind.SERVICE, name), session.deadline())
    if found is None:
        seen = Configurations(deployment.table).read(session.deadline()).configuration
        hint = meant(name, map(slug_of, seen.services))
        raise Refused(f'There is no service called "{name}".{hint}')
    return found


def _told(service: Service, window: MaintenanceWindow, now: datetime) -> dict[str, Any]:
    return {
        "id": window.id,
        "service": slug_of(service.id),
        "start": stamp(window.start),
        "end": stamp(window.end),
        "inForce": window.start <= now < window.end,
        "keepSuppressed": window.keep_suppressed,
        "reason": window.reason,
    }
