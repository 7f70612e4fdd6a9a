"""The example of CloudFront and WAF in front of the API is one that CloudFormation takes, and does
what docs/operations.md says.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from harness.dynamodb import ROOT

EXAMPLE = ROOT / "examples" / "front-door.yaml"


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = yaml_parse(EXAMPLE.read_text())["Resources"]
    return {name: each["Properties"] for name, each in found.items()}


def test_cloudformation_would_take_it() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    words = [str(lint), "--regions", "us-east-1", "--", str(EXAMPLE)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_nothing_is_cached_and_keys_are_passed_on(resources: dict[str, Any]) -> None:
    config = resources["Door"]["DistributionConfig"]
    behaviour = config["DefaultCacheBehavior"]
    # CachingDisabled and AllViewerExceptHostHeader, AWS's managed policies.
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behaviour["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert {"POST", "DELETE", "PATCH"} <= set(behaviour["AllowedMethods"])
    assert config["WebACLId"] == {"Fn::GetAtt": ["Firewall", "Arn"]}


def test_what_has_no_key_is_refused_and_one_address_is_bounded(resources: dict[str, Any]) -> None:
    no_key, one_address = resources["Firewall"]["Rules"]
    path, *headers = no_key["Statement"]["AndStatement"]["Statements"]
    assert path["ByteMatchStatement"]["SearchString"] == "/api/"
    looked_at = [
        each["NotStatement"]["Statement"]["SizeConstraintStatement"]["FieldToMatch"]["SingleHeader"]
        for each in headers
    ]
    assert looked_at == [{"Name": "authorization"}, {"Name": "x-api-key"}]
    assert one_address["Statement"]["RateBasedStatement"]["AggregateKeyType"] == "IP"
