"""`simulate` says what the deployed functions would do: the same event is played in memory, and
then sent through the whole pipeline with nobody answering.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import embedded
from harness.pipeline import Pipeline, step
from harness.shell import Shell
from harness.world import World, build, deadline, event
from opsknight.directory.entries import Member, Role, User
from opsknight.directory.receivers import (
    Channel,
    IncidentEvent,
    NotificationRule,
    Receiver,
    ServiceReceiver,
)
from opsknight.directory.status_pages import StatusPage, StatusPageWebhook
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.policy import Rota, Target, TargetKind
from opsknight.incident.event_request import EventRequest
from opsknight.incident.model import OPSKNIGHT, Incident, Status, Urgency
from opsknight.notification.delivery import State
from opsknight.oncall.schedules import Override
from opsknight.simulation import FallbackTold, Sent
from opsknight.store import directory_items
from opsknight.views.night.play import Played, Stage, play
from opsknight.views.night.roster import Loading
from tests.unit.rotas import hours, layer, only, schedule

WEB = Target(kind=TargetKind.TEAM, id="team_web")
LEADS = Target(kind=TargetKind.TEAM_LEADS, id="team_web")
ROTA = Target(kind=TargetKind.SCHEDULE, id="sch_1")
QUARTER = timedelta(minutes=15)


@dataclass
class Outcome:
    messages: list[tuple[datetime, str, str]]
    """When, whose receiver, which."""
    fallbacks: int
    """How often the fallback address is told."""
    incident: Incident


def played(night: Pipeline, body: dict[str, Any]) -> Played:
    """What `opsknight simulate` decides, before the event is sent."""
    table, service = night.world.table, night.world.service
    pointer = table.pointer(service.id, body["dedup_key"], deadline())
    incident = None if pointer is None else table.incident(pointer.id, deadline())
    loading = Loading(table, deadline())
    roster = loading.roster(service, incident)
    stage = Stage("here", service, roster, incident, loading.unreadable)
    request = EventRequest.model_validate(body)
    return play(request.event(service.id, json.dumps(body), OPSKNIGHT), stage, night.world.clock())


def foreseen(night: Pipeline, body: dict[str, Any]) -> Outcome:
    found = played(night, body).simulation
    assert found is not None
    assert found.is_over
    sent = [each for each in found.happenings if isinstance(each, Sent)]
    return Outcome(
        sorted((each.at, str(each.delivery.owner), each.delivery.receiver_id) for each in sent),
        sum(isinstance(each, FallbackTold) for each in found.happenings),
        found.incident,
    )


def lived(night: Pipeline, body: dict[str, Any], wait: timedelta) -> Outcome:
    """What became of it: `wait` is longer than the policy."""
    begun = night.world.clock()
    sent = night.world.send(body)
    assert sent.status == 202
    night.settle()
    night.wait(seconds=wait.total_seconds())
    messages = [
        (each.not_before, str(each.owner), each.receiver_id)
        for each in night.deliveries()
        if each.state is State.SENT and each.not_before >= begun
    ]
    return Outcome(sorted(messages), len(night.post.published), night.incident(sent.incident["id"]))


def agree(night: Pipeline, wait: timedelta, **more: Any) -> Outcome:
    body = event(**more)
    seen = foreseen(night, body)
    was = lived(night, body, wait)
    assert seen.messages == was.messages
    assert seen.fallbacks == was.fallbacks
    kept = {"id", "first_alert_id", "due_at"}
    assert seen.incident.model_dump(exclude=kept) == was.incident.model_dump(exclude=kept)
    return seen


def began_alike(night: Pipeline, wait: timedelta, **more: Any) -> None:
    until, body = night.world.clock() + wait, event(**more)
    seen = foreseen(night, body)
    was = lived(night, body, wait)
    assert [each for each in seen.messages if each[0] <= until] == [
        each for each in was.messages if each[0] <= until
    ]


def with_rules(night: Pipeline) -> None:
    methods = (
        Receiver(id="cm_mail", name="Mail", channel=Channel.EMAIL, to="ada@example.com"),
        Receiver(id="cm_phone", name="Phone", channel=Channel.SMS, to="+447700900001"),
    )
    rules = (
        NotificationRule(urgency=Urgency.HIGH, method_id="cm_mail"),
        NotificationRule(
            urgency=Urgency.HIGH, method_id="cm_phone", delay=timedelta(minutes=2, seconds=30)
        ),
    )
    night.put(
        directory_items.directory_item(
            User(
                id="user_ada",
                name="Ada",
                email="ada@example.com",
                role=Role.RESPONDER,
                team_ids=("team_web",),
                contact_methods=methods,
                rules=rules,
            )
        )
    )
    night.escalates(step("ada"), step("ben", after=5))


def without_a_policy(night: Pipeline) -> None:
    night.team("team_web", Member(user_id="user_ada"), Member(user_id="user_ben", pages=False))


def rounds_and_a_late_first_step(night: Pipeline) -> None:
    night.escalates(step("ada", after=2), step("ben", WEB, after=5), repeat=2, repeat_after=600)


def a_handoff_in_the_middle(night: Pipeline) -> None:
    # It is three at night; ada hands over to ben at 03:20, and an override takes ben's first turn.
    turns = layer("user_ada", "user_ben", length=hours(1), handoff="00:20")
    night.people("zoe")
    begun = night.world.clock()
    override = Override(
        id="ovr_1",
        user_id="user_zoe",
        start=begun + 3 * QUARTER,
        end=begun + 4 * QUARTER,
        created_at=begun,
    )
    night.rota(Rota(schedule(turns), (override,)))
    night.escalates(step(ROTA), step(LEADS, after=10), step(ROTA, after=10), repeat=3)


def a_gap(night: Pipeline) -> None:
    # Nobody is on call before 03:40, and the second step names a user who is disabled.
    night.people("off", disabled=True)
    days = layer("user_ada", "user_ben", restrictions=(only("03:40", "17:00"),))
    night.rota(Rota(schedule(days)))
    night.escalates(step(ROTA), step("off", after=5), repeat=1)


def nobody_for_days(night: Pipeline) -> None:
    night.rota(Rota(schedule(layer())))
    night.escalates(step(ROTA), step(LEADS, after=30), repeat_after=7200)


def maintenance(night: Pipeline) -> None:
    night.escalates(step("ada"), step("ben", after=5))
    begun = night.world.clock()
    window = MaintenanceWindow(
        id="mw_1", start=begun - QUARTER, end=begun + timedelta(minutes=47), reason="Upgrade"
    )
    night.serves(windows=(window,))


def maintenance_that_stays(night: Pipeline) -> None:
    maintenance(night)
    [window] = night.world.service.windows
    night.serves(windows=(window.model_copy(update={"keep_suppressed": True}),))


def auto_resolved_between_rules(night: Pipeline) -> None:
    with_rules(night)
    night.serves(auto_resolve=timedelta(minutes=6), acknowledgement_timeout=timedelta(minutes=2))


def receivers_and_status_pages(night: Pipeline) -> None:
    night.escalates(step("ada"), repeat=1)
    service_id = night.world.service.id
    for told in (IncidentEvent.TRIGGERED, IncidentEvent.EXHAUSTED, IncidentEvent.ACKNOWLEDGED):
        receiver = ServiceReceiver(
            id=f"rcv_{told}",
            name=told,
            channel=Channel.SLACK_WEBHOOK,
            secret="x",
            service_id=service_id,
            events=(told,),
        )
        night.put(directory_items.directory_item(receiver))
    webhook = StatusPageWebhook(
        id="hook_1", name="Status", channel=Channel.WEBHOOK, to="https://x.org"
    )
    page = StatusPage(id="page_1", name="Public", service_ids=(service_id,), webhooks=(webhook,))
    night.put(directory_items.directory_item(page))


def unreadable(night: Pipeline) -> None:
    night.rota(Rota(schedule(layer("user_ada"))))
    night.escalates(step(ROTA), step("ben", after=5))
    night.damage("schedule#sch_1", "schedule", "zone")


@pytest.mark.soak
@pytest.mark.parametrize(
    ("make", "wait", "paged"),
    [
        (with_rules, timedelta(hours=1), 4),
        (without_a_policy, timedelta(hours=1), 2),
        (rounds_and_a_late_first_step, timedelta(hours=2), 18),
        (a_handoff_in_the_middle, timedelta(hours=3), 16),
        (a_gap, timedelta(hours=2), 4),
        (nobody_for_days, timedelta(hours=40), 0),
        (maintenance, timedelta(hours=2), 4),
        (maintenance_that_stays, timedelta(hours=2), 0),
        (auto_resolved_between_rules, timedelta(hours=2), 3),
        (receivers_and_status_pages, timedelta(hours=1), 4),
        (unreadable, timedelta(hours=1), 2),
    ],
)
def test_it_foresees_what_the_pipeline_does(
    world: World,
    make: Callable[[Pipeline], None],
    wait: timedelta,
    paged: int,
    full_size: bool,
) -> None:
    night = Pipeline(world)
    make(night)
    if not full_size:
        # How a night begins shows most of it.
        began_alike(night, min(wait, QUARTER))
        return
    seen = agree(night, wait)
    assert len([each for each in seen.messages if each[1].startswith("user#")]) == paged


@st.composite
def nights(draw: st.DrawFn) -> tuple[Any, ...]:
    targets = st.lists(
        st.sampled_from(["ada", "ben", "off", "nobody", WEB, LEADS, ROTA]), max_size=3
    )
    steps = draw(
        st.lists(
            st.builds(
                lambda to, after: step(*to, after=after), targets, st.sampled_from([0, 1, 7])
            ),
            min_size=1,
            max_size=3,
        )
    )
    more = {
        "repeat": draw(st.integers(0, 2)),
        "repeat_after": draw(st.sampled_from([None, 600])),
    }
    begins = draw(st.sampled_from(["00:00", "03:10", "04:00"]))
    severity = draw(st.sampled_from(["critical", "warning", "info"]))
    return steps, more, begins, severity


@pytest.mark.soak
@given(nights())
@settings(max_examples=settings().max_examples // 50)
def test_it_foresees_any_policy(night_of: tuple[Any, ...]) -> None:
    steps, more, begins, severity = night_of
    night = Pipeline(build(embedded.endpoint()))
    night.people("off", disabled=True)
    turns = layer(
        "user_ada",
        "user_ben",
        length=hours(1),
        handoff="00:05",
        restrictions=(only(begins, "06:00"),),
    )
    night.rota(Rota(schedule(turns)))
    night.escalates(*steps, **more)
    # A gap lasts for a day of rounds; its beginning shows how it goes.
    began_alike(night, timedelta(minutes=25), severity=severity)
    night.world.close()


def test_one_more_alert_pages_nobody(world: World) -> None:
    night = Pipeline(world)
    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    found = played(night, event())
    assert found.simulation is None
    assert found.stage.incident is not None


def test_a_more_urgent_event_pages_again(world: World) -> None:
    night = Pipeline(world)
    night.escalates(step("ada"), step("ben", after=5))
    night.serves(raises_urgency=True)
    night.trigger(severity="info")
    night.wait(minutes=2)
    seen = agree(night, timedelta(hours=1), severity="critical")
    assert seen.messages[0][:2] == (night.world.clock() - timedelta(hours=1), "user#user_ada")
    assert seen.incident.urgency is Urgency.HIGH


def test_an_acknowledgement_may_time_out(world: World) -> None:
    night = Pipeline(world)
    night.escalates(step("ada"))
    night.serves(acknowledgement_timeout=timedelta(minutes=30))
    night.trigger()
    found = played(night, event("acknowledge")).simulation
    assert found is not None
    again = [each for each in found.happenings if isinstance(each, Sent) and each.delivery.pages]
    assert {each.at for each in again} == {
        night.world.clock() + timedelta(minutes=30),
        night.world.clock() + timedelta(minutes=33),
    }
    assert found.incident.status is Status.OPEN


def test_nothing_is_written_or_sent(world: World) -> None:
    night = Pipeline(world)
    with_rules(night)
    before = world.items()
    said = Shell(world).opsknight(
        "simulate", "-", "--service", "checkout", stdin=json.dumps(event())
    )
    assert said.code == 0, said.all
    assert "Ada" in said.out
    assert world.items() == before
    assert not night.settle().new_pages()
