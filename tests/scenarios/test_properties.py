"""Any sequence of events, commands and time goes as a small model has it."""

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from harness.invariants import Stored, check, stored
from harness.model import Model, Problem
from harness.people import ADA, COMMANDS, came_to
from harness.processes import announce
from harness.world import build, deadline, event
from opsknight.directory.entries import IntegrationKey, Service, key_hash
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident.decisions import Merged, Opened, Transitioned
from opsknight.incident.events import decide
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Action, Event, Incident, Severity
from opsknight.runtime.clock import new_id
from opsknight.store.calls import Conflict

DEDUP_KEYS = ("disk", "\N{SNOWMAN} disk#full")
# Where slow ones are slow, so that they meet.
PLACES = [("svc_checkout", "disk"), ("svc_reports", "disk")]
FUNCTIONS = 3
EVENTS = ["trigger", "acknowledge", "resolve"]
ACTIONS = st.sampled_from(["trigger", *EVENTS])
WISHES = st.sampled_from([*EVENTS, *(name for name in COMMANDS if name not in EVENTS)])
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
    decision: Opened | Merged | Transitioned
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
        answered = {name: answer.incident[name] for name in ("id", "title", "status", "urgency")}
        assert answered == {
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
        if isinstance(outcome, Transitioned):
            self.world.table.apply(outcome, token_hex(8), deadline())

    @rule(what=WISHES, data=st.data())
    def look(self, what: str, data: st.DataObject) -> None:
        """Somebody, or a function, decides on what it sees, and is slow."""
        place = data.draw(st.sampled_from(PLACES))
        if held := self.decided(what, place):
            self.held.append(held)

    @rule(data=st.data())
    def leap(self, data: st.DataObject) -> None:
        """What a slow one decided arrives."""
        if self.held:
            self.arrives(self.held.pop(data.draw(st.integers(0, len(self.held) - 1))))

    @rule(slow=WISHES, fast=WISHES, place=st.sampled_from(PLACES))
    def overtake(self, slow: str, fast: str, place: tuple[str, str]) -> None:
        """Two decide on the same sight, and the second is first to write."""
        later, sooner = self.decided(slow, place), self.decided(fast, place)
        for held in (sooner, later):
            if held:
                self.arrives(held)

    def decided(self, what: str, place: tuple[str, str]) -> Held | None:
        now = self.world.clock.at
        pointer = self.world.table.pointer(*place, deadline())
        if what in EVENTS:
            slow = Event(
                action=Action(what),
                service_id=place[0],
                dedup_key=place[1],
                summary="slow",
                severity=Severity.INFO,
                body=json.dumps(event(what, place[1])),
                actor=ADA,
            )
            new, alert = new_id("inc", now), new_id("al", now)
            decision: object = decide(pointer, slow, now=now, incident_id=new, alert_id=alert)
        elif pointer is None:
            return None
        else:
            incident = self.world.table.incident(pointer.id, deadline())
            assert incident is not None
            decision = act(incident, COMMANDS[what](self.world.clock), actor=ADA, now=now)
        if not isinstance(decision, Opened | Merged | Transitioned):
            return None
        problem = self.models[place].active
        return Held(what, decision, place, problem, replace(problem) if problem else None)

    def arrives(self, held: Held) -> None:
        """It is refused if what it was based on is gone, and only then."""
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
                    at = incident.last_alert_at
                    model.problems.append(Problem(incident.id, "slow", "LOW", alerted=at))
            case Merged():
                assert problem and seen
                # Alerts depend on the incident being active and on nothing else.
                assert refused == (problem.status == "RESOLVED")
                problem.alerts += not refused
                if not refused:
                    problem.alerted = held.decision.alert.at
            case Transitioned(change=change):
                assert problem and seen
                # Silence is resolved only if it still is one.
                broken = held.what == "auto-resolve" and problem.alerted != seen.alerted
                assert refused == (problem.changes != seen.changes or broken)
                assert refused or problem.act(held.what, change.at) == "moved"

    @rule(data=st.data())
    def plan(self, data: st.DataObject) -> None:
        """The stream wakes notify for some incident, again or late."""
        found = self.somebody_reads(data)
        if found is not None:
            problem, incident = found
            announce(incident.id, self.world)
            problem.announced = problem.changes

    @rule(fast=WISHES, place=st.sampled_from(PLACES))
    def plan_overtaken(self, fast: str, place: tuple[str, str]) -> None:
        """Something happens while notify plans: what it planned is not all there is to tell."""
        problem = self.models[place].active
        if problem is None:
            return
        incident = self.world.table.incident(problem.id, deadline())
        assert incident is not None
        if held := self.decided(fast, place):
            self.arrives(held)
        overtaken = problem.changes != incident.changes
        try:
            self.world.table.announce(incident, deadline())
        except Conflict:
            assert overtaken
        else:
            assert not overtaken
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
def test_any_sequence_goes_as_the_model_says(dynamodb: str, phases: tuple[Phase, ...]) -> None:
    size = settings(max_examples=settings().max_examples // 2, phases=phases)
    machine: Any = partial(Life, dynamodb)
    run_state_machine_as_test(machine, settings=size)
