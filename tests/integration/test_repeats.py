"""Senders that say again and again what still is so: a repeat costs next to nothing, and loses
nothing.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.invariants import check
from harness.world import World
from opsknight.incident.commands import Acknowledge, Resolve
from opsknight.store import directory_items
from tests.integration.steps import do, put
from tests.integration.test_alertmanager import actions
from tests.integration.test_own_paths import alert, bearer, flush, post
from tests.integration.wire import Wire, doing

WRITES = {"PutItem", "UpdateItem", "TransactWriteItems", "DeleteItem"}


def sends(world: World, *alerts: dict[str, Any], **more: Any) -> list[str]:
    return actions(post(world, flush(*alerts, **more), headers=bearer(world)))


def test_a_repeat_that_changes_nothing_writes_nothing(world: World) -> None:
    everything = [alert(f"a{n}") for n in range(120)]
    assert sends(world, *everything) == ["triggered"] * 120
    before = world.items()
    wire = Wire(world.table.client)
    world.clock.advance(minutes=9)
    assert sends(world, *everything) == ["deduplicated"] * 120
    assert not WRITES & set(wire.calls)
    assert wire.calls.count("BatchGetItem") == 2
    assert world.items() == before


def test_that_it_was_seen_is_written_down_every_ten_minutes(world: World) -> None:
    sends(world, alert())
    for minutes in (9, 1, 9, 1):
        world.clock.advance(minutes=minutes)
        wire = Wire(world.table.client)
        assert sends(world, alert()) == ["deduplicated"]
        assert len(WRITES & set(wire.calls)) == (minutes == 1)
        [incident] = check(world).incidents.values()
        assert incident["alert_count"] == 1
    assert incident["last_alert_at"] == "2026-11-23T03:20:00.000000Z"


def test_what_is_repeated_is_not_resolved_for_its_silence(world: World) -> None:
    """A service that resolves what is silent for four minutes hears of it in time."""
    quick = world.service.model_copy(update={"auto_resolve": timedelta(minutes=4)})
    put(world, directory_items.directory_item(quick))
    sends(world, alert())
    for _ in range(6):
        world.clock.advance(minutes=1)
        sends(world, alert())
        [incident] = check(world).incidents.values()
        heard = datetime.fromisoformat(incident["last_alert_at"])
        assert world.clock() - heard < timedelta(minutes=2)


@pytest.mark.parametrize(
    "change",
    [
        {"annotations": {"summary": "worse"}},
        {"labels": {"alertname": "HighCPU", "severity": "warning"}},
        {"startsAt": "2026-11-23T02:20:00Z"},
    ],
)
def test_news_is_an_alert_once(world: World, change: dict[str, Any]) -> None:
    sends(world, alert())
    for _ in range(3):
        world.clock.advance(minutes=1)
        assert sends(world, alert(**change)) == ["deduplicated"]
        [incident] = check(world).incidents.values()
        assert incident["alert_count"] == 2


def test_a_repeat_after_somebody_acknowledged_is_quiet_and_after_a_resolve_opens(
    world: World,
) -> None:
    sends(world, alert())
    [incident_id] = check(world).incidents
    do(world, incident_id, Acknowledge())
    assert sends(world, alert()) == ["deduplicated"]
    do(world, incident_id, Resolve())
    assert sends(world, alert()) == ["triggered"]
    assert len(check(world).active) == 1


def test_one_that_is_resolved_while_it_is_noted_opens_a_new_one(world: World) -> None:
    sends(world, alert())
    [incident_id] = check(world).incidents
    world.clock.advance(minutes=10)
    Wire(world.table.client).fail("UpdateItem", doing(lambda: do(world, incident_id, Resolve())))
    assert sends(world, alert()) == ["triggered"]
    assert len(check(world).active) == 1


def test_a_resolve_of_an_earlier_occurrence_comes_too_late(world: World) -> None:
    first = {"startsAt": "2026-11-23T02:00:00Z", "endsAt": "2026-11-23T02:05:00Z"}
    again = {"startsAt": "2026-11-23T02:10:00Z"}
    sends(world, alert(**again))
    assert sends(world, alert(status="resolved", **first)) == ["ignored"]
    assert len(check(world).active) == 1
    ends = again | {"endsAt": "2026-11-23T02:20:00Z"}
    assert sends(world, alert(status="resolved", **ends)) == ["resolved"]


@pytest.mark.parametrize(
    "times",
    [
        # By hand, at a time that has passed (`amtool alert add --end`).
        {"startsAt": "2026-11-23T02:00:00Z", "endsAt": "2026-11-23T02:00:00Z"},
        # Alertmanager has joined it with what a second Prometheus says.
        {"startsAt": "2026-11-23T02:00:00Z", "endsAt": "2026-11-23T02:11:00Z"},
        {"startsAt": "", "endsAt": None},
        {"startsAt": "2026-11-23T02:00:00Z", "endsAt": "0001-01-01T00:00:00Z"},
    ],
)
def test_a_resolve_counts_unless_it_is_surely_of_another_occurrence(
    world: World, times: dict[str, Any]
) -> None:
    sends(world, alert(startsAt="2026-11-23T02:10:00Z"))
    assert sends(world, alert(status="resolved", **times)) == ["resolved"]
