"""Whatever is lost, doubled, late or out of order, and whatever people do meanwhile: each step is
taken once and in its turn, as a small model has it, and nobody is paged after an acknowledgement.
"""

from datetime import datetime
from functools import partial
from secrets import token_hex
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from escalation.handler import EARLY_SECONDS, on_message, on_record
from opsknight.commands import (
    Acknowledge,
    Command,
    Escalate,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unsnooze,
    Unsuppress,
)
from opsknight.incidents import Action, Event, Severity
from opsknight.lifecycle import Moved, Opened, act, decide
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.items import due_shard
from opsknight.store.table import Table
from tests.harness.dynamodb import connect
from tests.harness.invariants import check
from tests.harness.paging import (
    ASSIGNEE,
    DELAYS,
    MINUTE,
    PAUSE,
    ROUNDS,
    SNOOZE,
    TIMEOUT,
    USERS,
    Paged,
)
from tests.harness.people import ADA
from tests.harness.pipeline import Pipeline, engine, step
from tests.harness.post import NOTICES, Letter
from tests.harness.streams import record
from tests.harness.world import build, deadline

COMMANDS = (
    "acknowledge",
    "resolve",
    "snooze",
    "unsnooze",
    "suppress",
    "unsuppress",
    "escalate",
    "reassign",
)
WISHES = st.sampled_from(COMMANDS)


class Night(RuleBasedStateMachine):
    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.world = build(endpoint)
        self.night = Pipeline(self.world, streaming=False, ticking=False)
        self.night.people("ada", "ben", "cem", "eve")
        steps = (step(name, after=delay) for name, delay in zip(USERS, DELAYS, strict=True))
        self.night.escalates(*steps, repeat=ROUNDS - 1, repeat_after=PAUSE * MINUTE)
        self.night.serves(acknowledgement_timeout=TIMEOUT * MINUTE)
        self.models: dict[str, Paged] = {}
        self.records: list[dict[str, Any]] = []
        # What a person does between the engine's reading and its writing.
        self.meanwhile: tuple[str, str] | None = None
        client: Any = connect(endpoint, TABLE_CONFIG)
        client.meta.events.register("before-call.dynamodb.TransactWriteItems", self.before_write)
        table = Table(client, self.world.table.name, self.world.table.retention)
        self.engine = engine(self.world, self.night.post, table)

    def teardown(self) -> None:
        self.world.close()

    def before_write(self, **_: object) -> None:
        if self.meanwhile is not None:
            (incident, what), self.meanwhile = self.meanwhile, None
            self.person(incident, what)

    # What happens.

    @rule()
    def opens(self) -> None:
        if len(self.models) < 3:
            # By names of ours: examples must go the same way again, and shards go by names.
            incident = f"inc_{len(self.models)}"
            opening = Event(
                action=Action.TRIGGER,
                service_id=self.world.service.id,
                dedup_key=incident,
                summary="CPU",
                severity=Severity.CRITICAL,
                body="{}",
                actor=ADA,
            )
            now = self.world.clock()
            opened = decide(None, opening, now=now, incident_id=incident, alert_id="al_1")
            assert isinstance(opened, Opened)
            self.world.table.apply(opened, token_hex(14), deadline())
            self.models[incident] = Paged(now)
            self.new_records()

    @rule(what=WISHES, data=st.data())
    def acts(self, what: str, data: st.DataObject) -> None:
        if self.models:
            self.person(data.draw(st.sampled_from(sorted(self.models))), what)

    @rule(seconds=st.sampled_from([1, 59, 240, 299, 300, 301, 600, 900, 1200]))
    def time_goes_by(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    @rule(data=st.data())
    def a_record_comes(self, data: st.DataObject) -> None:
        """Again, late, or in whatever order."""
        if self.records:
            said = data.draw(st.sampled_from(self.records))
            on_record(self.engine, DynamoDBRecord(said))
            image = said["dynamodb"]["NewImage"]
            self.woken((image["incident_id"] if "incident_id" in image else image["id"])["S"])

    @rule(data=st.data(), again=st.booleans(), what=st.none() | WISHES)
    def a_message_comes(self, data: st.DataObject, again: bool, what: str | None) -> None:
        """Early or late, and perhaps once more later; a person may act while it is handled."""
        letters = [letter for letter in self.night.post.letters if letter.queue != NOTICES]
        letters = [letter for letter in letters if "incident" in letter.body]
        if not letters:
            return
        letter: Letter = data.draw(st.sampled_from(letters))
        if not again:
            self.night.post.letters.remove(letter)
        incident, due = letter.body["incident"], letter.body["due_at"]
        early = (_time(due) - self.world.clock()).total_seconds()
        if what is not None:
            self.meanwhile = incident, what
        on_message(self.engine, letter.body)
        if early <= EARLY_SECONDS:
            self.woken(incident)
        if self.meanwhile is not None:
            # It had nothing to write, and the person comes after it.
            self.before_write()

    @rule(data=st.data())
    def a_message_gets_lost(self, data: st.DataObject) -> None:
        if self.night.post.letters:
            self.night.post.letters.remove(data.draw(st.sampled_from(self.night.post.letters)))

    @rule(data=st.data())
    def a_shard_is_swept(self, data: st.DataObject) -> None:
        if self.models:
            shard = due_shard(data.draw(st.sampled_from(sorted(self.models))))
            self.sweep(int(shard))

    @rule()
    def a_tick(self) -> None:
        for shard in sorted({due_shard(incident) for incident in self.models}):
            self.sweep(int(shard))

    # How.

    def sweep(self, shard: int) -> None:
        on_message(self.engine, {"shard": shard})
        for incident in self.models:
            if int(due_shard(incident)) == shard:
                self.woken(incident)

    def woken(self, incident: str) -> None:
        self.models[incident].wakes(self.world.clock())

    def person(self, incident: str, what: str) -> None:
        commands: dict[str, Command] = {
            "acknowledge": Acknowledge(),
            "resolve": Resolve(),
            "snooze": Snooze(self.world.clock() + SNOOZE * MINUTE),
            "unsnooze": Unsnooze(),
            "suppress": Suppress(),
            "unsuppress": Unsuppress(),
            "escalate": Escalate(),
            "reassign": Reassign(f"user_{ASSIGNEE}"),
        }
        seen = self.night.incident(incident)
        timeouts = self.world.service.timeouts
        now = self.world.clock()
        decision = act(seen, commands[what], actor=ADA, now=now, timeouts=timeouts)
        moved = isinstance(decision, Moved)
        if isinstance(decision, Moved):
            self.world.table.apply(decision, token_hex(14), deadline())
        assert self.models[incident].does(what, now) == moved
        self.new_records()

    def new_records(self) -> None:
        kinds = {"incident", "change"}
        found = [record(item) for item in self.night.new_items() if item["kind"]["S"] in kinds]
        self.records += sorted(found, key=lambda said: str(said["dynamodb"]["Keys"]))

    @invariant()
    def as_the_model_has_it(self) -> None:
        check(self.world)
        found: dict[str, list[tuple[int, str]]] = {incident: [] for incident in self.models}
        for page in self.night.all_pages():
            found[page.incident_id].append((page.page_no, page.user_id.removeprefix("user_")))
        for incident, model in self.models.items():
            assert sorted(found[incident]) == model.pages
            stored = self.night.incident(incident)
            assert (stored.status, stored.page_no) == (model.status, model.number)
            assert stored.failures is None, "a timer failed: see the log"
            waits = {name: at for name, at in stored.timers.items() if name in WAITS}
            assert min(waits.values(), default=None) == model.at


WAITS = ("step", "snooze", "acknowledgement")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.soak
def test_each_step_is_taken_once_and_in_its_turn(
    dynamodb: str, full_size: bool, phases: tuple[Phase, ...]
) -> None:
    size = (
        settings(max_examples=60, stateful_step_count=60, phases=phases)
        if full_size
        else settings(max_examples=12, phases=phases)
    )
    machine: Any = partial(Night, dynamodb)
    run_state_machine_as_test(machine, settings=size)
