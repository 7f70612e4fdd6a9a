"""AWS's own events, by the payloads of `tests/aws`: what each service sends, and what it becomes.

`GOLDEN=write pytest tests/unit/test_aws_events.py` writes what every payload becomes: look at them.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.directory.aws import AwsRule, AwsRules, Source
from opsknight.incident.model import Actor, ActorKind
from opsknight.integrations.aws import (
    Found,
    Told,
    is_own,
    is_scaling,
    last_part,
    message_of_topic,
    tags_of,
)
from opsknight.integrations.aws_rules import is_like, taken
from opsknight.integrations.aws_shapes import read
from opsknight.integrations.drafts import understood
from opsknight.integrations.reading import Meaningless, Passed

PAYLOADS: Final = Path(__file__).parents[1] / "aws"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
AWS: Final = Actor(kind=ActorKind.INTEGRATION, id="aws", name="AWS")


def sent(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / f"{case}.json").read_text(encoding="utf-8"))
    return found


def told(case: str) -> Told:
    found = read(sent(case)["event"], NOW)
    assert isinstance(found, Told), found
    return found


def shown(found: Found) -> dict[str, Any]:
    match found:
        case Passed(why):
            return {"passed": why}
        case Meaningless(why):
            return {"meaningless": why}
        case Told():
            event = understood(found.draft, "svc_shop", AWS).event
            body = json.loads(event.body)
            return {
                "source": found.source.value,
                "name": found.name,
                "arn": found.arn,
                "account": found.account,
                "region": found.region,
                "at": found.at.isoformat(),
                "tags": dict(found.tags),
                "endsParts": found.ends_parts,
                "note": found.note,
                "action": event.action.value,
                "dedupKey": found.key,
                "summary": event.summary,
                "severity": event.severity.value,
                "eventSource": body["payload"]["source"],
                "links": [each["href"] for each in body.get("links", ())],
                "adjusted": body.get("adjusted", []),
            }


CASES: Final = sorted(each.stem for each in PAYLOADS.glob("*.json"))


@pytest.mark.parametrize("case", CASES)
def test_each_payload_becomes_what_it_means(case: str) -> None:
    payload = sent(case)
    found = shown(read(payload["event"], NOW))
    if os.environ.get("GOLDEN") == "write":
        text = json.dumps(payload | {"becomes": found}, indent=2, ensure_ascii=False)
        (PAYLOADS / f"{case}.json").write_text(text + "\n", encoding="utf-8")
    assert payload["becomes"] == found or os.environ.get("GOLDEN") == "write"


@pytest.mark.parametrize(
    ("fires", "recovers"),
    [
        ("cloudwatch-fires", "cloudwatch-recovers"),
        ("cloudwatch-contributor-fires", "cloudwatch-contributor-recovers"),
        ("health-fires", "health-recovers"),
        ("backup-fails", "backup-succeeds"),
        ("ecs-placement-fails", "ecs-steady"),
        ("ecs-task-dies", "ecs-steady"),
        ("batch-fails", "batch-succeeds"),
        ("step-functions-fails", "step-functions-succeeds"),
    ],
)
def test_a_recovery_has_the_key_of_its_failure(fires: str, recovers: str) -> None:
    assert told(fires).key == told(recovers).key
    assert told(fires).opens
    assert not told(recovers).opens


def test_an_alarm_is_the_same_by_a_topic_and_by_eventbridge() -> None:
    by_topic, by_event = told("sns-alarm-fires"), told("cloudwatch-fires")
    assert (by_topic.key, by_topic.at, by_topic.identity) == (
        by_event.key,
        by_event.at,
        by_event.identity,
    )


def test_a_deleted_alarm_is_newer_than_what_it_did_in_that_second() -> None:
    assert told("cloudwatch-deleted").at.microsecond == 999_999


def test_alarms_of_the_deployment_itself_are_known() -> None:
    def named(name: str, account: str = "123456789012") -> Told:
        event = sent("cloudwatch-fires")["event"]
        event["detail"]["alarmName"] = name
        event["resources"] = [f"arn:aws:cloudwatch:us-east-1:{account}:alarm:{name}"]
        found = read(event, NOW)
        assert isinstance(found, Told)
        return found

    mine = ("opsknight", "123456789012", "us-east-1")
    assert is_own(named("opsknight-ApiFailingAlarm-1ABCDEFGHIJKL"), *mine)
    # Another deployment's are somebody else's to hear of, and here they may be.
    assert not is_own(named("opsknight-ApiFailingAlarm-1ABCDEFGHIJKL", "999999999999"), *mine)
    assert not is_own(named("opsknight-orders-latency"), *mine)
    assert not is_own(named("orders"), *mine)
    assert is_scaling(named("TargetTracking-table/orders-AlarmHigh-1"))
    assert not is_scaling(named("orders-TargetTracking-"))


RULES: Final = AwsRules(
    rules=(
        AwsRule(name="Server*", account="999999999999", service_id="svc_other"),
        AwsRule(name="Server*", service_id="svc_shop"),
        AwsRule(sources=(Source.HEALTH, Source.BACKUP), service_id="svc_operations"),
        AwsRule(tags={"team": "da*"}, service_id="svc_data"),
        AwsRule(region="cn-north-1"),
    )
)


@pytest.mark.parametrize(
    ("case", "rule", "services"),
    [
        ("cloudwatch-fires", "rule 2", ("svc_shop",)),
        ("health-fires", "rule 3", ("svc_operations",)),
        ("backup-fails", "rule 3", ("svc_operations",)),
        ("batch-fails", "rule 4", ("svc_data",)),
        ("step-functions-fails", None, ()),
    ],
)
def test_the_first_rule_that_matches_takes_an_event(
    case: str, rule: str | None, services: tuple[str, ...]
) -> None:
    found = taken(RULES, told(case))
    assert (found and found.name) == rule
    assert (found.service_ids if found else ()) == services


def test_what_no_rule_names_goes_to_the_default_and_what_is_ignored_does_not() -> None:
    rules = RULES.model_copy(update={"default_service_id": "svc_rest"})
    found = taken(rules, told("step-functions-fails"))
    assert found is not None
    assert (found.name, found.service_ids) == ("default", ("svc_rest",))
    # A disabled service leaves its events to the default.
    named = taken(rules, told("cloudwatch-fires"))
    assert named is not None
    assert named.service_ids == ("svc_shop", "svc_rest")
    event = sent("cloudwatch-china")["event"]
    event["detail"]["alarmName"] = "x"
    odd = read(event, NOW)
    assert isinstance(odd, Told)
    ignored = taken(rules, odd)
    assert ignored is not None
    assert (ignored.name, ignored.service_ids) == ("rule 5", ())


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        ("checkout-latency", "checkout-*", True),
        ("Checkout-Latency", "checkout-*", True),
        ("a", "*", True),
        ("", "*", True),
        ("xab", "*ab", True),
        ("aab", "a*ab", True),
        ("aXbYc", "a*b*c", True),
        ("aXbYcd", "a*b*c", False),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
        ("a\nb", "a*", True),
        ("pre-checkout-latency", "checkout-*", False),
    ],
)
def test_a_pattern_fits_the_whole_name(text: str, pattern: str, fits: bool) -> None:
    assert is_like(text, pattern) is fits


@given(st.text("ab", max_size=8), st.text("ab*", min_size=1, max_size=6))
def test_patterns_are_those_of_a_shell(text: str, pattern: str) -> None:
    def fits(text: str, pattern: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(fits(text[at:], pattern[1:]) for at in range(len(text) + 1))
        return text[:1] == pattern[0] and fits(text[1:], pattern[1:])

    assert is_like(text, pattern) is fits(text, pattern)


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(CASES), JSON, st.integers(0, 40))
def test_no_payload_of_strange_types_is_an_error(case: str, odd: object, at: int) -> None:
    event = sent(case)["event"]
    places = [event] + [each for each in event.values() if isinstance(each, dict)]
    places += [inner for each in places for inner in each.values() if isinstance(inner, dict)]
    place = places[at % len(places)]
    keys = sorted(place)
    if keys:
        place[keys[at % len(keys)]] = odd
    found = read(event, NOW)
    if isinstance(found, Told):
        assert found.key
        understood(found.draft, "svc_shop", AWS)


def test_a_message_in_words_has_a_key_of_its_topic_and_subject() -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:budgets"
    one = message_of_topic(topic, "AWS Budgets: over", "You spent 1.", "id-1", NOW)
    two = message_of_topic(topic, "AWS Budgets: over", "You spent 2.", "id-2", NOW)
    other = message_of_topic(topic, "", "\n Something else \n", "id-3", NOW)
    assert one.key == two.key != other.key
    assert (one.name, one.account, one.region) == ("budgets", "123456789012", "eu-central-1")
    assert other.draft.summary == "Something else"


def test_tags_come_in_several_shapes() -> None:
    assert tags_of({"team": "shop", "n": 1}) == {"team": "shop", "n": "1"}
    assert tags_of([{"Key": "team", "Value": "shop"}, {"key": "x", "value": "y"}, "z"]) == {
        "team": "shop",
        "x": "y",
    }
    assert tags_of(None) == {}
    assert last_part("arn:aws:ecs:us-west-2:1:service/default/web") == "web"
