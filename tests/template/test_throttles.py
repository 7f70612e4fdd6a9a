"""Whatever may be throttled is heard: each way in which a function is woken has an alarm for when
Lambda does not run it, and docs/operations.md names the same ones.
"""

import re
from collections.abc import Iterator
from typing import Final

import pytest

from harness.dynamodb import ROOT
from tests.template.parts import functions, of_type

# By what wakes a function. What an alarm listens to does not need the function to run.
HEARD_BY: Final = {
    "the API": {"ApiFailingAlarm"},
    "the stream": {"EscalationLateAlarm", "NotifyLateAlarm"},
    "a queue": {"QueueLongAlarm", "OverdueAlarm", "MessageFailuresAlarm"},
    "a schedule": {"OverdueAlarm", "CanaryAlarm"},
    "a topic": {"OverdueAlarm", "RecordFailuresAlarm", "CanaryAlarm"},
    "a rule of EventBridge": {"RecordFailuresAlarm", "CanaryAlarm"},
}
_KINDS: Final = {
    "DynamoDB": "the stream",
    "SQS": "a queue",
    "Schedule": "a schedule",
    "EventBridgeRule": "a rule of EventBridge",
}


def ways() -> Iterator[tuple[str, str]]:
    """Each function, and what wakes it; by the template."""
    for name, function in functions().items():
        for source in function.get("Events", {}).values():
            yield name, _KINDS[source["Type"]]
    for integration in of_type("AWS::ApiGatewayV2::Integration").values():
        found = re.match(r"\$\{(\w+)\.Arn\}", integration["IntegrationUri"]["Fn::Sub"])
        assert found
        yield found[1], "the API"
    for subscription in of_type("AWS::SNS::Subscription").values():
        if subscription["Protocol"] == "lambda":
            yield subscription["Endpoint"]["Ref"].removesuffix(".Alias"), "a topic"


def rows() -> list[tuple[set[str], set[str], str]]:
    """What is throttled, what wakes it, and who hears it; by the document."""
    text = (ROOT / "docs/operations.md").read_text()
    section = text.partition("\n## Throttles\n")[2].partition("\n## ")[0]
    cells = [each.strip("| ").split(" | ") for each in re.findall(r"^\|.*$", section, re.M)[2:]]
    return [(set(who.split(", ")), set(woken.split(", ")), heard) for who, woken, _, heard in cells]


def headings(alarm: str) -> str:
    found = re.search(r'"(.+)"$', of_type("AWS::CloudWatch::Alarm")[alarm]["AlarmDescription"])
    assert found
    return found[1]


def test_each_way_to_wake_a_function_is_in_the_table_and_no_other() -> None:
    said = {
        (f"{who.capitalize()}Function", woken)
        for each, by, _ in rows()
        for who in each
        for woken in by & HEARD_BY.keys()
    }
    # A topic wakes one of them, and a rule the other.
    said -= {("RespondFunction", "a rule of EventBridge"), ("NotifyFunction", "a topic")}
    assert said == set(ways())


def test_each_row_names_the_alarms_that_hear_it() -> None:
    for _, by, heard in rows():
        for woken in by & HEARD_BY.keys():
            known = {headings(each) for each in HEARD_BY[woken]}
            named = set(re.findall(r"\[([^\]]+)\]", heard))
            assert named
            assert named <= known | {"The canary is missing"}, woken


@pytest.mark.parametrize(
    ("alarm", "metric", "about"),
    [
        ("ApiFailingAlarm", "5xx", "ApiId"),
        ("EscalationLateAlarm", "IteratorAge", "FunctionName"),
        ("NotifyLateAlarm", "IteratorAge", "FunctionName"),
        ("MessageFailuresAlarm", "ApproximateNumberOfMessagesVisible", "QueueName"),
        ("RecordFailuresAlarm", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ],
)
def test_aws_itself_measures_what_a_throttled_function_cannot(
    alarm: str, metric: str, about: str
) -> None:
    found = of_type("AWS::CloudWatch::Alarm")[alarm]
    assert found["Namespace"].startswith("AWS/")
    assert found["MetricName"] == metric
    assert [each["Name"] for each in found["Dimensions"]] == [about]


def test_each_queue_that_a_function_reads_is_measured_by_another_one() -> None:
    """A throttled reader cannot say that its queue grows: the tick reads the depth of each."""
    measured = {
        value["Ref"]
        for name, value in functions()["TickFunction"]["Environment"].items()
        if name.endswith("_URL") and name != "PUBLIC_URL"
    }
    for name, function in functions().items():
        for source in function.get("Events", {}).values():
            if source["Type"] == "SQS":
                assert source["Properties"]["Queue"]["Fn::GetAtt"][0] in measured, name


@pytest.mark.parametrize("alarm", ["OverdueAlarm", "CanaryAlarm"])
def test_the_silence_of_a_schedule_is_an_alarm(alarm: str) -> None:
    assert of_type("AWS::CloudWatch::Alarm")[alarm]["TreatMissingData"] == "breaching"


def test_there_are_no_more_alarms_than_an_idle_month_pays_for() -> None:
    assert len(of_type("AWS::CloudWatch::Alarm")) <= 24
