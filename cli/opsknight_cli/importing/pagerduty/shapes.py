"""Objects of PagerDuty's REST API v2 (developer.pagerduty.com, API reference), as far as an import
reads them. Answers without `include[]` hold references in place of some: an id, and little more.
"""

from typing import Any

from pydantic import AwareDatetime

from opsknight_cli.importing.wire import Wire


class Reference(Wire):
    id: str
    type: str = ""
    summary: str | None = None

    @property
    def called(self) -> str:
        return self.summary or self.id


class ContactMethod(Reference):
    label: str | None = None
    address: str | None = None
    country_code: int | None = None


class NotificationRule(Wire):
    type: str = ""
    urgency: str = "high"
    start_delay_in_minutes: int = 0
    contact_method: Reference | None = None


class User(Reference):
    name: str = ""
    email: str = ""
    role: str = "user"
    time_zone: str | None = None
    contact_methods: tuple[ContactMethod, ...] = ()
    notification_rules: tuple[NotificationRule, ...] = ()
    teams: tuple[Reference, ...] = ()


class Team(Reference):
    name: str = ""


class Membership(Wire):
    """`GET /teams/ID/members` has no team: whoever saves an export adds it."""

    team: Reference
    user: Reference
    role: str = "responder"


class Restriction(Wire):
    type: str
    start_time_of_day: str
    duration_seconds: int
    start_day_of_week: int | None = None
    """1 is Monday."""


class LayerUser(Wire):
    user: Reference


class RenderedEntry(Wire):
    start: AwareDatetime
    end: AwareDatetime
    user: Reference


class Rendered(Wire):
    rendered_schedule_entries: tuple[RenderedEntry, ...] = ()


class Layer(Wire):
    id: str = ""
    name: str | None = None
    start: AwareDatetime
    end: AwareDatetime | None = None
    rotation_virtual_start: AwareDatetime
    rotation_turn_length_seconds: int
    users: tuple[LayerUser, ...] = ()
    restrictions: tuple[Restriction, ...] | None = None


class Schedule(Reference):
    name: str = ""
    time_zone: str = "UTC"
    schedule_layers: tuple[Layer, ...] = ()
    overrides_subschedule: Rendered | None = None
    final_schedule: Rendered | None = None
    teams: tuple[Reference, ...] = ()


class Strategy(Wire):
    type: str = "assign_to_everyone"


class EscalationRule(Wire):
    escalation_delay_in_minutes: int = 30
    targets: tuple[Reference, ...] = ()
    escalation_rule_assignment_strategy: Strategy | str | None = None


class EscalationPolicy(Reference):
    name: str = ""
    escalation_rules: tuple[EscalationRule, ...] = ()
    num_loops: int = 0
    teams: tuple[Reference, ...] = ()


class Urgency(Wire):
    """`constant` with an urgency, or `use_support_hours` with one for each side of them."""

    type: str = "constant"
    urgency: str | None = None
    during_support_hours: "Urgency | None" = None
    outside_support_hours: "Urgency | None" = None


class SupportHours(Wire):
    time_zone: str = "UTC"
    days_of_week: tuple[int, ...] = ()
    start_time: str
    end_time: str


class Integration(Reference):
    name: str | None = None
    vendor: Reference | None = None


class AutoPause(Wire):
    enabled: bool = False
    timeout: int | None = None
    """Seconds."""


class Service(Reference):
    name: str = ""
    status: str = "active"
    acknowledgement_timeout: int | None = None
    """Seconds, as the next one."""
    auto_resolve_timeout: int | None = None
    escalation_policy: Reference | None = None
    teams: tuple[Reference, ...] = ()
    integrations: tuple[Integration, ...] = ()
    incident_urgency_rule: Urgency = Urgency(urgency="high")
    support_hours: SupportHours | None = None
    scheduled_actions: tuple[Any, ...] = ()
    """What raises the urgency when the support hours begin."""
    alert_grouping_parameters: dict[str, Any] | None = None
    auto_pause_notifications_parameters: AutoPause | None = None
    response_play: Reference | None = None


class MaintenanceWindow(Reference):
    start_time: AwareDatetime
    end_time: AwareDatetime
    description: str | None = None
    services: tuple[Reference, ...] = ()


class Parameters(Wire):
    routing_key: str | None = None


class OrchestrationIntegration(Wire):
    id: str
    label: str | None = None


class Orchestration(Wire):
    id: str
    name: str = ""
    team: Reference | None = None
    integrations: tuple[OrchestrationIntegration, ...] = ()


class Condition(Wire):
    expression: str


class Actions(Wire):
    route_to: str | None = None
    severity: str | None = None
    suppress: bool = False
    suspend: int | None = None
    """Seconds."""
    drop_event: bool = False
    event_action: str | None = None
    priority: str | None = None
    escalation_policy: str | None = None
    dynamic_route_to: dict[str, Any] | None = None
    extractions: tuple[Any, ...] = ()


class Rule(Wire):
    id: str = ""
    label: str | None = None
    disabled: bool = False
    conditions: tuple[Condition, ...] = ()
    """Any of them; always without any."""
    actions: Actions = Actions()


class RuleSet(Wire):
    id: str = "start"
    rules: tuple[Rule, ...] = ()


class CatchAll(Wire):
    actions: Actions = Actions()


class Path(Wire):
    """`orchestration_path`: the router or the rules of an orchestration, or those of a service."""

    type: str
    parent: Reference
    sets: tuple[RuleSet, ...] = ()
    catch_all: CatchAll = CatchAll()


class Export(Wire):
    """All objects by kind, unread."""

    users: tuple[Any, ...] = ()
    teams: tuple[Any, ...] = ()
    team_memberships: tuple[Any, ...] = ()
    schedules: tuple[Any, ...] = ()
    escalation_policies: tuple[Any, ...] = ()
    services: tuple[Any, ...] = ()
    maintenance_windows: tuple[Any, ...] = ()
    event_orchestrations: tuple[Any, ...] = ()
    orchestration_paths: tuple[Any, ...] = ()
