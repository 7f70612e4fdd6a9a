"""AWS's own events on their way into the queue: what the rules pass, and who may send."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from harness.dynamodb import read_template, template
from tests.template.parts import of_type

ROOT: Final = Path(__file__).parents[2]
PAYLOADS: Final = ROOT / "tests" / "aws"
# The rule leaves out what is far too much for a queue: successes of jobs that run all day.
LEFT_OUT: Final = {"batch-succeeds", "step-functions-succeeds"}


def pattern() -> dict[str, Any]:
    found: dict[str, Any] = of_type("AWS::Events::Rule")["AwsRule"]["EventPattern"]
    return found


def passes(wanted: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """As EventBridge has it, as far as we use it: words, `$or`, and objects in objects."""
    for name, value in wanted.items():
        match value:
            case list() if name == "$or":
                if not any(passes(each, event) for each in value):
                    return False
            case list():
                assert all(isinstance(each, str) for each in value)
                if event.get(name) not in value:
                    return False
            case dict():
                inner = event.get(name)
                if not isinstance(inner, dict) or not passes(value, inner):
                    return False
            case _:
                pytest.fail(f"{name} is not read here")
    return True


def payloads() -> dict[str, dict[str, Any]]:
    found = {}
    for file in PAYLOADS.glob("*.json"):
        found[file.stem] = json.loads(file.read_text(encoding="utf-8"))
    return {name: each for name, each in found.items() if "detail-type" in each["event"]}


def test_the_rule_passes_whatever_becomes_an_event() -> None:
    left = {
        name
        for name, each in payloads().items()
        if "action" in each["becomes"] and not passes(pattern(), each["event"])
    }
    assert left == LEFT_OUT
    for name in ("unknown", "backup-running", "batch-runnable", "cloudwatch-changed"):
        assert not passes(pattern(), payloads()[name]["event"]), name


def test_the_pattern_is_as_long_as_eventbridge_takes() -> None:
    assert len(json.dumps(pattern())) <= 2048


def test_member_accounts_send_by_the_same_pattern() -> None:
    member = read_template(ROOT / "member-account.yaml")
    assert member["Resources"]["AwsRule"]["Properties"]["EventPattern"] == pattern()
    [statement] = member["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"][
        "Statement"
    ]
    assert (statement["Action"], statement["Resource"]) == ("events:PutEvents", {"Ref": "BusArn"})


def test_the_queue_takes_from_rules_and_topics_of_the_account_alone() -> None:
    for name in ("ArrivalsPolicy", "RecordFailuresPolicy"):
        for statement in of_type("AWS::SQS::QueuePolicy")[name]["PolicyDocument"]["Statement"]:
            assert statement["Action"] == "sqs:SendMessage"
            assert set(statement["Principal"]) == {"Service"}
            source = statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
            assert "${AWS::AccountId}" in source


def test_the_bus_of_members_names_accounts_or_an_organisation() -> None:
    policies = of_type("AWS::Events::EventBusPolicy")
    named = policies["MemberAccountsPolicy"]["Statement"]
    assert named["Principal"] == {"AWS": {"Fn::Split": [",", {"Ref": "MemberAccounts"}]}}
    whole = policies["MemberOrganizationPolicy"]["Statement"]
    assert whole["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": {"Ref": "MemberOrganization"}}
    }
    assert len(policies) == 2


def test_without_members_there_is_no_bus() -> None:
    for name in ("MemberBus", "MemberRule", "MemberAccountsPolicy", "MemberOrganizationPolicy"):
        assert template()["Resources"][name]["Condition"] in (
            "HasMembers",
            "HasAccounts",
            "HasOrganization",
        )
    for name in ("MemberAccounts", "MemberOrganization"):
        assert template()["Parameters"][name]["Default"] == ""


def test_each_rule_keeps_what_it_cannot_deliver() -> None:
    for name in ("AwsRule", "MemberRule"):
        [target] = of_type("AWS::Events::Rule")[name]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["Arrivals", "Arn"]}
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["RecordFailures", "Arn"]}}


def test_a_record_says_which_account_it_is() -> None:
    """By it the deployment knows its own alarms."""
    assert SQSRecord({"eventSourceARN": "arn:aws:sqs:r:1:q"}).event_source_arn.split(":")[4] == "1"
