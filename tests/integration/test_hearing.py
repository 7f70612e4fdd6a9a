"""Late messages, and a fallback that nobody hears, are signalled."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from escalation.handler import hold_memory, on_due
from harness.pipeline import Pipeline
from harness.post import subscription
from harness.world import World
from notify import wiring
from notify.handler import on_delivery, on_plan
from opsknight.runtime import clients
from opsknight.runtime.queues import LATE
from opsknight.runtime.telemetry import DEPLOYMENT

READERS = {"Timers": on_due, "Plans": on_plan, "Pages and Notices": on_delivery}


def signals(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """What an alarm would hear, by metric."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    ours = [line for line in lines if line["service"] == DEPLOYMENT]
    return {
        metric["Name"]: line[metric["Name"]][0]
        for line in ours
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def received(late: timedelta) -> Mapping[str, Any]:
    """A batch with one message that needs no table, as its kind is of a newer version."""
    body = json.dumps({"kind": "newer", "at": (datetime.now(UTC) - late).isoformat()})
    return {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]}


@pytest.fixture
def no_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The hold cannot be read, so there is none."""
    for name, value in {"TABLE_NAME": "none", "RETENTION_DAYS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    made = (clients.rows, hold_memory, wiring.hold)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_whoever_receives_a_late_message_says_how_late(
    reader: Callable[..., Any], capsys: pytest.CaptureFixture[str], no_table: None
) -> None:
    assert reader(received(late=10 * LATE), None) == {"batchItemFailures": []}
    assert signals(capsys)["OldestDueSeconds"] == pytest.approx(10 * LATE.total_seconds(), abs=5)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_message_in_time_says_nothing(
    reader: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert reader(received(late=LATE / 2), None) == {"batchItemFailures": []}
    assert not signals(capsys)


@pytest.fixture
def night(world: World) -> Pipeline:
    return Pipeline(world, streaming=False)


def test_a_fallback_with_a_subscriber_is_quiet(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    night.engine.outbox.check_fallback()
    assert not signals(capsys)


def test_a_fallback_that_nobody_has_confirmed_is_heard(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    night.post.subscriptions = [subscription("email", confirmed=False)]
    night.engine.outbox.check_fallback()
    assert set(signals(capsys)) == {"FallbackUnheard"}


def test_a_telephone_alone_does_not_hear_the_fallback(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """It confirms nothing, and what is not HIGH does not reach it."""
    night.post.subscriptions = [subscription("sms"), subscription("email", confirmed=False)]
    night.engine.outbox.check_fallback()
    assert set(signals(capsys)) == {"FallbackUnheard"}


def test_a_topic_that_cannot_be_asked_is_heard(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    night.post.topic_away = True
    night.engine.outbox.check_fallback()
    assert set(signals(capsys)) == {"Failures"}
