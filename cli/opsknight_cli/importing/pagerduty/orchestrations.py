"""PagerDuty's event orchestrations as routes.

There an event goes through the rules of the orchestration, is routed to a service, and goes through
that service's rules: in each set of rules the first that matches counts. Here the first route that
matches counts for everything, so a route stands for each way through all of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import PageAfter, Route, Routing
from opsknight.incident.model import Severity
from opsknight.oncall.wall_clock import DAY
from opsknight_cli.importing.draft import Draft, Names, title
from opsknight_cli.importing.expressions import ALWAYS, Beyond, both
from opsknight_cli.importing.outcome import Harm, Source
from opsknight_cli.importing.pagerduty.conditions import condition
from opsknight_cli.importing.pagerduty.services import Carried
from opsknight_cli.importing.pagerduty.shapes import (
    Actions,
    Export,
    Orchestration,
    Path,
    Rule,
    RuleSet,
)
from opsknight_cli.importing.pagerduty.urgency import expanded
from opsknight_cli.importing.wire import understood

MOST_ROUTES: Final = 100
LONGEST_CONDITION: Final = 1000
DEEPEST: Final = 10
UNROUTED: Final = "unrouted"


@dataclass(frozen=True, slots=True)
class _Way:
    """One way through sets of rules, and what the rules on it do."""

    name: str
    when: str
    actions: Actions


def service_rules(export: Export, draft: Draft) -> dict[str, tuple[Route, ...]]:
    """The routes of each service's own orchestration, by their id of the service."""
    found: dict[str, tuple[Route, ...]] = {}
    for path in understood(Path, export.orchestration_paths, "orchestration", draft):
        if path.type == "service":
            where = f"orchestration of service {path.parent.called}"
            ways = _ways(path, where, draft)
            found[path.parent.id] = tuple(
                route for way in ways if (route := _route(way, where, draft))
            )
    return found


def add_orchestrations(export: Export, services: Mapping[str, Carried], draft: Draft) -> None:
    """After the services: what comes by an orchestration goes through their rules, too."""
    paths = {
        (each.type, each.parent.id): each
        for each in understood(Path, export.orchestration_paths, "", Draft(""))
    }
    for each in understood(Orchestration, export.event_orchestrations, "orchestration", draft):
        name = each.name or each.id
        where = f"orchestration {name}"
        router = paths.get(("router", each.id))
        if router is None:
            draft.lose_page(where, "Is not in the file: the export has no rules of its router.")
            continue
        routed = [*_routed(router, services, where, draft)]
        last = services.get(router.catch_all.actions.route_to or "")
        home = last or next((service for _, service in routed), None)
        if home is None:
            draft.lose_page(where, "Is not in the file: none of the services it names is.")
            continue
        if last is not None:
            routed.append((_Way("the rest", ALWAYS, Actions()), last))
        rules = paths.get(("global", each.id))
        ways = [*_ways(rules, where, draft)] if rules else []
        if any(way.actions.severity for way in ways) and _by_severity(routed):
            draft.page_otherwise(
                where,
                "Its router and the rules of services look at the severity that an event was sent "
                "with, not at what its own rules make of it.",
            )
        routes = [*_composed([*ways, _Way("", ALWAYS, Actions())], routed, where, draft)]
        if last is None:
            routes.append(Route(name=UNROUTED, when=ALWAYS, suppress=True))
        if len(routes) > MOST_ROUTES:
            draft.lose_page(
                where,
                f"Takes {len(routes)} routes, and an integration has {MOST_ROUTES} at most: what "
                f"the rest would take goes to {slug_of(home.id)}.",
            )
        _add(each, home.id, tuple(routes[:MOST_ROUTES]), draft)


def _by_severity(routed: Iterable[tuple[_Way, Carried]]) -> bool:
    conditions = (
        when for way, service in routed for when in (way.when, *(it.when for it in service.rules))
    )
    return any("payload.severity" in when for when in conditions)


def _routed(
    router: Path, services: Mapping[str, Carried], where: str, draft: Draft
) -> Iterator[tuple[_Way, Carried]]:
    for way in _ways(router, where, draft):
        service = services.get(way.actions.route_to or "")
        if service is None:
            wanted = way.actions.route_to or "a service that the event names"
            draft.lose_page(
                where, f"Rule {way.name} is not in the file: it routes to {wanted}, which is not."
            )
            continue
        yield way, service


def _composed(
    ways: Sequence[_Way],
    routed: Sequence[tuple[_Way, Carried]],
    where: str,
    draft: Draft,
) -> Iterator[Route]:
    """Each way through the orchestration's own rules, its router, and the rules of a service."""
    for way in ways:
        first = _route(way, where, draft)
        if first is not None and (first.drop or first.suppress):
            yield first
            continue
        for through, service in routed:
            when = both(way.when, through.when)
            nothing = Route(name=through.name, when=ALWAYS)
            for inner in (*service.rules, nothing):
                if inner.drop:
                    yield from _fitting(
                        [Route(name=inner.name, when=both(when, inner.when), drop=True)],
                        where,
                        draft,
                    )
                    continue
                route = inner.model_copy(
                    update={
                        "name": through.name,
                        "when": both(when, inner.when),
                        "service_id": service.id,
                        "severity": inner.severity or (first.severity if first else None),
                        "page_after": inner.page_after or (first.page_after if first else None),
                    }
                )
                yield from _fitting(expanded(route, service.changed), where, draft)


def _add(each: Orchestration, home: str, routes: tuple[Route, ...], draft: Draft) -> None:
    names = Names()
    for other in draft.so_far().integrations.values():
        if other.service_id == home:
            names.slug(slug_of(other.id), "")
    for sender in each.integrations:
        name = title(f"{each.name}: {sender.label or sender.id}", sender.id)
        slug = names.slug(name, "orchestration")
        draft.add(
            Integration(
                id=id_of(Kind.INTEGRATION, slug),
                service_id=home,
                name=name,
                routing=Routing(routes=routes),
            )
        )
        draft.sources.append(
            Source(
                service=slug_of(home),
                integration=slug,
                was=name,
                kind="event orchestration",
                where="address {url}/v2/enqueue, routing_key",
            )
        )


def _ways(path: Path, where: str, draft: Draft) -> list[_Way]:
    sets = {each.id: each for each in path.sets}
    start = sets.get("start") or next(iter(path.sets), RuleSet())
    is_router = path.type == "router"
    return [*_through(start, {} if is_router else sets, _Way("", ALWAYS, Actions()), where, draft)]


def _through(
    rules: RuleSet,
    sets: Mapping[str, RuleSet],
    before: _Way,
    where: str,
    draft: Draft,
    depth: int = 0,
) -> Iterator[_Way]:
    for number, rule in enumerate(rules.rules, 1):
        if rule.disabled:
            continue
        name = title(rule.label or "", f"rule {number}")
        try:
            when = _when(rule)
        except Beyond as beyond:
            actions = rule.actions
            quiet = actions.drop_event or actions.suppress or actions.suspend
            draft.lose(
                Harm.PAGED_MORE if quiet else Harm.NOT_PAGED,
                where,
                f"Rule {name} is not in the file, and events that it takes go on to the next: a "
                f"route cannot say {beyond}.",
            )
            continue
        given = rule.actions.model_dump(exclude_defaults=True)
        actions = before.actions.model_copy(update=given)
        way = replace(before, name=name, when=both(before.when, when), actions=actions)
        following = sets.get(rule.actions.route_to or "")
        if following is not None and depth < DEEPEST:
            yield from _through(following, sets, way, where, draft, depth + 1)
        yield way


def _when(rule: Rule) -> str:
    """Raises Beyond."""
    found = [condition(each.expression) for each in rule.conditions]
    return " || ".join(found) if found else ALWAYS


def _route(way: _Way, where: str, draft: Draft) -> Route | None:
    """What its actions become; None for one that changes nothing here."""
    actions = way.actions
    if actions.escalation_policy:
        draft.lose_page(
            where, f"Rule {way.name} chooses another policy: here that of the service pages."
        )
    if actions.event_action == "resolve":
        draft.page_more(where, f"Rule {way.name} resolves: here it changes nothing.")
    severity = None
    if actions.severity in [each.value for each in Severity]:
        severity = Severity(actions.severity)
    waits = None
    if actions.suspend:
        time = min(timedelta(seconds=actions.suspend), DAY)
        waits = PageAfter(time=time, high=True)
    if actions.drop_event:
        route = Route(name=way.name, when=way.when, drop=True)
    else:
        route = Route(
            name=way.name,
            when=way.when,
            severity=severity,
            suppress=actions.suppress,
            page_after=waits,
        )
    return next(_fitting([route], where, draft), None)


def _fitting(routes: Iterable[Route], where: str, draft: Draft) -> Iterator[Route]:
    for route in routes:
        if len(route.when) <= LONGEST_CONDITION:
            yield route
            continue
        draft.lose_page(
            where, f"Rule {route.name} is not in the file: its condition is too long for a route."
        )
