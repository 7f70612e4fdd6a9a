"""Finds a deployment by stack, region and profile, as other AWS tools do. Without any of these, it
finds the local one that `make run` started in this folder or in one above, or that the shell names.
"""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoRegionError

from opsknight.runtime.clients import MESSAGES_CONFIG
from opsknight.runtime.queues import Queue
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.table import Table
from opsknight_cli.session import NotFound, Where

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

DEFAULT_STACK: Final = "opsknight"
# The doctor makes many calls in parallel, and does not wait long for any.
IMPATIENT: Final = Config(
    connect_timeout=3, read_timeout=8, retries={"total_max_attempts": 2, "mode": "standard"}
)
_NO_REGION: Final = (
    "Give a region with --region, or set AWS_DEFAULT_REGION. For the local deployment, start "
    "`make run`; from other folders, export where it is: `. .local/opsknight.env`."
)
_UNSET: Final = " Your shell exports where it was: `unset OPSKNIGHT_AWS_ENDPOINT`."
_LOCAL: Final = ("OPSKNIGHT_AWS_ENDPOINT", "OPSKNIGHT_AWS_REGION", "OPSKNIGHT_AWS_STACK")
_SETTINGS: Final = Path(".local") / "opsknight.env"


@dataclass(frozen=True, slots=True)
class Deployment:
    name: str
    """The name in sentences."""
    url: str
    table: Table
    pages: Queue | None
    """The queue of messages to people; None if the stack is too old to have this output."""
    operator: Callable[[], str]
    """Asks AWS for the ARN of the caller."""
    stack: str = DEFAULT_STACK
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those of the stack."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where a deployment should be; no call has been made yet."""

    name: str
    """The name in sentences."""
    stack: str
    client: Callable[[str], Any]
    """Makes a client for an AWS service."""


def reach(where: Where) -> Account:
    """Raises NotFound."""
    session, stack, endpoint = _place(where)

    def client(service: str) -> Any:
        anything: Any = session
        config = TABLE_CONFIG if service == "dynamodb" else IMPATIENT
        return anything.client(service, endpoint_url=endpoint, config=config)

    return Account("the local deployment" if endpoint else f"stack {stack}", stack, client)


def find(where: Where) -> Deployment:
    """Raises NotFound."""
    session, stack, endpoint = _place(where)
    try:
        return _deployment(session, stack, endpoint)
    except EndpointConnectionError as error:
        if endpoint is None:
            raise NotFound(f"AWS could not be called: {str(error).rstrip('.')}.") from None
        raise NotFound(
            f"The local deployment of `make run` no longer answers at {endpoint}: start it "
            "again, or give another deployment with --stack."
            f"{_UNSET if _LOCAL[0] in os.environ else ''}"
        ) from None
    except KeyError as missing:
        raise NotFound(
            f"Stack {stack} is not an OpsKnight deployment, or not complete: it has no {missing}."
        ) from None
    except ClientError as error:
        reason = error.response["Error"].get("Message", str(error)).rstrip(".")
        place = f"in {session.region_name} (--region, --profile)"
        raise NotFound(f"Stack {stack} could not be read {place}: {reason}.") from None
    except NoRegionError:
        raise NotFound(_NO_REGION) from None
    except BotoCoreError as error:
        raise NotFound(f"AWS could not be called: {str(error).rstrip('.')}.") from None


def _place(where: Where) -> tuple[boto3.Session, str, str | None]:
    """The session, the name of the stack, and the endpoint if it is local. Raises NotFound."""
    local = None if where != Where() else local_settings()
    if local and (endpoint := local.get("OPSKNIGHT_AWS_ENDPOINT")):
        session = boto3.Session(
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106
            region_name=local["OPSKNIGHT_AWS_REGION"],
        )
        return session, local["OPSKNIGHT_AWS_STACK"], endpoint
    try:
        session = boto3.Session(profile_name=where.profile, region_name=where.region)
    except BotoCoreError as error:
        raise NotFound(f"AWS could not be called: {str(error).rstrip('.')}.") from None
    if session.region_name is None:
        raise NotFound(_NO_REGION)
    return session, where.stack or DEFAULT_STACK, None


def _deployment(session: boto3.Session, stack: str, endpoint: str | None) -> Deployment:
    cloudformation = session.client("cloudformation", endpoint_url=endpoint)
    found: Any = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    values = _named(found)
    client = session.client("dynamodb", config=TABLE_CONFIG, endpoint_url=endpoint)
    # Somebody waits for a test, so no storm may delay it. An older stack has the one queue.
    pages = values.get("PagesHighUrl") or values.get("PagesUrl")
    # Typed as Any: the stubs and `Queue` name the type of this client differently.
    sqs: Any = session.client("sqs", config=MESSAGES_CONFIG, endpoint_url=endpoint)

    def operator() -> str:
        arn: str = session.client("sts", endpoint_url=endpoint).get_caller_identity()["Arn"]
        return arn

    return Deployment(
        name="the local deployment" if endpoint else f"stack {stack}",
        url=local_settings()["OPSKNIGHT_URL"] if endpoint else values["ApiUrl"],
        table=table_of(client, found),
        pages=Queue(sqs, pages) if pages else None,
        operator=operator,
        stack=stack,
        parameters=_parameters(found),
    )


def table_of(client: "DynamoDBClient", stack: Mapping[str, Any]) -> Table:
    """The table of a stack that CloudFormation describes. Raises KeyError if it has none."""
    parameters = _parameters(stack)
    retention = timedelta(days=int(parameters["RetentionDays"]))
    table = Table(client, _named(stack)["TableName"], retention)
    # An older stack has no such parameter.
    audit_days = parameters.get("AuditDays")
    kept = table.audit_retention if audit_days is None else timedelta(days=int(audit_days))
    return replace(table, audit_retention=kept)


def _parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}


def _named(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def local_settings() -> Mapping[str, str]:
    """The settings that `make run` wrote in this folder or one above, or else those that the shell
    exports from there; empty where there are none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        try:
            lines = (folder / _SETTINGS).read_text().splitlines()
        except OSError:
            continue
        words = (shlex.split(line.removeprefix("export ")) for line in lines)
        return dict(word.split("=", 1) for [word] in words)
    if all(os.environ.get(name) for name in _LOCAL):
        return {name: it for name, it in os.environ.items() if name.startswith("OPSKNIGHT_")}
    return {}
