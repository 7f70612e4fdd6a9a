"""Opsgenie's integrations and heartbeats, and their maintenance."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.directory.heartbeats import Heartbeat as OurHeartbeat
from opsknight.directory.integrations import Integration as OurIntegration
from opsknight.directory.routing import Route, Routing
from opsknight.incident.model import Severity
from opsknight.oncall.wall_clock import DAY
from opsknight_cli.importing.draft import Draft, Names, title
from opsknight_cli.importing.expressions import both, literal
from opsknight_cli.importing.opsgenie.services import SEVERITIES, TeamService, fitting
from opsknight_cli.importing.opsgenie.shapes import Export, Heartbeat, Integration, Maintenance
from opsknight_cli.importing.outcome import PlannedWindow, Source
from opsknight_cli.importing.senders import setting
from opsknight_cli.importing.wire import understood

_API: Final = "address {url}/v2/alerts, API key"
MOST_ROUTES: Final = 100
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = 366 * DAY


class _Senders:
    def __init__(self, teams: Mapping[str, TeamService], draft: Draft) -> None:
        self.teams, self.draft = teams, draft
        self._names: dict[str, Names] = {}
        self.services: dict[str, set[str]] = {}
        """The services, by key, that the alerts of an integration there can reach."""

    def add(
        self,
        service_id: str,
        was: str,
        kind: str,
        where: str,
        routes: Iterable[Route] = (),
        heartbeat: OurHeartbeat | None = None,
    ) -> None:
        slug = self._names.setdefault(service_id, Names()).slug(was, "integration")
        found = tuple(routes)
        if len(found) > MOST_ROUTES:
            self.draft.lose_page(
                f"integration {was}",
                f"Takes {len(found)} routes, and an integration has {MOST_ROUTES} at most: the "
                f"rest goes to {slug_of(service_id)}.",
            )
        self.draft.add(
            OurIntegration(
                id=id_of(Kind.INTEGRATION, slug),
                service_id=service_id,
                name=title(was, slug),
                routing=Routing(routes=found[:MOST_ROUTES]) if found else None,
                heartbeat=heartbeat,
            )
        )
        self.draft.sources.append(Source(slug_of(service_id), slug, was, kind, where))


def add_senders(
    export: Export, teams: Mapping[str, TeamService], draft: Draft
) -> dict[str, set[str]]:
    """The services, by their keys in the file, that an integration there can reach."""
    senders = _Senders(teams, draft)
    for each in understood(Integration, export.integrations, "integration", draft):
        where = f"integration {each.name}"
        if not each.enabled:
            draft.leave(where, "Is not in the file: it is disabled.")
            continue
        if "email" in each.type.lower():
            draft.lose_page(
                where,
                "Takes e-mails, and nothing takes them here: let its senders call an address "
                "instead.",
            )
            continue
        team_id = each.team_id or (each.owner_team.id if each.owner_team else "")
        change = setting(f"{each.type} {each.name}", _API)
        if team := teams.get(team_id):
            senders.add(team.service_id, each.name, each.type, change, team.routes)
            senders.services[each.id] = _reached(team.service_id, team.routes)
            continue
        if not teams:
            draft.lose_page(
                where, "Is not in the file: there is no team whose service it could be."
            )
            continue
        home = next(iter(teams.values()))
        draft.page_otherwise(
            where,
            "Belongs to no team. Its alerts go to the teams that they name as responders; what "
            f"names somebody else goes to {slug_of(home.service_id)}, and what names nobody opens "
            "suppressed.",
        )
        routes = tuple(_by_responders(teams.values(), where, draft))
        senders.add(home.service_id, each.name, each.type, change, routes)
        senders.services[each.id] = _reached(home.service_id, routes)
    for beat in understood(Heartbeat, export.heartbeats, "heartbeat", draft):
        _add_heartbeat(beat, senders, draft)
    return senders.services


def _reached(service_id: str, routes: Iterable[Route]) -> set[str]:
    ids = {service_id} | {each.service_id for each in routes if each.service_id}
    return {slug_of(each) for each in ids}


def _by_responders(teams: Iterable[TeamService], where: str, draft: Draft) -> Iterable[Route]:
    for team in teams:
        named = (
            f"contains((payload.responders || payload.teams)[].name || `[]`, {literal(team.name)})"
        )
        for route in team.routes:
            inner = route.model_copy(
                update={
                    "name": title(f"{team.name}: {route.name}", "team"),
                    "when": both(named, route.when),
                    "service_id": None if route.drop else route.service_id or team.service_id,
                }
            )
            yield from fitting(inner, where, draft)
        yield Route(name=title(team.name, "team"), when=named, service_id=team.service_id)
    yield Route(name="no responders", when="!(payload.responders || payload.teams)", suppress=True)


def _add_heartbeat(beat: Heartbeat, senders: _Senders, draft: Draft) -> None:
    where = f"heartbeat {beat.name}"
    if not beat.enabled:
        draft.leave(where, "Is not in the file: it is disabled.")
        return
    team = senders.teams.get(beat.owner_team.id if beat.owner_team else "")
    if team is None:
        team = next(iter(senders.teams.values()), None)
        if team is None:
            draft.lose_page(where, "Is not in the file: there is no team whose service pages.")
            return
        draft.page_otherwise(
            where, f"Belongs to no team: {slug_of(team.service_id)} pages when it stops."
        )
    unit = {"hours": timedelta(hours=1), "days": DAY}.get(beat.interval_unit, _SHORTEST)
    every = min(max(beat.interval * unit, _SHORTEST), _LONGEST)
    severity = SEVERITIES.get(beat.alert_priority or "", Severity.CRITICAL)
    kept = OurHeartbeat(every=every, severity=severity)
    change = f"address {{url}}/v2/heartbeats/{quote(beat.name, safe='')}/ping, API key"
    senders.add(team.service_id, beat.name, "heartbeat", change, heartbeat=kept)


def add_windows(
    export: Export, services: Mapping[str, set[str]], draft: Draft, now: datetime
) -> None:
    for each in understood(Maintenance, export.maintenance, "maintenance", draft):
        if each.time.end_date <= max(now, each.time.start_date):
            continue
        reason = title(each.description or "", "Imported")
        quiet = {rule.entity.id for rule in each.rules if rule.state == "disabled"}
        known = {service for name in quiet for service in services.get(name, ())}
        # Here a window is of a whole service: what else sends to it must not fall silent, too.
        loud = {
            service
            for name, several in services.items()
            if name not in quiet
            for service in several
        }
        if not known - loud:
            draft.page_more(
                f"maintenance {reason}",
                "Suppresses nothing: a window is of a whole service here, and others send to it, "
                "or the integration is not in the file.",
            )
            continue
        draft.windows.append(
            PlannedWindow(
                tuple(sorted(known - loud)), each.time.start_date, each.time.end_date, reason
            )
        )
