"""The template keeps to AWS's limits, whatever its parameters hold: MiniStack takes more."""

import json
import re
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

import pytest

from harness.dynamodb import template
from tests.template.parts import functions, of_type, stream_mappings
from tests.template.transformed import parameters, transformed

STACK: Final = "a-name-of-forty-characters-for-the-stack"
REGION: Final = "ap-southeast-3"
# What CloudFormation makes of a stack's name, a logical name and twelve letters and digits.
RANDOM: Final = "ABCDEFGHIJKL"
PSEUDO: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
}
LONGEST_SERVICE: Final = "dynamodb"


def longest(value: Any) -> Any:
    """A value as CloudFormation resolves it, with the longest that parameters may hold; of two
    branches the longer one.
    """
    match value:
        case {"Ref": "AWS::NoValue"}:
            return ""
        case {"Ref": str(name)} if name in PSEUDO:
            return PSEUDO[name]
        case {"Ref": str(name)} if name in template()["Parameters"]:
            return longest_of(name)
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return arn_of(name)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: named(found[1]), text)
        case {"Fn::Sub": [str(text), dict(local)]}:
            own = {name: str(longest(each)) for name, each in local.items()}
            return re.sub(
                r"\$\{([^}]+)\}", lambda found: own.get(found[1]) or named(found[1]), text
            )
        case {"Fn::If": [_, one, other]}:
            return max(longest(one), longest(other), key=lambda each: len(json.dumps(each)))
        case {"Fn::Select": [_, each]} | {"Fn::Split": [_, each]}:
            return longest(each)
        case {"Fn::FindInMap": [str(name), _, str(key)]}:
            found = (each[key] for each in template()["Mappings"][name].values())
            return max(found, key=lambda each: len(str(each)))
        case dict():
            return {name: longest(each) for name, each in value.items()}
        case list():
            return [longest(each) for each in value]
        case _:
            return value


def named(text: str) -> str:
    name = text.partition(".")[0]
    if name in PSEUDO:
        return PSEUDO[name]
    return longest_of(name) if name in template()["Parameters"] else arn_of(name)


def longest_of(parameter: str) -> str:
    known = template()["Parameters"][parameter]
    values = [str(each) for each in known.get("AllowedValues", [known.get("Default", "")])]
    # Of those without a length of their own, as much as anybody will write.
    bound = known.get("MaxLength", 0 if "AllowedValues" in known else 60)
    return max(values, key=len).ljust(bound, "x")


def arn_of(resource: str) -> str:
    assert resource in template()["Resources"], resource
    account = PSEUDO["AWS::AccountId"]
    return (
        f"arn:aws:{LONGEST_SERVICE}:{REGION}:{account}:table/{STACK[:24]}-{resource[:24]}-{RANDOM}"
    )


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("role", sorted(of_type("AWS::IAM::Role")))
def test_the_policies_of_a_role_fit_into_it(role: str) -> None:
    """10,240 characters without white space, of all inline policies of a role together (IAM and AWS
    STS quotas).
    """
    policies = of_type("AWS::IAM::Role")[role]["Policies"]
    documents = [longest(each["PolicyDocument"]) for each in policies]
    assert sum(len(compact(each)) for each in documents) <= 10_240


@pytest.mark.parametrize("function", sorted(functions()))
def test_the_environment_of_a_function_fits(function: str) -> None:
    """4 KB of names and values (Lambda quotas)."""
    environment = longest(functions()[function]["Environment"])
    assert sum(len(name) + len(str(value)) for name, value in environment.items()) <= 4096
    assert len(functions()[function]["Description"]) <= 256


def test_cloudformation_takes_as_many_parts() -> None:
    """CloudFormation quotas, after the transform, which makes most of them."""
    assert len(template()["Parameters"]) <= 200
    assert len(template()["Outputs"]) <= 200
    assert len(template()["Mappings"]) <= 200
    every = parameters(Shift="Linear10PercentEvery1Minute", EmailFrom="a@example.com")
    assert len(transformed(every)["Resources"]) <= 500
    for name, each in template()["Parameters"].items():
        assert len(each.get("Description", "")) <= 4000, name


def test_filters_of_mappings_are_as_many_and_as_long_as_lambda_takes() -> None:
    """Five of a mapping, of 4,096 characters each."""
    for function, mapping in stream_mappings().items():
        filters = mapping["FilterCriteria"]["Filters"]
        assert len(filters) <= 5, function
        assert all(len(each["Pattern"]) <= 4096 for each in filters), function


def combinations(pattern: Mapping[str, Any]) -> int:
    """How many plain patterns EventBridge makes of one."""
    count = 1
    for name, wanted in pattern.items():
        match wanted:
            case list() if name == "$or":
                count *= sum(combinations(each) for each in wanted)
            case list():
                count *= len(wanted)
            case dict():
                count *= combinations(wanted)
            case _:
                pytest.fail(f"{name} is not read here")
    return count


def test_eventbridge_makes_no_more_of_a_pattern_than_it_takes() -> None:
    """A pattern with `$or` may come to 1,000 combinations."""
    reports = (
        source["Properties"]["Pattern"]
        for function in functions().values()
        for source in function.get("Events", {}).values()
        if source["Type"] == "EventBridgeRule"
    )
    rules = (each["EventPattern"] for each in of_type("AWS::Events::Rule").values())
    for pattern in chain(reports, rules):
        assert combinations(longest(pattern)) <= 1000
        assert len(compact(longest(pattern))) <= 2048


def test_texts_of_alarms_dashboard_and_access_log_fit() -> None:
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        assert len(alarm["AlarmDescription"]) <= 1024, name
    (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
    assert len(stage["AccessLogSettings"]["Format"]) <= 3072
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    body = json.loads(str(longest(dashboard["DashboardBody"])))
    assert all(len(each["properties"].get("metrics", ())) <= 500 for each in body["widgets"])


def test_names_that_we_give_fit_where_they_are_used() -> None:
    """CloudFront's functions and its access controls have 64 characters, dashboards 255, buses and
    parameters more. A stack's own name may have 128.
    """
    bounds = {
        "AWS::CloudFront::Function": ("Name", 64),
        "AWS::CloudFront::OriginAccessControl": ("OriginAccessControlConfig", 64),
        "AWS::CloudFront::CachePolicy": ("CachePolicyConfig", 128),
        "AWS::CloudFront::ResponseHeadersPolicy": ("ResponseHeadersPolicyConfig", 128),
        "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
        "AWS::Events::EventBus": ("Name", 256),
        "AWS::Logs::LogGroup": ("LogGroupName", 512),
    }
    for kind, (name, bound) in bounds.items():
        for resource, properties in of_type(kind).items():
            given = properties[name]
            text = longest(given["Name"] if isinstance(given, dict) and "Name" in given else given)
            assert len(str(text)) <= bound, resource
