"""The example of CloudFront and WAF in front of the API is one that CloudFormation takes, and does
what docs/operations.md says.
"""

import re
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from events.integrations.wires import WIRES
from harness.dynamodb import ROOT
from opsknight.directory.sessions import COOKIE
from tests.template.parts import of_type

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
    # Those that CloudFront would keep for ten seconds.
    kept = {
        each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in config["CustomErrorResponses"]
    }
    assert kept == dict.fromkeys((400, 403, 404, 405, 414, 500, 501, 502, 503, 504), 0)
    assert config["WebACLId"] == {"Fn::GetAtt": ["Firewall", "Arn"]}


Sent = tuple[str, str, dict[str, str]]
"""Method, path, headers."""

SESSION = {"cookie": f"theme=dark; {COOKIE}=0123456789abcdef"}
KEY = {"authorization": "Token token=0123456789abcdef0123456789abcdef"}
PASSES: list[Sent] = [
    ("POST", "/api/events", KEY),
    ("GET", "/api/incidents", {"x-api-key": "opsk_0123456789abcdef0123456789"}),
    ("OPTIONS", "/api/incidents", {}),
    # The console, and what it and others open without any key.
    ("GET", "/api/pulse", SESSION),
    ("POST", "/api/keeping/services/svc_1/integrations", SESSION),
    ("GET", "/", {}),
    ("GET", "/console/incidents", {}),
    ("POST", "/auth/mail", {}),
    ("GET", "/auth/oidc/back", {}),
    ("GET", "/status/example", {}),
    ("GET", "/incidents/inc_1", {}),
    ("GET", "/oncalls", {}),
    ("POST", "/twilio/text", {}),
    ("GET", "/health", {}),
    ("GET", "/r/token", {}),
    ("POST", "/slack/actions", {}),
    ("POST", "/v2/enqueue", {}),
    ("POST", "/v2/change/enqueue", {}),
    ("POST", "/generic/2010-04-15/create_event.json", {}),
    ("PUT", "/api/integrations/grafana", {}),
    ("POST", "/k/0123456789abcdef0123456789abcdef/alertmanager", {}),
    ("GET", "/heartbeat/0123456789abcdef0123456789abcdef", {}),
    ("GET", "/v2/alerts", {"authorization": "GenieKey 0123456789abcdef"}),
    ("POST", "/v2/heartbeats/x/ping", {"authorization": "GenieKey 0123456789abcdef"}),
    ("POST", "/jsm/ops/integration/v2/alerts", {"authorization": "GenieKey 0123456789abcdef"}),
]
REFUSED: list[Sent] = [
    ("POST", "/api/events", {}),
    ("GET", "/api/incidents", {"authorization": "Bearer x"}),
    ("GET", "/api/incidents", {"cookie": "theme=dark"}),
    ("GET", "/api/integrations/grafana", {}),
    ("POST", "/v2/alerts", {}),
    ("GET", "/v2/schedules/x/on-calls", {}),
    ("GET", "/v2/heartbeats/x/ping", {}),
    ("POST", "/jsm/ops/integration/v2/alerts", {}),
    ("GET", "/k/0123456789abcdef0123456789abcdef/alertmanager", {}),
    ("GET", "/v2/enqueue", {}),
    ("DELETE", "/generic/2010-04-15/create_event.json", {}),
]


def matches(statement: dict[str, Any], sent: Sent) -> bool:
    """As WAF reads a statement, of those that the example uses."""
    method, path, headers = sent
    [(kind, about)] = statement.items()
    match kind:
        case "AndStatement":
            return all(matches(each, sent) for each in about["Statements"])
        case "OrStatement":
            return any(matches(each, sent) for each in about["Statements"])
        case "NotStatement":
            return not matches(about["Statement"], sent)
        case "ByteMatchStatement" if about["PositionalConstraint"] == "STARTS_WITH":
            assert about["FieldToMatch"] == {"UriPath": {}}
            return path.startswith(about["SearchString"])
        case "ByteMatchStatement" if "Cookies" in about["FieldToMatch"]:
            looked = about["FieldToMatch"]["Cookies"]
            assert (looked["MatchScope"], about["PositionalConstraint"]) == ("KEY", "EXACTLY")
            assert looked["MatchPattern"] == {"IncludedCookies": [about["SearchString"]]}
            return about["SearchString"] in SimpleCookie(headers.get("cookie", ""))
        case "ByteMatchStatement":
            assert about["FieldToMatch"] == {"Method": {}}
            assert about["PositionalConstraint"] == "EXACTLY"
            return method == str(about["SearchString"])
        case "SizeConstraintStatement":
            assert about["ComparisonOperator"] == "GT"
            # A header that is not there matches nothing.
            value = headers.get(about["FieldToMatch"]["SingleHeader"]["Name"])
            return value is not None and len(value) > about["Size"]
        case _:
            raise AssertionError(f"not read here: {kind}")


def blocked(resources: dict[str, Any], sent: Sent) -> bool:
    *rules, _one_address = resources["Firewall"]["Rules"]
    return any(matches(each["Statement"], sent) for each in rules)


@pytest.mark.parametrize("sent", PASSES, ids=lambda it: f"{it[0]} {it[1]}")
def test_what_senders_and_people_send_passes(resources: dict[str, Any], sent: Sent) -> None:
    assert not blocked(resources, sent)


@pytest.mark.parametrize("sent", REFUSED, ids=lambda it: f"{it[0]} {it[1]}")
def test_what_cannot_have_a_key_is_refused(resources: dict[str, Any], sent: Sent) -> None:
    assert blocked(resources, sent)


def test_no_route_is_blocked_that_a_page_of_ours_opens(resources: dict[str, Any]) -> None:
    """Every route of the template, as a browser with a session calls it."""
    for route in of_type("AWS::ApiGatewayV2::Route").values():
        method, _, path = route["RouteKey"].partition(" ")
        is_for_senders = path.startswith(
            ("/v2/", "/generic/", "/jsm/", "/k/", "/api/integrations/")
        )
        if path and not is_for_senders:
            sent = ("GET" if method == "ANY" else method, path, SESSION)
            assert not blocked(resources, sent), path


def test_every_address_of_other_systems_is_looked_at(resources: dict[str, Any]) -> None:
    for wire in WIRES:
        if wire.protocol == "heartbeat":
            # Its key is in the path, and whoever looks at it beats.
            continue
        # Without any key, and by a method that only looks.
        assert blocked(resources, ("GET", wire.path, {})), wire.path


def test_one_address_is_bounded(resources: dict[str, Any]) -> None:
    rules = resources["Firewall"]["Rules"]
    assert [each["Priority"] for each in rules] == list(range(len(rules)))
    bound = rules[-1]["Statement"]["RateBasedStatement"]
    assert bound["AggregateKeyType"] == "IP"


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("abc123.execute-api.eu-central-1.amazonaws.com", True),
        ("oncall.example.com", True),
        ("https://oncall.example.com", False),
        ("oncall.example.com/api", False),
        ("localhost", False),
    ],
)
def test_the_api_may_have_a_domain_of_its_own(host: str, may: bool) -> None:
    pattern = yaml_parse(EXAMPLE.read_text())["Parameters"]["ApiHost"]["AllowedPattern"]
    assert bool(re.search(pattern, host)) is may
