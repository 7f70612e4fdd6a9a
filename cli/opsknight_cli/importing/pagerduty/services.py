"""PagerDuty's services: their urgency, times and maintenance, and the senders of their events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.directory.entries import Service as OurService
from opsknight.directory.integrations import Integration as OurIntegration
from opsknight.directory.routing import Route, Routing
from opsknight.incident.model import Severity
from opsknight.oncall.wall_clock import DAY
from opsknight_cli.importing.draft import Draft, Names, title
from opsknight_cli.importing.outcome import PlannedWindow, Source
from opsknight_cli.importing.pagerduty.shapes import (
    EscalationPolicy,
    Export,
    Integration,
    MaintenanceWindow,
    Reference,
    Service,
)
from opsknight_cli.importing.pagerduty.urgency import hours_and_changes, routes
from opsknight_cli.importing.senders import setting
from opsknight_cli.importing.wire import understood

_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = 30 * DAY
_V2: Final = "address {url}/v2/enqueue, routing_key"
_V1: Final = "address {url}/generic/2010-04-15/create_event.json, service_key"


@dataclass(frozen=True, slots=True)
class Carried:
    """A service that is in the file."""

    id: str
    changed: Mapping[Severity, Severity]
    """What its urgency rule makes of a severity."""
    rules: tuple[Route, ...]
    """Its own orchestration, without that."""


def add_services(
    export: Export,
    teams: Mapping[str, str],
    policies: Mapping[str, str],
    rules: Mapping[str, tuple[Route, ...]],
    draft: Draft,
) -> dict[str, Carried]:
    """By their ids; `rules`, too: the routes of the service's own orchestration."""
    found: dict[str, Carried] = {}
    owners = {
        each.id: each.teams
        for each in understood(EscalationPolicy, export.escalation_policies, "", Draft(""))
    }
    for service in understood(Service, export.services, "service", draft):
        name = service.name or service.called
        where = f"service {name}"
        policy = service.escalation_policy or Reference(id="")
        if policy.id not in policies:
            draft.lose_page(
                where,
                f"Is not in the file: its policy {policy.called or '(none)'} is not. Whatever "
                "sends to it pages nobody here.",
            )
            continue
        owned_by = (*service.teams, *owners.get(policy.id, ()))
        known = [teams[each.id] for each in owned_by if each.id in teams]
        service_id = draft.name(Kind.SERVICE, name, service.id)
        hours, changed = hours_and_changes(service, where, draft)
        found[service.id] = Carried(service_id, changed, rules.get(service.id, ()))
        draft.add(
            OurService(
                id=service_id,
                name=title(name, service.id),
                team_id=known[0] if known else draft.team_without,
                policy_id=policies[policy.id],
                acknowledgement_timeout=_timeout(service.acknowledgement_timeout),
                auto_resolve=_timeout(service.auto_resolve_timeout),
                support_hours=hours,
                disabled=service.status == "disabled",
            )
        )
        _leave(service, where, draft)
        own = routes(changed, rules.get(service.id, ()))
        _add_integrations(service, service_id, own, where, draft)
    return found


def _timeout(seconds: int | None) -> timedelta | None:
    return min(max(timedelta(seconds=seconds), _SHORTEST), _LONGEST) if seconds else None


def _leave(service: Service, where: str, draft: Draft) -> None:
    grouping = service.alert_grouping_parameters or {}
    if grouping.get("type"):
        draft.page_more(
            where,
            "Alerts are not grouped by their content or time: each dedup key has an incident of "
            "its own. A route with `group` joins those that share a field.",
        )
    pause = service.auto_pause_notifications_parameters
    if pause and pause.enabled:
        draft.page_more(
            where,
            "Nothing guesses which alerts will resolve themselves: `page_after` of an integration "
            "makes all of them wait.",
        )
    if service.response_play:
        draft.lose_page(
            where, "Its response play adds responders, and there are none here: add policy steps."
        )


def _add_integrations(
    service: Service,
    service_id: str,
    found: tuple[Route, ...],
    where: str,
    draft: Draft,
) -> None:
    names = Names()
    for each in service.integrations:
        name = each.name or each.called
        if "email" in each.type:
            draft.lose_page(
                where,
                f"{name} takes e-mails, and nothing takes them here: let its senders call an "
                "address instead.",
            )
            continue
        slug = names.slug(name, "integration")
        draft.add(
            OurIntegration(
                id=id_of(Kind.INTEGRATION, slug),
                service_id=service_id,
                name=title(name, slug),
                routing=Routing(routes=found) if found else None,
            )
        )
        kind = _kind(each)
        draft.sources.append(
            Source(
                service=slug_of(service_id),
                integration=slug,
                was=f"{service.name}: {name}",
                kind=kind,
                where=setting(f"{kind} {name}", _V1 if "generic_events" in each.type else _V2),
            )
        )


def _kind(each: Integration) -> str:
    if each.vendor and each.vendor.summary:
        return each.vendor.summary
    kind = each.type.removesuffix("_reference").removesuffix("_inbound_integration")
    return kind.replace("_", " ")


def add_windows(
    export: Export, services: Mapping[str, Carried], draft: Draft, now: datetime
) -> None:
    for window in understood(
        MaintenanceWindow, export.maintenance_windows, "maintenance window", draft
    ):
        if window.end_time <= max(now, window.start_time):
            continue
        known = [slug_of(services[each.id].id) for each in window.services if each.id in services]
        reason = title(window.description or window.summary or "", "Imported")
        if not known:
            draft.page_more(
                f"maintenance {reason}", "Suppresses nothing: none of its services is in the file."
            )
            continue
        draft.windows.append(
            PlannedWindow(tuple(known), window.start_time, window.end_time, reason)
        )
