"""A repeated trigger, as two plain writes side by side: what may come between and instead of them.

The rows of ADR 27. `Wire` makes something happen just before a call; the executor says whether the
alert is put before its incident counts it (`AtOnce`), or would be after it (`Busy`).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from secrets import token_hex
from threading import Event
from typing import Any

import pytest

from harness.background import AtOnce, Begun, Busy
from harness.invariants import check
from harness.world import Response, World, deadline, event
from opsknight.incident.commands import Acknowledge, AutoResolve, Command, Note, Resolve
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Status
from opsknight.store.calls import Conflict
from tests.integration.steps import ADA, do, incident, incident_in, of_kind, put
from tests.integration.wire import ALWAYS, THROTTLES, TIMES_OUT, Fault, Wire, doing, refusing

PLAIN_CONFLICT = refusing("TransactionConflictException")
LARGE = {"custom_details": {"dump": Random(5).randbytes(200_000).hex()}}
ORDERS = pytest.mark.parametrize("background", [AtOnce, Busy], ids=["alert first", "count first"])


def send(
    world: World, background: type[ThreadPoolExecutor], patience: float | None = None, **more: Any
) -> Response:
    api = world.api(patience)
    intake = replace(api.intake, background=background())
    return world.send(event(**more), api=replace(api, intake=intake))


@ORDERS
def test_two_merges_are_both_counted(world: World, background: type[ThreadPoolExecutor]) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    other = world.api()
    wire.fail("UpdateItem", doing(lambda: world.send(event(), api=other)))
    assert send(world, background).action == "deduplicated"
    assert "TransactWriteItems" not in wire.calls
    assert check(world).incidents[known]["alert_count"] == 3


@ORDERS
@pytest.mark.parametrize(
    "meanwhile", [Acknowledge(), Note("Looking at it.")], ids=lambda it: type(it).__name__
)
def test_a_merge_ignores_what_leaves_the_incident_active(
    world: World, background: type[ThreadPoolExecutor], meanwhile: Command
) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail("UpdateItem", doing(lambda: do(world, known, meanwhile)))
    assert send(world, background).incident["id"] == known
    assert wire.calls.count("UpdateItem") == 1, "it is not decided again"
    assert check(world).incidents[known]["alert_count"] == 2


@ORDERS
@pytest.mark.parametrize("payload", [{}, LARGE], ids=["small", "in chunks"])
def test_an_alert_that_loses_to_a_resolve_moves_to_the_incident_that_it_opens(
    world: World, background: type[ThreadPoolExecutor], payload: dict[str, object]
) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail("UpdateItem", doing(lambda: do(world, known, Resolve())))
    answer = send(world, background, payload=payload)
    assert answer.action == "triggered"
    found = check(world)
    opened = answer.incident["id"]
    assert {name: len(alerts) for name, alerts in found.alerts.items()} == {known: 1, opened: 1}
    if background is AtOnce:
        assert wire.calls[-2:] == ["TransactWriteItems", "DeleteItem"], "opening comes first"
    else:
        assert "DeleteItem" not in wire.calls, "what was never put is not deleted"


def test_an_alert_that_loses_to_a_resolve_moves_to_the_incident_that_another_opened(
    world: World,
) -> None:
    known = incident_in(world, Status.OPEN)
    other = world.api()

    def resolved_and_opened() -> None:
        do(world, known, Resolve())
        assert world.send(event(), api=other).action == "triggered"

    Wire(world.table.client).fail("UpdateItem", doing(resolved_and_opened))
    answer = send(world, AtOnce)
    assert (answer.status, answer.action) == (202, "deduplicated")
    found = check(world)
    assert {name: len(alerts) for name, alerts in found.alerts.items()} == {
        known: 1,
        answer.incident["id"]: 2,
    }


def test_a_stray_alert_is_deleted_until_it_is_gone(world: World) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail("UpdateItem", doing(lambda: do(world, known, Resolve())))
    wire.fail("DeleteItem", THROTTLES)
    wire.fail("DeleteItem", TIMES_OUT)
    assert send(world, AtOnce).action == "triggered"
    assert wire.calls.count("DeleteItem") == 3
    assert len(check(world).alerts[known]) == 1


def test_while_a_stray_alert_may_be_there_nobody_is_told_202(world: World) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail("UpdateItem", doing(lambda: do(world, known, Resolve())))
    wire.fail("DeleteItem", THROTTLES, ALWAYS)
    assert send(world, AtOnce, patience=0.3).status == 503
    found = check(world, unanswered=1)
    assert len(found.active) == 1, "opening comes first: somebody is paged all the same"


@pytest.mark.parametrize("background", [AtOnce, Busy, Begun])
@pytest.mark.parametrize("write", ["PutItem", "UpdateItem"])
def test_only_both_writes_are_a_202(
    world: World, background: type[ThreadPoolExecutor], write: str
) -> None:
    incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail(write, THROTTLES, ALWAYS)
    assert send(world, background, patience=0.2).status == 503
    wire.mend()
    check(world, unanswered=1)
    assert send(world, background).action == "deduplicated"
    check(world, unanswered=1)


@pytest.mark.parametrize("write", ["PutItem", "UpdateItem"])
def test_only_both_writes_are_a_202_on_threads(world: World, write: str) -> None:
    incident_in(world, Status.OPEN)
    Wire(world.table.client).fail(write, THROTTLES, ALWAYS)
    assert world.send(event(), api=world.api(patience=0.2)).status == 503


def test_an_alert_waits_for_no_call_that_hangs(world: World) -> None:
    known = incident_in(world, Status.OPEN)
    api, gate = world.api(), Event()
    hanging = [api.intake.background.submit(gate.wait, 10) for _ in range(2)]
    answer = world.send(event(), api=api)
    assert not any(call.done() for call in hanging)
    gate.set()
    assert answer.incident["id"] == known
    assert check(world).incidents[known]["alert_count"] == 2


@ORDERS
@pytest.mark.parametrize("write", ["PutItem", "UpdateItem"])
@pytest.mark.parametrize(
    "fault", [PLAIN_CONFLICT, THROTTLES, TIMES_OUT], ids=["conflict", "throttled", "no answer"]
)
def test_each_of_the_two_writes_is_tried_again_by_itself(
    world: World, background: type[ThreadPoolExecutor], write: str, fault: Fault
) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail(write, fault, times=2)
    assert send(world, background).action == "deduplicated"
    other = {"PutItem": "UpdateItem", "UpdateItem": "PutItem"}[write]
    assert (wire.calls.count(write), wire.calls.count(other)) == (3, 1)
    # The fault came before the call: nothing was carried out twice.
    assert check(world).incidents[known]["alert_count"] == 2


def test_silence_is_not_resolved_when_an_alert_came(world: World) -> None:
    known = incident_in(world, Status.OPEN)
    seen = incident(world, known)
    world.clock.advance(minutes=1)
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", doing(lambda: send(world, AtOnce)))
    silent = act(seen, AutoResolve(), actor=ADA, now=world.clock())
    assert isinstance(silent, Transitioned)
    with pytest.raises(Conflict):
        world.table.apply(silent, token_hex(16), deadline())
    assert check(world).active[0]["alert_count"] == 2


def test_an_alert_that_came_too_late_for_an_auto_resolve_opens(world: World) -> None:
    known = incident_in(world, Status.OPEN)
    wire = Wire(world.table.client)
    wire.fail("UpdateItem", doing(lambda: do(world, known, AutoResolve())))
    assert send(world, AtOnce).action == "triggered"
    check(world)


def test_a_pointer_without_its_incident_makes_no_ghost(world: World) -> None:
    """An operator deleted the incident by hand: its alerts are answered 503, and make nothing."""
    known = incident_in(world, Status.OPEN)
    [item] = of_kind(world, "incident")
    key = {name: item[name] for name in ("pk", "sk")}
    world.table.client.delete_item(TableName=world.table.name, Key=key)
    assert send(world, Busy, patience=0.2).status == 503
    assert of_kind(world, "incident") == []
    put(world, item)
    assert send(world, Busy).incident["id"] == known


def test_a_snoozed_and_a_suppressed_incident_take_alerts(world: World) -> None:
    known = incident_in(world, Status.SUPPRESSED)
    assert send(world, AtOnce).incident["id"] == known
    other = incident_in(world, Status.SNOOZED, dedup_key="disk")
    assert send(world, AtOnce, dedup_key="disk").incident["id"] == other
    found = check(world)
    assert {each["alert_count"] for each in found.incidents.values()} == {2}
