"""`incidents list` and `incidents show`."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

import typer

from opsknight.incident.model import ACTIVE, Status, Urgency
from opsknight.store.listings import Listings, Wanted
from opsknight.store.names import read_names
from opsknight.views import answers, incident_records
from opsknight.views.names import Names, of_incident, of_listed
from opsknight.views.wire import time as instant
from opsknight.views.wire import to_json
from opsknight_cli.incidents import view
from opsknight_cli.incidents.filters import (
    ServiceOption,
    StatusOption,
    TeamOption,
    UrgencyOption,
    service_ids,
)
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal import holding, shadows
from opsknight_cli.terminal.clocks import reading_clock
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import IncidentArgument, configuration, incident_id
from opsknight_cli.terminal.times import UTC_ZONE, earlier

DEFAULT_LIMIT: Final = 50
MOST_LISTED: Final = 1000
# Resolved incidents are stored by service and month, so a list of all services and all time would
# take very many queries.
RESOLVED_SINCE: Final = timedelta(days=7)

app = typer.Typer()


@app.command("list")
@common_options(acting=True)
def list_command(
    invocation: Invocation,
    status: StatusOption = None,
    urgency: UrgencyOption = None,
    service: ServiceOption = None,
    team: TeamOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", help='Opened since "2h" ago, or since "2026-11-25 18:00" by your clock.'
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Opened before; written like --since.")
    ] = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Show resolved incidents instead.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show active and resolved incidents.")
    ] = False,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", min=1, max=MOST_LISTED, help="Show at most this many, newest first."
        ),
    ] = DEFAULT_LIMIT,
) -> None:
    """List incidents, newest first. Only active ones, unless you ask for others."""
    session, screen = invocation.session, invocation.screen
    if resolved + everything + bool(status) > 1:
        raise UsageError("Give only one of --status, --resolved and --all.")
    statuses: Set[Status] = set(status or ACTIVE)
    if resolved or everything:
        statuses = set(Status) if everything else {Status.RESOLVED}
    now = session.now()
    zone = reading_clock(invocation) if since or until else UTC_ZONE
    opened_since = earlier(since, now, zone) if since else None
    opened_before = earlier(until, now, zone) if until else None
    wanted = Wanted(
        statuses=statuses,
        service_ids=service_ids(invocation, service, team),
        urgencies=set(urgency or Urgency),
        since=opened_since,
        until=opened_before,
    )
    queries, shortened = _queries(invocation, wanted)
    listings = Listings(invocation.deployment.table)
    found = listings.newest(queries, limit + 1, now, session.deadline())
    more = len(found) > limit
    found = found[:limit]
    if screen.as_json:
        names = Names(read_names(invocation.deployment.table, of_listed(found), session.deadline()))
        screen.data(
            {
                "incidents": [to_json(answers.listed(each, names)) for each in found],
                "more": more,
                "hold": holding.data(holding.current(invocation)),
                "shadow": shadows.data(shadows.current(invocation)),
            }
        )
        return
    holding.warn(invocation)
    shadows.warn(invocation)
    if found:
        view.show_list(screen, found, now)
    elif wanted == Wanted(statuses=set(ACTIVE)):
        screen.say("No incident is active.")
    else:
        screen.say("No incident matches.")
    if more:
        screen.say("More incidents match: --limit sets how many are shown.", "dim")
    if shortened:
        screen.say(
            f"Resolved incidents are those opened in the last {RESOLVED_SINCE.days} days. Use "
            "--since to look further back, or --service to see all of one service.",
            "dim",
        )


def _queries(invocation: Invocation, wanted: Wanted) -> tuple[Sequence[Wanted], bool]:
    """The queries to make, and whether they look back less far than the operator asked."""
    queries = []
    if active := wanted.statuses & ACTIVE:
        queries.append(replace(wanted, statuses=active))
    shortened = False
    if Status.RESOLVED in wanted.statuses:
        services, since = wanted.service_ids, wanted.since
        if services is None:
            services = configuration(invocation).services.keys()
        if since is None and len(services) > 1:
            since, shortened = invocation.session.now() - RESOLVED_SINCE, True
        queries += [
            replace(wanted, statuses={Status.RESOLVED}, service_ids={each}, since=since)
            for each in sorted(services)
        ]
    return queries, shortened


@app.command("show")
@common_options(acting=True)
def show_command(invocation: Invocation, incident: IncidentArgument) -> None:
    """Show one incident: facts, escalation, timeline, alerts, and messages sent."""
    session, screen = invocation.session, invocation.screen
    table, deadline = invocation.deployment.table, session.deadline()
    found = table.incident(incident_id(invocation, incident), deadline)
    if found is None:
        raise CommandError(f"There is no incident {incident}.")
    details = incident_records.read(table, found, deadline)
    pages = table.pages(found.id, deadline)
    if screen.as_json:
        names = Names(read_names(table, of_incident(details), deadline))
        more = {
            "pages": [to_json(answers.page(each)) for each in pages],
            "timers": {name: instant(at) for name, at in sorted(found.timers.items())},
        }
        screen.data({"incident": to_json(answers.incident(details, names, UTC_ZONE)) | more})
        return
    holding.warn(invocation)
    policy = None
    if found.policy_id and found.policy_version:
        policy = table.policy(found.policy_id, deadline, found.policy_version)
    view.show(screen, details, pages, policy, session.now(), reading_clock(invocation))
