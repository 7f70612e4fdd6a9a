"""Somebody acts in the very moment of a step: either the step came first, or nobody is paged."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from secrets import token_hex

import pytest

from harness.conflicts import Conflicts
from harness.crowd import at_once
from harness.dynamodb import connect
from harness.invariants import check
from harness.people import ADA
from harness.pipeline import Pipeline, step
from harness.processes import engine
from harness.world import World, deadline, event
from opsknight.incident.commands import Acknowledge
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Status
from opsknight.store.calls import TABLE_CONFIG, Conflict
from opsknight.store.table import Table


@pytest.fixture
def night(server_world: World) -> Pipeline:
    pipeline = Pipeline(server_world, streaming=False)
    pipeline.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    return pipeline


def tables(night: Pipeline, dynamodb_server: str, number: int, hold: float) -> list[Table]:
    """Of processes that get in each other's way, as they do on AWS."""
    conflicts = Conflicts(hold)
    return [
        replace(night.world.table, client=conflicts.watch(connect(dynamodb_server, TABLE_CONFIG)))
        for _ in range(number)
    ]


def acknowledge(night: Pipeline, table: Table, incident_id: str, pause: float) -> None:
    time.sleep(pause)
    while True:
        incident = table.incident(incident_id, deadline())
        assert incident is not None
        decision = act(incident, Acknowledge(), actor=ADA, now=night.world.clock())
        assert isinstance(decision, Transitioned)
        try:
            table.apply(decision, token_hex(14), deadline())
        except Conflict:
            continue
        return


@pytest.mark.soak
def test_acknowledging_races_a_step(night: Pipeline, dynamodb_server: str, full_size: bool) -> None:
    paged = 0
    races = 200 if full_size else 40
    engines = [
        engine(night.world, night.post, table) for table in tables(night, dynamodb_server, 2, 0.002)
    ]
    [person] = tables(night, dynamodb_server, 1, 0.002)
    for number in range(races):
        body = event(dedup_key=f"race-{number}", service_id=night.world.service.id)
        night.world.clock.advance(seconds=1)
        incident = night.world.send(body).incident["id"]

        # From before the engine has read to after it has written.
        pause = 0.004 * (number % 10)
        calls: list[Callable[[], object]] = [
            partial(engines[0].advance, incident, deadline()),
            partial(acknowledge, night, person, incident, pause),
            partial(engines[1].advance, incident, deadline()),
        ]
        at_once(calls)
        after = night.incident(incident)
        assert after.status is Status.ACKNOWLEDGED
        pages = night.world.table.pages(incident, deadline())
        assert [page.user_id for page in pages] in ([], ["user_ada"]), "once, or not at all"
        assert all(page.epoch < after.epoch for page in pages), "and of before it"
        assert after.page_no == len(pages)
        assert "step" not in after.timers, "nobody is paged any more"
        paged += len(pages)
    check(night.world)
    assert 0 < paged < races, f"{paged} of {races}: this was no race"


def test_many_wakings_of_one_step_take_it_once(night: Pipeline, dynamodb_server: str) -> None:
    incident = night.world.send(event()).incident["id"]
    engines = [
        engine(night.world, night.post, each) for each in tables(night, dynamodb_server, 8, 0.002)
    ]
    at_once([partial(one.advance, incident, deadline()) for one in engines])
    night.pages("ada")
    assert night.incident(incident).page_no == 1
    check(night.world)
