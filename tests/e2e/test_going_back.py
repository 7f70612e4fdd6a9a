"""Going back on the deployed template, as an operator does it: `opsknight rollback` to the version
that a function served before the last deploy.
"""

from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from local.deployment import STACK
from local.stack import Running
from tests.e2e.commands import told

pytestmark = pytest.mark.system


def aws(up: Running, service: str) -> Any:
    anything: Any = boto3
    return anything.client(service, endpoint_url=up.endpoint)


def test_a_function_serves_the_version_before_the_last_deploy(
    deployed: Running, here: Path
) -> None:
    awslambda, cloudformation = aws(deployed, "lambda"), aws(deployed, "cloudformation")
    [name] = [
        each["PhysicalResourceId"]
        for each in cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        if each["LogicalResourceId"] == "StatusFunction"
    ]

    def serves() -> str:
        found: str = awslambda.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
        return found

    def answers() -> int:
        # A process starts for each version, on a machine that may be busy with other tests.
        return requests.get(f"{deployed.url}/status/none", timeout=60).status_code

    before = serves()
    # What a deploy does that breaks this one function.
    awslambda.update_function_configuration(FunctionName=name, Handler="status.handler.gone")
    broken = awslambda.publish_version(FunctionName=name, Description="broken")["Version"]
    awslambda.update_alias(FunctionName=name, Name="live", FunctionVersion=broken)
    assert answers() >= 500
    [moved] = told(here, "rollback")["functions"]
    assert (moved["function"], moved["from"], moved["to"]) == ("Status", int(broken), int(before))
    assert serves() == before
    assert answers() == 404
