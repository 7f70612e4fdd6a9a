"""An OPEN incident is never at rest: somebody is paged again, or the fallback address is told and
reminded, until somebody acts.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import repeat
from time import perf_counter

import pytest

from escalation.audit import audit
from harness.faults import Fault, Point, Process
from harness.pipeline import Pipeline, step
from harness.processes import PUBLIC_URL, engine
from harness.world import World, deadline, event
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure
from opsknight.directory.entries import Never, Remind, Role, User
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.directory.support_hours import SupportHours
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.fallback import FallbackRow
from opsknight.escalation.pages import PageState
from opsknight.incident.commands import (
    Acknowledge,
    Escalate,
    Note,
    Prioritize,
    Reassign,
    Resolve,
    Snooze,
)
from opsknight.incident.model import Escalation, Status, Timer, Urgency
from opsknight.store.calls import Deadline
from opsknight.store.directory_items import directory_item
from opsknight.store.fallback import FallbackRows
from opsknight.store.incident_items import incident_item
from opsknight.store.items import incident_key
from tests.unit.rotas import only

REFUSES = PermanentFailure("no such number")
DOWN = TemporaryFailure("answered 503")


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    for name in ("ada", "ben", "eve"):
        person(pipeline, name)
    yield pipeline
    pipeline.ends()


def person(night: Pipeline, name: str) -> None:
    """Paged once, by e-mail: a page fails as soon as that refuses."""
    method = Receiver(id=f"{name}/email", name="E-mail", channel=Channel.EMAIL, to=name)
    rules = tuple(
        NotificationRule(urgency=urgency, method_id=method.id, delay=timedelta(0))
        for urgency in Urgency
    )
    known = User(
        id=f"user_{name}",
        name=name.title(),
        email=f"{name}@example.com",
        role=Role.USER,
        contact_methods=(method,),
        rules=rules,
    )
    night.put(directory_item(known))


def everybody_refuses(night: Pipeline, answer: Outcome = REFUSES) -> None:
    for name in ("ada", "ben", "eve"):
        night.listener.answer(f"{name}/email", repeat(answer))


def everybody_recovers(night: Pipeline) -> None:
    for name in ("ada", "ben", "eve"):
        night.listener.answer(f"{name}/email", [])


# Rounds that count.


def test_a_provider_that_refuses_for_a_moment_costs_five_minutes(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=10), repeat=9, repeat_after=3600)
    everybody_refuses(night)
    incident = night.trigger()
    night.pages("ada", "ben").fallback(1)
    everybody_recovers(night)
    night.wait(minutes=4, seconds=59).pages().wait(seconds=1).pages("ada")
    assert night.incident(incident).round is None, "that round did not count"
    night.wait(minutes=10).pages("ben").does(incident, Acknowledge())


def test_a_round_that_reaches_nobody_comes_again_after_5_10_20_40_and_60_minutes(
    night: Pipeline,
) -> None:
    night.escalates(step("ada"), repeat=1, repeat_after=6 * 3600)
    everybody_refuses(night)
    incident = night.trigger()
    night.pages("ada").fallback(1)
    for minutes in (5, 10, 20, 24):
        night.wait(minutes=minutes, seconds=-1).pages().wait(seconds=1)
        night.pages(*([] if minutes == 24 else ["ada"]))
    night.fallback(0).wait(minutes=1).fallback(1)
    night.wait(minutes=15).pages("ada").wait(minutes=59).pages().wait(minutes=1).pages("ada")
    night.fallback(1).does(incident, Acknowledge())


def test_an_outage_of_twelve_minutes_uses_up_no_round(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat=2, repeat_after=300)
    everybody_refuses(night, DOWN)
    incident = night.trigger()
    night.wait(minutes=12).fallback(1)
    assert night.incident(incident).round is None
    everybody_recovers(night)
    night.wait(minutes=5)
    assert night.incident(incident).escalation is Escalation.ESCALATING
    night.new_pages()
    night.does(incident, Acknowledge())


def test_between_rounds_that_count_there_is_the_whole_pause(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat=1, repeat_after=3600)
    incident = night.trigger()
    night.pages("ada").wait(minutes=59, seconds=59).pages().wait(seconds=1).pages("ada")
    assert night.incident(incident).round == 1
    night.wait(minutes=59).fallback(0).wait(minutes=1).fallback(1)


def test_a_last_step_that_fails_does_not_skip_the_pause(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5), repeat=3, repeat_after=1800)
    night.listener.answer("ben/email", repeat(REFUSES))
    incident = night.trigger()
    night.pages("ada").wait(minutes=5).pages("ben").wait(minutes=29, seconds=59).pages()
    night.wait(seconds=1).pages("ada").does(incident, Acknowledge())
    assert night.incident(incident).round == 1, "ada was reached"


def test_a_page_that_is_taken_later_makes_its_round_count(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=300)
    night.listener.answer("ada/email", [REFUSES, Sent(None)])
    incident = night.trigger()
    night.pages("ada").fallback(1).wait(minutes=5).pages("ada")
    night.wait(minutes=5)
    assert night.incident(incident).escalation is Escalation.EXHAUSTED
    night.fallback(1)


# A page is judged by its attempts.


def test_a_page_that_is_planned_ten_minutes_late_is_not_a_failed_one(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=30), repeat_after=3600)
    night.streaming = False
    night.engine.attend(night.world.send(event()).incident["id"], deadline())
    night.world.clock.advance(minutes=10)
    night.settle().wait(minutes=3).pages("ada")
    (page,) = night.all_pages()
    assert page.state is PageState.REACHED
    night.send("acknowledge")


def test_a_page_that_nobody_has_tried_is_our_own_fault_after_five_minutes(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    night.escalates(step("ada"), step("ben", after=30), repeat_after=3600)
    night.streaming = False
    night.engine.attend(night.world.send(event()).incident["id"], deadline())
    (page,) = night.all_pages()
    tracked = night.planning
    tracked.page(page.incident_id, page.page_no, page.user_id, deadline())
    night.post.queued.clear()
    states = []
    for seconds in (119, 1, 60, 60, 59, 1):
        night.world.clock.advance(seconds=seconds)
        tracked.page(page.incident_id, page.page_no, page.user_id, deadline())
        (page,) = night.all_pages()
        states.append(page.state)
    assert states == [PageState.PLANNED] * 5 + [PageState.FAILED]
    assert '"PageUntried":[1.0]' in capsys.readouterr().out.replace(" ", "")
    night.new_pages()
    night.send("acknowledge")


def test_a_message_that_is_taken_after_all_makes_its_page_reached(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=3600)
    night.listener.answer("ada/email", [*[DOWN] * 4])
    incident = night.trigger()
    night.wait(minutes=2).fallback(1).pages("ada").wait(minutes=2)
    assert night.all_pages()[0].state is PageState.REACHED
    night.wait(minutes=2).pages().does(incident, Acknowledge())


# Reassigned.


def test_reassigned_to_somebody_who_sleeps(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5), repeat_after=1200)
    incident = night.trigger()
    night.pages("ada").does(incident, Reassign("user_eve")).pages("eve")
    night.wait(minutes=19, seconds=59).fallback(0).wait(seconds=1).fallback(1)
    night.wait(hours=2, minutes=1).fallback(2).does(incident, Acknowledge())


def test_reassigned_to_somebody_whose_methods_refuse(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=1800)
    night.listener.answer("eve/email", repeat(REFUSES))
    incident = night.trigger()
    night.pages("ada").does(incident, Reassign("user_eve")).pages("eve").fallback(1)
    night.wait(hours=30).fallback(30).does(incident, Acknowledge())


@pytest.mark.parametrize("acts", [Acknowledge(), Snooze, Reassign("user_ben")], ids=str)
def test_reassigned_to_somebody_who_acts(night: Pipeline, acts: object) -> None:
    night.escalates(step("ada"))
    incident = night.trigger()
    night.pages("ada").does(incident, Reassign("user_eve")).pages("eve").wait(minutes=4)
    if acts is Snooze:
        acts = Snooze(night.world.clock() + timedelta(hours=1))
    night.does(incident, acts)  # type: ignore[arg-type]
    night.wait(minutes=4).fallback(0).new_pages()
    night.does(incident, Resolve())


# Reminders.


@pytest.mark.parametrize(("severity", "hours"), [("critical", 1), ("warning", 4), ("info", 24)])
def test_the_fallback_is_reminded_by_urgency(night: Pipeline, severity: str, hours: int) -> None:
    night.escalates(step("ada"))
    incident = night.trigger(severity=severity)
    night.pages("ada").wait(minutes=5).fallback(1)
    for _ in range(2):
        night.wait(hours=hours, seconds=-60).fallback(0).wait(minutes=1).fallback(1)
    night.does(incident, Acknowledge()).wait(hours=30).fallback(0)


def test_a_note_and_a_priority_are_nobodys_answer(night: Pipeline) -> None:
    night.escalates(step("ada"))
    incident = night.trigger(severity="warning")
    night.pages("ada").wait(minutes=5).fallback(1)
    night.does(incident, Note("I had a look.")).wait(hours=4).fallback(1)
    night.does(incident, Prioritize(Urgency.LOW)).wait(hours=24).fallback(1)
    night.does(incident, Acknowledge())


def raised_by_hand(night: Pipeline, incident: str) -> None:
    night.does(incident, Prioritize(Urgency.HIGH))


def raised_by_an_alert(night: Pipeline, _: str) -> None:
    night.send("trigger", severity="critical")


BY = pytest.mark.parametrize("raises", [raised_by_hand, raised_by_an_alert])
type Raises = Callable[[Pipeline, str], None]


@BY
def test_reassigned_to_somebody_who_sleeps_and_then_raised(night: Pipeline, raises: Raises) -> None:
    """Its reminder was a day away, and that of its new urgency is an hour."""
    night.serves(raises_urgency=True)
    night.escalates(step("ada"), repeat_after=1200)
    incident = night.trigger(severity="info")
    night.pages("ada").does(incident, Reassign("user_eve")).pages("eve")
    night.wait(minutes=20).fallback(1).wait(hours=2).fallback(0)
    raises(night, incident)
    night.pages("eve").wait(minutes=4, seconds=59).fallback(0).wait(minutes=1).fallback(1)
    night.wait(minutes=59).fallback(0).wait(minutes=2).fallback(1)
    night.does(incident, Acknowledge()).wait(hours=30).fallback(0)


@BY
def test_what_is_raised_soon_after_the_fallback_heard_is_told_an_hour_after_that(
    night: Pipeline, raises: Raises
) -> None:
    night.serves(raises_urgency=True)
    night.escalates(step("ada"), repeat_after=1200)
    incident = night.trigger(severity="info")
    night.pages("ada").does(incident, Reassign("user_eve")).pages("eve")
    night.wait(minutes=20).fallback(1).wait(minutes=10)
    raises(night, incident)
    night.pages("eve").wait(minutes=49).fallback(0).wait(minutes=2).fallback(1)
    night.does(incident, Acknowledge())


@BY
@pytest.mark.parametrize("remind", [{}, Remind(low=Never.NEVER).model_dump()], ids=["day", "never"])
def test_raised_while_nobody_is_reached_the_fallback_is_told_and_reminded_each_hour(
    night: Pipeline, raises: Raises, remind: dict[str, object]
) -> None:
    night.serves(raises_urgency=True, remind=remind)
    night.escalates(step("nobody"), repeat_after=300)
    incident = night.trigger(severity="info")
    night.fallback(1).wait(hours=2).fallback(0)
    raises(night, incident)
    night.settle().fallback(1)
    night.wait(minutes=59).fallback(0).wait(minutes=2).fallback(1)
    night.does(incident, Acknowledge())


def test_a_policy_that_is_over_and_raised_tells_the_fallback_by_its_new_urgency(
    night: Pipeline,
) -> None:
    night.escalates(step("ada"), repeat_after=6 * 3600)
    incident = night.trigger(severity="info")
    night.pages("ada").wait(hours=6).fallback(1).wait(hours=2).fallback(0)
    night.does(incident, Prioritize(Urgency.HIGH)).pages("ada")
    # The pause of a policy that asks once more is no reason for silence.
    night.wait(minutes=6).fallback(1).wait(hours=1, minutes=1).fallback(1)
    night.does(incident, Acknowledge())


def test_reassigned_and_raised_as_support_hours_begin(night: Pipeline) -> None:
    """It is three in the morning."""
    outside = {Urgency.HIGH: Urgency.LOW}
    hours = SupportHours(zone="UTC", times=(only("06:00", "18:00"),), outside=outside)
    night.serves(support_hours=hours)
    night.escalates(step("ada"), repeat_after=1200)
    incident = night.trigger()
    night.pages("ada").does(incident, Reassign("user_eve")).pages("eve")
    night.wait(minutes=20).fallback(1).wait(hours=2, minutes=39).fallback(0)
    night.wait(minutes=1).pages("eve").wait(minutes=6).fallback(1)
    night.wait(hours=1, minutes=1).fallback(1).does(incident, Acknowledge())


def test_what_is_snoozed_is_told_of_again_if_it_still_reaches_nobody(night: Pipeline) -> None:
    night.escalates(step("nobody"), repeat_after=300)
    incident = night.trigger()
    night.fallback(1).does(incident, Snooze(night.world.clock() + timedelta(hours=2)))
    night.wait(hours=2, minutes=1).fallback(1).wait(hours=1, minutes=1).fallback(1)
    night.does(incident, Acknowledge())


def test_escalating_pages_anew_and_stops_the_reminders(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat_after=2 * 3600)
    incident = night.trigger()
    night.pages("ada").wait(hours=2).fallback(1).does(incident, Escalate()).pages("ada")
    night.wait(hours=1, minutes=59).fallback(0).wait(minutes=1).fallback(1)


def test_a_service_that_never_reminds_is_told_of_once(night: Pipeline) -> None:
    night.serves(remind=Remind(high=Never.NEVER).model_dump())
    night.escalates(step("ada"))
    incident = night.trigger()
    night.pages("ada").wait(minutes=5).fallback(1).wait(hours=48).fallback(0)
    assert not night.incident(incident).timers


def test_what_the_fallback_was_sent_is_recorded_though_sns_took_all_the_time(
    night: Pipeline,
) -> None:
    night.escalates(step("nobody"), repeat_after=3600)
    incident_id = night.trigger()
    night.fallback(1).world.clock.advance(minutes=7)
    now = [0.0]

    class Slow(list[dict[str, str]]):
        def append(self, sent: dict[str, str], /) -> None:
            super().append(sent)
            now[0] += 5

    night.post.published = Slow(night.post.published)
    second = Deadline(1.0, lambda: now[0], lambda _: None)
    night.engine.fallback.tell(night.incident(incident_id), second, once=False)
    night.fallback(1)
    state = FallbackRows(night.world.table).state(deadline())
    assert (state.lease_until, state.told_at) == (None, night.world.clock())


def test_what_the_fallback_was_sent_is_recorded_though_nothing_can_be_tidied(
    night: Pipeline, dynamodb: str
) -> None:
    """A service without reminders: its row is removed once the message has named it."""
    night.escalates(step("nobody"), repeat_after=3600)
    night.fallback(0).trigger()
    night.fallback(1).serves(remind=Remind(high=Never.NEVER).model_dump())
    incident = night.incident(night.trigger("second"))
    night.fallback(0).world.clock.advance(minutes=7)
    throttled = Fault("throttled", "before", None, "ThrottlingException")
    process = Process(throttled, Point("DeleteItem", "main", 1), lasting=True, watching=True)
    table = process.runs(night.world, dynamodb).table
    now = [0.0]
    short = Deadline(5.0, lambda: now[0], lambda seconds: now.append(now.pop() + seconds))
    fallback = engine(night.world, night.post, table, process.watch).fallback
    fallback.tell(incident, short, once=True)
    night.fallback(1)
    assert "DeleteItem" in {each.operation for each in process.calls}
    state = FallbackRows(night.world.table).state(deadline())
    assert (state.lease_until, state.told_at) == (None, night.world.clock())


@pytest.mark.parametrize("remind", [{}, Remind(high=Never.NEVER).model_dump()])
@pytest.mark.parametrize("seconds", [-2, 2])
def test_who_sends_to_the_fallback_may_have_another_clock(
    night: Pipeline, seconds: int, remind: dict[str, object]
) -> None:
    night.serves(remind=remind)
    night.escalates(step("nobody"), repeat_after=3600)
    clock, fallback = night.world.clock, night.engine.fallback
    others = replace(fallback, clock=lambda: clock() + timedelta(seconds=seconds))
    sends = type(fallback)._send_if_due
    with pytest.MonkeyPatch.context() as between:
        # Another function is faster than the one that has just asked.
        between.setattr(type(fallback), "_send_if_due", lambda _, *asked: sends(others, *asked))
        first = night.trigger("disk-1")
    second = night.fallback(1).trigger("disk-2")
    night.wait(minutes=7).fallback(1).wait(minutes=30).fallback(0)
    said = night.post.published[-1]["Message"]
    assert (first in said, second in said) == (not remind, True)


@pytest.mark.parametrize("seconds", [2, 6, 10])
def test_who_asked_for_long_is_told_of_in_the_next_message(night: Pipeline, seconds: int) -> None:
    """Its row was there only after the message of another function, whose time is a later one. Its
    service wants no reminders, and nothing else names it.
    """
    night.serves(remind=Remind(high=Never.NEVER).model_dump())
    night.escalates(step("nobody"), repeat_after=3600)
    night.trigger("disk-1")
    night.fallback(1).wait(minutes=10)
    other, keeps = night.incident(night.trigger("disk-2")), FallbackRows.keep
    began: list[FallbackRow] = []
    night.fallback(1).wait(minutes=10)

    def hangs(rows: FallbackRows, row: FallbackRow, until: Deadline) -> None:
        if not began:
            began.append(row)
            night.world.clock.advance(seconds=seconds)
            night.engine.fallback.tell(other, deadline(), once=True)
        keeps(rows, row, until)

    with pytest.MonkeyPatch.context() as between:
        between.setattr(FallbackRows, "keep", hangs)
        asked = night.trigger("disk-3")
    night.fallback(1)
    assert asked not in night.post.published[-1]["Message"]
    night.wait(minutes=7).fallback(1)
    assert asked in night.post.published[-1]["Message"]
    night.wait(hours=20).fallback(0)


def test_who_never_wanted_reminders_and_now_does_gets_them_from_the_auditor(
    night: Pipeline,
) -> None:
    night.serves(remind=Remind(high=Never.NEVER).model_dump())
    night.escalates(step("ada"))
    incident = night.trigger()
    night.pages("ada").wait(minutes=5).fallback(1).wait(hours=2)
    night.serves(remind={})
    audit(night.engine, deadline())
    night.wait(hours=1).fallback(1).does(incident, Acknowledge())


def test_an_incident_that_an_older_version_left_at_rest_is_reminded_of(night: Pipeline) -> None:
    night.escalates(step("ada"))
    incident = night.trigger()
    night.pages("ada").wait(minutes=5).fallback(1)
    night.world.table.client.update_item(
        TableName=night.world.table.name,
        Key=incident_key(incident),
        UpdateExpression="REMOVE due_at, timers.reminder",
    )
    night.delete("fallback", f"incident#{incident}")
    night.delete("fallback", "state")
    audit(night.engine, deadline())
    assert Timer.REMINDER in night.incident(incident).timers
    night.wait(hours=1).fallback(1).does(incident, Acknowledge())


# One message for all.


def behind_one_link(said: dict[str, str]) -> bool:
    """Before anything that may be long, or a stranger's."""
    _, line, empty, _ = said["Message"].split("\n", 3)
    return not empty and line == f"All that is open: {PUBLIC_URL}/console/incidents?view=open"


def test_the_first_is_told_at_once_and_the_others_in_one_message(night: Pipeline) -> None:
    night.escalates(step("nobody"), repeat_after=3600)
    for number in range(30):
        night.trigger(f"disk-{number}", severity="critical" if number == 29 else "warning")
    night.fallback(1).wait(minutes=4).fallback(0).wait(minutes=1, seconds=30).fallback(1)
    said = night.post.published[-1]
    assert said["Subject"] == "OpsKnight: nobody has taken 30 incidents"
    assert "Checkout: 1 HIGH, 29 MEDIUM\n" in said["Message"]
    assert behind_one_link(said)
    assert said["Message"].count("Incident: ") == 20
    assert said["Message"].index("Urgency: HIGH") < said["Message"].index("Urgency: MEDIUM")
    for number in range(30):
        night.send("acknowledge", f"disk-{number}")
    night.wait(hours=25).fallback(0)


def test_who_acts_before_the_message_goes_is_not_in_it(night: Pipeline) -> None:
    night.escalates(step("nobody"), repeat_after=3600)
    night.trigger("disk-1")
    night.trigger("disk-2")
    night.fallback(1).send("acknowledge", "disk-1")
    night.wait(minutes=6).fallback(1)
    assert "Subject" in night.post.published[-1]
    assert "nobody: CPU" in night.post.published[-1]["Subject"]
    assert behind_one_link(night.post.published[-1])
    night.send("resolve", "disk-2")
    night.wait(hours=2).fallback(0)


def test_control_characters_of_a_title_do_not_reach_sns(night: Pipeline) -> None:
    night.escalates(step("nobody"))
    night.trigger(payload={"summary": "a\u0000b\u001b[31mc\nIncident: d\u202e"})
    night.fallback(1)
    said = night.post.published[-1]
    assert "Title: a?b?[31mc Incident: d?\n" in said["Message"]
    assert said["Subject"].isprintable()
    night.send("resolve")


def test_a_telephone_hears_of_the_most_urgent_alone(night: Pipeline) -> None:
    """Its subscription asks for HIGH; the text is the subject."""
    night.escalates(step("nobody"))
    night.trigger("disk", payload={"severity": "warning"})
    night.trigger("fire", payload={"severity": "critical"})
    night.wait(minutes=6).fallback(2)
    first, second = night.post.published
    assert first["urgency"] == "MEDIUM"
    assert second["urgency"] == "HIGH"
    assert second["sms"] == second["Subject"] == "OpsKnight: nobody has taken 2 incidents"
    night.send("resolve", "disk")
    night.send("resolve", "fire")


@pytest.mark.soak
def test_a_day_of_open_incidents_is_few_messages_that_count_them_all(
    night: Pipeline, full_size: bool
) -> None:
    incidents = 200 if full_size else 6
    night.escalates(step("ada"), repeat_after=60)
    for number in range(incidents):
        # A key may send 120 events a minute.
        night.world.clock.advance(seconds=10)
        night.world.send(event(dedup_key=f"disk-{number}"))
    night.settle().wait(minutes=10)
    before = len(night.post.published)
    night.wait(hours=24)
    since = night.post.published[before:]
    assert 24 <= len(since) <= 26
    assert all(f"taken {incidents} incidents" in each["Subject"] for each in since)
    night.fallback(len(night.post.published))
    assert len(night.post.published) <= 40
    night.new_pages()


@pytest.mark.soak
def test_one_message_counts_them_all(
    night: Pipeline, full_size: bool, say: Callable[[str], None]
) -> None:
    night.escalates(step("nobody"), repeat_after=7 * 24 * 3600)
    first = night.incident(night.trigger())
    night.fallback(1).wait(minutes=30)
    incidents = 10_000 if full_size else 120
    later = night.world.clock() + timedelta(days=2)
    for number in range(1, incidents):
        of_it = {"id": f"inc_{number}", "dedup_key": f"disk-{number}"}
        more = of_it | {"timers": {Timer.REMINDER: later}, "due_at": later}
        other = first.model_copy(update=more)
        night.put(incident_item(other))
        row = FallbackRow(incident_id=other.id, at=night.world.clock())
        night.engine.fallback.rows.keep(row, deadline())
    every = timedelta(hours=1)
    began = perf_counter()
    for _ in range(3):
        night.world.clock.advance(hours=1)
        night.engine.fallback.remind(first, every, deadline(60))
    say(f"{incidents} incidents, three messages: {perf_counter() - began:.1f} s")
    said = night.post.published[-3:]
    assert {each["Subject"] for each in said} == {
        f"OpsKnight: nobody has taken {incidents} incidents"
    }
    assert all(len(each["Message"].encode()) < 256 * 1024 for each in said)
    night.fallback(3)


def test_sns_that_is_away_for_an_hour_costs_nothing_but_that_hour(night: Pipeline) -> None:
    night.escalates(step("ada"))
    night.post.topic_away = True
    incident = night.trigger()
    night.pages("ada").wait(hours=1).fallback(0)
    night.post.topic_away = False
    night.wait(minutes=2).fallback(1).does(incident, Acknowledge())


# Maintenance.


@pytest.mark.parametrize("second", [20, 15], ids=["touching", "overlapping"])
def test_it_is_quiet_until_no_window_is_in_force(night: Pipeline, second: int) -> None:
    at = night.world.clock()
    first = MaintenanceWindow(id="a", start=at, end=at + timedelta(minutes=20), reason="upgrade")
    start, end = at + timedelta(minutes=second), at + timedelta(minutes=60)
    then = MaintenanceWindow(id="b", start=start, end=end, reason="more")
    night.serves(windows=(first,))
    night.escalates(step("ada"))
    incident = night.trigger()
    night.serves(windows=(first.model_dump(), then.model_dump()))
    night.wait(minutes=59, seconds=59).pages()
    assert night.incident(incident).status is Status.SUPPRESSED
    night.wait(seconds=1).pages("ada").does(incident, Acknowledge())
