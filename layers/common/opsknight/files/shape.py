"""The shape of a configuration file: one model for each kind of entry.

The description of a field is its documentation: editors show it, and errors repeat it. References
are only slugs here; `opsknight.config.lint` checks that they lead somewhere.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from opsknight.directory.entries import Role, ShiftNotice
from opsknight.directory.receivers import DEFAULT_EVENTS, IncidentEvent
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.files.aws_shape import AwsShape
from opsknight.files.hours import HoursShape, QuietHoursShape, SupportHoursShape
from opsknight.files.integration_shape import IntegrationShape, named
from opsknight.files.method_shape import MethodShape
from opsknight.files.mirror_shape import MirrorShape
from opsknight.files.policy_shape import PolicyShape
from opsknight.files.preset_shape import PresetShape
from opsknight.files.public_shape import PublicShape
from opsknight.files.report_shape import ReportShape
from opsknight.files.sections import SECTIONS, Mode
from opsknight.files.values import (
    Address,
    Duration,
    Email,
    FieldError,
    Flag,
    Interval,
    Moment,
    Number,
    Shape,
    Slug,
    Title,
    Turn,
    between,
)
from opsknight.incident.model import Urgency
from opsknight.oncall.schedules import Zone
from opsknight.oncall.wall_clock import WallTime

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


def _or_nothing(value: object) -> object:
    """Reads a key without a value, such as `ada:` among members, as an empty mapping."""
    return {} if value is None else value


class RuleShape(Shape):
    method: Slug = Field(description="One of the user's contact methods.")
    after: Annotated[Duration, between(timedelta(0), DAY)] = Field(
        timedelta(0), description="How long after the page to use it; at most 24h."
    )


class UserShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    email: Email = Field(description="The e-mail address.")
    role: Role = Field(description="ADMIN, RESPONDER, or USER, who sees only their own teams.")
    zone: Zone | None = Field(
        None, description="The time zone, such as Europe/Berlin; by default UTC."
    )
    disabled: Flag = Field(
        False, description="Nothing pages the user, and their API keys are refused."
    )
    contact_methods: dict[Slug, Annotated[MethodShape, BeforeValidator(_or_nothing)]] = Field(
        {}, description="How to page the user, by names of your choice; by default by e-mail."
    )
    rules: dict[Urgency, tuple[RuleShape, ...]] = Field(
        {}, description="Which contact methods to use, and when, for each urgency."
    )
    shift_notices: tuple[ShiftNotice, ...] = Field(
        tuple(ShiftNotice),
        description="Which messages about their time on call they want: `[day, hour, changes]`.",
    )
    quiet_hours: QuietHoursShape | None = Field(
        None, description="When pages of LOW incidents wait; HIGH and MEDIUM never do."
    )


class MemberShape(Shape):
    lead: Flag = Field(False, description="Whether `team_leads` in a policy includes them.")
    pages: Flag = Field(True, description="Whether pages to the team reach them.")


class TeamShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    members: dict[Slug, Annotated[MemberShape, BeforeValidator(_or_nothing)]] = Field(
        {}, description="Users by their key. `ada:` alone is a member whom pages reach."
    )


class LayerShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    users: tuple[Slug, ...] = Field(description="The users who take turns, in order.")
    turn: Turn = Field(description='The length of a turn: "1w", "2d", "12h".')
    handoff: WallTime = Field(description='When turns change, by the schedule\'s clock: "09:00".')
    start: Moment = Field(
        description="When the first turn begins. Weekly handoffs are on the same weekday."
    )
    end: Moment | None = Field(None, description="When the layer ends.")
    restrictions: tuple[HoursShape, ...] = Field(
        (), description="The times of the week when the layer applies; by default always."
    )
    priority: Number = Field(
        0,
        ge=-1000,
        le=1000,
        description="The layer with the highest number wins; of equals, the one listed first.",
    )


class ScheduleShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    zone: Zone = Field(
        description="The time zone of handoffs and restrictions, such as Europe/Berlin."
    )
    layers: dict[Slug, LayerShape] = Field({}, description="Rotations, by names of your choice.")
    channel: MethodShape | None = Field(
        None, description="The chat channel or webhook that hears when it is handed over."
    )


class ReceiverShape(MethodShape):
    told: tuple[IncidentEvent, ...] = Field(DEFAULT_EVENTS, description="The events to send.")


class ServiceShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    team: Slug = Field(description="The team that is responsible for it.")
    policy: Slug | None = Field(
        None, description="The escalation policy; without one, the whole team is paged at once."
    )
    integrations: dict[Slug, Annotated[IntegrationShape, BeforeValidator(named)]] = Field(
        {},
        description='The senders of its events, each a key and a name: `prometheus: "Prometheus"`.',
    )
    receivers: dict[Slug, ReceiverShape] = Field(
        {}, description="Slack channels and webhooks that receive its notices."
    )
    acknowledgement_timeout: Annotated[Duration, between(MINUTE, 30 * DAY)] | None = Field(
        None, description="An incident that stays acknowledged for this long opens again and pages."
    )
    auto_resolve: Annotated[Duration, between(MINUTE, 30 * DAY)] | None = Field(
        None, description="An incident without a new alert for this long is resolved."
    )
    remind: dict[Urgency, Interval] = Field(
        {},
        description="How often the fallback address is reminded of an open incident that nobody "
        "takes, by urgency, or `never`; by default `{HIGH: 1h, MEDIUM: 4h, LOW: 24h}`.",
    )
    runbook: Address | None = Field(
        None, description="The address of what to do; every message about an incident links to it."
    )
    dashboard: Address | None = Field(
        None, description="The address of how it is doing; every message links to it, too."
    )
    support_hours: SupportHoursShape | None = Field(
        None,
        description="When people look after it: incidents outside can be less urgent until then.",
    )
    mode: Mode = Field(
        Mode.LIVE,
        description="`live`, or `shadow`: nobody is paged, as another system still does it.",
    )
    until: Moment | None = Field(
        None,
        description="When `mode: shadow` ends and the service is live; at most 60 days ahead. "
        "A day begins at 00:00 UTC.",
    )
    mirror: MirrorShape | None = Field(
        None, description="The other system that its events are passed on to, while both run."
    )
    raises_urgency: Flag = Field(
        False, description="Whether a more urgent trigger raises the urgency of an incident."
    )
    disabled: Flag = Field(False, description="Events to the service are refused.")

    @model_validator(mode="after")
    def _shadow_ends(self) -> Self:
        if self.mode is Mode.SHADOW and self.until is None:
            raise ValueError("`mode: shadow` needs `until`: when the service pages by itself")
        if self.mode is Mode.LIVE and self.until is not None:
            raise FieldError("until", "`until` belongs to `mode: shadow`: remove it, or add that")
        return self


class HookShape(MethodShape):
    events: tuple[StatusPageEvent, ...] = Field(
        tuple(StatusPageEvent), description="The events to send."
    )


class StatusPageShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    services: tuple[Slug, ...] = Field((), description="The services that it shows.")
    webhooks: dict[Slug, HookShape] = Field({}, description="Where to send its events.")
    shows_details: Flag = Field(
        False, description="Whether its events contain the details of alerts."
    )
    public: Annotated[PublicShape | None, BeforeValidator(_or_nothing)] = Field(
        None, description="Serve the page to anybody, at /status/ and its key; see `names`."
    )


class File(Shape):
    """A whole configuration: sections of entries, each identified by its key."""

    users: dict[Slug, UserShape] = Field({}, description="The people.")
    teams: dict[Slug, TeamShape] = Field({}, description="The teams responsible for services.")
    schedules: dict[Slug, ScheduleShape] = Field({}, description="Who is on call, and when.")
    policies: dict[Slug, PolicyShape] = Field({}, description="Whom to page, and in which order.")
    services: dict[Slug, ServiceShape] = Field({}, description="The services that are monitored.")
    status_pages: dict[Slug, StatusPageShape] = Field({}, description="The status pages to inform.")
    reports: dict[Slug, ReportShape] = Field(
        {}, description="Reports of every day, about what is wrong and what happened."
    )
    presets: dict[Slug, PresetShape] = Field(
        {}, description="How to read the payloads of tools that OpsKnight has no preset for."
    )
    aws: AwsShape | None = Field(
        None, description="Which of AWS's own events belong to which service; no others page."
    )


SHAPES: Final[Mapping[str, type[Shape]]] = dict(
    zip(
        SECTIONS,
        (
            UserShape,
            TeamShape,
            ScheduleShape,
            PolicyShape,
            ServiceShape,
            StatusPageShape,
            ReportShape,
            PresetShape,
            AwsShape,
        ),
        strict=True,
    )
)
