"""AWS's own events, as its queue brings them: whose they are, in which order they count, and what
pages nobody.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import pytest

from events.cloud.queue import HOME, Arrivals, on_messages
from harness.world import World, deadline
from opsknight.directory.aws import AwsRule, AwsRules, Source
from opsknight.directory.entries import Service
from opsknight.directory.mirror import Mirror, System
from opsknight.http.directory_cache import DirectoryCache
from opsknight.incident.model import Action, Severity
from opsknight.runtime import clock
from opsknight.store.directory_items import directory_item
from opsknight.store.mirrors import Mirrors
from opsknight.store.unmatched import UnmatchedRows
from opsknight.store.wire import plain
from tests.integration.steps import of_kind

PAYLOADS: Final = Path(__file__).parents[1] / "aws"
QUEUE: Final = "arn:aws:sqs:us-east-1:123456789012:opsknight-Arrivals-1"


def payload(case: str) -> dict[str, Any]:
    text = (PAYLOADS / f"{case}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["event"]
    return found


def ruled(world: World, *rules: AwsRule, default: str | None = None) -> None:
    item = directory_item(AwsRules(rules=rules, default_service_id=default))
    world.table.put_all([item], deadline())


def arrivals(world: World) -> Arrivals:
    """A warm function, with a memory of its own."""
    background = ThreadPoolExecutor(max_workers=2)
    directory = DirectoryCache(world.table, background)
    return Arrivals(world.table, directory, clock.new_id, background, world.clock, "opsknight")


@pytest.fixture
def shop(world: World) -> Arrivals:
    """All of it goes to one service."""
    ruled(world, default=world.service.id)
    return arrivals(world)


def bring(made: Arrivals, *bodies: object) -> list[str]:
    """What became of each message, which come in one batch."""
    actions: list[str] = []
    for number, body in enumerate(bodies):
        text = body if isinstance(body, str) else json.dumps(body)
        actions += [each.action for each in made.take(text, QUEUE, f"m-{number}", deadline())]
    return actions


def incidents(world: World) -> list[dict[str, Any]]:
    return [plain(each) for each in of_kind(world, "incident")]


def changes(world: World) -> list[dict[str, Any]]:
    return [plain(each) for each in of_kind(world, "change")]


FIRES_AND_RECOVERS: Final = [
    ("cloudwatch-fires", "cloudwatch-recovers"),
    ("cloudwatch-contributor-fires", "cloudwatch-contributor-recovers"),
    ("ecs-task-dies", "ecs-steady"),
    ("batch-fails", "batch-succeeds"),
]


@pytest.mark.parametrize(("fires", "recovers"), FIRES_AND_RECOVERS)
def test_what_fails_opens_an_incident_and_its_recovery_resolves_it(
    world: World, shop: Arrivals, fires: str, recovers: str
) -> None:
    assert bring(shop, payload(fires), payload(recovers)) == ["triggered", "resolved"]
    [incident] = incidents(world)
    assert incident["status"] == "RESOLVED"
    assert incident["service_id"] == world.service.id


def test_the_mirror_of_a_service_hears_of_what_is_its_own(world: World) -> None:
    mirror = Mirror(to=System.PAGERDUTY)
    mirrored = world.service.model_copy(update={"mirror": mirror})
    world.table.put_all([directory_item(mirrored)], deadline())
    ruled(world, default=world.service.id)
    fires, recovers = payload("cloudwatch-fires"), payload("cloudwatch-recovers")
    assert bring(arrivals(world), fires, fires, recovers) == ["triggered", "ignored", "resolved"]
    waiting = Mirrors(world.table).waiting(world.service.id, 9, deadline())
    assert [each.action for each in waiting] == [Action.TRIGGER, Action.RESOLVE]
    [key] = {each.key for each in waiting}
    assert "ServerCpuTooHigh" in key


def test_a_rule_that_only_a_newer_version_reads_takes_no_other_with_it(world: World) -> None:
    """After a rollback: what another rule names pages, and all else waits for somebody."""
    mine = AwsRule(name="ServerCpu*", service_id=world.service.id)
    item = directory_item(AwsRules(rules=(mine,)))
    newer = {"M": {"sources": {"L": [{"S": "a-new-one"}]}, "service_id": {"S": "svc_reports"}}}
    item["rules"] = {"L": [newer, *item["rules"]["L"]]}
    world.table.put_all([item], deadline())
    made = arrivals(world)
    assert bring(made, at("ALARM", 1, "ServerCpuTooHigh")) == ["triggered"]
    with pytest.raises(ValueError, match="newer version"):
        bring(made, at("ALARM", 1, "DiskFull"))


def at(state: str, second: int, name: str = "ServerCpuTooHigh") -> dict[str, Any]:
    event = payload("cloudwatch-fires")
    event["id"] = f"{state}-{second}"
    event["resources"] = [f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"]
    event["detail"] |= {"alarmName": name}
    event["detail"]["state"] |= {
        "value": state,
        "timestamp": f"2019-10-02T17:04:{second:02}.000+0000",
    }
    return event


def test_in_whatever_order_they_come_the_last_state_counts(world: World) -> None:
    ruled(world, default=world.service.id)
    story = [at("ALARM", 1), at("OK", 2), at("ALARM", 3)]
    for number, order in enumerate(permutations(story)):
        named = [each | {} for each in order]
        for each in named:
            each["resources"] = [f"{each['resources'][0]}-{number}"]
        bring(arrivals(world), *named)
    by_key: dict[str, list[str]] = {}
    for each in incidents(world):
        by_key.setdefault(each["dedup_key"], []).append(each["status"])
    assert len(by_key) == 6
    assert all(states.count("OPEN") == 1 for states in by_key.values())


def test_a_late_event_changes_nothing_and_is_counted(world: World, shop: Arrivals) -> None:
    assert bring(shop, at("ALARM", 1), at("OK", 5), at("ALARM", 3)) == [
        "triggered",
        "resolved",
        "ignored",
    ]
    [incident] = incidents(world)
    assert incident["status"] == "RESOLVED"
    [moment] = [plain(each) for each in of_kind(world, "moment")]
    assert moment["late"] == 1
    # It stays for a day.
    assert 86_000 < moment["expires_at"] - world.clock().timestamp() <= 86_401


def test_the_same_event_again_adds_no_alert(world: World, shop: Arrivals) -> None:
    assert bring(shop, at("ALARM", 1), at("ALARM", 1), payload("sns-alarm-fires")) == [
        "triggered",
        "ignored",
        "deduplicated",
    ]
    [incident] = incidents(world)
    assert incident["alert_count"] == 2


def test_two_functions_that_get_one_event_take_it_once(world: World) -> None:
    """Each has looked before the other has written."""
    ruled(world, default=world.service.id)
    made = [arrivals(world) for _ in range(4)]
    with ThreadPoolExecutor(len(made)) as pool:
        became = list(pool.map(lambda each: bring(each, at("ALARM", 1))[0], made))
    assert sorted(became) == ["ignored", "ignored", "ignored", "triggered"]
    [incident] = incidents(world)
    assert incident["alert_count"] == 1


def test_an_alarm_that_is_deleted_resolves_and_says_why(world: World, shop: Arrivals) -> None:
    name = "TotalNetworkTrafficTooHigh"
    assert bring(shop, at("ALARM", 1, name), payload("cloudwatch-deleted")) == [
        "triggered",
        "resolved",
    ]
    [change] = [each for each in changes(world) if each["what"] == "resolved"]
    assert "deleted" in change["detail"]["why"]


def test_the_end_of_an_alarm_ends_its_contributors(world: World, shop: Arrivals) -> None:
    fires = payload("cloudwatch-contributor-fires")
    second = payload("cloudwatch-contributor-fires") | {"id": "2"}
    second["detail"]["alarmContributor"] = {"id": "other", "attributes": {"TableName": "users"}}
    over = payload("cloudwatch-many-series-recovers")
    over["detail"]["state"]["timestamp"] = "2025-12-01T14:00:00.000+0000"
    assert bring(shop, fires, second) == ["triggered", "triggered"]
    assert bring(shop, over) == ["ignored", "resolved", "resolved"]
    assert {each["status"] for each in incidents(world)} == {"RESOLVED"}
    # One that fired after the end goes on.
    later = payload("cloudwatch-contributor-fires") | {"id": "3"}
    later["detail"]["state"]["timestamp"] = "2025-12-01T15:00:00.000+0000"
    assert bring(shop, later) == ["triggered"]
    assert bring(shop, over | {"id": "4"}) == ["ignored", "ignored"]


def test_what_no_rule_names_pages_nobody_and_is_listed(world: World) -> None:
    ruled(world, AwsRule(name="other-*", service_id=world.service.id))
    made = arrivals(world)
    assert bring(made, at("ALARM", 1), at("ALARM", 2), payload("batch-fails")) == [
        "unmatched",
        "unmatched",
        "unmatched",
    ]
    assert bring(made, at("OK", 3)) == ["ignored"]
    assert not incidents(world)
    listed = UnmatchedRows(world.table).all(world.clock(), deadline())
    assert [(each.name, each.count) for each in listed] == [("ServerCpuTooHigh", 2), ("nightly", 1)]


def test_without_a_section_nothing_pages(world: World) -> None:
    assert bring(arrivals(world), at("ALARM", 1)) == ["unmatched"]
    assert not incidents(world)


def test_what_is_ignored_is_not_listed(world: World) -> None:
    ruled(world, AwsRule(name="Server*"), default=world.service.id)
    assert bring(arrivals(world), at("ALARM", 1)) == ["unmatched"]
    assert not UnmatchedRows(world.table).all(world.clock(), deadline())


def test_a_rule_names_service_and_severity(world: World) -> None:
    tagged = AwsRule(tags={"team": "sh*"}, service_id=world.other_service.id)
    ruled(
        world,
        AwsRule(sources=(Source.BATCH,), service_id=world.service.id, severity=Severity.CRITICAL),
        tagged,
    )
    bring(arrivals(world), payload("batch-fails"), payload("cloudwatch-tagged"))
    found = {each["service_id"]: each["urgency"] for each in incidents(world)}
    assert found == {world.service.id: "HIGH", world.other_service.id: "MEDIUM"}


def test_a_disabled_service_leaves_its_events_to_the_default(world: World) -> None:
    off = Service(id="svc_off", name="Off", team_id="team_web", disabled=True)
    world.table.put_all([directory_item(off)], deadline())
    ruled(world, AwsRule(name="Server*", service_id="svc_off"), default=world.service.id)
    assert bring(arrivals(world), at("ALARM", 1)) == ["triggered"]
    ruled(world, AwsRule(name="Server*", service_id="svc_off"))
    assert bring(arrivals(world), at("ALARM", 2, "Server2")) == ["unmatched"]


def test_an_active_incident_is_followed_when_the_rules_change(world: World) -> None:
    ruled(world, AwsRule(name="Server*", service_id=world.service.id))
    assert bring(arrivals(world), at("ALARM", 1)) == ["triggered"]
    ruled(world, AwsRule(name="Server*", service_id=world.other_service.id))
    assert bring(arrivals(world), at("ALARM", 2)) == ["deduplicated"]
    ruled(world)
    assert bring(arrivals(world), at("ALARM", 3)) == ["deduplicated"]
    assert bring(arrivals(world), at("OK", 4)) == ["resolved"]
    assert bring(arrivals(world), at("ALARM", 5)) == ["unmatched"]
    [incident] = incidents(world)
    assert (incident["service_id"], incident["status"]) == (world.service.id, "RESOLVED")


def test_alarms_of_the_deployment_and_of_scaling_page_nobody(world: World, shop: Arrivals) -> None:
    own = at("ALARM", 1, "opsknight-ApiFailingAlarm-1ABCDEFGHIJKL")
    scaling = at("ALARM", 1, "TargetTracking-table/orders-AlarmHigh-1")
    assert bring(shop, own, scaling) == []
    assert not of_kind(world, "incident")
    assert not UnmatchedRows(world.table).all(world.clock(), deadline())


def test_topics_of_the_account_come_without_key_and_signature(world: World, shop: Arrivals) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"
    envelope = {"Type": "Notification", "TopicArn": topic, "MessageId": "1"}
    envelope |= {"Timestamp": "2026-01-01T00:00:00.000Z"}
    alarm = json.dumps(payload("sns-alarm-fires"))
    words = envelope | {"Subject": "Budget", "Message": "Over."}
    assert bring(shop, envelope | {"Message": alarm}, words, alarm) == [
        "triggered",
        "triggered",
        "ignored",
    ]
    assert {each["title"] for each in incidents(world)} == {"Budget", "ServerCpuTooHigh"}
    # Whoever may publish to a topic speaks for its account, and for no other.
    of_another = envelope | {"TopicArn": topic.replace("123456789012", "999999999999")}
    assert bring(shop, of_another | {"Message": json.dumps(payload("ecs-task-dies"))}) == []


def test_garbage_opens_nothing_and_is_not_brought_again(world: World, shop: Arrivals) -> None:
    for body in ("", "{", "[]", "7", "{}", '{"detail-type": 7}', '{"Type": "Notification"}'):
        assert bring(shop, body) == []
    assert not of_kind(world, "incident")


def record(number: int, body: object) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "r",
        "body": json.dumps(body),
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
        "awsRegion": "us-east-1",
    }


def test_one_message_that_fails_is_brought_again_and_no_other(
    world: World,
) -> None:
    made = arrivals(world)
    # A service that cannot be read.
    item = directory_item(world.service) | {"team_id": {"N": "7"}, "id": {"S": "svc_broken"}}
    item |= {"pk": {"S": "service#svc_broken"}}
    world.table.put_all([item], deadline())
    ruled(
        world, AwsRule(sources=(Source.BATCH,), service_id="svc_broken"), default=world.service.id
    )
    event = {"Records": [record(1, payload("batch-fails")), record(2, at("ALARM", 1))]}
    answer = on_messages(event, None, lambda: made)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert len(incidents(world)) == 1


def test_home_is_no_service() -> None:
    assert not HOME.startswith("svc_")
