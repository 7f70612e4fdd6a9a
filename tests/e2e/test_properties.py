"""Any sequence of events, commands and time goes as a small model has it."""

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from notify.handler import on_change
from opsknight.directory import IntegrationKey, MaintenanceWindow, Service, key_hash
from opsknight.incidents import (
    Action,
    Event,
    Incident,
    Merged,
    Moved,
    Opened,
    Severity,
    act,
    decide,
)
from opsknight.runtime import new_id
from opsknight.store.calls import Conflict
from tests.harness.invariants import Stored, check, stored
from tests.harness.model import Model, Problem
from tests.harness.people import ADA, COMMANDS, came_to
from tests.harness.world import build, deadline, event

DEDUP_KEYS = ("disk", "disk#full", "\N{SNOWMAN} disk", "pointer")
FUNCTIONS = 3
ACTIONS = st.sampled_from(["trigger", "trigger", "acknowledge", "resolve"])
SEVERITIES = st.sampled_from(["critical", "error", "warning", "info"])
# A client of these: which key, and of which service its events are.
CLIENTS = {
    "integration": ("integration_key", "svc_checkout"),
    "second integration": ("second_integration_key", "svc_checkout"),
    "API key": ("api_key", "svc_checkout"),
    "API key, other service": ("api_key", "svc_reports"),
    "integration in a window": ("", "svc_quiet"),
}


@dataclass
class Held:
    """A decision that is still to be written, and what it was based on."""

    what: str
    decision: Opened | Merged | Moved
    place: tuple[str, str]
    problem: Problem | None
    seen: Problem | None
    """The problem as it was then."""


class Life(RuleBasedStateMachine):
    """One world with several warm functions. Every step is compared with the model at once."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.world = build(endpoint)
        self.apis = [self.world.api() for _ in range(FUNCTIONS)]
        self.models: dict[tuple[str, str], Model] = defaultdict(Model)
        self.held: list[Held] = []
        self.stored = Stored()
        began = self.world.clock.at
        self.window = MaintenanceWindow(
            id="win_1",
            start=began + timedelta(minutes=1),
            end=began + timedelta(minutes=20),
            reason="upgrade",
        )
        self.quiet_key = token_hex(16)
        quiet = Service(id="svc_quiet", name="Quiet", team_id="team_web", windows=(self.window,))
        key = IntegrationKey(
            id="key_quiet",
            name="Quiet",
            created_at=began,
            service_id=quiet.id,
            integration_id="int_quiet",
        )
        keys = {key_hash(self.quiet_key): key}
        self.world.table.create([quiet], keys, token_hex(8), deadline())

    def teardown(self) -> None:
        self.world.close()

    @rule(
        action=ACTIONS,
        dedup_key=st.sampled_from(DEDUP_KEYS),
        client=st.sampled_from(sorted(CLIENTS)),
        severity=SEVERITIES,
        function=st.integers(0, FUNCTIONS - 1),
        title=st.sampled_from(["full", "\N{PILE OF POO} full", "  trimmed "]),
    )
    def send(
        self, action: str, dedup_key: str, client: str, severity: str, function: int, title: str
    ) -> None:
        key_name, service = CLIENTS[client]
        key = getattr(self.world, key_name) if key_name else self.quiet_key
        body = event(action, dedup_key, severity, payload={"summary": title}, service_id=service)
        answer = self.world.send(body, key=key, api=self.apis[function])
        now = self.world.clock.at
        inside = service == "svc_quiet" and self.window.start <= now < self.window.end
        model = self.models[service, dedup_key]
        action, problem = model.take(action, severity, title.strip(), now, window=inside)
        assert (answer.status, answer.action) == (202, action)
        if problem is None:
            assert "incident" not in answer.body["result"]
            assert answer.body["result"]["reason"]
            assert stored(self.world) == self.stored, "ignored, and yet something changed"
            return
        problem.id = problem.id or answer.incident["id"]
        told = {name: answer.incident[name] for name in ("id", "title", "status", "urgency")}
        assert told == {
            "id": problem.id,
            "title": problem.title,
            "status": problem.status,
            "urgency": problem.urgency,
        }
        assert (answer.incident["serviceId"], answer.incident["dedupKey"]) == (service, dedup_key)

    @rule(what=st.sampled_from(sorted(COMMANDS)), data=st.data())
    def command(self, what: str, data: st.DataObject) -> None:
        """Somebody acts on an incident, be it resolved."""
        found = self.somebody_reads(data)
        if found is None:
            return
        problem, incident = found
        now = self.world.clock.at
        outcome = act(incident, COMMANDS[what](self.world.clock), actor=ADA, now=now)
        assert came_to(outcome) == problem.act(what, now)
        if isinstance(outcome, Moved):
            self.world.table.apply(outcome, token_hex(8), deadline())

    @rule(what=st.sampled_from(sorted(COMMANDS)), data=st.data())
    def look(self, what: str, data: st.DataObject) -> None:
        """Somebody decides on what they see, and is slow."""
        found = self.somebody_reads(data)
        if found is not None:
            problem, incident = found
            command = COMMANDS[what](self.world.clock)
            outcome = act(incident, command, actor=ADA, now=self.world.clock.at)
            if isinstance(outcome, Moved):
                place = incident.service_id, incident.dedup_key
                self.held.append(Held(what, outcome, place, problem, replace(problem)))

    @rule(action=ACTIONS, dedup_key=st.sampled_from(DEDUP_KEYS))
    def receive(self, action: str, dedup_key: str) -> None:
        """A function decides on what it sees, and is slow."""
        service, now = self.world.service.id, self.world.clock.at
        slow = Event(
            action=Action(action),
            service_id=service,
            dedup_key=dedup_key,
            summary="slow",
            severity=Severity.INFO,
            body=json.dumps(event(action, dedup_key)),
            actor=ADA,
        )
        outcome = decide(
            self.world.table.pointer(service, dedup_key, deadline()),
            slow,
            now=now,
            incident_id=new_id("inc", now),
            alert_id=new_id("al", now),
        )
        problem = self.models[service, dedup_key].active
        if isinstance(outcome, Opened | Merged | Moved):
            seen = replace(problem) if problem else None
            self.held.append(Held(action, outcome, (service, dedup_key), problem, seen))

    @rule(data=st.data())
    def leap(self, data: st.DataObject) -> None:
        """What a slow one decided arrives, and is refused if what it was based on is gone."""
        if not self.held:
            return
        held = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        model, problem, seen = self.models[held.place], held.problem, held.seen
        try:
            self.world.table.apply(held.decision, token_hex(8), deadline())
            refused = False
        except Conflict:
            refused = True
        match held.decision:
            case Opened(incident):
                assert refused == (model.active is not None)
                if not refused:
                    model.problems.append(Problem(incident.id, "slow", "LOW"))
            case Merged():
                assert problem and seen
                # Alerts depend on the status and on nothing else.
                assert refused == (problem.status != seen.status)
                problem.alerts += not refused
            case Moved(change=change):
                assert problem and seen
                assert refused == (problem.changes != seen.changes)
                assert refused or problem.act(held.what, change.at) == "moved"

    @rule(data=st.data())
    def plan(self, data: st.DataObject) -> None:
        """The stream wakes notify for some incident, again or late."""
        found = self.somebody_reads(data)
        if found is not None:
            problem, incident = found
            on_change(incident.id, self.world.table, deadline())
            problem.announced = problem.changes

    @rule(seconds=st.sampled_from([1, 29, 31, 60, 600]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    def somebody_reads(self, data: st.DataObject) -> tuple[Problem, Incident] | None:
        problems = [problem for model in self.models.values() for problem in model.problems]
        if not problems:
            return None
        problem = data.draw(st.sampled_from(problems))
        incident = self.world.table.incident(problem.id, deadline())
        assert incident is not None
        return problem, incident

    @invariant()
    def as_the_model_has_it(self) -> None:
        found = check(self.world)
        problems = {
            problem.id: (place, problem)
            for place, model in self.models.items()
            for problem in model.problems
        }
        assert found.incidents.keys() == problems.keys()
        for name, (place, problem) in problems.items():
            item = found.incidents[name]
            assert (item["service_id"], item["dedup_key"]) == place
            for aspect in ("status", "title", "urgency", "changes", "epoch", "announced"):
                assert item[aspect] == getattr(problem, aspect), aspect
            assert item["alert_count"] == problem.alerts
            at = item.get("acknowledged_at")
            assert (datetime.fromisoformat(at) if at else None) == problem.acknowledged_at
        places = {place: model.active for place, model in self.models.items()}
        active = {place: problem.id for place, problem in places.items() if problem}
        assert {place: item["id"] for place, item in found.pointers.items()} == active
        self.stored = found


@pytest.mark.soak
def test_any_sequence_goes_as_the_model_says(dynamodb: str) -> None:
    size = settings(max_examples=settings().max_examples // 4)
    machine: Any = partial(Life, dynamodb)
    run_state_machine_as_test(machine, settings=size)
