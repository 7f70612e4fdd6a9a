"""The shape of a configuration file, one model for each thing that it can hold.

What each value means stands in its description, which editors show and errors repeat. References
are slugs here; whether they lead anywhere is for `opsknight.config.lint`.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from opsknight.directory.entries import Role
from opsknight.directory.receivers import DEFAULT_EVENTS, Channel, IncidentEvent, StatusPageEvent
from opsknight.incident.model import Urgency
from opsknight.oncall.rotations import Restriction, WallTime
from opsknight.oncall.schedules import Zone
from opsknight_cli.files.words import (
    Duration,
    Email,
    Flag,
    Number,
    Parameter,
    Slug,
    Title,
    Turn,
    between,
)

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


def _or_nothing(value: object) -> object:
    """A key without anything behind it is an empty mapping: `ada:` among the members."""
    return {} if value is None else value


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


# What `to` and `secret` are for each channel; None for what it has no use for.
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_URL: Final = re.compile(r"https?://[^\s/]+\S*")
_NUMBER: Final = (_E164, 'the number with its country, such as "+4915112345678"')
TO: Final[Mapping[Channel, tuple[re.Pattern[str], str]]] = {
    Channel.EMAIL: (_ADDRESS, "the address"),
    Channel.SMS: _NUMBER,
    Channel.VOICE: _NUMBER,
    Channel.SLACK: (
        re.compile(r"[A-Z0-9]{2,30}"),
        "the id of the channel or user, such as C0123ABC",
    ),
    Channel.WEBHOOK: (_URL, "the URL"),
    Channel.TELEGRAM: (re.compile(r"-?\d+|@\w+"), 'the id of the chat, such as "-100123456"'),
    Channel.NTFY: (_URL, "the URL of the topic"),
    Channel.PUSHOVER: (re.compile(r"\w{10,50}"), "the user's key"),
}
_HOOK: Final = "the parameter that holds the webhook's URL"
SECRET: Final[Mapping[Channel, tuple[bool, str]]] = {
    Channel.SLACK: (True, "the parameter that holds the bot token"),
    Channel.SLACK_WEBHOOK: (True, _HOOK),
    Channel.WEBHOOK: (False, "the parameter that holds what bodies are signed with"),
    Channel.TEAMS: (True, _HOOK),
    Channel.DISCORD: (True, _HOOK),
    Channel.GOOGLE_CHAT: (True, _HOOK),
    Channel.TELEGRAM: (True, "the parameter that holds the bot token"),
    Channel.NTFY: (False, "the parameter that holds an access token"),
    Channel.PUSHOVER: (True, "the parameter that holds the application's token"),
}


class MethodShape(Shape):
    """A place to be told: a channel, and what it needs to get there."""

    channel: Channel = Field(description="How the message travels.")
    name: Title | None = Field(None, description="What people read; else its key.")
    to: Annotated[str, Field(max_length=2000)] | None = Field(
        None,
        description="Where to: an address, a number, a URL, the id of a channel, user or chat.",
    )
    secret: Parameter | None = Field(
        None, description="Name of the SSM SecureString parameter with the token, URL or key."
    )
    next_secret: Parameter | None = Field(
        None, description="Webhooks only, during a rotation: bodies are signed with both secrets."
    )

    @model_validator(mode="after")
    def _has_what_its_channel_needs(self) -> Self:
        channel = self.channel
        if (wanted := TO.get(channel)) is None:
            if self.to is not None:
                raise ValueError(f"`to` means nothing to channel {channel}: leave it out")
        elif self.to is None:
            raise ValueError(f"channel {channel} needs `to`: {wanted[1]}")
        elif not wanted[0].fullmatch(self.to):
            raise ValueError(f"`to` of channel {channel} is {wanted[1]}")
        needed, what = SECRET.get(channel, (None, ""))
        if needed is None and self.secret is not None:
            raise ValueError(f"`secret` means nothing to channel {channel}: leave it out")
        if needed and self.secret is None:
            raise ValueError(f"channel {channel} needs `secret`: the name of {what}")
        if self.next_secret is not None and (channel is not Channel.WEBHOOK or not self.secret):
            raise ValueError("`next_secret` is for a webhook with a `secret`, during its rotation")
        return self


class RuleShape(Shape):
    method: Slug = Field(description="One of the user's contact methods.")
    after: Annotated[Duration, between(timedelta(0), DAY)] = Field(
        timedelta(0), description="How long after the page; at most 24h."
    )


class UserShape(Shape):
    name: Title | None = Field(None, description="What people read; else the key.")
    email: Email = Field(description="Their address.")
    role: Role = Field(description="ADMIN, RESPONDER, or USER: of their own teams only.")
    zone: Zone | None = Field(None, description="Their clock, such as Europe/Berlin; else UTC.")
    disabled: Flag = Field(False, description="Is paged by nothing; their API keys are refused.")
    contact_methods: dict[Slug, Annotated[MethodShape, BeforeValidator(_or_nothing)]] = Field(
        {}, description="Where they are paged, by a name of your choice; else by e-mail."
    )
    rules: dict[Urgency, tuple[RuleShape, ...]] = Field(
        {}, description="By which contact methods, and when, for each urgency."
    )


class MemberShape(Shape):
    lead: Flag = Field(False, description="Whether `team_leads` of a policy means them.")
    pages: Flag = Field(True, description="Whether they take the pages sent to the team.")


class TeamShape(Shape):
    name: Title | None = Field(None, description="What people read; else the key.")
    members: dict[Slug, Annotated[MemberShape, BeforeValidator(_or_nothing)]] = Field(
        {}, description="Users by their key. `ada:` alone is a member who takes pages."
    )


class HoursShape(Restriction):
    model_config = ConfigDict(extra="forbid")


def _moment(text: object) -> date | datetime:
    """A date, or a time with or without an offset from UTC."""
    try:
        if isinstance(text, str) and len(text) == 10:
            return date.fromisoformat(text)
        if isinstance(text, str) and len(text) > 10:
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(
        "is a date such as 2026-01-05 (at the handoff), a time by the schedule's clock such as "
        '"2026-01-05 09:30", or an instant such as "2026-01-05T09:30:00Z"'
    )


type Moment = Annotated[
    date | datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-01-05", "2026-01-05 09:30"]}),
]


class LayerShape(Shape):
    name: Title | None = Field(None, description="What people read; else the key.")
    users: tuple[Slug, ...] = Field(description="Who takes turns, in order.")
    turn: Turn = Field(description='How long a turn lasts: "1w", "2d", "12h".')
    handoff: WallTime = Field(description='When turns change, by the schedule\'s clock: "09:00".')
    start: Moment = Field(
        description="When the first user's turn begins; its weekday is that of weekly handoffs."
    )
    end: Moment | None = Field(None, description="From then on the layer has nobody.")
    restrictions: tuple[HoursShape, ...] = Field(
        (), description="The times of the week at which it counts; always without any."
    )
    priority: Number = Field(
        0, ge=-1000, le=1000, description="The highest number wins; else the layer listed first."
    )


class ScheduleShape(Shape):
    name: Title | None = Field(None, description="What people read; else the key.")
    zone: Zone = Field(description="The clock of handoffs and restrictions: Europe/Berlin.")
    layers: dict[Slug, LayerShape] = Field({}, description="Rotations, by a name of your choice.")


class TargetShape(Shape):
    """One of the four."""

    user: Slug | None = Field(None, description="This user.")
    team: Slug | None = Field(None, description="Members of this team who take pages.")
    team_leads: Slug | None = Field(None, description="The leads of this team.")
    schedule: Slug | None = Field(None, description="Who is on call at the time of the step.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1 or None in self.model_dump(exclude_unset=True).values():
            raise ValueError(
                "a target is one of `user: NAME`, `team: NAME`, `team_leads: NAME` "
                "and `schedule: NAME`, each on a line of its own with a hyphen"
            )
        return self


class StepShape(Shape):
    after: Annotated[Duration, between(timedelta(0), 7 * DAY)] = Field(
        timedelta(0), description="The wait before this step; at most 7d."
    )
    targets: Annotated[tuple[TargetShape, ...], Field(min_length=1)] = Field(
        description="Who is paged, all at once."
    )


class PolicyShape(Shape):
    name: Title | None = Field(None, description="What people read; else the key.")
    steps: Annotated[tuple[StepShape, ...], Field(min_length=1, max_length=50)] = Field(
        description="Who is paged, one step after the other until somebody acts."
    )
    repeat: Annotated[Number, Field(ge=0, le=9)] = Field(
        0, description="How many more times all steps are taken; 0 to 9."
    )
    repeat_after: Annotated[Duration, between(MINUTE, 7 * DAY)] | None = Field(
        None, description="The wait after the last step; else the longest between steps."
    )


class ReceiverShape(MethodShape):
    told: tuple[IncidentEvent, ...] = Field(DEFAULT_EVENTS, description="What it is told of.")


class ServiceShape(Shape):
    name: Title | None = Field(None, description="What people read; else the key.")
    team: Slug = Field(description="Who answers for it.")
    policy: Slug | None = Field(
        None, description="By which it escalates; without one, all of the team is paged at once."
    )
    integrations: dict[Slug, Title] = Field(
        {}, description='What sends its events: a key and a name, `prometheus: "Prometheus"`.'
    )
    receivers: dict[Slug, ReceiverShape] = Field(
        {}, description="Slack channels and webhooks that are told what happens."
    )
    acknowledgement_timeout: Annotated[Duration, between(MINUTE, 30 * DAY)] | None = Field(
        None, description="Acknowledged for so long without an end, it pages again."
    )
    auto_resolve: Annotated[Duration, between(MINUTE, 30 * DAY)] | None = Field(
        None, description="Without a new alert for so long, it is resolved."
    )
    raises_urgency: Flag = Field(
        False, description="Whether a more urgent trigger raises an incident's urgency."
    )
    disabled: Flag = Field(False, description="Its keys are refused.")


class HookShape(MethodShape):
    events: tuple[StatusPageEvent, ...] = Field(
        tuple(StatusPageEvent), description="What the webhook is told of."
    )


class StatusPageShape(Shape):
    name: Title | None = Field(None, description="What people read; else the key.")
    services: tuple[Slug, ...] = Field((), description="Those that it lists; it hears of no other.")
    webhooks: dict[Slug, HookShape] = Field({}, description="Where it is told.")
    shows_details: Flag = Field(False, description="Whether it is told the details of alerts.")


class File(Shape):
    """A whole configuration: sections of things by their names, which are their identity."""

    users: dict[Slug, UserShape] = Field({}, description="People.")
    teams: dict[Slug, TeamShape] = Field({}, description="Who answers for services.")
    schedules: dict[Slug, ScheduleShape] = Field({}, description="Who is on call when.")
    policies: dict[Slug, PolicyShape] = Field({}, description="Who is paged, and after whom.")
    services: dict[Slug, ServiceShape] = Field({}, description="What is monitored.")
    status_pages: dict[Slug, StatusPageShape] = Field({}, description="Who else hears of it.")


SECTIONS: Final[Mapping[str, type[Shape]]] = {
    "users": UserShape,
    "teams": TeamShape,
    "schedules": ScheduleShape,
    "policies": PolicyShape,
    "services": ServiceShape,
    "status_pages": StatusPageShape,
}
