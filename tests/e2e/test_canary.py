"""The canary on the deployed template: from its schedule's target to an address outside."""

import time

import boto3
import pytest

from harness.receivers import answers, http_receiver
from local.deployment import STACK
from local.stack import Running

pytestmark = [pytest.mark.system]

# A dozen programs start for the first flight, on a machine that may be busy with other tests.
LONGEST_SECONDS = 120


def test_a_canary_flies_through_the_deployed_stack_and_is_heard_outside(deployed: Running) -> None:
    cloudformation = boto3.client("cloudformation", endpoint_url=deployed.endpoint)
    found = cloudformation.describe_stack_resource(
        StackName=STACK, LogicalResourceId="CanaryFunction"
    )
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    with http_receiver(answers(200)) as outside:
        boto3.client("ssm", endpoint_url=deployed.endpoint).put_parameter(
            Name=f"/opsknight/{STACK}/canary-ping",
            Value=f"{outside.url}/ping",
            Type="SecureString",
            Overwrite=True,
        )
        answer = boto3.client("lambda", endpoint_url=deployed.endpoint).invoke(
            FunctionName=f"{name}:live"
        )
        assert not answer.get("FunctionError"), answer["Payload"].read()
        ends = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < ends and not outside.requests:
            time.sleep(0.2)
        assert [each.path for each in outside.requests] == ["/ping"]
