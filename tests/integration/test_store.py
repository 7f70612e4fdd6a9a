"""What the table itself refuses: every write repeats the condition of its decision.

moto knows DynamoDB's rules for expressions better and takes ten times as long, so it takes each
expression once or twice, and the tables of all cases are MiniStack's.
"""

from datetime import timedelta
from secrets import token_hex

import pytest

from harness.world import World, deadline, event
from opsknight.directory.entries import ApiKey, Service, Team, User, key_hash
from opsknight.directory.integrations import Integration
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.directory.receivers import Channel, ServiceReceiver
from opsknight.directory.status_pages import StatusPage, StatusPageWebhook
from opsknight.incident.commands import Acknowledge, Reassign, Resolve, Snooze
from opsknight.incident.decisions import Merged, Opened, Transitioned
from opsknight.incident.events import decide
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Action, Alert, Event, Severity, Status, Timer, Urgency
from opsknight.incident.urgency import raise_urgency
from opsknight.runtime.lenient import readable_items
from opsknight.store.calls import Conflict
from opsknight.store.counters import NotCounted
from tests.integration.steps import ADA, do, in_order, incident, incident_in, of_kind, put
from tests.integration.wire import TIMES_OUT, Wire

ACTIVE = list(Status)[:4]


def refused(world: World, decision: Opened | Merged | Transitioned) -> bool:
    before = in_order(world.items())
    try:
        world.table.apply(decision, token_hex(16), deadline())
    except Conflict:
        assert in_order(world.items()) == before, "whole or not at all"
        return True
    return False


@pytest.mark.parametrize("is_now", Status, ids=str)
@pytest.mark.parametrize("seen", ACTIVE, ids=str)
def test_a_move_is_refused_when_the_status_is_not_as_seen(
    world: World, seen: Status, is_now: Status
) -> None:
    known = incident(world, incident_in(world, is_now))
    moved = act(
        known.model_copy(update={"status": seen}),
        Reassign("user_ben"),
        actor=ADA,
        now=world.clock(),
    )
    assert isinstance(moved, Transitioned)
    assert refused(world, moved) is (seen is not is_now)


@pytest.mark.parametrize("is_now", Status, ids=str)
@pytest.mark.parametrize("seen", ACTIVE, ids=str)
def test_an_alert_is_refused_by_what_is_not_active_whatever_was_seen(
    world: World, seen: Status, is_now: Status
) -> None:
    known = incident(world, incident_in(world, is_now))
    alert = Alert(id="al_x", incident_id=known.id, at=world.clock(), actor=ADA, body="{}")
    merged = Merged(known.model_copy(update={"status": seen}), alert)
    assert refused(world, merged) is (is_now is Status.RESOLVED)


@pytest.mark.parametrize("seen", ACTIVE, ids=str)
def test_an_alert_makes_no_incident_of_one_that_is_gone(world: World, seen: Status) -> None:
    gone = opening(world, "inc_gone").incident.model_copy(update={"status": seen})
    alert = Alert(id="al_x", incident_id=gone.id, at=world.clock(), actor=ADA, body="{}")
    assert refused(world, Merged(gone, alert))
    assert world.table.incident(gone.id, deadline()) is None


@pytest.mark.parametrize("is_now", Status, ids=str)
@pytest.mark.parametrize("seen", ACTIVE, ids=str)
def test_an_alert_that_raises_is_refused_when_the_status_is_not_as_seen(
    world: World, seen: Status, is_now: Status
) -> None:
    known = incident(world, incident_in(world, is_now, severity="info"))
    before = known.model_copy(update={"status": seen})
    alert = Alert(id="al_x", incident_id=known.id, at=world.clock(), actor=ADA, body="{}")
    raised = raise_urgency(before, Urgency.HIGH, ADA, world.clock())
    assert refused(world, Merged(before, alert, raised)) is (seen is not is_now)


def test_two_changes_seen_alike_are_one_after_the_other(moto_world: World) -> None:
    known = incident(moto_world, incident_in(moto_world, Status.SNOOZED))
    hours = [moto_world.clock() + timedelta(hours=hour) for hour in (2, 3)]
    first, second = (act(known, Snooze(h), actor=ADA, now=moto_world.clock()) for h in hours)
    assert isinstance(first, Transitioned)
    assert isinstance(second, Transitioned)
    assert not refused(moto_world, first)
    assert refused(moto_world, second), "its number on the timeline is taken"
    assert incident(moto_world, known.id).timers[Timer.SNOOZE] == hours[0]


def test_alerts_of_one_incident_never_refuse_each_other(moto_world: World) -> None:
    known = incident(moto_world, incident_in(moto_world, Status.OPEN))
    for number in range(3):
        alert = Alert(
            id=f"al_{number}", incident_id=known.id, at=moto_world.clock(), actor=ADA, body="{}"
        )
        assert not refused(moto_world, Merged(known, alert))
    assert incident(moto_world, known.id).alert_count == 4


def opening(world: World, incident_id: str) -> Opened:
    wanted = Event(
        action=Action.TRIGGER,
        service_id=world.service.id,
        dedup_key="cpu-high",
        summary="CPU",
        severity=Severity.INFO,
        body="{}",
        actor=ADA,
    )
    decision = decide(
        None, wanted, now=world.clock(), incident_id=incident_id, alert_id=f"al_{incident_id}"
    )
    assert isinstance(decision, Opened)
    return decision


def test_a_second_incident_of_one_key_is_refused(moto_world: World) -> None:
    assert not refused(moto_world, opening(moto_world, "inc_1"))
    assert refused(moto_world, opening(moto_world, "inc_2"))
    do(moto_world, "inc_1", Resolve())
    assert not refused(moto_world, opening(moto_world, "inc_2"))


def test_a_move_never_touches_the_pointer_of_another_incident(moto_world: World) -> None:
    known = incident(moto_world, incident_in(moto_world, Status.OPEN))
    do(moto_world, known.id, Resolve())
    moto_world.send(event())
    for command in (Acknowledge(), Resolve()):
        moved = act(known, command, actor=ADA, now=moto_world.clock())
        assert isinstance(moved, Transitioned)
        assert refused(moto_world, moved)
    assert len(of_kind(moto_world, "pointer")) == 1


@pytest.mark.parametrize("command", [Acknowledge(), Resolve()], ids=["update", "delete"])
def test_a_pointer_that_drifted_is_noticed(
    moto_world: World, command: Acknowledge | Resolve
) -> None:
    known = incident(moto_world, incident_in(moto_world, Status.OPEN))
    [pointer] = of_kind(moto_world, "pointer")
    put(moto_world, pointer | {"id": {"S": "inc_other"}})
    moved = act(known, command, actor=ADA, now=moto_world.clock())
    assert isinstance(moved, Transitioned)
    assert refused(moto_world, moved)


def test_announcing_a_change_that_is_not_the_last_is_refused(moto_world: World) -> None:
    seen = incident(moto_world, incident_in(moto_world, Status.OPEN))
    moto_world.send(event("acknowledge"))
    with pytest.raises(Conflict):
        moto_world.table.announce(seen, deadline())
    moto_world.table.announce(incident(moto_world, seen.id), deadline())
    assert incident(moto_world, seen.id).due_at is None


def test_announcing_makes_no_incident_of_one_that_is_gone(moto_world: World) -> None:
    gone = opening(moto_world, "inc_gone").incident
    with pytest.raises(Conflict):
        moto_world.table.announce(gone, deadline())
    assert moto_world.table.incident("inc_gone", deadline()) is None


def test_alerts_over_many_pages_come_in_order(world: World) -> None:
    # A page of a query is at most 1 MB, and a body of under 4 KB lies with its alert.
    known = incident(world, incident_in(world, Status.OPEN))
    noise, alerts = token_hex(3_300), 320
    for number in range(alerts):
        alert = Alert(
            id=f"al_z{number:03}",
            incident_id=known.id,
            at=world.clock(),
            actor=ADA,
            body=noise,
        )
        world.table.apply(Merged(known, alert), token_hex(16), deadline())
    wire = Wire(world.table.client)
    found = world.table.alerts(known.id, deadline())
    assert [alert.id for alert in found[1:]] == [f"al_z{number:03}" for number in range(alerts)]
    assert {alert.body for alert in found[1:]} == {noise}
    assert wire.calls.count("Query") > 1


def test_all_reads_are_strongly_consistent(moto_world: World) -> None:
    wire = Wire(moto_world.table.client)
    known = incident_in(moto_world, Status.ACKNOWLEDGED)
    moto_world.table.alerts(known, deadline())
    moto_world.table.changes(known, deadline())
    body = event("resolve", service_id=moto_world.service.id)
    moto_world.send(body, key=moto_world.user_api_key)
    reads = [s for c, s in zip(wire.calls, wire.sent, strict=True) if c in ("GetItem", "Query")]
    assert len(reads) >= 8
    assert all(read["ConsistentRead"] is True for read in reads)


def test_a_directory_is_created_whole_or_not_at_all(moto_world: World) -> None:
    before = in_order(moto_world.items())
    key = ApiKey(id="k", name="CI", created_at=moto_world.clock(), user_id="user_ada")
    new = Team(id="team_new", name="New")
    with pytest.raises(Conflict):
        moto_world.table.create(
            [new, moto_world.service], {key_hash("x"): key}, token_hex(16), deadline()
        )
    assert in_order(moto_world.items()) == before


def test_a_directory_comes_back_as_it_was_created(moto_world: World) -> None:
    table = moto_world.table
    service = Service(id="svc_new", name="New", team_id="team_new", raises_urgency=True)
    integration = Integration(id="int_new", service_id=service.id, name="Alertmanager")
    key = ApiKey(id="k", name="CI", created_at=moto_world.clock(), user_id="user_ada")
    table.create([service, integration], {key_hash("x"): key}, token_hex(16), deadline())
    assert table.service("svc_new", deadline()) == service
    assert table.api_key(key_hash("x"), deadline()) == key
    assert table.integration_key(key_hash("x"), deadline()) is None, "each kind by itself"
    ada = table.user("user_ada", deadline())
    assert isinstance(ada, User)
    team = table.team("team_web", deadline())
    assert team is not None
    assert [member.user_id for member in team.members] == ["user_ada", "user_ben"]


def test_counting_ends_exactly_at_the_limit(world: World) -> None:
    minute = Minute.of(world.clock())
    counts = [world.counters.count("key", minute) for _ in range(LIMIT + 2)]
    assert counts == [*range(1, LIMIT + 1), NotCounted.REFUSED, NotCounted.REFUSED]
    assert world.counters.count("key", Minute(minute.number + 1)) == 1
    assert world.counters.count("other", minute) == 1


def test_a_count_without_an_answer_is_unknown(moto_world: World) -> None:
    Wire(moto_world.counters.client).fail("UpdateItem", TIMES_OUT)
    counted = moto_world.counters.count("key", Minute.of(moto_world.clock()))
    assert counted is NotCounted.UNKNOWN


def test_a_service_knows_its_receivers_and_no_others(moto_world: World) -> None:
    table, service = moto_world.table, moto_world.service
    receivers = [
        ServiceReceiver(
            id=f"rcv_{name}",
            name=name,
            channel=Channel.SLACK_WEBHOOK,
            secret=name,
            service_id=service_id,
        )
        for name, service_id in (
            ("alerts", service.id),
            ("night", service.id),
            ("data", moto_world.other_service.id),
        )
    ]
    table.create(receivers, {}, token_hex(8), deadline())

    def known(service_id: str) -> list[ServiceReceiver]:
        return readable_items(ServiceReceiver, table.receivers(service_id, deadline()))

    assert known(service.id) == receivers[:2]
    assert known(moto_world.other_service.id) == receivers[2:]
    assert table.service(service.id, deadline()) == service


def test_all_status_pages_are_found(moto_world: World) -> None:
    table = moto_world.table
    assert list(table.status_pages(deadline())) == []
    hook = StatusPageWebhook(
        id="hook_a", name="Site", channel=Channel.WEBHOOK, to="https://a.example"
    )
    pages = [
        StatusPage(id="page_internal", name="Internal"),
        StatusPage(
            id="page_public", name="Public", service_ids=("svc_checkout",), webhooks=(hook,)
        ),
    ]
    table.create(pages, {}, token_hex(8), deadline())
    assert readable_items(StatusPage, table.status_pages(deadline())) == pages
