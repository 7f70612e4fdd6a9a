"""The messages between functions: each comes back from JSON as it was, and an unknown one is logged
once and dropped.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from opsknight.escalation.hold import Hold, Spell
from opsknight.notification.delivery import Report
from opsknight.runtime.queues import lateness
from opsknight.runtime.wakeups import (
    AuditIncidents,
    Budget,
    MessageReported,
    PlanNotices,
    QueueMessage,
    SendDelivery,
    SendHeld,
    SweepShard,
    TimerDue,
    TrackPage,
    parse,
    to_json,
)

AT = datetime(2026, 10, 3, 3, 12, 9, 250_000, tzinfo=UTC)
PLACE = {"pk": {"S": "incident#inc_1"}, "due_at": {"S": "2026-10-03T03:12:09.250000Z"}}
MESSAGES: tuple[QueueMessage, ...] = (
    TimerDue("inc_1", AT),
    SweepShard(7),
    SweepShard(7, AT),
    SweepShard(7, AT, PLACE),
    SweepShard(7, AT, PLACE, Budget(1, 2, 3, 4, busy=True, high_busy=True)),
    AuditIncidents(),
    PlanNotices("inc_1"),
    TrackPage("inc_1", 3, "user_ada"),
    SendDelivery("inc_1", "p1"),
    SendDelivery("inc_1", "p1", slot_attempts=4),
    SendDelivery("inc_1", "p1", due_at=AT),
    SendHeld("user#ada#sms", AT),
    MessageReported("SM1", Report.FAILED, "no-answer"),
    MessageReported("SM1", Report.FAILED, "no-answer", "inc_1"),
)


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_a_message_says_when_it_should_arrive(message: QueueMessage) -> None:
    late = timedelta(seconds=90)
    bodies = [to_json(message, AT + late), to_json(message, AT), to_json(message)]
    assert lateness(bodies, AT + late) == late
    assert parse(bodies[0]) == message


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"at": 3}', '{"at": "soon"}'])
def test_a_message_without_its_time_is_not_late(body: str) -> None:
    assert lateness([body], AT) == timedelta(0)


def test_time_under_hold_makes_no_message_late() -> None:
    [body] = [to_json(TimerDue("inc_1", AT), AT)]
    hold = Hold(spells=(Spell(start=AT, end=AT + timedelta(minutes=9)),))
    assert lateness([body], AT + timedelta(minutes=10), hold) == timedelta(minutes=1)


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_a_message_comes_back_as_it_was(message: QueueMessage) -> None:
    assert parse(to_json(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_fields_of_a_newer_version_are_ignored(message: QueueMessage) -> None:
    newer = json.loads(to_json(message)) | {"newer": [1]}
    assert parse(json.dumps(newer)) == message


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"hello": 1}',
        '{"kind": "newer", "incident": "inc_1"}',
        '{"kind": "timer", "incident": "inc_1", "due_at": "soon"}',
        '{"kind": "sweep", "shard": 7, "tick_at": "soon"}',
        '{"kind": "page", "incident": "inc_1", "page_no": "3", "user": "user_ada"}',
        '{"kind": "delivery", "incident": "inc_1"}',
        '{"kind": "turn", "receiver": "user#ada#sms"}',
    ],
)
def test_an_unknown_message_is_logged_once(body: str, caplog: pytest.LogCaptureFixture) -> None:
    assert parse(body) is None
    assert caplog.messages == ["unknown queue message"]


def test_the_log_holds_no_values(caplog: pytest.LogCaptureFixture) -> None:
    assert parse('{"secret": "sesame"}') is None
    assert "sesame" not in str(caplog.records[0].__dict__)
