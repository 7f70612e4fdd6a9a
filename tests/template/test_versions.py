"""Every deploy arrives: whatever changes, the version that the aliases serve changes with it."""

import re
from typing import Any

import pytest

from harness.dynamodb import template
from tests.template.parts import functions
from tests.template.transformed import parameters, served, transformed

# Another value of each parameter than its default.
OTHERS = {
    "EmailFrom": "OpsKnight <oncall@example.com>",
    "SmsOrigination": "+15550100",
    "VoiceOrigination": "+15550101",
    "PhoneConfigurationSet": "phone",
    "PublicUrl": "https://oncall.example.com",
    "DomainName": "oncall.example.org",
    "StatusDomainName": "status.example.org",
    "AllowPrivateTargets": "true",
    "LocalInbox": "http://127.0.0.1:8025",
    "SlackSigningSecretName": "/opsknight/other",
    "SlackWorkspaces": "T0123ABC",
    "CorsOrigins": "https://ops.example.com",
    "TwilioAccount": f"AC{'1' * 32}",
    "OidcIssuer": "https://login.example.com",
    "RetentionDays": "30",
    "AuditDays": "90",
    "LogLevel": "DEBUG",
    "Tracing": "Active",
    "SnapStart": "PublishedVersions",
    "Architecture": "x86_64",
}
# Where everything else is a process of the same machine, and each run begins with a new stack.
ONLY_LOCAL = {"LocalInbox"}
PARAMETERS = re.compile(r"\$\{(\w+)\}")


def depends_on(value: Any) -> set[str]:
    """The parameters that a property names, those behind the template's conditions included."""
    match value:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return set(PARAMETERS.findall(text))
        case {"Fn::If": [str(condition), *branches]}:
            return depends_on(template()["Conditions"][condition]) | depends_on(branches)
        case dict():
            return set().union(*map(depends_on, value.values()))
        case list():
            return set().union(*map(depends_on, value))
        case _:
            return set()


def test_a_new_layer_reaches_every_function() -> None:
    before, after = served(parameters()), served(parameters(), layer="s3://bucket/layer-2")
    assert before.keys() == functions().keys()
    for name in before:
        assert before[name] != after[name], name


def test_new_code_reaches_every_function() -> None:
    before, after = served(parameters()), served(parameters(), code="s3://bucket/code-2")
    for name in before:
        assert before[name] != after[name], name


def test_every_version_stays_for_a_rollback() -> None:
    """Those that new code puts out of the template, and those that a parameter replaces."""
    versions = [
        each
        for each in transformed(parameters())["Resources"].values()
        if each["Type"] == "AWS::Lambda::Version"
    ]
    assert len(versions) == len(functions())
    for each in versions:
        assert each["DeletionPolicy"] == each["UpdateReplacePolicy"] == "Retain"


def test_the_same_again_publishes_nothing() -> None:
    assert served(parameters()) == served(parameters())


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_parameter_reaches_each_function_that_depends_on_it(function: str) -> None:
    # How it moves to a version, and how many may run, is no part of the version.
    apart = "VersionDescription", "Events", "DeploymentPreference", "ReservedConcurrentExecutions"
    own = {**functions()[function], **dict.fromkeys(apart)}
    named = depends_on(own) & template()["Parameters"].keys() - ONLY_LOCAL
    assert named
    before = served(parameters())
    for name in named:
        after = served(parameters(**{name: OTHERS[name]}))
        assert before[function] != after[function], name


def test_a_description_fits_whatever_its_parameters_hold() -> None:
    """AWS::Lambda::Version takes 256 characters."""
    known = template()["Parameters"]
    longest = {}
    for name, each in known.items():
        values = [str(value) for value in each.get("AllowedValues", [each.get("Default", "")])]
        longest[name] = max(values, key=len).ljust(each.get("MaxLength", 0), "x")
    for name in ("RetentionDays", "AuditDays"):
        longest[name] = str(known[name]["MaxValue"])
    for function, (_, description) in served(longest).items():
        assert len(description) <= 256, function


def test_whatever_calls_a_function_calls_its_alias() -> None:
    resources = transformed(parameters())["Resources"]
    aliases = {
        name: each["Properties"]["FunctionName"]["Ref"]
        for name, each in resources.items()
        if each["Type"] == "AWS::Lambda::Alias"
    }
    assert set(aliases.values()) == set(functions())
    called = {}
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Lambda::EventSourceMapping" | "AWS::Lambda::Permission":
                called[name] = properties["FunctionName"]
            case "AWS::Events::Rule":
                target = properties["Targets"][0]["Arn"]
                if target == {"Fn::GetAtt": ["Arrivals", "Arn"]}:
                    # A queue, whose reader is in this list.
                    continue
                called[name] = target
            case "AWS::SNS::Subscription" if properties["Protocol"] == "lambda":
                called[name] = properties["Endpoint"]
            case "AWS::Lambda::EventInvokeConfig":
                called[name] = {"Ref": f"{properties['FunctionName']['Ref']}Aliaslive"}
            case "AWS::ApiGatewayV2::Integration":
                function = properties["IntegrationUri"]["Fn::Sub"].removesuffix(".Arn}:live")
                called[name] = {"Ref": f"{function.removeprefix('${')}Aliaslive"}
            case _:
                continue
    assert len(called) >= 12
    for name, target in called.items():
        assert target.get("Ref") in aliases, f"{name} calls {target}"


AT_ONCE, *GRADUAL = template()["Parameters"]["Shift"]["AllowedValues"]
DOORS = {"EventsFunction", "RespondFunction"}


def test_by_default_every_function_moves_at_once_and_nothing_of_codedeploy_is_made() -> None:
    assert parameters()["Shift"] == AT_ONCE
    made = transformed(parameters())["Resources"]
    assert not [name for name, each in made.items() if "CodeDeploy" in each["Type"]]
    assert not [name for name, each in made.items() if "UpdatePolicy" in each]


@pytest.mark.parametrize("shift", GRADUAL)
def test_a_gradual_shift_is_the_doors_own_and_their_alarms_move_it_back(shift: str) -> None:
    made = transformed(parameters(Shift=shift))["Resources"]
    aliases = {name: each for name, each in made.items() if each["Type"] == "AWS::Lambda::Alias"}
    shifted = {
        each["Properties"]["FunctionName"]["Ref"]: each["UpdatePolicy"]
        for each in aliases.values()
        if "UpdatePolicy" in each
    }
    assert shifted.keys() == DOORS
    for function, policy in shifted.items():
        group = policy["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"]
        properties = made[group]["Properties"]
        config = properties["DeploymentConfigName"]["Fn::Sub"]
        assert config == ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": shift}]
        assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]
        alarms = {each["Name"]["Ref"] for each in properties["AlarmConfiguration"]["Alarms"]}
        own = f"{function.removesuffix('Function')}ErrorsAlarm"
        assert alarms == {"ApiFailingAlarm", own, "StoreUnavailableAlarm"}
        assert all(made[each]["Type"] == "AWS::CloudWatch::Alarm" for each in alarms)
