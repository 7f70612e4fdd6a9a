"""What a process has and a rule must not: environment, clock, chance, logger, clients.

Nothing is read, drawn or connected at import: a function restored from a snapshot would share it
with its twins.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import boto3
from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from opsknight.store.calls import RATES_CONFIG, TABLE_CONFIG
from opsknight.store.counters import Counters
from opsknight.store.table import Table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

# It is asked seldom, and somebody is waiting.
SSM_CONFIG: Final = Config(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"}
)

# Service and level come from the POWERTOOLS_ variables of the template.
logger: Final = Logger(location=None, use_rfc3339=True, utc=True)

MESSAGES_CONFIG: Final = Config(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"}
)


def now() -> datetime:
    return datetime.now(UTC)


def measure(name: str, value: float, unit: MetricUnit) -> None:
    """Written at once, whatever happens next, and sharing nothing with another thread."""
    with single_metric(name=name, unit=unit, value=value):
        pass


def count(name: str) -> None:
    measure(name, 1, MetricUnit.Count)


def new_id(prefix: str, at: datetime) -> str:
    """Sorts by time: 48 bits of milliseconds, then 64 random bits, in hexadecimal."""
    return f"{prefix}_{int(at.timestamp() * 1000):012x}{token_hex(8)}"


@dataclass(frozen=True, slots=True)
class TableSettings:
    """Variables of template.yaml, one for each field, in capitals there."""

    table_name: str
    retention_days: int


@dataclass(frozen=True, slots=True)
class CounterSettings:
    rates_table_name: str


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Names of SSM parameters, not what is in them."""

    link_key_name: str


@dataclass(frozen=True, slots=True)
class RespondSettings(LinkSettings):
    slack_signing_secret_name: str


@dataclass(frozen=True, slots=True)
class QueueSettings:
    plans_url: str
    pages_url: str
    notices_url: str


@dataclass(frozen=True, slots=True)
class OutboxSettings(QueueSettings):
    timers_url: str
    fallback_arn: str


@dataclass(frozen=True, slots=True)
class SendingSettings(LinkSettings):
    """Of what is sent and to where; empty where the deployment has none."""

    public_url: str
    email_from: str
    email_configuration_set: str
    sms_origination: str
    voice_origination: str
    phone_configuration_set: str
    allow_private_targets: str
    local_inbox: str


def read_settings[
    S: (
        TableSettings,
        CounterSettings,
        LinkSettings,
        QueueSettings,
        OutboxSettings,
        SendingSettings,
        RespondSettings,
    )
](kind: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """Raises KeyError for a variable that is missing, ValueError for one that is no number."""
    convert = get_type_hints(kind)
    return kind(**{f.name: convert[f.name](environment[f.name.upper()]) for f in fields(kind)})


@cache
def table() -> Table:
    settings = read_settings(TableSettings)
    retention = timedelta(days=settings.retention_days)
    return Table(_dynamodb(TABLE_CONFIG), settings.table_name, retention)


@cache
def counters() -> Counters:
    return Counters(_dynamodb(RATES_CONFIG), read_settings(CounterSettings).rates_table_name)


@cache
def sqs() -> "SQSClient":
    # Told apart by the name of the service, the stubs know it under two names.
    client: Any = boto3.client("sqs", config=MESSAGES_CONFIG)
    typed: SQSClient = client
    return typed


@cache
def sns() -> Any:
    return boto3.client("sns", config=MESSAGES_CONFIG)


@cache
def ssm() -> "SSMClient":
    client: SSMClient = boto3.client("ssm", config=SSM_CONFIG)
    return client


def _dynamodb(config: Config) -> "DynamoDBClient":
    # An endpoint of its own (MiniStack) and the region come from the environment, as for every AWS
    # tool.
    client: DynamoDBClient = boto3.client("dynamodb", config=config)
    return client
