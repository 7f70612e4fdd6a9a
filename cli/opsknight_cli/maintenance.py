"""`maintenance`: windows in which the new incidents of a service page nobody."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.directory.entries import MaintenanceWindow, Service
from opsknight.escalation.policy import TargetKind
from opsknight.store.calls import Conflict
from opsknight.store.operations import KEPT, Operations
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration, unknown
from opsknight_cli.terminal.times import UTC_ZONE, moment, shown, span, stamp

app = typer.Typer(
    help="Times when a service pages nobody. They are not part of the configuration file.",
    no_args_is_help=True,
)

ServiceArgument = Annotated[str, typer.Argument(help="The service's name.")]


@app.command("start")
@common_options()
def start_command(
    invocation: Invocation,
    service: ServiceArgument,
    lasts: Annotated[str, typer.Option("--for", help='How long it lasts: "2h".')],
    reason: Annotated[str, typer.Option("--reason", help="The reason that people read.")],
    start: Annotated[
        str,
        typer.Option(
            "--from",
            help='When it begins: "2026-11-25 18:00" by the clock of the schedule that its policy '
            'pages (else UTC), or "+2h".',
        ),
    ] = "+0s",
    keep_suppressed: Annotated[
        bool, typer.Option("--stay", help="Keep its incidents suppressed when it ends.")
    ] = False,
) -> None:
    """Suppress the new incidents of a service, from now or from a later time."""
    session, screen = invocation.session, invocation.screen
    now = session.now()
    found = _service(invocation, service)
    zone = clock_of(found, configuration(invocation))
    begins = moment(start, now, zone)
    window = MaintenanceWindow(
        id=session.id("mw"),
        start=begins,
        end=begins + span(lasts),
        reason=reason,
        keep_suppressed=keep_suppressed,
    )
    if window.end <= now:
        raise CommandError(f"A window must end in the future: {shown(window.end, zone)} does not.")
    kept = [each for each in found.windows if each.end + KEPT > now]
    _set(invocation, found, [*kept, window])
    if screen.as_json:
        screen.data(_data(found, window, now))
        return
    screen.say(
        f"New incidents of {found.name} page nobody from {shown(begins, zone)} until "
        f"{shown(window.end, zone)}. It takes up to 30 seconds until all functions know this. "
        "To end it earlier:",
        "green",
    )
    screen.say(f"    opsknight maintenance stop {service} {window.id}")


@app.command("list")
@common_options()
def list_command(
    invocation: Invocation,
    service: Annotated[str | None, typer.Option("--service", help="Only this service.")] = None,
) -> None:
    """List the current and future windows."""
    screen, now = invocation.screen, invocation.session.now()
    known = configuration(invocation)
    services = [*known.services.values()]
    if service is not None:
        services = [_service(invocation, service)]
    found = [
        (each, window)
        for each in services
        for window in sorted(each.windows, key=lambda window: (window.start, window.id))
        if window.end > now
    ]
    if screen.as_json:
        screen.data({"windows": [_data(each, window, now) for each, window in found]})
    elif not found:
        screen.say("There are no maintenance windows, now or later.")
    else:
        rows = [
            (
                window.id,
                slug_of(each.id),
                "now" if window.start <= now else "later",
                shown(window.start, clock_of(each, known)),
                shown(window.end, clock_of(each, known)),
                window.reason,
            )
            for each, window in found
        ]
        screen.columns(("WINDOW", "SERVICE", "WHEN", "FROM", "UNTIL", "REASON"), rows)


@app.command("stop")
@common_options()
def stop_command(
    invocation: Invocation,
    service: ServiceArgument,
    window: Annotated[
        str | None, typer.Argument(help="Its id; without one, all current windows end.")
    ] = None,
) -> None:
    """End windows now. Their incidents page at once, except in a window with --stay."""
    session, screen = invocation.session, invocation.screen
    now = session.now()
    found = _service(invocation, service)
    chosen = [each for each in found.windows if each.end > now and _matches(each, window, now)]
    if not chosen:
        raise CommandError(
            f"Service {service} has no current maintenance window."
            if window is None
            else f"Service {service} has no current or future window {window}."
        )
    _set(invocation, found, _ended(found, chosen, now))
    freed = Operations(invocation.deployment.table).end_suppression(
        found.id, now, session.token(), session.deadline()
    )
    if screen.as_json:
        screen.data({"stopped": [each.id for each in chosen], "incidents": freed})
    else:
        incidents = "1 incident" if freed == 1 else f"{freed} incidents"
        more = f" {incidents} that it suppressed can page now." if freed else ""
        screen.say(f"Maintenance of {found.name} is over.{more}", "green")


def clock_of(service: Service, known: Configuration) -> ZoneInfo:
    """The clock by which the people of a service live: that of the first schedule that its policy
    pages, as overrides use it; UTC if it pages none.
    """
    policy = known.policies.get(service.policy_id or "")
    for step in policy.steps if policy else ():
        for target in step.targets:
            schedule = known.schedules.get(target.id)
            if target.kind is TargetKind.SCHEDULE and schedule is not None:
                return ZoneInfo(schedule.zone)
    return UTC_ZONE


def _matches(each: MaintenanceWindow, window: str | None, now: datetime) -> bool:
    return each.start <= now if window is None else each.id == window


def _ended(
    service: Service, chosen: list[MaintenanceWindow], now: datetime
) -> list[MaintenanceWindow]:
    """The windows to store: of those chosen, current ones end now and future ones are dropped."""
    return [
        each.model_copy(update={"end": now}) if each in chosen else each
        for each in service.windows
        if each not in chosen or each.start < now
    ]


def _set(invocation: Invocation, service: Service, windows: list[MaintenanceWindow]) -> None:
    operations = Operations(invocation.deployment.table)
    try:
        operations.set_windows(service, windows, invocation.session.deadline())
    except Conflict:
        raise CommandError(
            "Somebody else has just changed the maintenance of this service: run the command again."
        ) from None


def _service(invocation: Invocation, name: str) -> Service:
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    found = table.service(id_of(Kind.SERVICE, name), deadline)
    if found is None:
        raise unknown(Kind.SERVICE, name, configuration(invocation).services)
    return found


def _data(service: Service, window: MaintenanceWindow, now: datetime) -> dict[str, Any]:
    return {
        "id": window.id,
        "service": slug_of(service.id),
        "start": stamp(window.start),
        "end": stamp(window.end),
        "inForce": window.start <= now < window.end,
        "keepSuppressed": window.keep_suppressed,
        "reason": window.reason,
    }
