"""The tables and AWS clients of a function, each made by the first call that needs it.

Nothing connects at import: a function restored from a snapshot would share the connection with its
twins.
"""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config

from opsknight.runtime import aws, lenient
from opsknight.runtime.settings import AuditSettings, CounterSettings, TableSettings, read_settings
from opsknight.store.calls import RATES_CONFIG, TABLE_CONFIG
from opsknight.store.counters import Counters
from opsknight.store.rows import Rows

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

# Calls are rare, and somebody is waiting.
SSM_CONFIG: Final = Config(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"}
)
MESSAGES_CONFIG: Final = Config(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"}
)
"""For SQS and SNS."""


def table[T: Rows](kind: type[T]) -> T:
    """As much of the table as the function needs, so that it imports no more."""
    return rows().seen_as(kind)


def audited_table[T: Rows](kind: type[T]) -> T:
    """The same for a function by which people act: it knows how long the audit log is kept."""
    kept = timedelta(days=read_settings(AuditSettings).audit_days)
    return replace(table(kind), audit_retention=kept)


@cache
def rows() -> Rows:
    """The table's client, name and settings."""
    settings = read_settings(TableSettings)
    retention = timedelta(days=settings.retention_days)
    return Rows(_dynamodb(TABLE_CONFIG), settings.table_name, retention, lenient.log_skipped)


@cache
def counters() -> Counters:
    return Counters(_dynamodb(RATES_CONFIG), read_settings(CounterSettings).rates_table_name)


@cache
def sqs() -> "SQSClient":
    made: SQSClient = aws.client("sqs", MESSAGES_CONFIG)
    return made


@cache
def sns() -> Any:
    return aws.client("sns", MESSAGES_CONFIG)


@cache
def ssm() -> "SSMClient":
    made: SSMClient = aws.client("ssm", SSM_CONFIG)
    return made


def _dynamodb(config: Config) -> "DynamoDBClient":
    # As for any AWS tool, the region and an endpoint such as MiniStack's come from the environment.
    made: DynamoDBClient = aws.client("dynamodb", config)
    return made
