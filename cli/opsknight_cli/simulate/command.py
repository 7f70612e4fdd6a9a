"""`simulate`: reads an event and the place to play it in, and shows who would be paged."""

from pathlib import Path
from typing import Annotated

import typer

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.directory.entries import Service
from opsknight.directory.integrations import Integration
from opsknight.http.body import InvalidBody, InvalidJson, parse
from opsknight.incident.event_request import LARGEST_BODY, EventRequest
from opsknight.incident.events import AT_ONCE
from opsknight.incident.model import OPSKNIGHT, Event, Pointer
from opsknight.integrations.aws import Told
from opsknight.integrations.aws_shapes import of_queue
from opsknight.integrations.drafts import shortened
from opsknight.store.configurations import Configurations
from opsknight.store.routing import Origin, read
from opsknight.views.night.play import Stage, play
from opsknight.views.night.roster import Loading, roster_of
from opsknight_cli.configuration.loading import load_valid, name_of
from opsknight_cli.files.texts import STDIN
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.simulate import view
from opsknight_cli.simulate.routing import Way, of_aws, way
from opsknight_cli.terminal import naming
from opsknight_cli.terminal.clocks import reading_clock
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import unknown
from opsknight_cli.terminal.times import UTC_ZONE, moment

app = typer.Typer()


@app.command("simulate")
@common_options(acting=True)
def simulate_command(
    invocation: Invocation,
    event: Annotated[
        str, typer.Argument(help="A file with the body of an event, or - for standard input.")
    ],
    service: Annotated[
        str | None,
        typer.Option("--service", help="The service to send it to, if there are several."),
    ] = None,
    integration: Annotated[
        str | None,
        typer.Option("--integration", help="The integration of it that sends it, by its routes."),
    ] = None,
    aws: Annotated[
        bool,
        typer.Option("--aws", help="The event is one of AWS's own, as EventBridge or SNS has it."),
    ] = False,
    at: Annotated[
        str | None,
        typer.Option("--at", help='When it is sent: "2026-11-25 18:00" by your clock, or "+2h".'),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", help="Use this configuration file instead of a deployment."),
    ] = None,
) -> None:
    """Show who would be paged for an event, when and how. Writes and sends nothing."""
    screen, now = invocation.screen, invocation.session.now()
    if file == STDIN == event:
        raise UsageError("Standard input can be the event or the configuration, not both.")
    # A file may be simulated where nothing is deployed yet, so that nobody has a clock.
    zone = reading_clock(invocation) if file is None else UTC_ZONE
    begins = now if at is None else moment(at, now, zone)
    body = _body(invocation, event)
    wanted = None if service is None else id_of(Kind.SERVICE, service)
    routed = None
    if aws:
        if service is not None or integration is not None:
            raise UsageError("With --aws the rules of the file say which service it is.")
        routed = _of_aws(invocation, file, body, event)
    else:
        request = _request(body, event)
        if wanted is None and isinstance(request.service_id, str):
            wanted = request.service_id
        if integration is not None:
            if wanted is None:
                raise UsageError("Give --service with the service of the integration.")
            routed = _way(invocation, file, integration, request.event(wanted, body, OPSKNIGHT))
    if routed is not None:
        wanted = routed.event.service_id
        if routed.dropped:
            if screen.as_json:
                screen.data({"result": "dropped", "route": routed.route})
            else:
                screen.say(routed.sentence)
            return
    dedup_key = request.dedup_key if routed is None else routed.event.dedup_key
    if file is None:
        stage = _deployed(invocation, wanted, dedup_key)
    else:
        configuration = load_valid(invocation, file)
        found = _chosen(wanted, dict(configuration.services))
        stage = Stage(file, found, roster_of(configuration, found.id))
    sent = routed.event if routed else request.event(stage.service.id, body, OPSKNIGHT)
    played = play(sent, stage, begins, routed.opening if routed else AT_ONCE)
    if screen.as_json:
        screen.data(view.data(played) | ({"route": routed.route} if routed else {}))
        return
    if routed is not None:
        screen.say(routed.sentence)
    view.show(played, screen, zone)


def _way(invocation: Invocation, file: str | None, integration: str, event: Event) -> Way:
    """Where the event goes. Raises CommandError."""
    known = naming.configuration(invocation) if file is None else load_valid(invocation, file)
    key = f"{event.service_id}/{id_of(Kind.INTEGRATION, integration)}"
    found = known.integrations.get(key)
    if found is None:
        service = slug_of(event.service_id)
        raise CommandError(f'There is no integration "{integration}" of service {service}.')
    active = None
    if file is None:
        active = _active(invocation, found, event)
    return way(found, event, known.services, active)


def _of_aws(invocation: Invocation, file: str | None, body: str, name: str) -> Way:
    """Raises CommandError for what is no event."""
    known = naming.configuration(invocation) if file is None else load_valid(invocation, file)
    told = of_queue(body, "simulated", invocation.session.now())
    if not isinstance(told, Told):
        raise CommandError(f"{name_of(name)} is no event that pages: {told.why}.")
    active = None
    if file is None:
        table, deadline = invocation.deployment.table, invocation.session.deadline()
        seen = read(table, Origin("aws", "aws", shortened(told.key)), [], deadline)
        if (routed := seen.routed) is not None:
            pointer = table.pointer(routed.service_id, routed.dedup_key, deadline)
            active = pointer if pointer and pointer.id == routed.incident_id else None
    return of_aws(told, known, active)


def _active(invocation: Invocation, integration: Integration, event: Event) -> Pointer | None:
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    origin = Origin(event.service_id, integration.id, event.dedup_key)
    home = event.service_id, event.dedup_key
    seen = read(table, origin, [home], deadline)
    if (routed := seen.routed) is not None:
        pointer = table.pointer(routed.service_id, routed.dedup_key, deadline)
        if pointer is not None and pointer.id == routed.incident_id:
            return pointer
    return seen.pointers.get(home)


def _body(invocation: Invocation, file: str) -> str:
    if file == STDIN:
        return invocation.session.read_stdin()
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandError(f"{file} cannot be read: {why}.") from None


def _request(body: str, file: str) -> EventRequest:
    name = name_of(file)
    encoded = body.encode(errors="surrogatepass")
    if len(encoded) > LARGEST_BODY:
        raise CommandError(f"{name} is too large: an event has at most {LARGEST_BODY} bytes.")
    try:
        return parse(EventRequest, encoded)
    except InvalidJson as error:
        raise CommandError(f"{name} is not JSON: {error}.") from None
    except InvalidBody as error:
        issues = "; ".join(f"{each.path} {each.message}" for each in error.issues)
        raise CommandError(f"{name} is not a valid event: {issues}.") from None


def _deployed(invocation: Invocation, wanted: str | None, dedup_key: str) -> Stage:
    deployment, deadline = invocation.deployment, invocation.session.deadline()
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


def _chosen(wanted: str | None, known: dict[str, Service]) -> Service:
    match wanted, list(known.values()):
        case None, [only]:
            return only
        case None, []:
            raise CommandError("There is no service to send the event to.")
        case None, _:
            names = ", ".join(map(slug_of, known))
            raise UsageError(f"Give --service with one of {names}.")
        case str(), _ if wanted in known:
            return known[wanted]
        case _:
            raise unknown(Kind.SERVICE, slug_of(wanted or ""), known)
