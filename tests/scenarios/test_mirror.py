"""What a service passes on to another system, which listens on this machine."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from socket import socket
from threading import Event
from typing import Any
from urllib.parse import quote
from zlib import compress

import pytest

from harness import audited
from harness.mirrors import KEY, Mirrored, actions
from harness.pipeline import step
from harness.receivers import HttpReceiver, answers, closes, http_receiver
from harness.world import World, deadline, event
from notify.handler import pass_on
from notify.mirrored import outgoing
from notify.mirroring import AT_ONCE
from opsknight.directory.mirror import MARK, Mirror, System
from opsknight.directory.passing_on import MirrorState, Passed
from opsknight.incident.commands import Acknowledge, Resolve
from opsknight.incident.model import Action
from opsknight.store.holds import Holds
from opsknight.store.mirrors import Mirrors
from tests.integration.steps import of_kind

AWAY = answers(503)
WRONG = answers(400, b'{"status": "invalid event", "errors": ["Length of \'summary\'"]}')
WRONG_KEY = answers(400, b'{"status": "invalid event", "errors": ["Invalid routing key"]}')
TAKEN = answers(202)


@pytest.fixture
def old() -> Iterator[HttpReceiver]:
    with http_receiver(TAKEN) as receiver:
        yield receiver


@pytest.fixture
def night(world: World, old: HttpReceiver) -> Iterator[Mirrored]:
    pipeline = Mirrored(world).mirrors(old)
    pipeline.people("ada")
    pipeline.escalates(step("ada"))
    hour = world.clock() + timedelta(hours=1)
    pipeline.serves(shadow_until=hour)
    yield pipeline
    pipeline.ends()


def test_all_that_comes_goes_on_as_it_came(night: Mirrored, old: HttpReceiver) -> None:
    night.trigger(payload={"custom_details": {"cpu": 0.97}})
    night.trigger(severity="warning")
    night.send("acknowledge")
    night.send("resolve")
    # We know of nothing; perhaps the other system does.
    night.send("resolve")
    opened, again, *rest = night.heard(old)
    assert opened["routing_key"] == KEY
    assert opened["client"] == MARK
    assert opened["payload"]["custom_details"] == {"cpu": 0.97}
    assert (again["event_action"], again["payload"]["severity"]) == ("trigger", "warning")
    assert actions(rest) == [(each, "cpu-high") for each in ("acknowledge", "resolve", "resolve")]


def test_each_dedup_key_keeps_its_order_and_holds_up_no_other(
    night: Mirrored, old: HttpReceiver
) -> None:
    old.then(AWAY, AWAY, TAKEN)
    night.trigger("one")
    night.trigger("two")
    night.send("resolve", "one")
    night.wait(seconds=70)
    one, two = ("trigger", "one"), ("trigger", "two")
    assert actions(night.heard(old)) == [one, one, two, one, ("resolve", "one")]


def test_however_many_there_are_of_one_that_fails(night: Mirrored, old: HttpReceiver) -> None:
    night.streaming = False
    for number in range(AT_ONCE + 1):
        night.trigger("fails", payload={"summary": f"Try {number}"})
    night.trigger("other")
    old.then(AWAY, TAKEN)
    pass_on(night.passing, night.world.service.id)
    assert actions(night.heard(old)) == [("trigger", "fails"), ("trigger", "other")]


def test_one_that_always_fails_makes_no_other_wait(night: Mirrored, old: HttpReceiver) -> None:
    old.then(AWAY, AWAY, TAKEN, TAKEN)
    night.trigger("fails")
    night.trigger("other")
    night.wait(seconds=10)
    assert actions(night.heard(old))[-1] == ("trigger", "other")
    for number in range(3):
        # Not even right after the next try of the one that fails.
        night.trigger(f"at once {number}")
        assert actions(night.heard(old)) == [("trigger", f"at once {number}")]
        old.then(AWAY, TAKEN)
        night.wait(seconds=61)
        assert actions(night.heard(old)) == [("trigger", "fails")]
    state = Mirrors(night.world.table).state(night.world.service.id, deadline())
    assert state
    assert (list(state.aside), state.paused_until) == (["fails"], None)
    assert state.failing_since is not None
    old.then(TAKEN)
    night.wait(seconds=61)
    assert actions(night.heard(old)) == [("trigger", "fails")]
    state = Mirrors(night.world.table).state(night.world.service.id, deadline())
    assert state
    assert (state.aside, state.failing_since, state.due_at) == ({}, None, None)


def test_one_that_only_a_newer_version_can_read_holds_up_no_other(
    night: Mirrored, old: HttpReceiver
) -> None:
    night.streaming = False
    night.trigger("newer")
    night.trigger("other")
    first = next(iter(of_kind(night.world, "mirror_event")))
    night.put({**first, "action": {"S": "snooze"}})
    pass_on(night.passing, night.world.service.id)
    assert actions(night.heard(old)) == [("trigger", "other")]


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"N": "7"},
        {"B": b"no zlib"},
        {"B": compress(b"\xff")},
        {"B": compress(b"no JSON")},
    ],
    ids=["no body", "a number", "not deflated", "no text", "no JSON"],
)
def test_nor_does_one_that_nobody_can_read(night: Mirrored, old: HttpReceiver, value: Any) -> None:
    night.streaming = False
    night.trigger("broken")
    night.trigger("other")
    first = next(iter(of_kind(night.world, "mirror_event")))
    rest = {name: each for name, each in first.items() if name != "body"}
    night.put(rest if value is None else rest | {"body": value})
    pass_on(night.passing, night.world.service.id)
    assert actions(night.heard(old)) == [("trigger", "other")]
    # Nor when the other side is away: then whoever should be paged hears of it all the same.
    old.then(AWAY)
    night.trigger("another")
    night.wait(minutes=8).fallback(1)


def test_nor_does_a_lost_key_that_nobody_can_read(night: Mirrored, old: HttpReceiver) -> None:
    old.then(WRONG, TAKEN)
    night.trigger("bad")
    [lost] = of_kind(night.world, "mirror_lost")
    night.damage(lost["pk"]["S"], lost["sk"]["S"], "key")
    night.trigger("good")
    assert actions(night.heard(old)) == [("trigger", "bad"), ("trigger", "good")]


def test_what_is_away_gets_all_of_it_later(night: Mirrored, old: HttpReceiver) -> None:
    old.then(AWAY)
    for number in range(5):
        night.trigger(f"key-{number}")
    night.send("resolve", "key-0")
    night.wait(minutes=3)
    tried = len(old.requests)
    assert tried < 30, "it is left alone for longer and longer"
    night.heard(old)
    old.then(TAKEN)
    night.wait(minutes=6)
    found = actions(night.heard(old))
    assert sorted(found) == sorted(
        [("trigger", f"key-{number}") for number in range(5)] + [("resolve", "key-0")]
    )
    state = Mirrors(night.world.table).state(night.world.service.id, deadline())
    assert state
    assert (state.failing_since, state.due_at) == (None, None)


def test_a_wrong_key_loses_nothing(night: Mirrored, old: HttpReceiver) -> None:
    old.then(WRONG_KEY)
    night.trigger()
    night.wait(minutes=2).heard(old)
    old.then(TAKEN)
    night.wait(minutes=2)
    assert actions(night.heard(old)) == [("trigger", "cpu-high")]


def test_a_trigger_that_can_never_be_taken_cancels_its_resolve(
    night: Mirrored, old: HttpReceiver
) -> None:
    old.then(WRONG, TAKEN)
    night.trigger("bad")
    night.trigger("good")
    night.send("acknowledge", "bad")
    night.send("resolve", "bad")
    found = actions(night.heard(old))
    assert found == [("trigger", "bad"), ("trigger", "good")]
    # The other system pages, and has not heard of it.
    night.wait(minutes=2).fallback(1)
    assert "Given up: trigger bad" in night.post.published[-1]["Message"]
    night.wait(minutes=5)
    # The next problem of that key is another one.
    night.trigger("bad")
    night.send("resolve", "bad")
    assert actions(night.heard(old)) == [("trigger", "bad"), ("resolve", "bad")]


def test_nor_does_its_idempotency_key_let_the_resolve_go_alone(
    night: Mirrored, old: HttpReceiver
) -> None:
    night.streaming = False
    once: dict[str, Any] = {"Idempotency-Key": "request-1"}
    night.world.send(event(dedup_key="bad"), **once)
    night.world.send(event("resolve", dedup_key="bad"))
    opened, over = Mirrors(night.world.table).waiting(night.world.service.id, 9, deadline())
    assert (opened.opens, over.opens) == (True, False)
    old.then(WRONG)
    pass_on(night.passing, night.world.service.id)
    assert actions(night.heard(old)) == [("trigger", "bad")]


def test_a_repeat_that_is_given_up_cancels_nothing(night: Mirrored, old: HttpReceiver) -> None:
    old.then(TAKEN, WRONG, TAKEN)
    night.trigger()
    night.trigger()
    night.send("resolve")
    assert [each for each, _ in actions(night.heard(old))] == ["trigger", "trigger", "resolve"]
    night.wait(minutes=2).fallback(1)


def test_what_waits_for_a_day_is_given_up(night: Mirrored, old: HttpReceiver) -> None:
    night.ticking = False
    night.serves(shadow_until=night.world.clock() + timedelta(days=3))
    old.then(closes)
    night.trigger()
    night.world.clock.advance(hours=25)
    night.heard(old)
    old.then(TAKEN)
    night.settle()
    night.send("resolve")
    night.settle()
    assert night.heard(old) == []


def test_while_it_pages_the_fallback_hears_that_it_does_not_hear(
    night: Mirrored, old: HttpReceiver
) -> None:
    old.then(AWAY)
    night.trigger(payload={"summary": "Disk full on db-1"})
    night.wait(minutes=4).fallback(0)
    night.wait(minutes=3).fallback(1)
    said = night.post.published[-1]
    assert said["urgency"] == "HIGH"
    assert "answered 503" in said["Message"]
    assert "Disk full on db-1" in said["Message"]
    # Once; and again when it fails anew.
    night.wait(minutes=20).fallback(0)
    old.then(TAKEN)
    night.wait(minutes=6)
    old.then(AWAY)
    night.trigger("another")
    night.wait(minutes=7).fallback(1)


def test_of_a_live_service_it_hears_nothing(night: Mirrored, old: HttpReceiver) -> None:
    night.serves(shadow_until=None)
    old.then(AWAY)
    night.trigger()
    night.pages("ada")
    night.send("acknowledge")
    night.wait(minutes=15)


def test_what_comes_while_the_last_one_goes_out_is_not_overlooked(
    night: Mirrored, old: HttpReceiver
) -> None:
    mirrors, service_id = Mirrors(night.world.table), night.world.service.id
    night.streaming = False
    night.trigger()
    state, until = mirrors.state(service_id, deadline()), night.world.clock() + timedelta(minutes=1)
    assert state
    assert mirrors.lease(service_id, state, until, deadline())
    night.trigger()
    assert not mirrors.rest(service_id, until, state.noted, deadline())
    assert old.requests == []


def test_nor_while_something_is_given_up(night: Mirrored, old: HttpReceiver) -> None:
    night.ticking = False

    def meanwhile(connection: socket, over: Event) -> None:
        night.trigger("second")
        WRONG(connection, over)

    old.then(meanwhile, TAKEN)
    night.trigger("first")
    night.settle()
    found = [("trigger", "first"), ("trigger", "second")]
    assert actions(night.heard(old)) == found, "it does not wait until the fallback is told"


def test_an_event_between_its_writes_keeps_nobody_from_it(
    night: Mirrored, old: HttpReceiver
) -> None:
    """Its wakeup may be there before it is known that it waits, and there is only one."""
    mirrors, service_id = Mirrors(night.world.table), night.world.service.id
    night.streaming = False
    state = MirrorState()
    night.trigger()
    until = night.world.clock() + timedelta(minutes=1)
    assert mirrors.lease(service_id, state, until, deadline())
    assert not mirrors.lease(service_id, state, until, deadline())


def test_a_wakeup_that_comes_early_comes_again(night: Mirrored, old: HttpReceiver) -> None:
    """By the clock of another process, which is behind."""
    night.ticking = False
    old.then(AWAY, TAKEN)
    night.trigger()
    night.post.queued.clear()
    night.world.clock.advance(seconds=3)
    pass_on(night.passing, night.world.service.id)
    night.wait(seconds=4)
    assert actions(night.heard(old)) == [("trigger", "cpu-high")] * 2


def test_a_flush_is_one_write_for_25_alerts_and_two_for_all(night: Mirrored) -> None:
    """A large one would not be noted within the time of a request."""
    calls: list[str] = []
    found = [
        Passed(
            service_id=night.world.service.id,
            at=night.world.clock(),
            action=Action.TRIGGER,
            key=f"key-{number}",
            body="{}",
        )
        for number in range(30)
    ]
    client, name = night.world.table.client, "before-call.dynamodb"

    def called(model: Any, **_: Any) -> None:
        calls.append(model.name)

    client.meta.events.register(name, called)
    Mirrors(night.world.table).note_all(found, deadline())
    client.meta.events.unregister(name, called)
    assert calls == ["UpdateItem", "BatchWriteItem", "BatchWriteItem", "UpdateItem"]
    waiting = Mirrors(night.world.table).waiting(night.world.service.id, 99, deadline())
    assert [(each.number, each.key) for each in waiting] == [
        (number, f"key-{number - 1}") for number in range(1, 31)
    ]


def test_white_space_around_a_key_makes_no_other_key(night: Mirrored, old: HttpReceiver) -> None:
    night.trigger(" cpu")
    night.send("resolve", "cpu ")
    assert actions(night.heard(old)) == [("trigger", "cpu"), ("resolve", "cpu")]


def test_a_hold_does_not_stop_it(night: Mirrored, old: HttpReceiver) -> None:
    """The other system pages by it."""
    hours, now = timedelta(hours=1), night.world.clock()
    holds = Holds(night.world.table)
    holds.change(
        lambda seen: seen.begun(now, hours, "ada", "Rules change"), deadline(), audit=audited.entry
    )
    night.trigger()
    assert actions(night.heard(old)) == [("trigger", "cpu-high")]


def test_nor_does_it_where_a_wakeup_is_lost(night: Mirrored, old: HttpReceiver) -> None:
    hours, now = timedelta(hours=1), night.world.clock()
    holds = Holds(night.world.table)
    holds.change(
        lambda seen: seen.begun(now, hours, "ada", "Rules change"), deadline(), audit=audited.entry
    )
    night.streaming = False
    night.trigger()
    night.wait(minutes=2)
    assert actions(night.heard(old)) == [("trigger", "cpu-high")]
    old.then(AWAY)
    night.trigger("another")
    # It pages, and does not hear.
    night.wait(minutes=8).fallback(1)


def test_lost_wakeups_cost_a_minute_and_a_half(night: Mirrored, old: HttpReceiver) -> None:
    night.streaming = False
    night.trigger()
    assert night.heard(old) == []
    night.wait(minutes=2)
    assert actions(night.heard(old)) == [("trigger", "cpu-high")]


def test_what_was_passed_on_before_is_never_passed_on(night: Mirrored, old: HttpReceiver) -> None:
    night.trigger(client=MARK)
    assert night.heard(old) == []


def test_acts_of_people_only_where_the_file_says_so(night: Mirrored, old: HttpReceiver) -> None:
    incident = night.trigger()
    night.does(incident, Acknowledge(by="user_ada"))
    assert actions(night.heard(old)) == [("trigger", "cpu-high")]
    night.mirrors(old, actions=True)
    night.does(incident, Resolve())
    assert actions(night.heard(old)) == [("resolve", "cpu-high")]


def test_opsgenie_hears_of_alerts(night: Mirrored, old: HttpReceiver) -> None:
    night.mirrors(old, "opsgenie")
    details = {"mount": "/var", "free": 3}
    night.trigger("disk/db-1", severity="error", payload={"custom_details": details})
    night.send("acknowledge", "disk/db-1")
    night.send("resolve", "disk/db-1")
    created, acknowledged, closed = old.requests
    assert created.path == "/v2/alerts"
    assert created.headers["Authorization"] == f"GenieKey {KEY}"
    alert = json.loads(created.body)
    assert (alert["alias"], alert["priority"]) == ("disk/db-1", "P2")
    assert alert["details"] == {"mount": "/var", "free": "3", "client": MARK}
    assert acknowledged.path == "/v2/alerts/disk%2Fdb-1/acknowledge?identifierType=alias"
    assert closed.path == "/v2/alerts/disk%2Fdb-1/close?identifierType=alias"


@pytest.mark.parametrize("key", [".", ".."])
def test_no_key_is_taken_for_a_part_of_the_address(key: str) -> None:
    mirror = Mirror(to=System.OPSGENIE)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    sent = Passed(service_id="s", at=at, action=Action.TRIGGER, key=key, body="{}")
    created = outgoing(sent, mirror, "")
    closed = outgoing(sent.model_copy(update={"action": Action.RESOLVE}), mirror, "")
    alias = quote(created.payload["alias"], safe="")
    assert closed.url == f"https://api.opsgenie.com/v2/alerts/{alias}/close?identifierType=alias"
    assert alias not in (".", "..", "%2E", "%2E%2E")


def test_a_webhook_gets_the_event_with_a_signature(night: Mirrored, old: HttpReceiver) -> None:
    night.mirrors(old, "webhook")
    night.trigger(payload={"custom_details": {"a": [1]}})
    [sent] = old.requests
    body: dict[str, Any] = json.loads(sent.body)
    assert (body["event_action"], body["client"]) == ("trigger", MARK)
    assert body["payload"]["custom_details"] == {"a": [1]}
    assert sent.headers["X-OpsKnight-Signature"].startswith("sha256=")


def test_without_a_mirror_what_waits_is_dropped(night: Mirrored, old: HttpReceiver) -> None:
    old.then(AWAY)
    night.trigger()
    night.heard(old)
    night.serves(mirror=None)
    old.then(TAKEN)
    night.wait(minutes=2)
    assert night.heard(old) == []
    assert Mirrors(night.world.table).waiting(night.world.service.id, 1, deadline()) == []
