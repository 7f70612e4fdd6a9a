"""What people hear of their time on call. It is three in the morning of a Monday, in UTC: Ben has
the schedule, and Ada takes it over at 04:10, which is 05:10 in Berlin.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from escalation.sweep import tick
from harness.pipeline import Pipeline
from harness.world import World, deadline
from opsknight.directory.entries import Role, ShiftNotice, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.escalation.policy import Rota
from opsknight.notification.delivery import State
from opsknight.oncall.hours import WeeklyHours
from opsknight.oncall.schedules import Override, Schedule
from opsknight.store import directory_items, items
from opsknight.store.rosters import Rosters
from opsknight.store.wire import Item, wire
from tests.unit.rotas import layer, only

HOUR = timedelta(hours=1)
CHAT = Receiver(id="sch_channel", name="channel", channel=Channel.SLACK_WEBHOOK, secret="chat")


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    knows(pipeline, "ada")
    knows(pipeline, "ben")
    yield pipeline
    pipeline.ends()


def knows(night: Pipeline, name: str, **more: Any) -> None:
    mail = Receiver(id=f"{name}-mail", name="Mail", channel=Channel.EMAIL, to="x@example.com")
    known = User(
        id=f"user_{name}",
        name=name.title(),
        email=f"{name}@example.com",
        role=Role.RESPONDER,
        zone="Europe/Berlin",
        contact_methods=(mail,),
        **more,
    )
    night.put(directory_items.directory_item(known))


def handover(night: Pipeline) -> datetime:
    return night.world.clock().replace(minute=10) + HOUR


def has(night: Pipeline, *names: str, **more: Any) -> Rota:
    """Schedules of these names, all handed over at the same time."""
    begin = handover(night)
    turns = layer("user_ada", "user_ben", start=begin.isoformat(), handoff="04:10")
    last = layer("user_ben", start="2026-01-05T04:10+00:00", end=begin.isoformat(), layer_id="old")
    rotas = [
        Rota(Schedule(id=f"sch_{name}", name=name, zone="UTC", layers=(turns, last), **more))
        for name in names
    ]
    for rota in rotas:
        night.rota(rota)
    ids = wire([each.schedule.id for each in rotas])
    head: Item = {"kind": {"S": "configuration"}, "revision": {"N": "1"}, "schedules": ids}
    night.put(items.HEAD_KEY | head)
    # The first tick of all only notes the time.
    tick(night.engine)
    night.wait(minutes=1)
    return rotas[0]


def notes(night: Pipeline) -> list[tuple[str, list[str]]]:
    """New messages: to which receiver, and their lines."""
    return [
        (each.receiver.id, (each.message.note or "").splitlines()) for each in night.listener.new()
    ]


def test_an_hour_before_it_begins_it_is_told_once(night: Pipeline) -> None:
    has(night, "Web")
    night.wait(minutes=8).hears()
    night.wait(minutes=2)
    lines = ["On call from Mon 05:10: Web", "Web: until Tue 24 Nov 05:10 CET, after Ben"]
    assert notes(night) == [("ada-mail", lines)]
    night.wait(minutes=55).hears()


def test_what_begins_together_is_one_message(night: Pipeline) -> None:
    has(night, "Web", "Databases")
    night.wait(minutes=10)
    [(_, lines)] = notes(night)
    assert lines[0] == "On call from Mon 05:10: Databases and Web"
    assert len(lines) == 3


def test_a_day_before_it_begins_it_is_told_too(night: Pipeline) -> None:
    has(night, "Web")
    night.wait(minutes=10)
    notes(night)
    night.wait(minutes=61)
    lines = ["On call from Tue 05:10: Web", "Web: until Wed 25 Nov 05:10 CET, after Ada"]
    assert notes(night) == [("ben-mail", lines)]


def test_a_message_that_was_planned_before_a_death_is_not_sent_again(night: Pipeline) -> None:
    has(night, "Web")
    night.wait(minutes=8)
    before = night.world.table.item(items.ROSTER_KEY, deadline())
    assert before
    night.wait(minutes=2)
    assert len(notes(night)) == 1
    # As if nobody had noted that it was told.
    night.put(before)
    night.wait(minutes=2).hears()


def test_what_is_handed_away_is_told_to_whoever_has_it_then(night: Pipeline) -> None:
    rota, at = has(night, "Web"), handover(night)
    knows(night, "zoe")
    away = Override(
        id="ovr_1", user_id="user_zoe", start=at, end=at + 4 * HOUR, created_at=night.world.clock()
    )
    night.put(directory_items.override_item(rota.schedule.id, away))
    night.wait(minutes=10)
    assert [each for each, _ in notes(night)] == ["zoe-mail"]


def test_whoever_does_not_want_it_hears_nothing(night: Pipeline) -> None:
    knows(night, "ada", shift_notices=(ShiftNotice.DAY, ShiftNotice.CHANGES))
    has(night, "Web")
    night.wait(minutes=12).hears()


def test_quiet_hours_hold_it_and_it_is_dropped_when_it_comes_too_late(night: Pipeline) -> None:
    quiet = WeeklyHours(zone="UTC", times=(only("22:00", "03:20"),))
    knows(night, "ada", quiet_hours=quiet)
    has(night, "Web")
    night.wait(minutes=18).hears().wait(minutes=2)
    assert len(notes(night)) == 1


def test_what_nobody_wants_any_more_is_not_sent(night: Pipeline) -> None:
    quiet = WeeklyHours(zone="UTC", times=(only("22:00", "04:30"),))
    knows(night, "ada", quiet_hours=quiet)
    has(night, "Web")
    night.wait(minutes=91)
    assert [each for each, _ in notes(night)] == ["ben-mail"]
    mine = [each for each in night.deliveries() if each.user_id == "user_ada"]
    assert [each.state for each in mine] == [State.CANCELLED]


def test_a_schedules_channel_hears_when_it_is_handed_over(night: Pipeline) -> None:
    has(night, "Web", channel=CHAT)
    night.wait(minutes=10)
    notes(night)
    night.wait(minutes=61)
    lines = ["Ada is on call: Web", "Until: Tue 24 Nov 04:10 UTC", "Before: Ben"]
    assert ("sch_channel", lines) in notes(night)


def test_a_change_is_told_to_those_whom_it_concerns_but_not_to_whoever_made_it(
    night: Pipeline,
) -> None:
    rota, at = has(night, "Web"), handover(night)
    knows(night, "zoe")
    now = night.world.clock()
    away = Override(id="ovr_1", user_id="user_zoe", start=at, end=at + 4 * HOUR, created_at=now)
    after = Rota(rota.schedule, (away,))
    users = night.world.table.users({"user_ada", "user_ben", "user_zoe"}, deadline())
    both = {rota.schedule.id: rota}, {rota.schedule.id: after}
    Rosters(night.world.table).tell_changes(
        *both, users, "Zoe", "chg_1", now, deadline(), but="user_zoe"
    )
    night.put(directory_items.override_item(rota.schedule.id, away))
    night.wait(minutes=3)
    assert notes(night) == [
        (
            "ada-mail",
            [
                "Your shifts changed: Web",
                "Web, no longer yours: Mon 23 Nov 05:10 to 09:10 CET",
                "Changed by: Zoe",
            ],
        )
    ]


def test_under_a_hold_nothing_is_told_and_after_it_what_is_still_to_come(night: Pipeline) -> None:
    has(night, "Web")
    night.wait(minutes=8)
    night.ticking = False
    night.wait(minutes=20)
    night.ticking = True
    night.wait(minutes=2)
    assert [lines[0] for _, lines in notes(night)] == ["On call from Mon 05:10: Web"]


def test_a_schedule_that_cannot_be_read_keeps_no_other_from_being_told(night: Pipeline) -> None:
    has(night, "Web", "Databases")
    night.damage("schedule#sch_Web", "schedule", "zone")
    night.wait(minutes=10)
    assert [lines[0] for _, lines in notes(night)] == ["On call from Mon 05:10: Databases"]
