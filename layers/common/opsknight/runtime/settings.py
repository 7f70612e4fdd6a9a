"""The settings of a function: environment variables that template.yaml sets.

Nothing is read at import. Clients that are made from the settings are in `clients`.
"""

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import get_type_hints

from opsknight.classes import dataclass


@dataclass(frozen=True, slots=True)
class TableSettings:
    """One variable of template.yaml for each field, in capitals there."""

    table_name: str
    retention_days: int


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """For the functions by which people act."""

    audit_days: int


@dataclass(frozen=True, slots=True)
class CounterSettings:
    rates_table_name: str


@dataclass(frozen=True, slots=True)
class CanarySettings:
    api_url: str
    """Where the API answers, without a slash at the end."""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Names of SSM parameters, not their values."""

    link_key_name: str


@dataclass(frozen=True, slots=True)
class CorsSettings:
    cors_origins: str
    """With commas between them; empty for none."""


@dataclass(frozen=True, slots=True)
class EventsSettings(CorsSettings):
    secrets_prefix: str
    """SSM parameters under it are this deployment's secrets of receivers and integrations."""


@dataclass(frozen=True, slots=True)
class RespondSettings(LinkSettings):
    slack_signing_secret_name: str
    slack_workspaces: str
    """Ids with commas between them; empty for all."""
    pages_url: str
    cors_origins: str
    twilio_name: str
    """Name of the parameter that describes the account at Twilio; empty where there is none."""
    renders_arn: str
    """The topic of status pages to render."""


@dataclass(frozen=True, slots=True)
class ConsoleSettings(LinkSettings):
    pages_high_url: str
    sends_email: str
    """Empty where the deployment sends none."""
    oidc_name: str
    """Name of the parameter that describes the identity provider; empty where there is none."""
    local_inbox: str


@dataclass(frozen=True, slots=True)
class ConfigurationSettings:
    local_inbox: str
    """Empty but on a developer's machine, where messages may go to programs of the same one."""


@dataclass(frozen=True, slots=True)
class PagesSettings:
    pages_bucket: str
    """Where rendered status pages are."""


@dataclass(frozen=True, slots=True)
class PublishingSettings(PagesSettings):
    renders_arn: str
    status_url: str
    """The address under which status pages are served, without a slash at the end."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    plans_url: str
    pages_high_url: str
    pages_url: str
    notices_url: str


@dataclass(frozen=True, slots=True)
class OutboxSettings(QueueSettings):
    timers_url: str
    fallback_arn: str
    public_url: str
    """The address of the API in messages, without a slash at the end."""
    plans_per_minute: int
    """How many messages the consumers of the queue take; `sends`: of pages, and of notices."""
    high_sends_per_minute: int
    sends_per_minute: int


@dataclass(frozen=True, slots=True)
class TickSettings:
    arrivals_url: str
    """The queue of AWS's own events."""


@dataclass(frozen=True, slots=True)
class SendingSettings(LinkSettings):
    """For the send functions. Empty where the deployment has no such thing."""

    public_url: str
    email_from: str
    email_configuration_set: str
    sms_origination: str
    voice_origination: str
    phone_configuration_set: str
    inbound_topic: str
    """The topic that replies by text message arrive at."""
    slack_secret_named_by: str
    """Name of the parameter that holds the name of Slack's signing secret."""
    allow_private_targets: str
    local_inbox: str
    canary_ping_name: str
    """Name of the SSM parameter with the address that hears each canary."""
    secrets_prefix: str
    """SSM parameters under it are this deployment's secrets of receivers."""
    twilio_name: str
    """As above."""


def read_settings[
    S: (
        TableSettings,
        AuditSettings,
        CounterSettings,
        CanarySettings,
        CorsSettings,
        EventsSettings,
        LinkSettings,
        ConsoleSettings,
        ConfigurationSettings,
        QueueSettings,
        OutboxSettings,
        TickSettings,
        SendingSettings,
        RespondSettings,
        PagesSettings,
        PublishingSettings,
    )
](kind: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """Raises KeyError for a missing variable, ValueError for one that should be a number."""
    convert = get_type_hints(kind)
    return kind(**{f.name: convert[f.name](environment[f.name.upper()]) for f in fields(kind)})
