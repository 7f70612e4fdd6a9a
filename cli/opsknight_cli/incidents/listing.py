"""`incidents list`, `show` and `watch`: what there is, and what becomes of it."""

from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.text import Text

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.config.lint import meant
from opsknight.incident.model import ACTIVE, Status, Urgency
from opsknight.store.calls import Unavailable
from opsknight.store.listings import Listed, Listings, Wanted
from opsknight.views import answers, incident_records
from opsknight.views.wire import time as instant
from opsknight.views.wire import to_json
from opsknight_cli.deployments import Deployment, Where
from opsknight_cli.incidents import view
from opsknight_cli.incidents.view import UTC_ZONE, short
from opsknight_cli.session import (
    JsonOption,
    ProfileOption,
    Refused,
    RegionOption,
    Session,
    StackOption,
    session_of,
)
from opsknight_cli.terminal.naming import IncidentArgument, configuration, incident_id
from opsknight_cli.terminal.screen import Line, Screen, printable
from opsknight_cli.terminal.times import earlier

USUAL_LIMIT: Final = 50
MOST_LISTED: Final = 1000
# Resolved incidents lie by service and month: without a service, all of all time would be many
# questions.
LOOKED_BACK: Final = timedelta(days=7)
POLLED_EVERY: Final = 5.0
WATCHED: Final = 500
# Shorter than the patience of a command: the next look comes in any case.
PATIENCE_OF_A_LOOK: Final = 10

app = typer.Typer(help="See what is open, and act on it.", no_args_is_help=True)

StatusOption = Annotated[
    list[Status] | None,
    typer.Option("--status", case_sensitive=False, help="Only these; may be repeated."),
]
UrgencyOption = Annotated[
    list[Urgency] | None,
    typer.Option("--urgency", case_sensitive=False, help="Only these; may be repeated."),
]
ServiceOption = Annotated[str | None, typer.Option("--service", help="Only of this service.")]
TeamOption = Annotated[str | None, typer.Option("--team", help="Only of this team's services.")]


@app.command("list")
def list_command(
    context: typer.Context,
    status: StatusOption = None,
    urgency: UrgencyOption = None,
    service: ServiceOption = None,
    team: TeamOption = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help='Opened since: "2h" ago, or "2026-11-25 18:00" in UTC.'),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Opened before: the same.")] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Resolved ones.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Active and resolved ones.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST_LISTED, help="The newest so many.")
    ] = USUAL_LIMIT,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List incidents, newest first: those that are active, unless others are asked for."""
    session, screen = session_of(context), Screen(as_json=as_json)
    if resolved + everything + bool(status) > 1:
        raise Refused("Which? Give one of --status, --resolved and --all.")
    statuses: Set[Status] = set(status or ACTIVE)
    if resolved or everything:
        statuses = set(Status) if everything else {Status.RESOLVED}
    deployment = session.find(Where(stack, region, profile))
    now = session.now()
    wanted = Wanted(
        statuses=statuses,
        service_ids=_services(deployment, session, service, team),
        urgencies=set(urgency or Urgency),
        since=earlier(since, now, UTC_ZONE) if since else None,
        until=earlier(until, now, UTC_ZONE) if until else None,
    )
    asked, looked_back = _lists(deployment, session, wanted)
    found = Listings(deployment.table).newest(asked, limit + 1, now, session.deadline())
    more = len(found) > limit
    found = found[:limit]
    if as_json:
        listed = [to_json(answers.listed(each)) for each in found]
        screen.data({"incidents": listed, "more": more})
        return
    width, _ = screen.size
    if found:
        screen.lines(view.listing(found, now, width))
    else:
        screen.say("There are no such incidents." if _narrowed(wanted) else "Nothing is active.")
    if more:
        screen.say(
            f"There are more than the newest {limit}: --limit sets how many are shown.", "dim"
        )
    if looked_back:
        days = LOOKED_BACK.days
        screen.say(
            f"Of resolved ones, those opened in the last {days} days: --since looks further back, "
            "--service at all of a service.",
            "dim",
        )


def _narrowed(wanted: Wanted) -> bool:
    return wanted != Wanted(statuses=set(ACTIVE))


def _services(
    deployment: Deployment, session: Session, service: str | None, team: str | None
) -> Set[str] | None:
    """Those whose incidents are asked for; None for all."""
    if service is None and team is None:
        return None
    seen = configuration(deployment, session)
    if team is not None and id_of(Kind.TEAM, team) not in seen.teams:
        hint = meant(team, map(slug_of, seen.teams))
        raise Refused(f'There is no team called "{team}".{hint}')
    if service is not None and id_of(Kind.SERVICE, service) not in seen.services:
        hint = meant(service, map(slug_of, seen.services))
        raise Refused(f'There is no service called "{service}".{hint}')
    return {
        each.id
        for each in seen.services.values()
        if (team is None or each.team_id == id_of(Kind.TEAM, team))
        and (service is None or each.id == id_of(Kind.SERVICE, service))
    }


def _lists(
    deployment: Deployment, session: Session, wanted: Wanted
) -> tuple[Sequence[Wanted], bool]:
    """The lists to look at, and whether time was bounded where nobody asked for it."""
    asked = []
    if active := wanted.statuses & ACTIVE:
        asked.append(replace(wanted, statuses=active))
    looked_back = False
    if Status.RESOLVED in wanted.statuses:
        services, since = wanted.service_ids, wanted.since
        if services is None:
            services = configuration(deployment, session).services.keys()
        if since is None and len(services) > 1:
            since, looked_back = session.now() - LOOKED_BACK, True
        asked += [
            replace(wanted, statuses={Status.RESOLVED}, service_ids={each}, since=since)
            for each in sorted(services)
        ]
    return asked, looked_back


@app.command("show")
def show_command(
    context: typer.Context,
    incident: IncidentArgument,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one incident: facts, escalation, timeline, alerts, and who was told."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    table, deadline = deployment.table, session.deadline()
    found = table.incident(incident_id(deployment, session, incident), deadline)
    if found is None:
        raise Refused(f"There is no incident {incident}.")
    seen = incident_records.read(table, found, deadline)
    pages = table.pages(found.id, deadline)
    if as_json:
        told = [to_json(answers.page(each)) for each in pages]
        timers = {name: instant(at) for name, at in sorted(found.timers.items())}
        details = to_json(answers.incident(seen))
        screen.data({"incident": details | {"pages": told, "timers": timers}})
        return
    policy = None
    if found.policy_id and found.policy_version:
        policy = table.policy(found.policy_id, deadline, found.policy_version)
    view.show(screen, seen, pages, policy, session.now())


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at all active incidents that are watched, and what is new in it."""

    active: Sequence[Listed]
    events: Sequence[tuple[Status | None, Listed]]
    """Incidents with the status that they had in the look before; None for a new one."""


@app.command("watch")
def watch_command(
    context: typer.Context,
    status: StatusOption = None,
    urgency: UrgencyOption = None,
    service: ServiceOption = None,
    team: TeamOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch active incidents until Ctrl-C: a live list, or in a pipe a line for each change."""
    session, screen = session_of(context), Screen(as_json=as_json)
    if status and Status.RESOLVED in status:
        raise Refused("Active incidents are watched; that one is resolved is told.")
    deployment = session.find(Where(stack, region, profile))
    wanted = Wanted(
        statuses=set(status or ACTIVE),
        service_ids=_services(deployment, session, service, team),
        urgencies=set(urgency or Urgency),
    )
    watched = _Watched(deployment, session, wanted)
    with suppress(KeyboardInterrupt):
        if screen.live and not as_json:
            with screen.painting() as paint:
                _poll(session, screen, watched, lambda seen: paint(_painted(seen, session, screen)))
        else:
            _poll(session, screen, watched, lambda seen: _write(seen, session, screen))


def _poll(
    session: Session, screen: Screen, watched: "_Watched", tell: Callable[[Seen], None]
) -> None:
    while True:
        try:
            tell(watched.look())
        except Unavailable as error:
            # Whoever watches at night must not have to start again.
            screen.complain(f"{error}. Looking again in {POLLED_EVERY:g} seconds.")
        session.sleep(POLLED_EVERY)


class _Watched:
    def __init__(self, deployment: Deployment, session: Session, wanted: Wanted) -> None:
        self._table = deployment.table
        self._session = session
        self._wanted = wanted
        self._known: dict[str, Listed] = {}
        self._ended: set[str] = set()

    def look(self) -> Seen:
        """Raises Unavailable."""
        now, deadline = self._session.now(), self._session.deadline(PATIENCE_OF_A_LOOK)
        listed = Listings(self._table).newest([self._wanted], WATCHED, now, deadline)
        # The index may be a moment behind, and resolved is final.
        found = [each for each in listed if each.id not in self._ended]
        active = {each.id: each for each in found}
        gone = self._known.keys() - active.keys()
        # What left the list is resolved, or of another status than is watched; or too many came.
        left = [
            Listed.model_validate(each, from_attributes=True)
            for each in self._table.incidents(gone, deadline).values()
        ]
        events: list[tuple[Status | None, Listed]] = []
        for each in sorted([*found, *left], key=lambda one: one.id):
            before = self._known.get(each.id)
            if before is None:
                events.append((None, each))
            elif before.status is not each.status and (
                self._wanted.statuses & {before.status, each.status}
            ):
                events.append((before.status, each))
        self._ended |= {each.id for each in left if each.status is Status.RESOLVED}
        self._known = active | {each.id: each for each in left if each.id not in self._ended}
        return Seen(found, events)


def _painted(seen: Seen, session: Session, screen: Screen) -> Iterable[Line]:
    now = session.now()
    width, height = screen.size
    count = "Nothing is" if not seen.active else f"{len(seen.active)}"
    yield Line(0, Text(f"{count} active at {now:%H:%M:%S} UTC. Ctrl-C ends.", "dim"))
    if not seen.active:
        return
    lines = view.listing(seen.active, now, width)
    room = height - 3
    yield from lines[:room]
    if len(lines) > room:
        yield Line(0, Text("... and more than fit", "dim"))


def _write(seen: Seen, session: Session, screen: Screen) -> None:
    now = session.now()
    for before, each in seen.events:
        if screen.as_json:
            listed = to_json(answers.listed(each))
            screen.line({"at": instant(now), "before": before, "incident": listed})
            continue
        what = f"{each.status}" if before is None else f"{before} -> {each.status}"
        line = Text(f"{now:%H:%M:%S}  {short(each.id, each.status)}  ")
        line.append_text(view.urgency(each.urgency)).append(
            f"  {what}  {slug_of(each.service_id)}  {printable(each.title)}"
        )
        screen.hanging(line, 0, 4)
    screen.flush()
