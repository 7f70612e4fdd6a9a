"""`simulate`: who would be told of an event, when and how, until its policy ends."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, assert_never
from zoneinfo import ZoneInfo

import typer

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.config.lint import meant
from opsknight.directory.entries import Service
from opsknight.http.body import InvalidBody, InvalidJson, parse
from opsknight.incident.decisions import Decision, Ignored, Merged, Opened, Transitioned, Unchanged
from opsknight.incident.event_request import LARGEST_BODY, EventRequest
from opsknight.incident.events import decide
from opsknight.incident.model import OPSKNIGHT, Event, Incident
from opsknight.simulation import Roster, Simulation, after, simulate
from opsknight.store.configurations import Configurations
from opsknight_cli.configuration.commands import read_valid
from opsknight_cli.deployments import Where
from opsknight_cli.files.reading import STDIN
from opsknight_cli.session import (
    JsonOption,
    ProfileOption,
    Refused,
    RegionOption,
    Session,
    StackOption,
    session_of,
)
from opsknight_cli.simulate import view
from opsknight_cli.simulate.roster import Loading, filed
from opsknight_cli.terminal.screen import Screen
from opsknight_cli.terminal.times import moment

UTC_ZONE: Final = ZoneInfo("UTC")

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Stage:
    """Where an event is played."""

    place: str
    """As sentences call it."""
    service: Service
    roster: Roster
    incident: Incident | None = None
    """The active one of the event's dedup key."""
    unreadable: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Played:
    event: Event
    stage: Stage
    at: datetime
    decision: Decision | None
    """None when the service is disabled: its keys are refused."""
    simulation: Simulation | None
    """None when nothing follows."""


@app.command("simulate")
def simulate_command(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="A file with an event, or - for standard input.")],
    service: Annotated[
        str | None,
        typer.Option("--service", help="Whose key it would come with, unless there is only one."),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help='"2026-11-25 18:00" in UTC, or "+2h".')
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", help="As a configuration in files says; no deployment is asked."),
    ] = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who would be paged by an event, when and how. Writes and sends nothing."""
    session, screen = session_of(context), Screen(as_json=as_json)
    body = _body(session, event)
    request = _request(body, event)
    now = session.now()
    begins = now if at is None else moment(at, now, UTC_ZONE)
    named = request.service_id if isinstance(request.service_id, str) else None
    wanted = id_of(Kind.SERVICE, service) if service is not None else named
    if file is None:
        stage = _live(session, Where(stack, region, profile), wanted, request.dedup_key)
    else:
        if file == STDIN == event:
            raise Refused("Standard input is the event or the configuration, not both.")
        stage = _filed(session, screen, file, wanted)
    played = play(request.event(stage.service.id, body, OPSKNIGHT), stage, begins)
    if as_json:
        screen.data(view.told(played))
    else:
        view.show(played, screen)


def play(event: Event, stage: Stage, at: datetime) -> Played:
    """The event is sent at that time, and nobody does anything."""
    service = stage.service
    if service.disabled:
        return Played(event, stage, at, None, None)
    decision = decide(
        stage.incident,
        event,
        now=at,
        incident_id="inc_simulated",
        alert_id="al_simulated",
        window=service.window_at(at),
        raising=service.raises_urgency,
        timeouts=service.timeouts,
    )
    return Played(event, stage, at, decision, _followed(decision, stage, at))


def _followed(decision: Decision, stage: Stage, at: datetime) -> Simulation | None:
    match decision:
        case Opened(incident):
            return simulate(incident, stage.roster, at)
        case Merged(_, alert, Transitioned() as moved) if stage.incident is not None:
            count = stage.incident.alert_count + 1
            more = {"alert_count": count, "last_alert_at": alert.at}
            changed = after(stage.incident, moved).model_copy(update=more)
            return simulate(changed, stage.roster, at, moved.change)
        case Transitioned() as moved if stage.incident is not None:
            changed = after(stage.incident, moved)
            return simulate(changed, stage.roster, at, moved.change)
        case Merged() | Transitioned() | Unchanged() | Ignored():
            return None
        case _:
            assert_never(decision)


def _body(session: Session, file: str) -> str:
    if file == STDIN:
        return session.read_stdin()
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Refused(f"{file} cannot be read: {why}.") from None


def _request(body: str, file: str) -> EventRequest:
    name = "Standard input" if file == STDIN else file
    encoded = body.encode(errors="surrogatepass")
    if len(encoded) > LARGEST_BODY:
        raise Refused(f"{name} is larger than an event may be: {LARGEST_BODY} bytes.")
    try:
        return parse(EventRequest, encoded)
    except InvalidJson as error:
        raise Refused(f"{name} is not JSON: {error}.") from None
    except InvalidBody as error:
        said = "; ".join(f"{each.path} {each.message}" for each in error.issues)
        raise Refused(f"{name} is no event, and would be refused: {said}.") from None


def _live(session: Session, where: Where, wanted: str | None, dedup_key: str) -> Stage:
    deployment, deadline = session.find(where), session.deadline()
    table = deployment.table
    found = None if wanted is None else table.service(wanted, deadline)
    if found is None:
        known = {each.id: each for each in Configurations(table).services(deadline)}
        found = _chosen(wanted, known)
    pointer = table.pointer(found.id, dedup_key, deadline)
    incident = None if pointer is None else table.incident(pointer.id, deadline)
    loading = Loading(table, deadline)
    roster = loading.roster(found, incident)
    return Stage(deployment.name, found, roster, incident, loading.unreadable)


def _filed(session: Session, screen: Screen, file: str, wanted: str | None) -> Stage:
    configuration = read_valid(session, screen, file)
    service = _chosen(wanted, dict(configuration.services))
    return Stage(file, service, filed(configuration, service.id))


def _chosen(wanted: str | None, known: dict[str, Service]) -> Service:
    if wanted is None:
        if len(known) == 1:
            return next(iter(known.values()))
        names = ", ".join(map(slug_of, known))
        said = f"of {names}" if len(known) > 1 else "but there is none"
        raise Refused(f"Which service? Give --service, {said}.")
    if wanted not in known:
        hint = meant(slug_of(wanted), map(slug_of, known))
        raise Refused(f'There is no service called "{slug_of(wanted)}".{hint}')
    return known[wanted]
