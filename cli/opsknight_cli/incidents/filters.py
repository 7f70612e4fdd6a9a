"""The filters that `incidents list` and `incidents watch` share."""

from collections.abc import Set
from typing import Annotated

import typer

from opsknight.config.configuration import Kind, id_of
from opsknight.incident.model import Status, Urgency
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import configuration, unknown

StatusOption = Annotated[
    list[Status] | None,
    typer.Option("--status", case_sensitive=False, help="Only this status; may be repeated."),
]
UrgencyOption = Annotated[
    list[Urgency] | None,
    typer.Option("--urgency", case_sensitive=False, help="Only this urgency; may be repeated."),
]
ServiceOption = Annotated[str | None, typer.Option("--service", help="Only this service.")]
TeamOption = Annotated[str | None, typer.Option("--team", help="Only services of this team.")]


def service_ids(invocation: Invocation, service: str | None, team: str | None) -> Set[str] | None:
    """The services that both options leave; None for all. Raises CommandError for a wrong name."""
    if service is None and team is None:
        return None
    known = configuration(invocation)
    service_id = None if service is None else id_of(Kind.SERVICE, service)
    team_id = None if team is None else id_of(Kind.TEAM, team)
    if team_id is not None and team_id not in known.teams:
        raise unknown(Kind.TEAM, team or "", known.teams)
    if service_id is not None and service_id not in known.services:
        raise unknown(Kind.SERVICE, service or "", known.services)
    return {
        each.id
        for each in known.services.values()
        if team_id in (None, each.team_id) and service_id in (None, each.id)
    }
