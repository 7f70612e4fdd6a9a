"""What counts as refused by API Gateway itself: the metric filter over lines of the access log.

CloudWatch's documentation of filter patterns: `{ $.name = "text" }` matches a line of JSON whose
member is that text. Of HTTP APIs' access logs: what does not exist is logged as a hyphen.
"""

import json
import re

import pytest

from harness.dynamodb import template

# Every member that the format names, for a request that a function answered.
ANSWERED = {
    "$context.requestId": "JKJaXmPLvHcESHA=",
    "$context.requestTime": "28/Nov/2026:03:12:09 +0000",
    "$context.identity.sourceIp": "192.0.2.7",
    "$context.httpMethod": "POST",
    "$context.routeKey": "POST /api/events",
    "$context.protocol": "HTTP/1.1",
    "$context.status": "202",
    "$context.responseLength": "512",
    "$context.responseLatency": "31",
    "$context.integrationStatus": "200",
    "$context.integrationLatency": "29",
    "$context.integrationErrorMessage": "-",
    "$context.identity.userAgent": "Alertmanager/0.28",
}
UNCALLED = {
    "$context.integrationStatus": "-",
    "$context.integrationLatency": "-",
}


def logged(values: dict[str, str]) -> str:
    found: str = template()["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]
    # The longest name first: one may begin another.
    for name in sorted(values, key=len, reverse=True):
        found = found.replace(name, values[name])
    assert "$context" not in found, found
    return found


def matches(pattern: str, text: str) -> bool:
    """Of the syntax what our filter uses: one member, compared with a text in quotes."""
    read = re.fullmatch(r'\{ \$\.(\w+) = "([^"*]*)" \}', pattern)
    assert read is not None, f"not read here: {pattern}"
    return str(json.loads(text).get(read[1])) == read[2]


def pattern() -> str:
    found: str = template()["Resources"]["ApiRefused"]["Properties"]["FilterPattern"]
    return found


@pytest.mark.parametrize(
    ("what", "counts"),
    [
        ({}, False),
        # Ours: a key at its limit, and a fault of ours.
        ({"$context.status": "429"}, False),
        ({"$context.status": "500"}, False),
        # API Gateway's own: its throttle, and a request that it cannot read.
        ({"$context.status": "429", **UNCALLED}, True),
        ({"$context.status": "400", "$context.routeKey": "-", **UNCALLED}, True),
    ],
)
def test_what_no_function_was_asked_counts_as_refused(what: dict[str, str], counts: bool) -> None:
    assert matches(pattern(), logged(ANSWERED | what)) is counts


def test_the_alarm_hears_what_the_filter_counts() -> None:
    [counted] = template()["Resources"]["ApiRefused"]["Properties"]["MetricTransformations"]
    alarm = template()["Resources"]["ApiRefusingAlarm"]["Properties"]
    assert alarm["MetricName"] == counted["MetricName"]
    assert alarm["Namespace"] == counted["MetricNamespace"]
    assert counted["MetricValue"] == "1"
