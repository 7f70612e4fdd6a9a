"""Opsgenie's teams as services: whom a team's routing rules notify, and what its policies change.

A team there is a team and a service here. A routing rule that notifies by another escalation is a
service of its own, to which a route of the team's integrations leads.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from opsknight.config.configuration import Kind
from opsknight.directory.entries import Service
from opsknight.directory.routing import PageAfter, Route
from opsknight.escalation.policy import Policy as OurPolicy
from opsknight.escalation.policy import Step, Target, TargetKind
from opsknight.incident.model import Severity
from opsknight.oncall.wall_clock import DAY
from opsknight_cli.importing.draft import Draft, title
from opsknight_cli.importing.expressions import ALWAYS, Beyond, both
from opsknight_cli.importing.opsgenie.conditions import condition
from opsknight_cli.importing.opsgenie.escalations import Directory
from opsknight_cli.importing.opsgenie.people import Known
from opsknight_cli.importing.opsgenie.shapes import Export, Named, Policy, RoutingRule, Team
from opsknight_cli.importing.outcome import Harm
from opsknight_cli.importing.wire import understood

LONGEST_WAIT: Final = DAY
LONGEST_CONDITION: Final = 1000
SEVERITIES: Final = {
    "P1": Severity.CRITICAL,
    "P2": Severity.ERROR,
    "P3": Severity.WARNING,
    "P4": Severity.INFO,
    "P5": Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class TeamService:
    """What a team's integrations need."""

    name: str
    """The team's."""
    service_id: str
    routes: tuple[Route, ...]


@dataclass
class _Services:
    """Those of one team: one for each policy that its routing rules name."""

    team: Team
    team_id: str
    policies: Known
    known: Directory
    draft: Draft
    where: str
    made: dict[str, str] = field(default_factory=dict)
    """Ids of services by that of their policy."""
    _own: dict[str, tuple[Target, ...]] = field(default_factory=dict)

    def notifying(self, rule: RoutingRule | None) -> str:
        """The service whose policy notifies as the rule says; without one, the whole team."""
        policy_id = self._policy(rule)
        if policy_id not in self.made:
            name = self.team.name if not self.made else f"{self.team.name} {_called(rule)}"
            service_id = self.draft.name(Kind.SERVICE, name, self.team.id)
            self.made[policy_id] = service_id
            self.draft.add(
                Service(
                    id=service_id,
                    name=title(name, self.team.id),
                    team_id=self.team_id,
                    policy_id=policy_id,
                )
            )
        return self.made[policy_id]

    def _policy(self, rule: RoutingRule | None) -> str:
        notify = rule.notify if rule else Named(type="none")
        if notify.type == "escalation":
            if policy_id := self.policies.find(notify):
                return policy_id
            self.draft.page_otherwise(
                self.where,
                f"Rule {_called(rule)} notifies by escalation {notify.called}, which is not in the "
                "file: all of the team is paged.",
            )
        targets = tuple(
            Target(kind=TargetKind.SCHEDULE, id=each)
            for each in (self.known.schedules.find(notify) if notify.type == "schedule" else ())
        )
        if notify.type == "schedule" and not targets:
            self.draft.page_otherwise(
                self.where,
                f"Rule {_called(rule)} notifies by schedule {notify.called}, which is not in the "
                "file: all of the team is paged.",
            )
        targets = targets or (Target(kind=TargetKind.TEAM, id=self.team_id),)
        name = notify.called if notify.type == "schedule" else f"All of {self.team.name}"
        for known_id, same in self._own.items():
            if same == targets:
                return known_id
        policy_id = self.draft.name(Kind.POLICY, name, self.team.id)
        self._own[policy_id] = targets
        self.draft.add(
            OurPolicy(
                id=policy_id,
                name=title(name, self.team.id),
                version=1,
                steps=(Step(targets=targets),),
            )
        )
        return policy_id


def _called(rule: RoutingRule | None) -> str:
    return (rule and rule.name) or "Default"


def add_services(
    export: Export, policies: Known, known: Directory, draft: Draft
) -> dict[str, TeamService]:
    """By the id of the team."""
    found: dict[str, TeamService] = {}
    changes = understood(Policy, export.policies, "policy", draft)
    for team in dict.fromkeys(known.theirs.values()):
        team_id = known.teams.find(Named(id=team.id))
        if team_id is None:
            continue
        where = f"team {team.name}"
        services = _Services(team, team_id, policies, known, draft, where)
        rules = team.team_routing_rules
        if rules is None:
            draft.page_otherwise(
                where,
                "The export has none of its routing rules, so all of the team is paged: ask for "
                "`/v2/teams/ID/routing-rules`.",
            )
        default = next((each for each in rules or () if each.is_default), None)
        service_id = services.notifying(default)
        routed = [*_routed(rules or (), services, where, draft)]
        if default is not None and default.notify.type == "none":
            routed.append(Route(name=_called(default), when=ALWAYS, suppress=True))
        own = [each for each in changes if each.enabled and each.team_id in (None, "", team.id)]
        ways = [*_ways(own, where, draft)]
        if any(way.severity for way in ways) and any(_by_severity(each) for each in routed):
            draft.page_otherwise(
                where,
                "Its routing rules look at the priority that an alert was sent with, not at what a "
                "policy makes of it.",
            )
        found[team.id] = TeamService(
            team.name, service_id, tuple(_composed(ways, routed, where, draft))
        )
        _close(own, services.made.values(), where, draft)
    return found


def _by_severity(route: Route) -> bool:
    return "payload.severity" in route.when or "payload.priority" in route.when


def _routed(
    rules: Iterable[RoutingRule], services: _Services, where: str, draft: Draft
) -> Iterator[Route]:
    for rule in rules:
        if rule.is_default:
            continue
        try:
            when = condition(rule.criteria)
            if rule.time_restriction is not None:
                raise Beyond("times of the week")
        except Beyond as beyond:
            draft.lose(
                Harm.PAGED_MORE if rule.notify.type == "none" else Harm.NOT_PAGED,
                where,
                f"Routing rule {_called(rule)} is not in the file, and alerts that it takes go on "
                f"to the next: a route cannot say {beyond}. It notifies {rule.notify.called}.",
            )
            continue
        name = title(_called(rule), "rule")
        if rule.notify.type == "none":
            yield Route(name=name, when=when, suppress=True)
        else:
            yield Route(name=name, when=when, service_id=services.notifying(rule))


def _ways(policies: Iterable[Policy], where: str, draft: Draft) -> Iterator[Route]:
    for policy in policies:
        name = title(policy.name, "policy")
        place = f"policy {name}"
        if policy.responders:
            draft.lose_page(place, "Adds responders to alerts: here they are not paged.")
        severity = None
        if policy.type == "alert" and policy.update_priority:
            severity = SEVERITIES.get(policy.priority or "")
        waits = _waits(policy, place, draft)
        if severity is None and waits is None and not policy.suppress:
            continue
        try:
            when = condition(policy.filter)
            if policy.time_restrictions is not None:
                raise Beyond("times of the week")
        except Beyond as beyond:
            quiet = policy.suppress or waits
            draft.lose(
                Harm.PAGED_MORE if quiet else Harm.NOT_PAGED,
                place,
                f"Is not in the file: a route of {where} cannot say {beyond}.",
            )
            continue
        yield Route(
            name=name,
            when=when,
            severity=severity,
            suppress=policy.suppress,
            page_after=None if policy.suppress else waits,
        )


def _waits(policy: Policy, place: str, draft: Draft) -> PageAfter | None:
    time, alerts = timedelta(0), None
    delay, several = policy.delay_action, policy.deduplication_action
    if delay is not None and delay.delay_option == "for-duration" and delay.duration:
        time = min(delay.duration.lasts, LONGEST_WAIT)
    elif delay is not None:
        draft.page_more(place, "Does not delay until a time of the day: quiet hours of a user do.")
    if several is not None and several.count > 1:
        alerts = min(several.count, 1000)
    if not time and alerts is None:
        return None
    return PageAfter(time=time or timedelta(hours=1), alerts=alerts, high=True)


def _composed(
    ways: Sequence[Route], routed: Sequence[Route], where: str, draft: Draft
) -> Iterator[Route]:
    """What policies change, for each routing rule, and then the rules."""
    for way in ways:
        if not way.suppress:
            for route in routed:
                changes = {"severity": way.severity, "page_after": way.page_after}
                changed = route.model_copy(
                    update={"when": both(way.when, route.when)}
                    | ({} if route.suppress else changes)
                )
                yield from fitting(changed, where, draft)
        yield from fitting(way, where, draft)
    for route in routed:
        yield from fitting(route, where, draft)


def fitting(route: Route, where: str, draft: Draft) -> Iterator[Route]:
    if len(route.when) <= LONGEST_CONDITION:
        yield route
        return
    draft.lose_page(
        where, f"Rule {route.name} is not in the file: its condition is too long for a route."
    )


def _close(
    policies: Iterable[Policy], service_ids: Iterable[str], where: str, draft: Draft
) -> None:
    for policy in policies:
        if (close := policy.auto_close_action) is None or close.duration is None:
            continue
        after = min(max(close.duration.lasts, timedelta(minutes=1)), 30 * DAY)
        if policy.filter.type != "match-all" or policy.time_restrictions is not None:
            draft.leave(
                f"policy {policy.name}", f"Closes nothing in {where}: it is for some alerts."
            )
            continue
        for service_id in service_ids:
            draft.change_service(service_id, auto_resolve=after)
