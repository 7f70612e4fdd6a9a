"""Finding a deployment by its stack, as other AWS tools do: by name, region and profile."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.table import Table


class NotFound(Exception):
    """There is no such deployment, or no way to look; the text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Deployment:
    url: str
    table: Table


def find(stack: str, region: str | None, profile: str | None) -> Deployment:
    """Raises NotFound."""
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        values = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        parameters: Any = found.get("Parameters", [])
        days = {each["ParameterKey"]: each["ParameterValue"] for each in parameters}
        client = session.client("dynamodb", config=TABLE_CONFIG)
        retention = timedelta(days=int(days["RetentionDays"]))
        return Deployment(values["ApiUrl"], Table(client, values["TableName"], retention))
    except KeyError as missing:
        raise NotFound(
            f"Stack {stack} is no OpsKnight deployment, or not deployed yet: it has no {missing}."
        ) from None
    except ClientError as error:
        reason = error.response["Error"].get("Message", str(error)).rstrip(".")
        where = f"in {session.region_name} (--region, --profile)"
        raise NotFound(f"Stack {stack} could not be read {where}: {reason}.") from None
    except NoRegionError:
        raise NotFound("Which region? Give --region, or set AWS_DEFAULT_REGION.") from None
    except BotoCoreError as error:
        raise NotFound(f"AWS could not be asked: {str(error).rstrip('.')}.") from None
