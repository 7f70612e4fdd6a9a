"""The first table of the contract, cell by cell: what an event does to the active incident."""

from datetime import UTC, datetime, timedelta

import pytest

from opsknight.incident.changes import KEEP, NOTHING, Changes
from opsknight.incident.decisions import (
    Decision,
    Ignored,
    Merged,
    Opened,
    Repeated,
    Transitioned,
    Unchanged,
)
from opsknight.incident.events import decide
from opsknight.incident.model import (
    ACTIVE,
    Action,
    Actor,
    ActorKind,
    Escalation,
    Event,
    Incident,
    Pointer,
    RequestedStep,
    Severity,
    Status,
    Timer,
    Urgency,
)
from opsknight.incident.quiet import Window

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
PROMETHEUS = Actor(kind=ActorKind.INTEGRATION, id="int_1", name="Prometheus Alerts")
ORDER = list(Status)[:4]
MAINTENANCE = Window("win_1", NOW + timedelta(hours=2))


def event(action: Action = Action.TRIGGER, severity: Severity = Severity.CRITICAL) -> Event:
    return Event(
        action=action,
        service_id="svc_1",
        dedup_key="cpu",
        summary="CPU is hot",
        severity=severity,
        body='{"as": "received"}',
        actor=PROMETHEUS,
    )


def pointer(status: Status, urgency: Urgency = Urgency.HIGH) -> Pointer:
    return Pointer(
        id="inc_old",
        service_id="svc_1",
        dedup_key="cpu",
        title="The first title",
        urgency=urgency,
        status=status,
        created_at=EARLIER,
        epoch=3,
        changes=5,
    )


def decided(
    action: Action,
    current: Pointer | None,
    severity: Severity = Severity.CRITICAL,
    window: Window | None = None,
    raising: bool = False,
) -> Decision:
    return decide(
        current,
        event(action, severity),
        now=NOW,
        incident_id="inc_new",
        alert_id="al_new",
        window=window,
        raising=raising,
    )


def opened(severity: Severity = Severity.CRITICAL, window: Window | None = None) -> Incident:
    decision = decided(Action.TRIGGER, None, severity, window)
    assert isinstance(decision, Opened)
    return decision.incident


def moved(action: Action, status: Status) -> Transitioned:
    decision = decided(action, pointer(status))
    assert isinstance(decision, Transitioned)
    return decision


CELLS = [
    (Action.TRIGGER, None, Opened, Status.OPEN),
    (Action.TRIGGER, Status.OPEN, Merged, Status.OPEN),
    (Action.TRIGGER, Status.ACKNOWLEDGED, Merged, Status.ACKNOWLEDGED),
    (Action.TRIGGER, Status.SNOOZED, Merged, Status.SNOOZED),
    (Action.TRIGGER, Status.SUPPRESSED, Merged, Status.SUPPRESSED),
    (Action.ACKNOWLEDGE, None, Ignored, None),
    (Action.ACKNOWLEDGE, Status.OPEN, Transitioned, Status.ACKNOWLEDGED),
    (Action.ACKNOWLEDGE, Status.ACKNOWLEDGED, Unchanged, Status.ACKNOWLEDGED),
    (Action.ACKNOWLEDGE, Status.SNOOZED, Transitioned, Status.ACKNOWLEDGED),
    (Action.ACKNOWLEDGE, Status.SUPPRESSED, Transitioned, Status.ACKNOWLEDGED),
    (Action.RESOLVE, None, Ignored, None),
    (Action.RESOLVE, Status.OPEN, Transitioned, Status.RESOLVED),
    (Action.RESOLVE, Status.ACKNOWLEDGED, Transitioned, Status.RESOLVED),
    (Action.RESOLVE, Status.SNOOZED, Transitioned, Status.RESOLVED),
    (Action.RESOLVE, Status.SUPPRESSED, Transitioned, Status.RESOLVED),
]


def test_no_cell_is_left_out() -> None:
    assert {(action, status) for action, status, *_ in CELLS} == {
        (action, status) for action in Action for status in [None, *ACTIVE]
    }


@pytest.mark.parametrize(
    ("action", "before", "kind", "after"),
    CELLS,
    ids=[f"{action}-{before or 'none active'}" for action, before, *_ in CELLS],
)
def test_the_first_table(
    action: Action, before: Status | None, kind: type[Decision], after: Status | None
) -> None:
    decision = decided(action, pointer(before) if before else None)
    assert type(decision) is kind
    match decision:
        case Opened(incident):
            assert incident.status is after
        case Merged(seen) | Unchanged(seen) | Repeated(seen):
            assert seen.status is after
        case Transitioned():
            assert decision.after.status is decision.change.status is after
        case Ignored():
            assert after is None


@pytest.mark.parametrize(
    ("severity", "urgency"),
    [
        (Severity.CRITICAL, Urgency.HIGH),
        (Severity.ERROR, Urgency.MEDIUM),
        (Severity.WARNING, Urgency.MEDIUM),
        (Severity.INFO, Urgency.LOW),
    ],
    ids=str,
)
def test_severity_to_urgency(severity: Severity, urgency: Urgency) -> None:
    assert opened(severity).urgency is urgency


@pytest.mark.parametrize("high", Urgency, ids=str)
@pytest.mark.parametrize("low", Urgency, ids=str)
def test_urgencies_are_ranked(high: Urgency, low: Urgency) -> None:
    ranked = [Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH]
    assert high.exceeds(low) is (ranked.index(high) > ranked.index(low))


def test_an_incident_is_born_with_everything_known_and_due_at_once() -> None:
    assert opened() == Incident(
        id="inc_new",
        service_id="svc_1",
        dedup_key="cpu",
        title="CPU is hot",
        urgency=Urgency.HIGH,
        status=Status.OPEN,
        created_at=NOW,
        epoch=0,
        changes=1,
        escalation=Escalation.NONE,
        alert_count=1,
        first_alert_id="al_new",
        last_alert_at=NOW,
        announced=0,
        timers={Timer.ANNOUNCE: NOW, Timer.STEP: NOW},
        due_at=NOW,
    )


def test_inside_a_maintenance_window_nobody_is_told_until_it_ends() -> None:
    born = opened(window=MAINTENANCE)
    assert (born.status, born.escalation) == (Status.SUPPRESSED, Escalation.PAUSED)
    assert born.window_id == "win_1"
    checked = NOW + timedelta(minutes=5)
    assert born.timers == {"window": checked}, "it may end early; and nobody is paged or notified"
    assert (born.announced, born.due_at) == (1, checked)
    short = opened(window=Window("win_2", NOW + timedelta(minutes=3)))
    assert short.due_at == NOW + timedelta(minutes=3)


def test_a_window_does_not_touch_what_is_already_open() -> None:
    decision = decided(Action.TRIGGER, pointer(Status.OPEN), window=MAINTENANCE)
    assert isinstance(decision, Merged)
    assert decision.raised is None


@pytest.mark.parametrize(
    "current", [None, *map(pointer, ORDER)], ids=["none active", *map(str, ORDER)]
)
def test_every_trigger_is_an_alert_with_the_event_as_received(current: Pointer | None) -> None:
    decision = decided(Action.TRIGGER, current)
    assert isinstance(decision, Opened | Merged)
    alert = decision.alert
    assert (alert.id, alert.at, alert.actor) == ("al_new", NOW, PROMETHEUS)
    assert alert.body == '{"as": "received"}'
    assert alert.incident_id == (current.id if current else "inc_new")


@pytest.mark.parametrize("status", ORDER, ids=str)
def test_a_later_trigger_keeps_title_and_urgency_of_the_first(status: Status) -> None:
    seen = pointer(status, Urgency.LOW)
    decision = decided(Action.TRIGGER, seen)
    assert isinstance(decision, Merged)
    assert (decision.before, decision.raised) == (seen, None)


@pytest.mark.parametrize("status", [s for s in ORDER if s is not Status.ACKNOWLEDGED], ids=str)
def test_acknowledge_completes_the_paging(status: Status) -> None:
    did = moved(Action.ACKNOWLEDGE, status)
    assert did.changes.escalation is Escalation.COMPLETED
    assert did.changes.acknowledged_at == NOW
    assert did.changes.resolved_at is KEEP
    assert did.changes.assignee_id is KEEP, "a monitoring tool takes no incident over"
    assert did.change.what == "acknowledged"


@pytest.mark.parametrize("status", ORDER, ids=str)
def test_resolve_completes_the_paging(status: Status) -> None:
    did = moved(Action.RESOLVE, status)
    assert did.changes.escalation is Escalation.COMPLETED
    assert did.changes.resolved_at == NOW
    assert did.changes.acknowledged_at is KEEP
    assert did.change.what == "resolved"


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.RESOLVE], ids=str)
def test_a_move_is_one_change_of_the_timeline_and_one_epoch(action: Action) -> None:
    did = moved(action, Status.OPEN)
    assert (did.after.changes, did.after.epoch) == (6, 4)
    assert did.after == did.before.model_copy(
        update={"status": did.change.status, "changes": 6, "epoch": 4}
    )
    change = did.change
    assert (change.incident_id, change.number, change.epoch) == ("inc_old", 6, 4)
    assert (change.at, change.actor) == (NOW, PROMETHEUS)
    assert change.detail == {"summary": "CPU is hot"}, "what the sender says of it"


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.RESOLVE], ids=str)
@pytest.mark.parametrize("status", [Status.SNOOZED, Status.SUPPRESSED], ids=str)
def test_leaving_a_status_ends_its_timer_and_announces(action: Action, status: Status) -> None:
    did = moved(action, status)
    assert did.changes.timers[Timer.SNOOZE] is did.changes.timers[Timer.WINDOW] is None
    assert did.changes.timers[Timer.ANNOUNCE] == did.changes.due_at == NOW


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.RESOLVE], ids=str)
def test_a_pointer_at_a_resolved_incident_is_a_fault(action: Action) -> None:
    with pytest.raises(AssertionError, match="resolved incident"):
        decided(action, pointer(Status.RESOLVED))


@pytest.mark.parametrize("status", ORDER, ids=str)
def test_raising_is_a_change_without_a_new_epoch(status: Status) -> None:
    decision = decided(Action.TRIGGER, pointer(status, Urgency.LOW), Severity.ERROR, raising=True)
    assert isinstance(decision, Merged)
    raised = decision.raised
    assert raised is not None
    assert raised.after == pointer(status, Urgency.MEDIUM).model_copy(update={"changes": 6})
    assert raised.change.what == "raised"
    assert raised.change.detail == {"urgency": "MEDIUM", "before": "LOW"}
    assert (raised.change.number, raised.change.epoch, raised.change.status) == (6, 3, status)
    due = Changes(changes=6, timers={Timer.ANNOUNCE: NOW}, due_at=NOW)
    pages = Changes(timers={Timer.STEP: NOW} if status is Status.OPEN else {})
    urgency = Changes(urgency=Urgency.MEDIUM)
    assert raised.changes == due | pages | urgency, "only who is being paged is paged again"
    again = Changes(requested_step=RequestedStep.CURRENT) if status is Status.OPEN else NOTHING
    assert raised.set_if_absent == again, "and the next step stays asked for"


@pytest.mark.parametrize(
    ("urgency", "severity"),
    [
        (Urgency.HIGH, Severity.CRITICAL),
        (Urgency.HIGH, Severity.INFO),
        (Urgency.MEDIUM, Severity.WARNING),
        (Urgency.LOW, Severity.INFO),
    ],
    ids=str,
)
def test_only_a_more_urgent_trigger_raises(urgency: Urgency, severity: Severity) -> None:
    decision = decided(Action.TRIGGER, pointer(Status.OPEN, urgency), severity, raising=True)
    assert isinstance(decision, Merged)
    assert decision.raised is None
