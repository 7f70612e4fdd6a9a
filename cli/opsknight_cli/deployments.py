"""Finding a deployment: by its stack, region and profile as other AWS tools do; without any of them
that of `make run`, while it is up in this folder or one above.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoRegionError

from opsknight.queues import Queue
from opsknight.runtime import MESSAGES_CONFIG
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.table import Table

USUAL_STACK: Final = "opsknight"
_SETTINGS: Final = Path(".local") / "opsknight.env"


class NotFound(Exception):
    """There is no such deployment, or no way to look; the text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Where:
    stack: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    name: str
    """As sentences call it."""
    url: str
    table: Table
    pages: Queue | None
    """Of messages to people; None where the stack is too old to tell."""
    operator: Callable[[], str]
    """Asks AWS who we are: an ARN."""


def find(where: Where) -> Deployment:
    """Raises NotFound."""
    local = None if where != Where() else local_settings()
    if local and (endpoint := local.get("OPSKNIGHT_AWS_ENDPOINT")):
        session = boto3.Session(
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106
            region_name=local["OPSKNIGHT_AWS_REGION"],
        )
        stack = local["OPSKNIGHT_AWS_STACK"]
        try:
            found = _deployment(session, stack, endpoint)
        except EndpointConnectionError:
            raise NotFound(
                f"`make run` was up here and does not answer at {endpoint} any more: start it "
                "again, or name another deployment with --stack."
            ) from None
        return replace(found, name="the local deployment", url=local["OPSKNIGHT_URL"])
    stack = where.stack or USUAL_STACK
    try:
        session = boto3.Session(profile_name=where.profile, region_name=where.region)
        return _deployment(session, stack, None)
    except KeyError as missing:
        raise NotFound(
            f"Stack {stack} is no OpsKnight deployment, or not deployed yet: it has no {missing}."
        ) from None
    except ClientError as error:
        reason = error.response["Error"].get("Message", str(error)).rstrip(".")
        place = f"in {session.region_name} (--region, --profile)"
        raise NotFound(f"Stack {stack} could not be read {place}: {reason}.") from None
    except NoRegionError:
        raise NotFound("Which region? Give --region, or set AWS_DEFAULT_REGION.") from None
    except BotoCoreError as error:
        raise NotFound(f"AWS could not be asked: {str(error).rstrip('.')}.") from None


def _deployment(session: boto3.Session, stack: str, endpoint: str | None) -> Deployment:
    cloudformation = session.client("cloudformation", endpoint_url=endpoint)
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    values = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    parameters: Any = found.get("Parameters", [])
    days = {each["ParameterKey"]: each["ParameterValue"] for each in parameters}
    client = session.client("dynamodb", config=TABLE_CONFIG, endpoint_url=endpoint)
    retention = timedelta(days=int(days["RetentionDays"]))
    table = Table(client, values["TableName"], retention)
    pages = values.get("PagesUrl")
    # Told apart by the name of the service, the stubs know it under two names.
    sqs: Any = session.client("sqs", config=MESSAGES_CONFIG, endpoint_url=endpoint)

    def operator() -> str:
        arn: str = session.client("sts", endpoint_url=endpoint).get_caller_identity()["Arn"]
        return arn

    return Deployment(
        name=f"stack {stack}",
        url=values["ApiUrl"],
        table=table,
        pages=Queue(sqs, pages) if pages else None,
        operator=operator,
    )


def local_settings() -> Mapping[str, str]:
    """What `make run` wrote of itself; nothing when it is not up."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        try:
            lines = (folder / _SETTINGS).read_text().splitlines()
        except OSError:
            continue
        words = (shlex.split(line.removeprefix("export ")) for line in lines)
        return dict(word.split("=", 1) for [word] in words)
    return {}
