"""The daily report, by ticks, planning and sending. It is three in the morning of a Monday, in UTC;
the report is due at 04:10 in Berlin, ten minutes later.
"""

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest

from escalation.sweep import tick
from harness.pipeline import Pipeline
from harness.settings import configure
from harness.world import World, deadline
from notify.channels.reported import report_in
from opsknight.directory.entries import Role, User
from opsknight.directory.integrations import Integration
from opsknight.directory.mirror import Mirror, System
from opsknight.directory.passing_on import MirrorState
from opsknight.directory.receivers import Channel, Receiver
from opsknight.directory.reports import DailyReport
from opsknight.directory.routing import PageAfter
from opsknight.health.report import Report
from opsknight.incident.commands import Acknowledge
from opsknight.incident.model import Status, Urgency
from opsknight.store import directory_items, items
from opsknight.store.rosters import Rosters
from opsknight.store.wire import Item, attributes, wire

CHAT = Receiver(id="rcv_ops", name="Ops", channel=Channel.SLACK_WEBHOOK, secret="chat")


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    known = User(
        id="user_ada", name="Ada", email="ada@example.com", role=Role.ADMIN, zone="Europe/Berlin"
    )
    pipeline.put(directory_items.directory_item(known))
    head: Item = {"kind": {"S": "configuration"}, "revision": {"N": "1"}}
    lists = {"services": wire([world.service.id]), "users": wire([known.id])}
    pipeline.put(items.HEAD_KEY | head | lists)
    yield pipeline
    pipeline.ends()


def reports(night: Pipeline, at: str = "04:10", **more: Any) -> None:
    entry = DailyReport(
        id="rep_daily",
        name="Every morning",
        at=time.fromisoformat(at),
        zone="Europe/Berlin",
        **{"user_ids": ("user_ada",), "receivers": (CHAT,)} | more,
    )
    night.put(directory_items.directory_item(entry))
    tick(night.engine)
    night.settle()


def heard(night: Pipeline) -> list[tuple[str, str]]:
    """By whom, and at which address."""
    return [(each.receiver.id, each.receiver.to) for each in night.listener.new()]


def only_report(night: Pipeline) -> Report:
    [one, two] = [report_in(each.message) for each in night.listener.new()]
    assert one is not None and one == two, "everybody reads the same"
    return one


def test_it_comes_once_a_day_at_its_time(night: Pipeline) -> None:
    reports(night)
    night.wait(minutes=8).hears()
    night.wait(minutes=3)
    told = night.listener.new()
    assert {each.message.link for each in told} == {"https://ops.example.com/console/health"}
    reached = [(each.receiver.id, each.receiver.to) for each in told]
    assert sorted(reached) == [("own-address", "ada@example.com"), ("rcv_ops", "")]
    night.wait(minutes=30).hears()
    night.world.clock.advance(hours=23)
    night.wait(minutes=25).hears()
    night.wait(minutes=7)
    assert len(heard(night)) == 2


def test_it_says_what_is_wrong_and_what_the_day_was_like(night: Pipeline) -> None:
    reports(night)
    night.world.clock.advance(minutes=-60)
    first = night.trigger("disk-1", severity="critical")
    night.trigger("disk-2", severity="warning")
    night.world.clock.advance(minutes=4)
    night.does(first, Acknowledge())
    night.world.clock.advance(minutes=57)
    night.pages("ada", "ben", "ada", "ben").listener.new()
    night.wait(minutes=12)
    found = [each for each in night.listener.new() if each.receiver.id == "rcv_ops"]
    [said] = [report_in(each.message) for each in found]
    assert said is not None and "services" in {each.check for each in said.concerns}
    day = said.last_day
    assert day.opened == {Urgency.HIGH: 1, Urgency.MEDIUM: 1}
    assert day.active == {Status.OPEN: 1, Status.ACKNOWLEDGED: 1}
    assert (day.acknowledged, day.to_acknowledge) == (1, timedelta(minutes=4))
    assert day.pages >= 1 and day.is_whole
    night.fallback(1)


def test_it_names_the_mirror_that_fails_by_the_clock_of_its_readers(night: Pipeline) -> None:
    night.serves(mirror=Mirror(to=System.PAGERDUTY, secret="pagerduty"))
    since = night.world.clock() - timedelta(hours=2)
    state = MirrorState(failing_since=since, why="answered 503")
    kind: Item = {"kind": {"S": "mirror"}}
    night.put(items.mirror_key(night.world.service.id, "state") | kind | attributes(state))
    reports(night)
    night.wait(minutes=12)
    found = [each for each in night.listener.new() if each.receiver.id == "rcv_ops"]
    [said] = [report_in(each.message) for each in found]
    assert said is not None
    [concern] = [each for each in said.concerns if "has not taken events" in each.text]
    assert concern.text == (
        "pagerduty has not taken events of checkout since 2026-11-23 02:00 CET: answered 503."
    )


def test_each_reads_its_times_by_their_own_clock(night: Pipeline) -> None:
    night.serves(mirror=Mirror(to=System.PAGERDUTY, secret="pagerduty"))
    since = night.world.clock() - timedelta(hours=2)
    state = MirrorState(failing_since=since, why="answered 503")
    kind: Item = {"kind": {"S": "mirror"}}
    night.put(items.mirror_key(night.world.service.id, "state") | kind | attributes(state))
    zones = {"user_ada": "America/New_York", "user_ben": None, "user_eve": "Australia/Sydney"}
    for user_id, zone in zones.items():
        email = f"{user_id}@example.com"
        user = User(id=user_id, name=user_id, email=email, role=Role.RESPONDER, zone=zone)
        night.put(directory_items.directory_item(user))
    reports(night, user_ids=tuple(zones))
    night.wait(minutes=12)
    read = {}
    for each in night.listener.new():
        said = report_in(each.message)
        assert said is not None
        [concern] = [it for it in said.concerns if "has not taken events" in it.text]
        read[each.receiver.to] = concern.text.split(": answered")[0].rsplit(" ", 1)[1]
    assert read == {
        "user_ada@example.com": "EST",
        "user_ben@example.com": "CET",
        "user_eve@example.com": "AEDT",
        "": "CET",
    }


def test_it_counts_what_was_over_before_anybody_was_paged(night: Pipeline) -> None:
    night.world.let_functions_end()
    waits = PageAfter(time=timedelta(minutes=5))
    where = {"id": "int_prometheus", "service_id": "svc_checkout", "name": "Prometheus"}
    configure(night.world, Integration.model_validate(where | {"page_after": waits}))
    reports(night)
    night.trigger("disk-1", severity="warning")
    night.wait(minutes=2)
    night.send("resolve", "disk-1")
    night.trigger("disk-2", severity="critical")
    night.wait(minutes=1)
    night.send("resolve", "disk-2")
    night.wait(minutes=9).pages("ada", "ben")
    found = [each for each in night.listener.new() if each.receiver.id == "rcv_ops"]
    [said] = [report_in(each.message) for each in found]
    assert said is not None
    assert (said.last_day.resolved, said.last_day.unpaged) == (2, 1)


def test_two_ticks_at_once_and_one_that_dies_send_it_once(night: Pipeline) -> None:
    reports(night)
    night.wait(minutes=8)
    before = night.world.table.item(items.REPORTS_KEY, deadline())
    assert before
    night.wait(minutes=3)
    assert len(heard(night)) == 2
    # As if nobody had noted that it was planned.
    night.put(before)
    night.wait(minutes=2).hears()
    state = Rosters(night.world.table).reports(deadline())
    assert state.told == {"rep_daily": "2026-11-23"}


def test_none_is_lost_to_an_outage_and_none_comes_half_a_day_late(night: Pipeline) -> None:
    reports(night)
    night.world.clock.advance(hours=3)
    night.wait(minutes=2)
    assert len(heard(night)) == 2
    night.world.clock.advance(hours=34)
    night.wait(minutes=2).hears()


def test_one_that_is_new_says_nothing_of_the_time_before_it(night: Pipeline) -> None:
    reports(night, at="01:00")
    night.wait(minutes=20).hears()


def test_a_quiet_day_is_told_to_those_who_want_it(night: Pipeline) -> None:
    quiet = world_without_concerns(night)
    reports(night, **quiet)
    night.wait(minutes=12).hears()
    reports(night, at="04:30", quiet_days=True, **quiet)
    night.world.clock.advance(hours=24)
    night.wait(minutes=20)
    assert only_report(night).is_quiet


def world_without_concerns(night: Pipeline) -> dict[str, Any]:
    """Nothing is configured but the report and a service with a policy and a contact."""
    night.put(
        items.HEAD_KEY
        | {"kind": {"S": "configuration"}, "revision": {"N": "2"}}
        | {"services": wire([night.world.service.id])}
    )
    night.serves(policy_id="pol_1")
    other = CHAT.model_copy(update={"id": "rcv_other"})
    return {"user_ids": (), "receivers": (CHAT, other)}


def test_without_a_report_nothing_is_sent_or_written(night: Pipeline) -> None:
    night.wait(minutes=12).hears()
    assert night.world.table.item(items.REPORTS_KEY, deadline()) is None


def test_whoever_is_disabled_or_gone_gets_none(night: Pipeline) -> None:
    reports(night, user_ids=("user_ada", "user_gone"))
    known = night.world.table.user("user_ada", deadline())
    assert known
    night.put(directory_items.directory_item(known.model_copy(update={"disabled": True})))
    night.wait(minutes=12)
    assert heard(night) == [("rcv_ops", "")]


def test_an_entry_that_cannot_be_read_keeps_nobody_from_the_rest(night: Pipeline) -> None:
    reports(night)
    night.damage("user#user_ada", "user", "email")
    night.wait(minutes=12)
    [said] = [report_in(each.message) for each in night.listener.new()]
    assert said is not None
    assert "cannot be read" in said.concerns[0].text
