"""The functions that the stream wakes: what they make of records, and what a bad one harms."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

import escalation.handler
import notify.handler
from harness.processes import announce
from harness.world import World, event
from notify import wiring
from opsknight.incident.commands import Resolve, Snooze
from opsknight.incident.model import Status
from opsknight.runtime import clients
from opsknight.runtime.wakeups import PlanNotices, to_json
from opsknight.store.calls import Unavailable
from opsknight.store.table import Table
from tests.integration.conftest import Log
from tests.integration.steps import do, incident, incident_in, of_kind
from tests.integration.wire import THROTTLES, Wire, doing

CONTEXT = LambdaContext()
POISON = {"pk": {"S": "incident#x"}, "sk": {"S": "x"}, "kind": {"S": "nonsense"}}


@pytest.fixture
def woken(moto_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose table the functions find in their environment."""
    monkeypatch.setenv("TABLE_NAME", moto_world.table.name)
    monkeypatch.setenv("RETENTION_DAYS", "400")
    monkeypatch.setenv("PLANS_PER_MINUTE", "1000")
    monkeypatch.setenv("SENDS_PER_MINUTE", "600")
    monkeypatch.setenv("HIGH_SENDS_PER_MINUTE", "600")
    for name in ("TIMERS_URL", "PLANS_URL", "PAGES_HIGH_URL", "PAGES_URL", "NOTICES_URL"):
        monkeypatch.setenv(name, boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"])
    topic = boto3.client("sns").create_topic(Name="fallback")
    monkeypatch.setenv("FALLBACK_ARN", topic["TopicArn"])
    monkeypatch.setenv("PUBLIC_URL", "https://oncall.example.com")
    # The functions go by the real clock.
    moto_world.clock.at = datetime.now(UTC)
    made: tuple[Any, ...] = (
        clients.rows,
        clients.sqs,
        clients.sns,
        escalation.handler.engine,
        escalation.handler.hold_memory,
        wiring.hold,
        wiring.queues,
        wiring.page_tracker,
        wiring.planning,
    )
    for each in made:
        each.cache_clear()
    yield moto_world
    for each in made:
        each.cache_clear()


def record(image: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """As DynamoDB Streams tells of a new item (NEW_IMAGE)."""
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_400_000.0,
            "Keys": {"pk": image["pk"], "sk": image["sk"]},
            "NewImage": image,
            "SequenceNumber": str(number),
            "SizeBytes": 500,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/s",
    }


def batch(*images: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [record(image, number) for number, image in enumerate(images, 1)]}


def failed(answer: Any) -> list[str]:
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def test_notify_plans_the_opening_and_clears_the_time(woken: World, log: Log) -> None:
    known = incident_in(woken, Status.OPEN)
    answer = notify.handler.on_stream(batch(*of_kind(woken, "incident")), CONTEXT)
    assert failed(answer) == []
    after = incident(woken, known)
    assert (after.due_at, after.announced) == (woken.clock(), 1)
    assert after.timers == {"step": woken.clock()}, "paging is the other function's"
    planned = log.lines[-1]
    assert planned["message"] == "changes planned"
    assert (planned["incident_id"], planned["incident_status"]) == (known, "OPEN")
    assert (planned["first_change"], planned["last_change"], planned["deliveries"]) == (1, 1, 0)


def test_notify_plans_a_change(woken: World, log: Log) -> None:
    known = incident_in(woken, Status.OPEN)
    notify.handler.on_stream(batch(*of_kind(woken, "incident")), CONTEXT)
    woken.send(event("acknowledge"))
    assert incident(woken, known).due_at == woken.clock()
    assert failed(notify.handler.on_stream(batch(*of_kind(woken, "change")), CONTEXT)) == []
    assert (incident(woken, known).due_at, incident(woken, known).announced) == (None, 2)
    assert (log.lines[-1]["first_change"], log.lines[-1]["last_change"]) == (2, 2)


def test_the_next_timer_is_due_once_a_snooze_is_planned(woken: World) -> None:
    known = incident_in(woken, Status.OPEN)
    until = woken.clock() + timedelta(hours=3)
    do(woken, known, Snooze(until))
    notify.handler.on_stream(batch(*of_kind(woken, "change")), CONTEXT)
    after = incident(woken, known)
    assert (after.due_at, after.timers, after.announced) == (until, {"snooze": until}, 2)


def test_a_record_told_twice_is_planned_once(woken: World, log: Log) -> None:
    incident_in(woken, Status.OPEN)
    records = batch(*of_kind(woken, "incident"))
    notify.handler.on_stream(records, CONTEXT)
    notify.handler.on_stream(records, CONTEXT)
    assert [line["message"] for line in log.lines].count("changes planned") == 1


def test_an_old_record_plans_everything_up_to_now(woken: World) -> None:
    known = incident_in(woken, Status.OPEN)
    opening = of_kind(woken, "incident")
    woken.send(event("resolve"))
    notify.handler.on_stream(batch(*opening), CONTEXT)
    assert (incident(woken, known).announced, incident(woken, known).due_at) == (2, None)


def test_a_newer_change_meanwhile_is_planned_too(woken: World, log: Log) -> None:
    known = incident_in(woken, Status.OPEN)
    table = clients.table(Table)
    wire = Wire(table.client)
    wire.fail("UpdateItem", doing(lambda: do(woken, known, Resolve())))
    assert failed(notify.handler.on_stream(batch(*of_kind(woken, "incident")), CONTEXT)) == []
    assert (incident(woken, known).announced, incident(woken, known).due_at) == (2, None)
    assert (log.lines[-1]["first_change"], log.lines[-1]["last_change"]) == (1, 2)


def test_an_incident_that_is_gone_is_nothing_to_tell(woken: World) -> None:
    gone = {"kind": {"S": "change"}, "incident_id": {"S": "inc_gone"}} | {
        name: POISON[name] for name in ("pk", "sk")
    }
    assert failed(notify.handler.on_stream(batch(gone), CONTEXT)) == []
    assert of_kind(woken, "incident") == [], "and none comes into being"


@pytest.mark.parametrize("poisoned", [0, 1, 2], ids=["first", "in between", "last"])
@pytest.mark.parametrize("function", [notify, escalation], ids=["notify", "escalation"])
def test_a_poison_record_stops_nothing_else(
    woken: World, log: Log, function: Any, poisoned: int
) -> None:
    known = {incident_in(woken, Status.OPEN, dedup_key=name) for name in ("a", "b")}
    images = of_kind(woken, "incident")
    images.insert(poisoned, POISON)
    answer = function.handler.on_stream(batch(*images), CONTEXT)
    # A failure would be tried again for an hour and hold up what is behind it.
    assert failed(answer) == []
    told = [line.get("incident_id") for line in log.lines if line["level"] == "INFO"]
    assert known <= set(told)
    for each in known:
        if function is notify:
            assert incident(woken, each).announced == 1
        else:
            assert incident(woken, each).page_no == 1


def test_a_store_that_is_away_fails_the_record_and_leaves_it_due(woken: World) -> None:
    known = incident_in(woken, Status.OPEN)
    Wire(woken.table.client).fail("UpdateItem", THROTTLES)
    with pytest.raises(Unavailable):
        announce(known, woken, patience=0)
    assert incident(woken, known).due_at == woken.clock()


def test_poison_is_told_in_the_log(woken: World, log: Log) -> None:
    assert failed(notify.handler.on_stream(batch(POISON), CONTEXT)) == []
    assert log.lines[-1]["level"] == "ERROR"


def test_escalation_pages_and_says_so(woken: World, log: Log) -> None:
    known = woken.send(event(payload={"summary": "a-secret"})).incident["id"]
    answer = escalation.handler.on_stream(batch(*of_kind(woken, "incident")), CONTEXT)
    assert failed(answer) == []
    [line] = [line for line in log.lines if line["message"] == "step taken"]
    assert (line["incident_id"], line["service_id"]) == (known, woken.service.id)
    assert (line["step"], line["page_no"], line["paged"]) == (0, 1, 2)
    assert "a-secret" not in log.text
    assert incident(woken, known).due_at == woken.clock(), "notify has still to announce it"


def test_what_the_stream_lost_is_planned_by_a_message(woken: World) -> None:
    known = woken.send(event()).incident["id"]
    body = to_json(PlanNotices(known))
    queued = {"messageId": "1", "eventSource": "aws:sqs", "body": body}
    assert failed(notify.handler.on_event({"Records": [queued]}, CONTEXT)) == []
    assert incident(woken, known).announced == 1
