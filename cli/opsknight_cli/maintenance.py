"""`maintenance`: windows in which the new incidents of a service page nobody."""

from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.directory.audit_log import Act
from opsknight.directory.entries import Service
from opsknight.directory.windows import SHIFTED, MaintenanceWindow, Occurrence, Repetition
from opsknight.oncall.wall_clock import DAY
from opsknight.store.calls import Conflict
from opsknight.store.operations import KEPT, Operations
from opsknight.views import audited
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.clocks import clock_of, conjoined, one_clock
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration, credentials, unknown
from opsknight_cli.terminal.times import moment, rhythm, shown, span, stamp

WINDOW: Final = "mw"
MOST_DAYS: Final = 366
app = typer.Typer(
    help="Times when a service pages nobody. They are not part of the configuration file.",
    no_args_is_help=True,
)
_WINDOW_ID: Final = f"{WINDOW}_"


@app.command("start")
@common_options()
def start_command(
    invocation: Invocation,
    service: Annotated[list[str], typer.Argument(help="The service's name, or several.")],
    lasts: Annotated[str, typer.Option("--for", help='How long it lasts: "2h".')],
    reason: Annotated[str, typer.Option("--reason", help="The reason to show to people.")],
    start: Annotated[
        str,
        typer.Option(
            "--from",
            help='When it begins: "2026-11-25 18:00" by the clock of the schedule that its policy '
            'pages (else UTC), or "+2h".',
        ),
    ] = "+0s",
    every: Annotated[
        str | None,
        typer.Option("--every", help='Begin it again at the same time of the day: "1d", "1w".'),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", help="With --every: when to stop repeating; by default, never."),
    ] = None,
    keep_suppressed: Annotated[
        bool, typer.Option("--stay", help="Keep its incidents suppressed when it ends.")
    ] = False,
) -> None:
    """Suppress the new incidents of services, from now or from a later time."""
    session, screen = invocation.session, invocation.screen
    now = session.now()
    found = _services(invocation, service)
    known = configuration(invocation)
    zone = one_clock(found, start, known)
    begins = moment(start, now, zone)
    window = MaintenanceWindow(
        id=session.id(WINDOW),
        start=begins,
        end=begins + span(lasts),
        reason=reason,
        keep_suppressed=keep_suppressed,
        by=credentials(invocation).name.removesuffix(" (AWS)"),
    )
    window = _repeated(window, every, until, zone, now)
    if window.next(now) is None:
        raise CommandError(f"A window must end in the future: {shown(window.end, zone)} does not.")
    for each in found:
        kept = [other for other in each.windows if other.next(now - KEPT)]
        mine = _by_clock(window, clock_of(each, known))
        _set(invocation, each, [*kept, mine], audited.maintenance_planned(mine, each))
    if screen.as_json:
        begun = [(each, _by_clock(window, clock_of(each, known))) for each in found]
        screen.data({"windows": [_data(each, mine, now) for each, mine in begun]})
        return
    names = conjoined([each.name for each in found])
    again = f", and again {rhythm(window.repeats, zone)}" if window.repeats else ""
    screen.say(
        f"New incidents of {names} page nobody from {shown(begins, zone)} until "
        f"{shown(window.end, zone)}{again}. It takes up to 30 seconds until all functions know "
        "this. To end it earlier:",
        "green",
    )
    names = " ".join(dict.fromkeys(service))
    screen.command(f"opsknight maintenance stop {names} {window.id}")


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
        services = _services(invocation, [service])
    found = [
        (each, window, following)
        for each in services
        for window in each.windows
        if (following := window.next(now))
    ]
    found.sort(key=lambda row: (row[2].start, row[1].id))
    if screen.as_json:
        screen.data({"windows": [_data(each, window, now) for each, window, _ in found]})
    elif not found:
        screen.say("There are no maintenance windows, now or later.")
    else:
        rows = [
            (
                window.id,
                slug_of(each.id),
                _when(window, following, clock_of(each, known), now),
                shown(following.start, clock_of(each, known)),
                shown(following.end, clock_of(each, known)),
                window.reason,
                window.by or "-",
            )
            for each, window, following in found
        ]
        header = ("WINDOW", "SERVICE", "WHEN", "FROM", "UNTIL", "REASON", "BY")
        screen.table(header, rows, split=3)


@app.command("stop")
@common_options()
def stop_command(
    invocation: Invocation,
    service: Annotated[
        list[str],
        typer.Argument(
            help="The service's name, or several; then the ids of windows. Without an id, what is "
            "in force ends, and may come again if it is repeated."
        ),
    ],
) -> None:
    """End windows now. Their incidents page at once, except in a window with --stay."""
    session, screen = invocation.session, invocation.screen
    now = session.now()
    ids = {each for each in service if each.startswith(_WINDOW_ID)}
    names = [each for each in service if each not in ids]
    if not names:
        raise UsageError("Give the service whose window is to end.")
    found = _services(invocation, names)
    chosen = {each.id: _chosen(each, ids, now) for each in found}
    for each in found:
        if not chosen[each.id]:
            what = f"or future window {' or '.join(sorted(ids))}" if ids else "maintenance window"
            raise CommandError(f"Service {slug_of(each.id)} has no current {what}.")
    freed = 0
    for each in found:
        left = _ended(each, chosen[each.id], now, whole=bool(ids))
        _set(invocation, each, left, audited.maintenance_ended(each, left))
        freed += Operations(invocation.deployment.table).end_suppression(
            each.id, now, session.token(), session.deadline()
        )
    stopped = {window.id: window for windows in chosen.values() for window in windows}
    if screen.as_json:
        screen.data({"stopped": [*stopped], "incidents": freed})
        return
    incidents = "1 incident" if freed == 1 else f"{freed} incidents"
    more = f" {incidents} that it suppressed can page now." if freed else ""
    again = [name for name, window in stopped.items() if window.repeats and not ids]
    if again:
        more += " It comes again; to end that, too:"
    screen.say(f"Maintenance of {conjoined([each.name for each in found])} is over.{more}", "green")
    if again:
        screen.command(f"opsknight maintenance stop {' '.join(names)} {' '.join(again)}")


def _repeated(
    window: MaintenanceWindow, every: str | None, until: str | None, zone: ZoneInfo, now: datetime
) -> MaintenanceWindow:
    if every is None:
        if until is not None:
            raise UsageError("--until says when a window with --every stops repeating; see --for.")
        return window
    days, rest = divmod(span(every), DAY)
    if rest or not 1 <= days <= MOST_DAYS:
        raise UsageError(f'--every must be whole days, at most {MOST_DAYS}, such as "1d" or "1w".')
    ends = None if until is None else moment(until, now, zone, window.start)
    if ends is not None and ends <= window.start:
        raise UsageError("--until must be after the window begins.")
    if window.end - window.start > days * DAY - SHIFTED:
        raise UsageError("--for is too long: the window must be over before it begins again.")
    return window.model_copy(update={"repeats": Repetition(days=days, zone=zone.key, until=ends)})


def _by_clock(window: MaintenanceWindow, zone: ZoneInfo) -> MaintenanceWindow:
    """The window of one of several services: it comes again by that service's clock."""
    if window.repeats is None:
        return window
    repeats = window.repeats.model_copy(update={"zone": zone.key})
    return window.model_copy(update={"repeats": repeats})


def _when(window: MaintenanceWindow, following: Occurrence, zone: ZoneInfo, now: datetime) -> str:
    when = "now" if following.start <= now else "later"
    return f"{when}, {rhythm(window.repeats, zone)}" if window.repeats else when


def _chosen(service: Service, ids: set[str], now: datetime) -> list[MaintenanceWindow]:
    return [
        each
        for each in service.windows
        if (each.id in ids and each.next(now) if ids else each.in_force(now))
    ]


def _ended(
    service: Service, chosen: list[MaintenanceWindow], now: datetime, *, whole: bool
) -> list[MaintenanceWindow]:
    """The windows to store. `whole`: with all their repetitions."""
    changed = (
        each if each not in chosen else each.ended(now) if whole else each.without_current(now)
        for each in service.windows
    )
    return [each for each in changed if each]


def _set(
    invocation: Invocation, service: Service, windows: list[MaintenanceWindow], act: Act
) -> None:
    operations, session = Operations(invocation.deployment.table), invocation.session
    audit = entry(invocation, act)
    try:
        operations.set_windows(
            service, windows, session.deadline(), audit=audit, token=session.token()
        )
    except Conflict:
        raise CommandError(
            "Somebody else has just changed the maintenance of this service: run the command again."
        ) from None


def _services(invocation: Invocation, names: list[str]) -> list[Service]:
    """Each once. Raises CommandError before anything is changed."""
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    found = []
    for name in dict.fromkeys(names):
        service = table.service(id_of(Kind.SERVICE, name), deadline)
        if service is None:
            raise unknown(Kind.SERVICE, name, configuration(invocation).services)
        found.append(service)
    return found


def _data(service: Service, window: MaintenanceWindow, now: datetime) -> dict[str, Any]:
    following = window.next(now) or window
    repeats = window.repeats
    return {
        "id": window.id,
        "service": slug_of(service.id),
        "start": stamp(following.start),
        "end": stamp(following.end),
        "inForce": window.in_force(now) is not None,
        "repeat": None
        if repeats is None
        else {
            "days": repeats.days,
            "zone": repeats.zone,
            "until": None if repeats.until is None else stamp(repeats.until),
        },
        "keepSuppressed": window.keep_suppressed,
        "reason": window.reason,
        "by": window.by,
    }
