"""Nights with support hours of a service and quiet hours of people. It is three in the morning of a
Monday, in UTC.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import repeat
from typing import Any

import pytest

from harness.pipeline import Pipeline, step
from harness.world import World, deadline, event
from notify.channels.protocol import PermanentFailure, TemporaryFailure
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.directory.support_hours import SupportHours
from opsknight.directory.windows import MaintenanceWindow, Repetition
from opsknight.incident.commands import Acknowledge, Prioritize, Reassign
from opsknight.incident.model import Escalation, Status, Timer, Urgency
from opsknight.notification.delivery import State
from opsknight.oncall.hours import WeeklyHours
from opsknight.store import directory_items
from opsknight.views.night.rows import rows
from tests.scenarios.test_simulation import agree, played
from tests.unit.rotas import only

HIGH, MEDIUM, LOW = Urgency
TWENTY = timedelta(minutes=20)


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    yield pipeline
    pipeline.ends()


def supported(night: Pipeline, start: str = "03:20", **more: Any) -> None:
    hours = SupportHours(zone="UTC", times=(only(start, "02:00"),), **more)
    night.serves(support_hours=hours)


def sleeps(
    night: Pipeline,
    *names: str,
    start: str = "22:00",
    until: str = "03:20",
    again: int | None = None,
) -> None:
    """Each has mail, which is used for all; a second time after `again` minutes."""
    for name in names:
        known = User(
            id=f"user_{name}",
            name=name.title(),
            email=f"{name}@example.com",
            role=Role.RESPONDER,
            contact_methods=(
                Receiver(id="mail", name="Mail", channel=Channel.EMAIL, to=f"{name}@example.com"),
            ),
            rules=tuple(
                NotificationRule(urgency=each, method_id="mail", delay=timedelta(minutes=minutes))
                for each in Urgency
                for minutes in ([0] if again is None else [0, again])
            ),
            quiet_hours=WeeklyHours(zone="UTC", times=(only(start, until),)),
        )
        night.put(directory_items.directory_item(known))


def test_what_is_lowered_at_night_is_raised_when_people_come_to_work(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"), step("ben", after=5), repeat_after=timedelta(hours=2))
    incident = night.trigger(severity="error")
    assert night.incident(incident).urgency is LOW
    night.pages("ada").wait(minutes=5).pages("ben")
    night.wait(minutes=14, seconds=59).pages().wait(seconds=1)
    # It begins with the first step, and with what the people's rules say of MEDIUM.
    night.pages("ada")
    raised = night.incident(incident)
    assert (raised.urgency, raised.urgency_in_hours, raised.step) == (MEDIUM, None, 0)
    assert {each.urgency for each in night.deliveries() if each.at == night.world.clock()} == {
        MEDIUM
    }
    night.wait(minutes=5).pages("ben")


def test_what_stays_urgent_is_never_lowered(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    assert night.incident(night.trigger()).urgency is HIGH
    night.pages("ada").wait(minutes=20).pages()


def test_an_exhausted_policy_begins_again_when_the_hours_begin(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"))
    incident = night.trigger(severity="warning")
    night.pages("ada").wait(minutes=10).fallback(1)
    assert night.incident(incident).escalation is Escalation.EXHAUSTED
    night.wait(minutes=10).pages("ada")
    assert night.incident(incident).escalation is Escalation.ESCALATING
    night.wait(minutes=10).fallback(1)


def test_acknowledged_it_is_raised_and_pages_nobody(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"))
    incident = night.trigger(severity="error")
    night.pages("ada").does(incident, Acknowledge(by="user_ada")).wait(minutes=20).pages()
    raised = night.incident(incident)
    assert (raised.status, raised.urgency) == (Status.ACKNOWLEDGED, MEDIUM)


def test_resolved_before_the_hours_begin_it_is_over(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"))
    incident = night.trigger(severity="error")
    night.send("resolve")
    night.pages("ada").wait(minutes=25)
    assert night.incident(incident).urgency is LOW


def test_a_reassigned_one_stays_with_its_assignee(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    incident = night.trigger(severity="error")
    night.does(incident, Reassign("user_ben")).pages("ada", "ben")
    night.wait(minutes=20).pages("ben")


def test_a_person_who_raises_it_at_night_is_the_last_to_say(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    incident = night.trigger(severity="error")
    night.does(incident, Prioritize(HIGH)).pages("ada", "ada")
    assert Timer.SUPPORT_HOURS not in night.incident(incident).timers
    night.wait(minutes=20).pages()


def test_a_worse_alert_at_night_counts_in_the_morning(night: Pipeline) -> None:
    supported(night, outside={HIGH: LOW, MEDIUM: LOW})
    night.serves(raises_urgency=True)
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    incident = night.trigger(severity="error")
    for _ in range(2):
        night.trigger(severity="critical")
    night.pages("ada")
    assert [each.what for each in night.world.table.changes(incident, deadline())] == ["noted"]
    night.wait(minutes=20).pages("ada")
    assert night.incident(incident).urgency is HIGH


def test_hours_that_are_removed_raise_what_waits_within_the_hour(night: Pipeline) -> None:
    supported(night, start="09:00")
    night.escalates(step("ada"), repeat_after=timedelta(hours=2))
    night.trigger(severity="error")
    night.pages("ada").wait(minutes=30)
    night.serves(support_hours=None)
    night.wait(minutes=30).pages("ada")


def test_without_the_stream_and_with_a_lost_message_a_tick_raises_it(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    night.trigger(severity="error")
    night.pages("ada").wait(minutes=19)
    night.post.queued.clear()
    night.wait(minutes=2).pages("ada")


def test_a_low_page_waits_for_the_end_of_quiet_hours(night: Pipeline) -> None:
    sleeps(night, "ada")
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    incident = night.trigger(severity="info")
    night.pages("ada").wait(minutes=19, seconds=59).hears()
    night.wait(seconds=1).hears("mail paged")
    changes = [each.what for each in night.world.table.changes(incident, deadline())]
    assert changes == [], "nobody says that Ada could not be reached"


@pytest.mark.parametrize("severity", ["critical", "error"])
def test_what_is_more_urgent_never_waits(night: Pipeline, severity: str) -> None:
    sleeps(night, "ada")
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    night.trigger(severity=severity)
    night.pages("ada").wait(seconds=1).hears("mail paged")


def test_raised_it_does_not_wait_any_more(night: Pipeline) -> None:
    sleeps(night, "ada")
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    incident = night.trigger(severity="info")
    night.pages("ada").hears()
    night.does(incident, Prioritize(HIGH)).pages("ada").wait(seconds=1).hears("mail paged")


def test_raised_it_is_not_the_round_of_those_who_sleep_any_more(night: Pipeline) -> None:
    """Nobody can be reached: that is for the fallback to hear at night, and not in the morning."""
    sleeps(night, "ada")
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    incident = night.trigger(severity="info")
    night.pages("ada").wait(minutes=5).fallback(0)
    night.listener.answer("mail", repeat(PermanentFailure("no such address")))
    night.does(incident, Prioritize(HIGH)).pages("ada").wait(seconds=2).fallback(1)
    night.wait(minutes=5).pages("ada")


def test_acknowledged_by_another_it_is_never_sent(night: Pipeline) -> None:
    sleeps(night, "ada")
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    incident = night.trigger(severity="info")
    night.pages("ada").does(incident, Acknowledge(by="user_ben")).wait(minutes=21).hears()
    assert [each.state for each in night.deliveries()] == [State.CANCELLED]


def test_the_next_step_comes_at_its_time_and_may_reach_somebody_awake(night: Pipeline) -> None:
    sleeps(night, "ada")
    night.people("ben")
    night.escalates(step("ada"), step("ben", after=5), repeat_after=timedelta(hours=1))
    night.trigger(severity="info")
    night.pages("ada").wait(minutes=5).pages("ben").wait(seconds=1).hears("email paged")
    night.wait(minutes=15).hears("mail paged")


def test_a_round_in_which_all_sleep_is_over_a_pause_after_the_first_wakes(night: Pipeline) -> None:
    """The round counts, and the fallback is told of nothing that somebody is about to hear."""
    sleeps(night, "ada")
    night.escalates(step("ada"), repeat=1, repeat_after=timedelta(minutes=10))
    incident = night.trigger(severity="info")
    night.pages("ada").wait(minutes=29, seconds=59).fallback(0).hears("mail paged")
    night.wait(seconds=1).pages("ada").fallback(0)
    assert night.incident(incident).round == 1
    night.wait(minutes=10).hears("mail paged").fallback(1)


def test_who_wakes_soon_has_a_pause_from_then_on(night: Pipeline) -> None:
    """Also where nobody has looked at the round while all were asleep."""
    sleeps(night, "ada", until="03:04")
    night.escalates(step("ada"), repeat_after=timedelta(minutes=10))
    night.trigger(severity="info")
    night.pages("ada").wait(minutes=4).hears("mail paged")
    night.wait(minutes=1).fallback(0).wait(minutes=5).fallback(0)
    night.wait(minutes=3, seconds=59).fallback(0).wait(seconds=2).fallback(1)


def test_the_fallback_gives_who_wakes_late_as_long_as_anybody(night: Pipeline) -> None:
    sleeps(night, "ada")
    night.escalates(step("ben"), repeat_after=timedelta(minutes=21))
    incident = night.trigger(severity="info")
    night.pages("ben").does(incident, Reassign("user_ada")).pages("ada")
    night.wait(minutes=40).fallback(0)
    night.wait(minutes=1, seconds=1).fallback(1)


def test_a_sleeping_assignee_whose_message_fails_in_the_morning_is_missed_at_once(
    night: Pipeline,
) -> None:
    sleeps(night, "ada")
    night.escalates(step("ben"), repeat_after=timedelta(hours=2))
    incident = night.trigger(severity="info")
    night.pages("ben").does(incident, Reassign("user_ada")).pages("ada")
    night.listener.answer("mail", repeat(TemporaryFailure("busy")))
    night.wait(minutes=20).fallback(0).wait(minutes=5).fallback(1)


def test_the_fallback_waits_for_a_sleeping_assignee_too(night: Pipeline) -> None:
    sleeps(night, "ada")
    night.escalates(step("ben"), repeat_after=timedelta(minutes=10))
    incident = night.trigger(severity="info")
    night.pages("ben").does(incident, Reassign("user_ada")).pages("ada")
    night.wait(minutes=29).fallback(0)
    night.wait(minutes=1, seconds=1).fallback(1)


def test_the_fallback_does_not_wait_for_an_assignee_who_was_told_before(night: Pipeline) -> None:
    sleeps(night, "ada", start="03:02", again=5)
    night.escalates(step("ben"), repeat_after=timedelta(minutes=10))
    incident = night.trigger(severity="info")
    night.pages("ben").does(incident, Reassign("user_ada")).pages("ada")
    night.wait(minutes=9, seconds=59).fallback(0)
    night.wait(seconds=2).fallback(1)


def test_somebody_who_is_gone_in_the_morning_is_missed_then(night: Pipeline) -> None:
    sleeps(night, "ada")
    night.escalates(step("ada"), step("ben", after=60))
    night.trigger(severity="info")
    night.pages("ada").wait(minutes=10)
    night.delete("user#user_ada", "user")
    night.wait(minutes=13).pages("ben")


def test_a_window_comes_again_and_what_opens_in_it_waits_for_its_end(night: Pipeline) -> None:
    at = night.world.clock()
    window = MaintenanceWindow(
        id="mw_1",
        start=at - timedelta(days=7, minutes=5),
        end=at - timedelta(days=7) + timedelta(minutes=12),
        reason="Backups",
        repeats=Repetition(days=7, zone="UTC"),
    )
    night.serves(windows=(window,))
    night.escalates(step("ada"), repeat_after=timedelta(hours=1))
    assert night.incident(night.trigger()).status is Status.SUPPRESSED
    night.wait(minutes=11, seconds=59).pages().wait(seconds=1).pages("ada")


def low_at_night(night: Pipeline) -> None:
    sleeps(night, "ada", "ben")
    night.escalates(step("ada"), step("ben", after=5), repeat=1, repeat_after=600)


def lowered(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"), step("ben", after=5), repeat=1, repeat_after=600)


def lowered_and_asleep(night: Pipeline) -> None:
    lowered(night)
    sleeps(night, "ada", until="03:40")


def test_simulate_says_each_time_why_the_fallback_hears(night: Pipeline) -> None:
    supported(night)
    night.escalates(step("ada"))
    found = played(night, event(severity="warning"))
    assert found.simulation is not None
    told = [row.why for row in rows(found.stage, found.simulation) if row.kind == "fallback"]
    assert told[0] == "all rounds are over", "before the support hours"
    assert "a whole round reached nobody" not in told


@pytest.mark.parametrize(
    ("make", "severity"),
    [(low_at_night, "info"), (lowered, "warning"), (lowered_and_asleep, "error")],
)
def test_simulate_foresees_these_nights(world: World, make: Any, severity: str) -> None:
    night = Pipeline(world)
    make(night)
    agree(night, timedelta(minutes=70), severity=severity)
