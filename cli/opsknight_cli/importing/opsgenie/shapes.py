"""Objects of Opsgenie's REST API (docs.opsgenie.com), as far as an import reads them."""

from datetime import timedelta
from typing import Any

from pydantic import AliasChoices, AwareDatetime, ConfigDict, Field
from pydantic.alias_generators import to_camel

from opsknight_cli.importing.wire import Wire


class Camel(Wire):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Named(Camel):
    """A thing by its id, its name, or both; a user by their address."""

    type: str = ""
    id: str = ""
    name: str | None = None
    username: str | None = None

    @property
    def called(self) -> str:
        return self.name or self.username or self.id or self.type


class Span(Camel):
    time_amount: int = 0
    time_unit: str = "minutes"

    @property
    def lasts(self) -> timedelta:
        unit = self.time_unit if self.time_unit in ("seconds", "hours", "days") else "minutes"
        return timedelta(**{unit: self.time_amount})


class Condition(Camel):
    field: str = ""
    key: str | None = None
    negated: bool = Field(False, validation_alias=AliasChoices("not", "isNot"))
    operation: str = ""
    expected_value: str | None = None


class Filter(Camel):
    type: str = "match-all"
    conditions: tuple[Condition, ...] = ()


class Hours(Camel):
    """`time-of-day` has no days."""

    start_day: str | None = None
    end_day: str | None = None
    start_hour: int = 0
    start_min: int = 0
    end_hour: int = 0
    end_min: int = 0


class TimeRestriction(Camel):
    type: str = "time-of-day"
    restriction: Hours | None = None
    restrictions: tuple[Hours, ...] = ()

    @property
    def hours(self) -> tuple[Hours, ...]:
        return self.restrictions or ((self.restriction,) if self.restriction else ())


class Role(Camel):
    name: str = ""


class Status(Camel):
    enabled: bool = True


class Contact(Camel):
    id: str = ""
    method: str = Field("", validation_alias=AliasChoices("method", "contactMethod"))
    to: str = ""
    enabled: bool = True
    status: Status = Status()


class RuleStep(Camel):
    contact: Contact
    send_after: Span = Span()
    enabled: bool = True


class NotificationRule(Camel):
    name: str = ""
    action_type: str = ""
    enabled: bool = True
    criteria: Filter = Filter()
    time_restriction: TimeRestriction | None = None
    steps: tuple[RuleStep, ...] = ()


class User(Camel):
    id: str
    username: str
    full_name: str = ""
    role: Role = Role()
    time_zone: str | None = None
    blocked: bool = False
    user_contacts: tuple[Contact, ...] = ()
    notification_rule_list: tuple[NotificationRule, ...] | None = None


class TeamMember(Camel):
    user: Named
    role: str = "user"


class RoutingRule(Camel):
    id: str = ""
    name: str = ""
    is_default: bool = False
    criteria: Filter = Filter()
    time_restriction: TimeRestriction | None = None
    notify: Named = Named(type="none")


class Team(Camel):
    id: str
    name: str = ""
    members: tuple[TeamMember, ...] = ()
    team_routing_rules: tuple[RoutingRule, ...] | None = None


class Rotation(Camel):
    id: str = ""
    name: str | None = None
    start_date: AwareDatetime
    end_date: AwareDatetime | None = None
    type: str = "weekly"
    length: int = 1
    participants: tuple[Named, ...] = ()
    time_restriction: TimeRestriction | None = None


class ScheduleOverride(Camel):
    alias: str = ""
    user: Named
    start_date: AwareDatetime
    end_date: AwareDatetime
    rotations: tuple[Named, ...] = ()
    """All of them without any."""


class Period(Camel):
    start_date: AwareDatetime
    end_date: AwareDatetime
    recipient: Named | None = Field(None, validation_alias=AliasChoices("recipient", "responder"))


class TimelineRotation(Camel):
    periods: tuple[Period, ...] = ()


class FinalTimeline(Camel):
    rotations: tuple[TimelineRotation, ...] = ()


class Timeline(Camel):
    final_timeline: FinalTimeline = FinalTimeline()


class Schedule(Camel):
    id: str
    name: str = ""
    timezone: str = "UTC"
    enabled: bool = True
    owner_team: Named | None = None
    rotations: tuple[Rotation, ...] = ()
    schedule_override_list: tuple[ScheduleOverride, ...] = ()
    timeline: Timeline | None = None


class EscalationRule(Camel):
    condition: str = "if-not-acked"
    notify_type: str = "default"
    delay: Span = Span()
    recipient: Named


class Repeat(Camel):
    wait_interval: int = 0
    """Minutes."""
    count: int = 0
    close_alert_after_all: bool = False


class Escalation(Camel):
    id: str
    name: str = ""
    owner_team: Named | None = None
    rules: tuple[EscalationRule, ...] = ()
    repeat: Repeat | None = None


class Integration(Camel):
    id: str
    name: str = ""
    type: str = "API"
    enabled: bool = True
    team_id: str | None = None
    owner_team: Named | None = None


class Heartbeat(Camel):
    name: str
    description: str | None = None
    interval: int = 10
    interval_unit: str = "minutes"
    enabled: bool = True
    owner_team: Named | None = None
    alert_priority: str | None = None


class MaintenanceTime(Camel):
    start_date: AwareDatetime
    end_date: AwareDatetime


class MaintenanceRule(Camel):
    entity: Named
    state: str = "disabled"


class Maintenance(Camel):
    id: str
    description: str | None = None
    time: MaintenanceTime
    rules: tuple[MaintenanceRule, ...] = ()


class Delay(Camel):
    delay_option: str = "for-duration"
    duration: Span | None = None


class Deduplication(Camel):
    deduplication_action_type: str = ""
    count: int = 0


class AutoClose(Camel):
    duration: Span | None = None


class Policy(Camel):
    """An alert policy, or a notification policy of a team."""

    id: str
    name: str = ""
    type: str = "alert"
    enabled: bool = True
    team_id: str | None = None
    filter: Filter = Filter()
    time_restrictions: TimeRestriction | None = None
    suppress: bool = False
    update_priority: bool = False
    priority: str | None = Field(None, validation_alias=AliasChoices("priorityValue", "priority"))
    delay_action: Delay | None = None
    deduplication_action: Deduplication | None = None
    auto_close_action: AutoClose | None = None
    responders: tuple[Named, ...] | None = None


class ForwardingRule(Camel):
    from_user: Named
    to_user: Named
    start_date: AwareDatetime
    end_date: AwareDatetime


class Export(Wire):
    """All objects by kind, unread."""

    users: tuple[Any, ...] = ()
    teams: tuple[Any, ...] = ()
    schedules: tuple[Any, ...] = ()
    escalations: tuple[Any, ...] = ()
    integrations: tuple[Any, ...] = ()
    heartbeats: tuple[Any, ...] = ()
    maintenance: tuple[Any, ...] = ()
    policies: tuple[Any, ...] = ()
    forwardings: tuple[Any, ...] = ()
