"""`shadow report`: whom OpsKnight would have paged, and whom the old system did."""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from opsknight.config.configuration import Configuration, slug_of
from opsknight.directory.entries import Service
from opsknight.health import shadows as health
from opsknight.incident.event_request import parsed
from opsknight.incident.model import Status
from opsknight.store.listings import Listings, Wanted
from opsknight.store.mirrors import Mirrors
from opsknight.views.night.play import Stage
from opsknight.views.night.roster import Loading
from opsknight_cli.incidents.filters import ServiceOption, service_ids
from opsknight_cli.incidents.view import short
from opsknight_cli.switching.comparing import Compared, Paged, compared
from opsknight_cli.terminal import shadows
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration
from opsknight_cli.terminal.screen import Screen, printable
from opsknight_cli.terminal.times import UTC_ZONE, earlier, shown, stamp

MOST_INCIDENTS: Final = 1000

app = typer.Typer(help="See what a service in shadow would have done.", no_args_is_help=True)


@app.callback()
def shadow() -> None:
    """See what a service in shadow would have done."""


@app.command("report")
@common_options()
def report_command(
    invocation: Invocation,
    since: Annotated[
        str, typer.Option("--since", help='Opened since "7d" ago, or since "2026-11-25" in UTC.')
    ] = "7d",
    service: ServiceOption = None,
) -> None:
    """Compare whom OpsKnight would have paged with whom the old system did, by incident."""
    session, screen = invocation.session, invocation.screen
    now = session.now()
    begin = earlier(since, now, UTC_ZONE)
    known = configuration(invocation)
    chosen = service_ids(invocation, service, None)
    services = [each for each in known.services.values() if _is_meant(each, chosen)]
    found = {each.id: _of_service(invocation, each, known, begin, now) for each in services}
    if screen.as_json:
        rows = [{"service": slug_of(service_id)} | _data(each) for service_id, each in _each(found)]
        in_shadow = health.in_shadow(known.services.values(), now)
        screen.data({"shadow": shadows.data(in_shadow), "incidents": rows})
        return
    shadows.warn(invocation)
    if not services:
        screen.say("No service is in shadow or has a mirror. Name one with --service.")
        return
    for each in services:
        _show(each, found[each.id], screen)


def _is_meant(service: Service, chosen: Set[str] | None) -> bool:
    if chosen is not None:
        return service.id in chosen
    return service.shadow_until is not None or service.mirror is not None


def _each(found: dict[str, list[Compared]]) -> Iterator[tuple[str, Compared]]:
    for service_id, rows in found.items():
        for each in rows:
            yield service_id, each


def _of_service(
    invocation: Invocation, service: Service, known: Configuration, begin: datetime, now: datetime
) -> list[Compared]:
    session, table = invocation.session, invocation.deployment.table
    deadline = session.deadline()
    wanted = [
        Wanted(statuses=statuses, service_ids={service.id}, since=begin)
        for statuses in (set(Status) - {Status.RESOLVED}, {Status.RESOLVED})
    ]
    listed = Listings(table).newest(wanted, MOST_INCIDENTS, now, deadline)
    incidents = table.incidents({each.id for each in listed}, deadline).values()
    ours = [each for each in incidents if not each.internal]
    alerts = table.opening_alerts(ours, deadline)
    stage = Stage(
        invocation.deployment.name, service, Loading(table, deadline).roster(service, None)
    )
    played = []
    for each in ours:
        sent = parsed(alerts[each.id].body).get("dedup_key") if each.id in alerts else None
        key = sent if isinstance(sent, str) else each.dedup_key
        played.append((each, key, table.pages(each.id, deadline)))
    heard = Mirrors(table).heard(service.id, begin, deadline)
    return compared(played, heard, stage, known.users, now)


def _data(each: Compared) -> dict[str, Any]:
    return {
        "incidentId": each.incident.id if each.incident else None,
        "dedupKey": each.key,
        "at": stamp(each.at),
        "opsknight": _people(each.ours),
        "wouldHave": each.played,
        "oldSystem": _people(each.theirs),
        "differences": list(each.differences),
    }


def _people(paged: Paged) -> list[dict[str, str]]:
    return [{"name": name, "at": stamp(at)} for name, at in paged.items()]


def _show(service: Service, rows: Sequence[Compared], screen: Screen) -> None:
    different = sum(bool(each.differences) for each in rows)
    incidents = "1 incident" if len(rows) == 1 else f"{len(rows)} incidents"
    screen.say(f"{slug_of(service.id)}: {incidents}, {different} with a difference", "bold")
    for each in rows:
        title = each.incident.title if each.incident else each.key
        name = short(each.incident.id, each.incident.status) if each.incident else "-"
        line = f"  {shown(each.at, UTC_ZONE)}  {name}  {printable(title)}"
        screen.hanging(Text(line, "" if each.differences else "dim"), 0, 4)
        screen.hanging(Text(f"    OpsKnight: {_line(each.ours, each.at)}"), 0, 6)
        screen.hanging(Text(f"    Old system: {_line(each.theirs, each.at)}"), 0, 6)
        for said in each.differences:
            screen.hanging(Text(f"    {said}", "yellow"), 0, 6)
    screen.say()


def _line(paged: Paged, opened: datetime) -> str:
    said = []
    for name, at in paged.items():
        minutes = round((at - opened).total_seconds() / 60)
        said.append(f"{printable(name)} +{max(minutes, 0)} min")
    return ", ".join(said) or "nobody"
