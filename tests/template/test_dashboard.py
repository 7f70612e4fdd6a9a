"""The dashboard: it shows each alarm, and only what there is."""

import json
import re
from collections.abc import Iterator
from typing import Any

from harness.dynamodb import template
from tests.template.parts import of_type
from tests.template.test_template import signals

FREE_METRICS = 50


def _text() -> str:
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    text, variables = dashboard["DashboardBody"]["Fn::Sub"]
    canary = {"Fn::If": ["HasCanary", {"Fn::Sub": ', "${CanaryAlarm.Arn}"'}, ""]}
    assert variables == {"CanaryArn": canary}
    return str(text)


def _widgets() -> list[dict[str, Any]]:
    body = json.loads(_text().replace("${CanaryArn}", ', "${CanaryAlarm.Arn}"'))
    found: list[dict[str, Any]] = body["widgets"]
    return found


def _metrics() -> Iterator[list[str]]:
    for widget in _widgets():
        yield from widget["properties"].get("metrics", [])


def test_it_shows_each_alarm() -> None:
    (shown,) = [each["properties"]["alarms"] for each in _widgets() if each["type"] == "alarm"]
    assert {*shown} == {f"${{{name}.Arn}}" for name in of_type("AWS::CloudWatch::Alarm")}


def test_a_stack_of_the_same_name_in_another_region_has_its_own() -> None:
    """An account's dashboards are of all regions."""
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    assert dashboard["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_it_is_free() -> None:
    assert len(list(_metrics())) <= FREE_METRICS


def test_its_widgets_lie_side_by_side() -> None:
    places = [(each["x"], each["y"]) for each in _widgets()]
    assert len(places) == len(set(places))
    assert all(each["x"] + each["width"] <= 24 for each in _widgets())


def test_it_names_what_the_template_has() -> None:
    named = set(re.findall(r"\$\{(\w+)[.}]", _text())) - {"CanaryArn"}
    assert named <= set(template()["Resources"])


def test_what_is_ours_on_it_is_what_we_signal() -> None:
    ours = [each for each in _metrics() if each[0].startswith("OpsKnight/")]
    assert all(each[0] == "OpsKnight/${AWS::StackName}" for each in ours)
    shown = {each[1] for each in ours if each[2:] == ["service", "deployment"]}
    assert shown <= signals()
