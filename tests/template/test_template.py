"""What the code takes for granted of the template, and the template of the code."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from escalation.handler import PATIENCE_SECONDS as ESCALATION_PATIENCE_SECONDS
from events.handler import PATIENCE_SECONDS, Api
from events.integrations.wires import WIRES
from harness.dynamodb import ROOT, template
from harness.streams import record, woken_by
from harness.world import World, event, http_event
from notify.channels.protocol import SENDS_WITHIN_SECONDS
from notify.handler import PATIENCE_SECONDS as NOTIFY_PATIENCE_SECONDS
from notify.handler import SENDING_PATIENCE_SECONDS
from opsknight.classes import dataclass
from opsknight.http.gateway import Answer, Request, respond
from opsknight.incident.model import Urgency
from opsknight.runtime.settings import (
    AuditSettings,
    CanarySettings,
    ConfigurationSettings,
    ConsoleSettings,
    CounterSettings,
    EventsSettings,
    OutboxSettings,
    PagesSettings,
    PublishingSettings,
    QueueSettings,
    RespondSettings,
    SendingSettings,
    TableSettings,
    TickSettings,
    read_settings,
)
from opsknight.runtime.telemetry import DEPLOYMENT
from opsknight.store.calls import TABLE_CONFIG
from opsknight_cli.doctor.account_findings import QUEUES_TAKE
from respond.configurator import PATIENCE_SECONDS as CONFIGURATION_PATIENCE_SECONDS
from respond.configuring.configuration import TELLING_SECONDS
from respond.handler import PATIENCE_SECONDS as RESPOND_PATIENCE_SECONDS
from tests.template.parts import functions, of_type, stream_mappings

SETTINGS: dict[str, tuple[type, ...]] = {
    "EventsFunction": (TableSettings, CounterSettings, EventsSettings),
    "RespondFunction": (
        TableSettings,
        CounterSettings,
        AuditSettings,
        RespondSettings,
    ),
    "EscalationFunction": (TableSettings, OutboxSettings),
    "TimerFunction": (TableSettings, OutboxSettings),
    "TickFunction": (TableSettings, OutboxSettings, TickSettings),
    "NotifyFunction": (TableSettings, QueueSettings),
    "SendFunction": (TableSettings, QueueSettings, SendingSettings),
    "CanaryFunction": (TableSettings, CanarySettings),
    "KeepingFunction": (TableSettings, CounterSettings, AuditSettings),
    "ConfigurationFunction": (
        TableSettings,
        CounterSettings,
        AuditSettings,
        ConfigurationSettings,
    ),
    "StatusFunction": (PagesSettings,),
    "PublishFunction": (TableSettings, PublishingSettings),
    "ConsoleFunction": (TableSettings, CounterSettings, AuditSettings, ConsoleSettings),
}
INTEGRATIONS = {
    "EventsFunction": "ApiIntegration",
    "RespondFunction": "RespondIntegration",
    "ConsoleFunction": "ConsoleIntegration",
    "KeepingFunction": "KeepingIntegration",
    "ConfigurationFunction": "ConfigurationIntegration",
    "StatusFunction": "StatusIntegration",
}
LIBRARIES = {"ConfigurationFunction": {"yaml", "_yaml"}}
"""What a package has besides the function's own code: the layer has what all need."""
BY_LIBRARIES = {
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
    "PYDANTIC_DISABLE_PLUGINS",
}
"""Read by Powertools and pydantic."""
STAND_INS = {
    "SendFunction": {"AWS_ENDPOINT_URL_SESV2", "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2"},
}
"""Read by boto3: where a developer's machine has something else for a service of AWS."""


@pytest.mark.parametrize("function", sorted(SETTINGS))
def test_a_function_is_given_the_settings_it_reads(function: str) -> None:
    settings = {f.name.upper() for kind in SETTINGS[function] for f in fields(kind)}
    # Who has a table needs to find the AWS that it is in, in sam local; the variable is absent
    # wherever it is deployed.
    endpoint = {"AWS_ENDPOINT_URL"} if settings else set()
    environment = functions()[function]["Environment"]
    stand_ins = STAND_INS.get(function, set())
    assert set(environment) == settings | endpoint | stand_ins | BY_LIBRARIES
    for name in stand_ins:
        assert environment[name] == {
            "Fn::If": ["HasInbox", {"Ref": "LocalInbox"}, {"Ref": "AWS::NoValue"}]
        }
    if endpoint:
        assert environment["AWS_ENDPOINT_URL"] == {"Ref": "AWS::NoValue"}


def test_settings_are_read_from_the_templates_values() -> None:
    environment = {
        "TABLE_NAME": "table",
        "RETENTION_DAYS": str(template()["Parameters"]["RetentionDays"]["Default"]),
    }
    settings = read_settings(TableSettings, environment)
    assert settings == TableSettings(table_name="table", retention_days=400)


@pytest.mark.parametrize("function", sorted(SETTINGS))
def test_every_setting_is_text(function: str) -> None:
    """Environments hold text, and not every deployer turns a number into it."""

    def is_text(value: Any) -> bool:
        match value:
            case {"Fn::If": [_, *branches]}:
                return all(map(is_text, branches))
            case _:
                return isinstance(value, str | dict)

    for name, value in functions()[function]["Environment"].items():
        assert is_text(value), name


@pytest.mark.parametrize("function", sorted(SETTINGS))
def test_a_function_is_built_with_its_own_package_and_no_other(
    function: str, tmp_path: Path
) -> None:
    assert template()["Resources"][function]["Metadata"] == {"BuildMethod": "makefile"}
    # The wheels that the tests themselves run with.
    platform = f"LAYER_PLATFORM={os.uname().machine}-manylinux2014"
    run = ["make", f"build-{function}", f"ARTIFACTS_DIR={tmp_path}", platform]
    subprocess.run(run, cwd=ROOT / "functions", check=True, capture_output=True)
    package, module, _ = functions()[function]["Handler"].split(".")
    libraries = LIBRARIES.get(function, set())
    assert {each.name for each in tmp_path.iterdir()} == {package, *libraries}
    assert list((tmp_path / package / "__pycache__").glob(f"{module}.*.pyc"))


@pytest.mark.parametrize("function", sorted(SETTINGS))
def test_a_function_runs_what_is_there(function: str) -> None:
    properties = functions()[function]
    module, _, name = properties["Handler"].rpartition(".")
    assert callable(getattr(import_module(module), name))
    assert properties["CodeUri"] == "functions/"
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == [{"Ref": "Architecture"}]
    assert template()["Parameters"]["Architecture"]["Default"] == "arm64"
    assert properties["Environment"]["POWERTOOLS_SERVICE_NAME"] == module.partition(".")[0]


def test_the_store_gives_up_before_the_function_and_the_function_before_the_gateway() -> None:
    for function, integration in INTEGRATIONS.items():
        limit = of_type("AWS::ApiGatewayV2::Integration")[integration]["TimeoutInMillis"] / 1000
        patience = RESPOND_PATIENCE_SECONDS if "Respond" in function else PATIENCE_SECONDS
        assert patience < functions()[function]["Timeout"] < limit < 30
    told = CONFIGURATION_PATIENCE_SECONDS + TELLING_SECONDS
    last_call = TABLE_CONFIG.connect_timeout + TABLE_CONFIG.read_timeout  # type: ignore[attr-defined]
    assert told + last_call < functions()["ConfigurationFunction"]["Timeout"]
    for function, patience in PATIENCE.items():
        for source in functions()[function]["Events"].values():
            # EventBridge brings one report at a time.
            batch = source["Properties"].get("BatchSize", 1)
            assert patience * batch < functions()[function]["Timeout"]


PATIENCE = {
    "SendFunction": SENDING_PATIENCE_SECONDS + SENDS_WITHIN_SECONDS,
    "NotifyFunction": NOTIFY_PATIENCE_SECONDS,
    "EscalationFunction": ESCALATION_PATIENCE_SECONDS,
    "TimerFunction": ESCALATION_PATIENCE_SECONDS,
}


QUEUES = {"Arrivals", "Timers", "Plans", "PagesHigh", "Pages", "Notices"}


def test_a_queue_that_is_read_waits_for_its_reader_and_loses_nothing_quietly() -> None:
    queues = of_type("AWS::SQS::Queue")
    read = set()
    for name, function in functions().items():
        for source in function.get("Events", {}).values():
            if source["Type"] != "SQS":
                continue
            mapping = source["Properties"]
            read.add(queue := mapping["Queue"]["Fn::GetAtt"][0])
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
            bound = mapping["ScalingConfig"]["MaximumConcurrency"]
            assert (bound["Fn::If"][2] if isinstance(bound, dict) else bound) >= 2, name
            # AWS's advice for queues that Lambda reads.
            assert queues[queue]["VisibilityTimeout"] >= 6 * function["Timeout"], name
    assert read == QUEUES
    for name in read:
        policy = queues[name]["RedrivePolicy"]
        until_given_up = policy["maxReceiveCount"] * queues[name]["VisibilityTimeout"]
        assert queues[name]["MessageRetentionPeriod"] > until_given_up, name
        assert policy["deadLetterTargetArn"] == {"Fn::GetAtt": ["MessageFailures", "Arn"]}
        # Nothing but the queue brings back what came from outside.
        assert policy["maxReceiveCount"] == (40 if name == "Arrivals" else 5)


def test_no_route_ends_with_a_slash() -> None:
    """API Gateway refuses such a key, and the whole deploy with it; MiniStack takes it."""
    keys = [each["RouteKey"] for each in of_type("AWS::ApiGatewayV2::Route").values()]
    assert {each for each in keys if each.endswith("/")} == {"GET /"}


def test_every_request_reaches_a_function_and_events_one_of_their_own() -> None:
    """What people do must not hold up an event: neither its code nor its concurrency."""
    routes = {
        route["RouteKey"]: route["Target"]["Fn::Sub"].removeprefix("integrations/")
        for route in of_type("AWS::ApiGatewayV2::Route").values()
    }
    assert routes == {
        "POST /api/events": "${ApiIntegration}",
        "ANY /api/events": "${ApiIntegration}",
        "ANY /v2/{proxy+}": "${ApiIntegration}",
        "ANY /generic/{proxy+}": "${ApiIntegration}",
        "ANY /api/integrations/{proxy+}": "${ApiIntegration}",
        "ANY /k/{proxy+}": "${ApiIntegration}",
        "ANY /heartbeat/{proxy+}": "${ApiIntegration}",
        "ANY /jsm/{proxy+}": "${ApiIntegration}",
        "$default": "${ApiIntegration}",
        "ANY /r/{token}": "${RespondIntegration}",
        "ANY /incidents/{id}": "${RespondIntegration}",
        "ANY /slack/actions": "${RespondIntegration}",
        "ANY /oncalls": "${RespondIntegration}",
        "ANY /twilio/{proxy+}": "${RespondIntegration}",
        "ANY /api/{proxy+}": "${RespondIntegration}",
        "GET /": "${ConsoleIntegration}",
        "GET /console": "${ConsoleIntegration}",
        "GET /console/{proxy+}": "${ConsoleIntegration}",
        "ANY /auth/{proxy+}": "${ConsoleIntegration}",
        "ANY /status/{proxy+}": "${StatusIntegration}",
        "ANY /api/keeping/{proxy+}": "${KeepingIntegration}",
        "ANY /api/configuration/{proxy+}": "${ConfigurationIntegration}",
    }
    integrations = of_type("AWS::ApiGatewayV2::Integration")
    assert set(integrations) == set(INTEGRATIONS.values())
    for function, name in INTEGRATIONS.items():
        alias = functions()[function]["AutoPublishAlias"]
        assert integrations[name]["IntegrationUri"] == {"Fn::Sub": f"${{{function}.Arn}}:{alias}"}
        assert integrations[name]["PayloadFormatVersion"] == "2.0"
    permissions = [
        each["FunctionName"]
        for each in of_type("AWS::Lambda::Permission").values()
        if each["Principal"] == "apigateway.amazonaws.com"
    ]
    named = [{"Ref": f"{function}.Alias"} for function in INTEGRATIONS]
    assert sorted(map(str, permissions)) == sorted(map(str, named))


def test_replies_by_text_message_reach_the_function_that_people_act_through() -> None:
    """The alias, as everything else does; and nobody but AWS's own service may publish them."""
    (alias,) = {"RespondFunction.Alias"}
    subscription = of_type("AWS::SNS::Subscription")["InboundTextsSubscription"]
    assert subscription["Endpoint"] == {"Ref": alias}
    permission = of_type("AWS::Lambda::Permission")["InboundTextsPermission"]
    assert permission["FunctionName"] == {"Ref": alias}
    assert permission["SourceArn"] == subscription["TopicArn"] == {"Ref": "InboundTexts"}
    [statement] = of_type("AWS::SNS::TopicPolicy")["InboundTextsPolicy"]["PolicyDocument"][
        "Statement"
    ]
    assert statement["Principal"] == {"Service": "sms-voice.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_a_topic_wakes_whoever_renders_and_no_queue_is_asked_all_day() -> None:
    subscription = of_type("AWS::SNS::Subscription")["RendersSubscription"]
    permission = of_type("AWS::Lambda::Permission")["RendersPermission"]
    alias = {"Ref": "PublishFunction.Alias"}
    assert subscription["Endpoint"] == permission["FunctionName"] == alias
    assert permission["SourceArn"] == subscription["TopicArn"] == {"Ref": "Renders"}
    asked = {
        name
        for name, function in functions().items()
        if {"Ref": "Renders"} in function["Environment"].values()
    }
    assert asked == {"RespondFunction", "PublishFunction"}


def test_what_people_may_ask_for_is_throttled_below_what_events_have() -> None:
    (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
    ceiling = stage["DefaultRouteSettings"]["ThrottlingRateLimit"]
    asked = {
        route["RouteKey"]
        for route in of_type("AWS::ApiGatewayV2::Route").values()
        if "Respond" in route["Target"]["Fn::Sub"]
    }
    settings = stage["RouteSettings"]
    assert asked <= set(settings)
    kept = ceiling - sum(settings[route]["ThrottlingRateLimit"] for route in asked)
    assert kept >= ceiling / 2


def test_readers_of_status_pages_take_no_call_of_what_events_have() -> None:
    """They have a throttle of their own, far below the ceiling, and a reservation."""
    (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
    settings, routes = stage["RouteSettings"], of_type("AWS::ApiGatewayV2::Route").values()
    [status] = [
        route["RouteKey"] for route in routes if "StatusIntegration" in route["Target"]["Fn::Sub"]
    ]
    ceiling = stage["DefaultRouteSettings"]
    for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
        assert settings[status][limit] <= ceiling[limit] / 10
    reserved = {
        name: functions()[f"{name}Function"]["ReservedConcurrentExecutions"]["Fn::If"][:2]
        for name in ("Status", "Events")
    }
    assert reserved == {
        name: [f"Reserves{name}", {"Ref": f"{name}Concurrency"}] for name in reserved
    }


def test_the_stage_waits_for_each_route_that_it_has_settings_of() -> None:
    """API Gateway refuses settings of a route that is not there yet, and the deploy with it."""
    (stage,) = (
        each
        for each in template()["Resources"].values()
        if each["Type"] == "AWS::ApiGatewayV2::Stage"
    )
    routes = of_type("AWS::ApiGatewayV2::Route")
    waits_for = {routes[name]["RouteKey"] for name in stage["DependsOn"]}
    assert set(stage["Properties"]["RouteSettings"]) <= waits_for


def test_each_family_of_wires_has_a_throttle_of_its_own() -> None:
    """Strangers who knock at one must not make the gateway refuse a monitor at another."""
    (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
    events = {
        route["RouteKey"]
        for route in of_type("AWS::ApiGatewayV2::Route").values()
        if "ApiIntegration" in route["Target"]["Fn::Sub"]
    }
    for wire in WIRES:
        # Paths of our own lie beside what people may ask for, which has a throttle of its own.
        own = wire.path.startswith("/api/")
        below = wire.path if own else f"/{wire.path.split('/')[1]}/"
        family = f"ANY {below}{{proxy+}}"
        assert family in events
        assert family in stage["RouteSettings"]


def test_there_are_two_stream_readers_and_none_loses_a_record_quietly() -> None:
    assert set(stream_mappings()) == {"EscalationFunction", "NotifyFunction"}
    queues = []
    for mapping in stream_mappings().values():
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["ParallelizationFactor"] == 10
        assert mapping["BatchSize"] <= 10
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["MaximumRecordAgeInSeconds"] == 3600
        assert mapping["MaximumRetryAttempts"] == -1
        queues.append(mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0])
    kept = {
        name: queue
        for name, queue in of_type("AWS::SQS::Queue").items()
        if "RedrivePolicy" not in queue
    }
    # Apart: SQS moves messages back only to queues of its own.
    assert set(queues) == {"RecordFailures"}
    assert set(kept) == {*queues, "MessageFailures"}
    for name, queue in kept.items():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert any(
            {"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}
            in alarm.get("Dimensions", [])
            for alarm in of_type("AWS::CloudWatch::Alarm").values()
        )


@pytest.mark.parametrize(
    "function",
    sorted(
        set(SETTINGS)
        - {"EventsFunction", "RespondFunction", "CanaryFunction", "ConsoleFunction"}
        - {"KeepingFunction", "ConfigurationFunction", "StatusFunction"}
    ),
)
def test_a_function_that_wakes_itself_is_not_stopped_for_it(function: str) -> None:
    assert functions()[function]["RecursiveLoop"] == "Allow"


WAKES = {
    "incident": {"EscalationFunction", "NotifyFunction"},
    "change": {"EscalationFunction", "NotifyFunction"},
    "page": {"NotifyFunction"},
}
"""By the kind of a new item; all others wake nobody."""


def test_filters_let_through_what_the_functions_handle(world: World) -> None:
    for action in ("trigger", "trigger", "acknowledge", "resolve"):
        world.send(event(action))
    seen = set()
    for item in world.items():
        kind = item["kind"]["S"]
        seen.add(kind)
        assert woken_by(record(item)) == WAKES.get(kind, set()), kind
    assert {"incident", "change", "alert"} <= seen


def test_filters_let_through_only_what_is_new(world: World) -> None:
    world.send(event())
    for item in world.items():
        assert woken_by(record(item) | {"eventName": "MODIFY"}) == set()
        assert woken_by(record(item) | {"eventName": "REMOVE"}) == set()


def test_tables_are_kept_and_can_be_brought_back() -> None:
    protected = {"Ref": "ProtectData"}
    assert template()["Parameters"]["ProtectData"]["Default"] == "true"
    for name, table in of_type("AWS::DynamoDB::Table").items():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == protected
        assert table["DeletionProtectionEnabled"] == protected
        # Encrypted by default with a key of AWS; asking for it by name would cost KMS calls.
        assert "SSESpecification" not in table
        resource = template()["Resources"][name]
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert set(of_type("AWS::DynamoDB::Table")) == {"Table", "RatesTable"}
    assert "StreamSpecification" not in of_type("AWS::DynamoDB::Table")["RatesTable"]


def test_the_table_and_what_is_due_can_be_warmed_up_for_a_storm() -> None:
    table = of_type("AWS::DynamoDB::Table")["Table"]
    (due,) = [each for each in table["GlobalSecondaryIndexes"] if each["IndexName"] == "due"]
    warmed = {"WriteUnitsPerSecond": {"Ref": "WarmWriteUnits"}}
    for each in (table, due):
        assert each["WarmThroughput"] == {"Fn::If": ["IsWarmed", warmed, {"Ref": "AWS::NoValue"}]}
    parameter = template()["Parameters"]["WarmWriteUnits"]
    assert parameter["Default"] == "0"
    # DynamoDB refuses what is below a new table's own, and the deploy with it.
    for taken in ("0", "4000", "9999", "10000", "40000"):
        assert re.fullmatch(parameter["AllowedPattern"], taken)
    for refused in ("", "1", "3999", "40001", "100000"):
        assert not re.fullmatch(parameter["AllowedPattern"], refused)


def test_items_that_expire_do_so_by_the_templates_attribute(world: World) -> None:
    for table in of_type("AWS::DynamoDB::Table").values():
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    world.send(event())
    active = {item["kind"]["S"]: item for item in world.items()}
    assert "expires_at" in active["alert"]
    assert "expires_at" not in active["incident"]
    world.send(event("resolve"))
    resolved = {item["kind"]["S"]: item for item in world.items()}
    assert "expires_at" in resolved["incident"]
    assert "expires_at" in resolved["change"]


def test_the_listing_has_what_it_shows_and_nothing_that_changes_with_every_alert(
    world: World,
) -> None:
    indexes = {
        index["IndexName"]: index
        for index in of_type("AWS::DynamoDB::Table")["Table"]["GlobalSecondaryIndexes"]
    }
    assert indexes["due"]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    projection = indexes["listing"]["Projection"]
    assert projection["ProjectionType"] == "INCLUDE"
    world.send(event())
    (before,) = [item for item in world.items() if item["kind"]["S"] == "incident"]
    world.clock.advance(seconds=1)
    world.send(event())
    (after,) = [item for item in world.items() if item["kind"]["S"] == "incident"]
    shown = projection["NonKeyAttributes"]
    keys = [key["AttributeName"] for index in indexes.values() for key in index["KeySchema"]]
    for name in [*shown, *keys]:
        assert after.get(name) == before.get(name)
    assert after["alert_count"] != before["alert_count"]


@dataclass(frozen=True, slots=True)
class Answering(Api):
    """Gives the same answer whatever is asked."""

    status: int = 200

    def answer(self, request: Request, told: dict[str, Any]) -> Answer:
        if self.status == 500:
            raise RuntimeError("a fault of ours")
        return Answer(self.status, {"error": "as the test wants it"})


OURS = {429: "RateLimited", 500: "Failures", 503: "StoreUnavailable"}


@pytest.mark.parametrize(
    ("function", "status"),
    [
        *(("EventsFunction", status) for status in sorted(OURS)),
        *(("RespondFunction", status) for status in (500, 503)),
    ],
)
def test_an_alarm_listens_to_what_the_function_counts(
    function: str,
    status: int,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = functions()[function]["Environment"]["POWERTOOLS_SERVICE_NAME"]
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", service)
    made = world.api()
    api = Answering(made.directory, made.intake, made.secrets, made.clock, status=status)
    assert respond(http_event(), lambda: api)["statusCode"] == status
    (counted,) = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line
    ]
    (metrics,) = counted["_aws"]["CloudWatchMetrics"]
    (dimensions,) = metrics["Dimensions"]
    (alarm,) = [
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == OURS[status]
    ]
    assert [metric["Name"] for metric in metrics["Metrics"]] == [OURS[status]]
    given = functions()[function]["Environment"]["POWERTOOLS_METRICS_NAMESPACE"]
    assert alarm["Namespace"] == given == {"Fn::Sub": "OpsKnight/${AWS::StackName}"}
    assert metrics["Namespace"] == os.environ["POWERTOOLS_METRICS_NAMESPACE"]
    assert alarm["Dimensions"] == [{"Name": name, "Value": counted[name]} for name in dimensions]


STACK_METRICS = {"Fn::Sub": "OpsKnight/${AWS::StackName}"}
"""By stack: an alarm on another namespace hears nothing, or cries for ever."""


def signals() -> set[str]:
    """The metrics that the code signals, found in its text."""
    found = set(OURS.values())
    for folder in ("functions", "layers/common/opsknight"):
        for module in (ROOT / folder).rglob("*.py"):
            if module.name != "telemetry.py":
                calls = re.findall(r"\bsignal\(([^)]*)", module.read_text())
                found |= {name for call in calls for name in re.findall(r'"(\w+)"', call)}
    return found


def test_each_metric_that_we_signal_has_one_alarm_and_each_alarm_its_metric() -> None:
    filters = [
        transformed
        for each in of_type("AWS::Logs::MetricFilter").values()
        for transformed in each["MetricTransformations"]
    ]
    assert all(each["MetricNamespace"] == STACK_METRICS for each in filters)
    filtered = {each["MetricName"] for each in filters}
    ours = [
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if not str(alarm["Namespace"]).startswith("AWS/")
    ]
    for alarm in ours:
        assert alarm["Namespace"] == STACK_METRICS
        named = [] if alarm["MetricName"] in filtered else [("service", DEPLOYMENT)]
        found = [(each["Name"], each["Value"]) for each in alarm.get("Dimensions", [])]
        assert found == named, alarm["MetricName"]
    heard = [alarm["MetricName"] for alarm in ours]
    assert len(heard) == len(set(heard)), "one metric, one alarm"
    assert set(heard) == signals() | filtered


STEADY = {"OldestDueSeconds", "CanarySeconds"}
"""Metrics that come steadily from what they show the health of: silence is an alarm."""
HEARD_OTHERWISE = {
    "TickFunction": "OverdueAlarm",
    "CanaryFunction": "CanaryAlarm",
    "PublishFunction": "OverdueAlarm",
}
"""Functions without which a steady metric stops, so that their errors need no alarm."""


def test_the_errors_of_every_function_are_heard() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm")
    watched = {
        alarm["Dimensions"][0]["Value"]["Ref"]
        for alarm in alarms.values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    }
    # Whoever opens the console or a page sees its failure, and API Gateway counts it.
    seen = {"ConsoleFunction", "KeepingFunction", "ConfigurationFunction", "StatusFunction"}
    assert watched | set(HEARD_OTHERWISE) | seen == set(functions())
    assert alarms["ApiFailingAlarm"]["MetricName"] == "5xx"
    for name in HEARD_OTHERWISE.values():
        assert alarms[name]["TreatMissingData"] == "breaching"


MOST_ALARMS = 24


def test_alarms_are_few_and_plain() -> None:
    """Each costs ten cents a month; composite ones and those on arithmetic cost more."""
    assert len(of_type("AWS::CloudWatch::Alarm")) <= MOST_ALARMS
    assert not of_type("AWS::CloudWatch::CompositeAlarm")
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        assert "Metrics" not in alarm, name
        # Below a minute, an alarm is billed three times.
        assert all(period >= 60 for period in periods(alarm)), name


def periods(alarm: Mapping[str, Any]) -> list[int]:
    """In seconds: those that its parameter allows, or its only one."""
    match alarm["Period"]:
        case {"Fn::FindInMap": [str(name), _, str(key)]}:
            return [each[key] for each in template()["Mappings"][name].values()]
        case period:
            return [period]


def test_the_canary_flies_as_often_as_its_alarm_expects() -> None:
    paces = template()["Mappings"]["Canary"]
    assert set(paces) == set(template()["Parameters"]["CanaryMinutes"]["AllowedValues"])
    for minutes, pace in paces.items():
        if minutes != "0":
            assert pace["Seconds"] == 60 * int(minutes)
            assert pace["Rate"] == f"rate({minutes} minute{'s' * (minutes != '1')})"


def test_every_alarm_is_heard_and_says_where_to_read_on() -> None:
    subscriptions = of_type("AWS::SNS::Subscription")
    for who in ("Operator", "Fallback"):
        assert subscriptions[f"{who}Subscription"]["Endpoint"] == {"Ref": f"{who}Email"}
        assert "Default" not in template()["Parameters"][f"{who}Email"]
    text = (ROOT / "docs/operations.md").read_text()
    section = text.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (.+)$", section, re.MULTILINE)
    named = set()
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
        missing = "breaching" if alarm["MetricName"] in STEADY else "notBreaching"
        assert alarm["TreatMissingData"] == missing, name
        found = re.search(r'docs/operations\.md: "(.+)"$', alarm["AlarmDescription"])
        assert found, name
        assert found[1] in headings, name
        named.add(found[1])
    assert named == set(headings), "a runbook without an alarm"


def test_the_fallback_can_be_heard_by_more_than_a_mailbox() -> None:
    resources = template()["Resources"]
    phone, url = (
        resources[f"Fallback{each}Subscription"]["Properties"] for each in ("Phone", "Url")
    )
    assert phone["Protocol"] == "sms"
    assert phone["FilterPolicy"] == {"urgency": [str(Urgency.HIGH)]}
    assert url["Protocol"] == "https"
    for each in (phone, url):
        assert each["TopicArn"] == {"Ref": "FallbackTopic"}
    for name in ("FallbackPhone", "FallbackUrl"):
        parameter = template()["Parameters"][name]
        assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])
    number = template()["Parameters"]["FallbackPhone"]["AllowedPattern"]
    assert re.fullmatch(number, "+4915112345678")
    assert not re.fullmatch(number, "015112345678")
    assert not re.fullmatch(
        template()["Parameters"]["FallbackUrl"]["AllowedPattern"], "http://example.com"
    )


def test_what_is_invoked_asynchronously_is_not_tried_for_hours_nor_lost() -> None:
    """Lambda repeats an asynchronous call for six hours, and then forgets it."""
    asynchronous = {
        (source["Type"], name)
        for name, function in functions().items()
        for source in function.get("Events", {}).values()
        if source["Type"] not in ("SQS", "DynamoDB")
    }
    clocks = {"TickFunction", "CanaryFunction", "PublishFunction"}
    scheduled = {("Schedule", name) for name in clocks}
    assert asynchronous == {*scheduled, ("EventBridgeRule", "NotifyFunction")}
    topics = {
        each["Endpoint"]["Ref"].removesuffix(".Alias")
        for each in of_type("AWS::SNS::Subscription").values()
        if each["Protocol"] == "lambda"
    }
    for name in {function for _, function in asynchronous} | topics:
        # A minute's own, or tried for hours and then kept.
        settled = functions()[name]["EventInvokeConfig"]
        assert settled["MaximumRetryAttempts"] <= 2, name
        assert name in clocks or "OnFailure" in settled["DestinationConfig"], name
    rules = functions()["NotifyFunction"]["Events"]
    email, phone = (
        rules[each]["Properties"]["Pattern"] for each in ("EmailReports", "PhoneReports")
    )
    # Reports on messages of other configuration sets wake nobody.
    (ours,) = email["detail"]["mail"]["tags"]["ses:configuration-set"]
    assert ours["Fn::If"][1] == {"Ref": "EmailConfigurationSet"}
    assert email["source"] == ["aws.ses"]
    assert phone["source"] == ["aws.sms-voice"]
    for name in clocks:
        assert functions()[name]["EventInvokeConfig"]["MaximumEventAgeInSeconds"] == 60
    # A provider's report and a person's text come once.
    for name in ("NotifyFunction", "RespondFunction"):
        lost = functions()[name]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert lost == {"Type": "SQS", "Destination": {"Fn::GetAtt": ["RecordFailures", "Arn"]}}


def test_logs_do_not_stay_for_ever() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    for group in groups.values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    used = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions().values()}
    (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
    access = stage["AccessLogSettings"]
    used.add(access["DestinationArn"]["Fn::GetAtt"][0])
    assert used == set(groups)
    told = json.loads(access["Format"]).values()
    assert all(value.startswith("$context.") for value in told)
    # The path of a link in a message is as good as a password.
    assert not {"$context.path", "$context.rawPath"} & set(told)


def test_a_domain_of_ones_own_needs_its_certificate_and_names_every_address() -> None:
    resources, outputs = template()["Resources"], template()["Outputs"]
    rules = template()["Rules"]
    assert "CertificateArn" in str(rules["DomainHasItsCertificate"]["Assertions"])
    assert "StatusCertificateArn" in str(rules["StatusDomainHasItsCertificate"]["Assertions"])
    url = {"Fn::Sub": "https://${DomainName}"}
    endpoint = {"Fn::GetAtt": ["Api", "ApiEndpoint"]}
    assert outputs["ApiUrl"]["Value"] == {"Fn::If": ["HasDomain", url, endpoint]}
    assert outputs["DomainTarget"]["Condition"] == "HasDomain"
    # One that is given counts: it may be a CDN in front.
    given = ["HasPublicUrl", {"Ref": "PublicUrl"}, {"Fn::If": ["HasDomain", url, endpoint]}]
    for function in ("SendFunction", "EscalationFunction", "TimerFunction", "TickFunction"):
        variables = resources[function]["Properties"]["Environment"]["Variables"]
        assert variables["PUBLIC_URL"] == {"Fn::If": given}
    for name in ("Domain", "DomainMapping"):
        assert resources[name]["Condition"] == "HasDomain"
    mapping = resources["DomainMapping"]["Properties"]
    assert mapping["ApiId"] == {"Ref": "Api"}
    assert mapping["Stage"] == {"Ref": "ApiStage"}


def test_what_is_reserved_is_enough_for_the_queues() -> None:
    """Less, and Lambda refuses what its own pollers bring: a page uses up its receipts so."""
    for function, properties in functions().items():
        queues = [
            source["Properties"]["ScalingConfig"]["MaximumConcurrency"]["Fn::If"][2]
            for source in properties.get("Events", {}).values()
            if source["Type"] == "SQS"
        ]
        name = function.removesuffix("Function")
        if queues:
            assert QUEUES_TAKE[name] == sum(queues)
        if chosen := properties.get("ReservedConcurrentExecutions"):
            condition, value, otherwise = chosen["Fn::If"]
            assert otherwise == {"Ref": "AWS::NoValue"}
            none = {"Fn::Not": [{"Fn::Equals": [value, "0"]}]}
            assert template()["Conditions"][condition] == none
            allowed = template()["Parameters"][value["Ref"]]
            assert allowed["Default"] == "0"
            least = min(int(each) for each in allowed["AllowedValues"] if each != "0")
            assert least >= sum(queues)
    assert "ReservedConcurrentExecutions" in functions()["SendFunction"]
