"""A 429 may be a lost page, so it is loud: an incident of the service says so and counts."""

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.background import Busy
from harness.invariants import check
from harness.world import Response, World, deadline, event
from opsknight.incident.commands import Resolve
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import OPSKNIGHT, Status
from opsknight.store.execute import perform
from tests.integration.conftest import Log
from tests.integration.steps import incident, of_kind, use_up, used
from tests.integration.wire import ALWAYS, THROTTLES, Fault, Wire, refusing

LOUD = "opsknight:rate-limited:Prometheus"


@pytest.fixture
def flooded(world: World) -> World:
    """The first integration key has used up its minute."""
    use_up(world)
    return world


def refuse(world: World, *severities: str, action: str = "trigger", **more: Any) -> Response:
    """Sends one event for each severity; each is refused."""
    for severity in severities:
        response = world.send(event(action, "flood", severity), **more)
        assert (response.status, response.body) == (429, {"error": "Rate limit exceeded."})
    return response


def loud(world: World) -> dict[str, Any]:
    [found] = [i for i in of_kind(world, "incident") if i["dedup_key"]["S"].startswith(LOUD[:22])]
    return found


def counted(world: World, what: str = "refused_triggers") -> int:
    """The refused events that all alerts of the loud incident tell of, together."""
    alerts = world.table.alerts(loud(world)["id"]["S"], deadline())
    return sum(json.loads(alert.body)["payload"]["custom_details"][what] for alert in alerts)


def test_the_first_refusal_opens_an_incident_of_the_service(flooded: World) -> None:
    refuse(flooded, "warning")
    opened = incident(flooded, loud(flooded)["id"]["S"])
    assert (opened.dedup_key, opened.service_id) == (LOUD, flooded.service.id)
    assert opened.title == "Rate limit exceeded: events sent with 'Prometheus' are refused"
    assert (opened.status, opened.urgency) == (Status.OPEN, "MEDIUM")
    assert opened.due_at == flooded.clock(), "it pages like any other"
    [alert] = flooded.table.alerts(opened.id, deadline())
    assert (alert.actor.kind, alert.actor.name) == ("system", "OpsKnight")


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_refused_events_of_each_kind_are_counted(flooded: World, action: str) -> None:
    refuse(flooded, "info", action=action)
    actions = ("trigger", "acknowledge", "resolve")
    assert [counted(flooded, f"refused_{each}s") for each in actions] == [
        int(each == action) for each in actions
    ]


def test_its_urgency_is_that_of_the_worst_refused_event(flooded: World) -> None:
    refuse(flooded, "info")
    assert loud(flooded)["urgency"]["S"] == "LOW"
    refuse(flooded, "info", "info", "error")
    assert loud(flooded)["urgency"]["S"] == "MEDIUM"
    refuse(flooded, "critical")
    assert loud(flooded)["urgency"]["S"] == "HIGH"
    refuse(flooded, "info", "info", "info", "info")
    assert loud(flooded)["urgency"]["S"] == "HIGH"
    [pointer] = [p for p in of_kind(flooded, "pointer") if p["dedup_key"]["S"] == LOUD]
    assert pointer["urgency"]["S"] == "HIGH"


def test_counts_add_up_over_minutes(flooded: World) -> None:
    refuse(flooded, *["info"] * 7)
    flooded.clock.advance(minutes=1)
    use_up(flooded)
    refuse(flooded, *["info"] * 6)
    flooded.clock.advance(minutes=1)
    assert flooded.send(event("resolve", "nothing")).status == 202, "within its limit again"
    assert counted(flooded) == 13
    flooded.send(event("resolve", "nothing"))
    assert counted(flooded) == 13, "each refusal is told once"
    assert len(of_kind(flooded, "incident")) == 1


def test_functions_of_one_key_share_the_incident(flooded: World) -> None:
    refuse(flooded, "info", api=flooded.api())
    refuse(flooded, "critical", api=flooded.api())
    assert (counted(flooded), loud(flooded)["urgency"]["S"]) == (2, "HIGH")


def test_each_key_has_an_incident_of_its_own(flooded: World) -> None:
    use_up(flooded, "key_int_grafana")
    refuse(flooded, "info")
    refuse(flooded, "info", key=flooded.second_integration_key)
    keys = {item["dedup_key"]["S"] for item in of_kind(flooded, "incident")}
    assert keys == {LOUD, "opsknight:rate-limited:Grafana"}


def test_with_an_api_key_it_is_of_the_service_the_event_was_for(world: World) -> None:
    use_up(world, "key_api0")
    sent = event(service_id=world.other_service.id)
    assert world.send(sent, key=world.api_key).status == 429
    assert loud(world)["service_id"]["S"] == world.other_service.id


def test_it_is_not_limited_itself(flooded: World) -> None:
    refuse(flooded, *["info"] * 7)
    assert used(flooded) == [120], "no report is counted"
    assert counted(flooded) == 7


def test_after_it_was_resolved_the_next_refusal_opens_a_new_one(flooded: World) -> None:
    refuse(flooded, "info")
    first = loud(flooded)["id"]["S"]
    assert isinstance(
        perform(
            flooded.table,
            first,
            Resolve(),
            actor=OPSKNIGHT,
            now=flooded.clock(),
            token="resolve",
            deadline=deadline(),
        ),
        Transitioned,
    )
    assert not of_kind(flooded, "pointer")
    refuse(flooded, "critical")
    assert len(of_kind(flooded, "incident")) == 2
    check(flooded)


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_no_event_reaches_it(flooded: World, action: str) -> None:
    refuse(flooded, "info")
    before = loud(flooded)
    second = flooded.second_integration_key
    answer = flooded.send(event(action, LOUD), key=second)
    assert answer.action == ("triggered" if action == "trigger" else "ignored")
    [after] = [each for each in of_kind(flooded, "incident") if each["id"] == before["id"]]
    assert after == before
    check(flooded)


def test_an_incident_of_a_sender_with_its_dedup_key_is_left_alone(flooded: World) -> None:
    second = flooded.second_integration_key
    theirs = flooded.send(event("trigger", LOUD), key=second).body["result"]["incident"]["id"]
    refuse(flooded, "critical")
    kept = incident(flooded, theirs)
    assert (kept.alert_count, kept.status) == (1, Status.OPEN)
    assert len(of_kind(flooded, "incident")) == 2


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
def test_with_the_store_away_it_is_still_429_and_told_later(
    flooded: World, operation: str, log: Log
) -> None:
    assert flooded.send(event("resolve", "x"), key=flooded.second_integration_key).status == 202
    api = flooded.api()
    refuse(flooded, "info", api=api)
    wire = Wire(flooded.table.client)
    wire.fail(operation, THROTTLES, ALWAYS)
    refuse(flooded, "critical", api=api)
    assert "could not be reported" in log.text
    wire.mend()
    assert (counted(flooded), loud(flooded)["urgency"]["S"]) == (1, "LOW")
    refuse(flooded, "info", api=api)
    assert (counted(flooded), loud(flooded)["urgency"]["S"]) == (3, "HIGH")


@pytest.mark.parametrize(
    ("fault", "is_ours"), [(THROTTLES, False), (refusing("AccessDeniedException"), True)]
)
def test_an_alarm_hears_of_a_report_that_fails_by_our_own_fault(
    flooded: World, fault: Fault, is_ours: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    api = flooded.api()
    Wire(flooded.table.client).fail("TransactWriteItems", fault, ALWAYS)
    refuse(flooded, "critical", api=api)
    assert ('"Failures":[1.0]' in capsys.readouterr().out) is is_ours


def test_a_report_that_fails_does_not_fail_an_accepted_event(flooded: World, log: Log) -> None:
    # A put on a thread of its own could still be under way when the fault ends.
    api = flooded.api()
    api = replace(api, intake=replace(api.intake, background=Busy()))
    refuse(flooded, *["info"] * 4, api=api)
    told = counted(flooded)
    flooded.clock.advance(minutes=1)
    wire = Wire(flooded.table.client)
    # A report that adds to its incident is an update and a put, another one a transaction.
    for operation in ("TransactWriteItems", "UpdateItem", "PutItem"):
        wire.fail(operation, THROTTLES, ALWAYS)
    assert flooded.send(event("resolve", "nothing"), api=api).status == 202
    assert "could not be reported" in log.text
    wire.mend()
    assert told < 4, "something was left to report"
    flooded.send(event("resolve", "nothing"), api=api)
    assert counted(flooded) == 4
