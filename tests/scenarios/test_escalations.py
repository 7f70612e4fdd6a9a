"""What happens at night, in four lines each: events in, minutes go by, pages out."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from harness.people import ADA
from harness.pipeline import Pipeline, step
from harness.world import World, deadline, event
from opsknight.directory.entries import Member, Never, Remind
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.policy import Rota, Target, TargetKind
from opsknight.incident.commands import (
    Acknowledge,
    Escalate,
    Prioritize,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.decisions import NotAllowed
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Escalation, Status, Urgency
from opsknight.oncall.schedules import Override
from tests.unit.rotas import layer, only, schedule

WEB = Target(kind=TargetKind.TEAM, id="team_web")
LEADS = Target(kind=TargetKind.TEAM_LEADS, id="team_web")
ROTA = Target(kind=TargetKind.SCHEDULE, id="sch_1")


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    yield pipeline
    pipeline.ends()


def test_without_a_policy_the_team_is_paged_at_once(night: Pipeline) -> None:
    incident = night.trigger()
    night.pages("ada", "ben")
    assert night.incident(incident).assignee_id == "user_ada"
    assert night.incident(incident).escalation is Escalation.ESCALATING


def test_first_page(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    night.pages("ada")
    night.wait(minutes=4, seconds=59).pages()


def test_the_first_step_may_wait(night: Pipeline) -> None:
    night.escalates(step("ada", after=2))
    night.trigger()
    night.pages().wait(minutes=1, seconds=59).pages()
    night.wait(seconds=1).pages("ada")


def test_escalates_when_nobody_acknowledges(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    night.pages("ada").wait(minutes=4, seconds=59).pages()
    night.wait(seconds=1).pages("ben")


def test_repeat_then_exhausted(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5), repeat=1, repeat_after=600)
    incident = night.trigger()
    night.pages("ada").wait(minutes=5).pages("ben").wait(minutes=10).pages("ada")
    night.wait(minutes=5).pages("ben").wait(minutes=9, seconds=59).fallback(0)
    night.wait(seconds=1).fallback(1)
    assert night.incident(incident).escalation is Escalation.EXHAUSTED
    assert night.incident(incident).timers.keys() == {"reminder"}
    rows = night.world.table.steps(incident, deadline())
    assert [(row.step, row.round, row.reason) for row in rows] == [
        (0, 0, "due"),
        (1, 0, "due"),
        (0, 1, "due"),
        (1, 1, "due"),
        (None, 1, "exhausted"),
    ]
    night.wait(minutes=59).fallback(0).wait(minutes=1).fallback(1)


def test_the_pause_is_five_minutes_or_the_longest_delay(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=7), repeat=1)
    night.trigger()
    night.pages("ada").wait(minutes=7).pages("ben").wait(minutes=6, seconds=59).pages()
    night.wait(seconds=1).pages("ada").wait(minutes=7).pages("ben").wait(minutes=7).fallback(1)


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_acknowledge_and_resolve_stop(night: Pipeline, action: str) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    night.pages("ada").send(action)
    night.wait(hours=1)


def test_a_new_incident_of_the_same_key_pages_again(night: Pipeline) -> None:
    night.escalates(step("ada"))
    for action in ("trigger", "resolve", "resolve", "trigger"):
        night.send(action)
    night.pages("ada", "ada")


def test_more_alerts_page_nobody(night: Pipeline) -> None:
    night.escalates(step("ada"))
    for _ in range(3):
        night.trigger()
    night.pages("ada")


def test_snooze_stops_and_resumes_at_the_current_step(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    incident = night.trigger()
    night.pages("ada").does(incident, Snooze(night.world.clock() + timedelta(minutes=30)))
    night.wait(minutes=29, seconds=59).pages().wait(seconds=1).pages("ada")
    night.wait(minutes=5).pages("ben")


def test_unsnooze_and_unsuppress_by_hand_page_again_once(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    incident = night.trigger()
    night.pages("ada").wait(minutes=5).pages("ben")
    night.does(incident, Snooze(night.world.clock() + timedelta(hours=5)))
    night.does(incident, Unsnooze()).pages("ben")
    night.does(incident, Suppress()).wait(minutes=30).does(incident, Unsuppress()).pages("ben")
    night.wait(minutes=59)


def test_suppressed_by_hand_before_it_began_begins(night: Pipeline) -> None:
    night.escalates(step("ada", after=5))
    incident = night.trigger()
    night.does(incident, Suppress()).wait(minutes=30).does(incident, Unsuppress())
    night.pages("ada")


def test_a_gap_in_the_schedule_does_not_burn_the_policy(night: Pipeline) -> None:
    days = schedule(layer("user_ada", restrictions=(only("09:00", "17:00"),)))
    night.rota(Rota(days))
    night.escalates(step(ROTA), repeat_after=1800)
    incident = night.trigger()
    # Tried after 5, 10, 20 and 40 minutes, and then every hour.
    night.fallback(1).pages().wait(hours=6, minutes=14).pages().fallback(6)
    assert night.incident(incident).round is None
    night.wait(minutes=1).pages("ada").wait(minutes=30)
    assert night.incident(incident).escalation is Escalation.EXHAUSTED
    night.fallback(1)


def test_a_gap_without_end_exhausts_after_a_day(night: Pipeline) -> None:
    night.serves(remind=Remind(high=Never.NEVER).model_dump())
    night.escalates(step(ROTA), repeat_after=3600)
    incident = night.trigger()
    night.fallback(1).wait(hours=23, minutes=59).fallback(0)
    night.wait(hours=1, minutes=20).fallback(1)
    assert night.incident(incident).escalation is Escalation.EXHAUSTED


def test_a_step_that_reaches_nobody_is_passed_at_once(night: Pipeline) -> None:
    night.escalates(step("nobody"), step("ben", after=30))
    incident = night.trigger()
    night.pages("ben")
    rows = night.world.table.steps(incident, deadline())
    assert [(row.step, row.user_ids) for row in rows] == [(0, ()), (1, ("user_ben",))]


def test_who_is_in_the_team_and_on_call_is_paged_once(night: Pipeline) -> None:
    night.rota(Rota(schedule(layer("user_ben"))))
    night.escalates(step(WEB, ROTA, "ada"))
    night.trigger()
    night.pages("ada", "ben")


def test_team_leads_only(night: Pipeline) -> None:
    night.team("team_web", Member(user_id="user_ada"), Member(user_id="user_ben", lead=True))
    night.escalates(step(LEADS))
    night.trigger()
    night.pages("ben")


def test_members_who_take_no_pages_and_the_disabled_are_left_alone(night: Pipeline) -> None:
    night.people("cem", disabled=True)
    members = [
        Member(user_id=f"user_{name}", pages=name != "ada") for name in ("ada", "ben", "cem")
    ]
    night.team("team_web", *members)
    night.trigger()
    night.pages("ben")


def test_who_is_on_call_is_asked_at_the_time_of_the_step(night: Pipeline) -> None:
    at = night.world.clock.at
    cover = Override(
        id="ovr_1",
        user_id="user_eve",
        start=at + timedelta(minutes=3),
        end=at + timedelta(hours=1),
        created_at=at,
    )
    night.rota(Rota(schedule(layer("user_ben")), (cover,)))
    night.escalates(step(ROTA), step(ROTA, after=5))
    night.trigger()
    night.pages("ben").wait(minutes=5).pages("eve")


def test_maintenance(night: Pipeline) -> None:
    at = night.world.clock.at
    window = MaintenanceWindow(id="w", start=at, end=at + timedelta(minutes=20), reason="upgrade")
    night.serves(windows=(window,))
    night.escalates(step("ada"))
    incident = night.trigger()
    night.wait(minutes=19, seconds=59).pages().wait(seconds=1).pages("ada")
    assert night.incident(incident).status is Status.OPEN


def test_maintenance_whose_incidents_stay(night: Pipeline) -> None:
    at = night.world.clock.at
    end = at + timedelta(minutes=20)
    window = MaintenanceWindow(id="w", start=at, end=end, reason="upgrade", keep_suppressed=True)
    night.serves(windows=(window,))
    incident = night.trigger()
    assert night.wait(hours=1).incident(incident).status is Status.SUPPRESSED


def test_maintenance_that_is_extended(night: Pipeline) -> None:
    at = night.world.clock.at
    window = MaintenanceWindow(id="w", start=at, end=at + timedelta(minutes=20), reason="upgrade")
    night.serves(windows=(window,))
    night.trigger()
    longer = window.model_copy(update={"end": at + timedelta(minutes=40)})
    night.serves(windows=(longer.model_dump(),))
    night.wait(minutes=39, seconds=59).pages().wait(seconds=1).pages("ada", "ben")


@pytest.mark.parametrize("left", [None, 8], ids=["removed", "shortened"])
def test_maintenance_that_ends_early(night: Pipeline, left: int | None) -> None:
    at = night.world.clock.at
    window = MaintenanceWindow(id="w", start=at, end=at + timedelta(hours=9), reason="upgrade")
    night.serves(windows=(window,))
    night.trigger()
    night.wait(minutes=7).pages()
    end = at + timedelta(minutes=left or 0)
    night.serves(windows=() if left is None else (window.model_copy(update={"end": end}),))
    night.wait(minutes=3).pages("ada", "ben")


def test_suppressed_by_hand_stays_after_a_window(night: Pipeline) -> None:
    at = night.world.clock.at
    window = MaintenanceWindow(id="w", start=at, end=at + timedelta(minutes=20), reason="upgrade")
    night.serves(windows=(window,))
    incident = night.trigger()
    night.send("acknowledge")
    night.does(incident, Suppress()).wait(hours=1)
    assert night.incident(incident).status is Status.SUPPRESSED


def test_acknowledgement_timeout(night: Pipeline) -> None:
    night.serves(acknowledgement_timeout=600)
    night.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    incident = night.trigger()
    night.pages("ada").does(incident, Acknowledge(by="user_ada"))
    night.wait(minutes=9, seconds=59).pages().wait(seconds=1).pages("ada")
    night.wait(minutes=5).pages("ben")


def test_auto_resolve_waits_for_silence(night: Pipeline) -> None:
    night.serves(auto_resolve=1800, acknowledgement_timeout=None)
    night.escalates(step("ada"), repeat_after=7200)
    incident = night.trigger()
    night.pages("ada").wait(minutes=20).trigger()
    assert night.wait(minutes=29).incident(incident).status is Status.OPEN
    assert night.wait(minutes=1).incident(incident).status is Status.RESOLVED


def test_a_raise_pages_again_once(night: Pipeline) -> None:
    night.serves(raises_urgency=True)
    night.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    night.trigger(severity="info")
    night.pages("ada").wait(minutes=2).trigger(severity="critical")
    night.pages("ada").wait(minutes=4, seconds=59).pages().wait(seconds=1).pages("ben")
    night.trigger(severity="critical")


def test_a_raise_pages_nobody_once_acknowledged(night: Pipeline) -> None:
    night.serves(raises_urgency=True)
    night.trigger(severity="info")
    night.pages("ada", "ben").send("acknowledge")
    night.trigger(severity="critical")


def test_escalate_takes_the_next_step_now(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=30), step("eve", after=30))
    incident = night.trigger()
    night.pages("ada").does(incident, Escalate()).pages("ben")
    night.does(incident, Acknowledge(by="user_ben")).does(incident, Escalate()).pages("eve")
    night.does(incident, Escalate()).pages("ada")
    night.does(incident, Escalate(step=1)).pages("ben").does(incident, Resolve())


def test_escalate_twice_in_a_moment_is_refused_and_not_forgotten(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=30), step("eve", after=30))
    incident = night.trigger()
    night.pages("ada").streaming = False
    night.does(incident, Escalate())
    again = act(night.incident(incident), Escalate(), actor=ADA, now=night.world.clock())
    assert isinstance(again, NotAllowed)
    assert again.why is not None
    night.wait(minutes=1).pages("ben").does(incident, Escalate()).wait(minutes=1).pages("eve")
    night.does(incident, Resolve())


def test_a_raise_does_not_undo_an_escalate(night: Pipeline) -> None:
    night.serves(raises_urgency=True)
    night.escalates(step("ada"), step("ben", after=30), repeat_after=7200)
    incident = night.trigger(severity="info")
    night.pages("ada").streaming = False
    night.does(incident, Escalate()).trigger(severity="critical")
    night.wait(minutes=1).pages("ben")


def test_a_raise_by_a_person_pages_again_and_undoes_no_escalate(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=30), repeat_after=7200)
    incident = night.trigger(severity="info")
    night.pages("ada").does(incident, Prioritize(Urgency.MEDIUM)).pages("ada").streaming = False
    night.does(incident, Escalate()).does(incident, Prioritize(Urgency.HIGH))
    night.wait(minutes=1).pages("ben")


def test_escalate_begins_at_once(night: Pipeline) -> None:
    night.escalates(step("ada", after=30), step("ben", after=30))
    incident = night.trigger()
    night.does(incident, Escalate()).pages("ada").does(incident, Resolve())


def test_escalate_after_everything_was_exhausted(night: Pipeline) -> None:
    night.escalates(step("ada"))
    incident = night.trigger()
    night.pages("ada").wait(minutes=5).fallback(1)
    night.does(incident, Escalate()).pages("ada").wait(minutes=5).fallback(1)


def test_reassign_pages_that_user_and_ends_the_policy(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    incident = night.trigger()
    night.pages("ada").does(incident, Reassign("user_eve")).pages("eve")
    assert night.incident(incident).escalation is Escalation.COMPLETED
    night.wait(minutes=4, seconds=59).fallback(0).wait(seconds=1).fallback(1)
    night.wait(minutes=59).fallback(0).wait(minutes=1).fallback(1)


def test_reassigned_to_somebody_who_cannot_be_reached(night: Pipeline) -> None:
    incident = night.trigger()
    night.pages("ada", "ben").does(incident, Reassign("user_gone")).fallback(1)


def test_editing_a_policy_does_not_derail_a_running_escalation(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    night.pages("ada").escalates(step("eve"), version=2)
    night.trigger("disk")
    night.pages("eve").wait(minutes=4).pages().wait(minutes=1).pages("ben").fallback(1)


@pytest.mark.parametrize("entry", ["schedule", "user", "team", "policy", "version", "service"])
def test_what_cannot_be_read_reaches_nobody_and_holds_up_nothing(
    night: Pipeline, entry: str, capsys: pytest.CaptureFixture[str]
) -> None:
    night.rota(Rota(schedule(layer("user_ben"))))
    night.escalates(step(ROTA, WEB, "ada"), step("eve", after=5))
    night.trigger()
    night.pages("ada", "ben").serves(acknowledgement_timeout=None)
    broken = {
        "schedule": ("schedule#sch_1", "schedule", "zone"),
        "user": ("user#user_ben", "user", "role"),
        "team": ("team#team_web", "team", "members"),
        "policy": ("policy#pol_1", "policy", "steps"),
        "version": ("policy#pol_1", "version#000001", "steps"),
        "service": (f"service#{night.world.service.id}", "service", "windows"),
    }[entry]
    night.damage(*broken)
    incident = "".join(page.incident_id for page in night.all_pages()[:1])
    night.does(incident, Escalate(step=0))
    paged = {page.user_id.removeprefix("user_") for page in night.new_pages()}
    assert paged == {"user": {"ada"}, "schedule": {"ada", "ben"}, "team": {"ada", "ben"}}.get(
        entry, {"ada", "ben"}
    )
    assert night.incident(incident).failures is None
    said = '"Unreadable":[1.0]' in capsys.readouterr().out.replace(" ", "")
    # The service is asked for by messages alone.
    assert said is (entry != "policy"), "only what was asked for is missed"
    night.does(incident, Resolve())


def test_a_policy_of_nothing_readable_tells_the_fallback(night: Pipeline) -> None:
    night.rota(Rota(schedule(layer("user_ben"))))
    night.escalates(step(ROTA), repeat_after=3600)
    night.damage("schedule#sch_1", "schedule", "zone")
    night.trigger()
    night.fallback(1)


def test_deleting_everything_still_tells_somebody(night: Pipeline) -> None:
    night.escalates(step("ada"), step(WEB, after=5))
    night.trigger()
    night.pages("ada")
    for item in night.world.items():
        if item["kind"]["S"] in ("policy", "service", "team"):
            night.delete(item["pk"]["S"], item["sk"]["S"])
    night.wait(minutes=5).fallback(1)


def test_a_deleted_policy_is_kept_to_while_its_version_is_there(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    night.pages("ada").delete("policy#pol_1", "policy")
    night.trigger("disk")
    night.pages("ada", "ben").wait(minutes=5).pages("ben").fallback(1)


def test_without_the_stream_one_tick_begins_and_pages(night: Pipeline) -> None:
    night.streaming = False
    night.escalates(step("ada"), step("ben", after=5))
    incident = night.trigger()
    night.pages().wait(minutes=1).pages("ada")
    assert night.wait(minutes=2).incident(incident).announced == 1, "and notify has planned it"
    night.wait(minutes=3).pages("ben")


def test_without_ticks_the_messages_alone_meet_the_second(night: Pipeline) -> None:
    night.ticking = False
    night.escalates(step("ada"), step("ben", after=5), step("eve", after=10))
    night.trigger()
    night.pages("ada").wait(minutes=5).pages("ben").wait(minutes=10).pages("eve")
    night.wait(minutes=10).fallback(1)


def test_without_messages_a_tick_is_a_minute_late_at_most(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    night.world.clock.advance(seconds=7)
    night.trigger()
    night.pages("ada").post.queued.clear()
    night.wait(minutes=6).pages("ben")


@pytest.mark.soak
def test_a_storm_of_incidents_on_one_policy(night: Pipeline, full_size: bool) -> None:
    number_of_incidents = 500 if full_size else 100
    night.escalates(step("ada"))
    integration = f"Token token={night.world.integration_key}"
    known = set()
    for number in range(number_of_incidents):
        if number % 100 == 0:
            # A key may send 120 events a minute.
            night.world.clock.advance(minutes=1)
        body = event(dedup_key=f"disk-{number}")
        known.add(night.world.send(body, authorization=integration).incident["id"])
    night.settle()
    pages = night.new_pages()
    assert {page.incident_id for page in pages} == known
    assert len(pages) == number_of_incidents
    night.world.clock.advance(minutes=6)
    # The first is told at once, all others with it five minutes later.
    night.settle().fallback(1).wait(minutes=5).fallback(1)
    assert f"nobody has taken {number_of_incidents}" in night.post.published[-1]["Subject"]
