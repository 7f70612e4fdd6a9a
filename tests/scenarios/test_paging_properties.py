"""Whatever is lost, doubled, late or out of order, and whatever people and other workers do between
the reading and the writing of one: each step is taken once and in its turn, as a small model has
it, and nobody is paged after an acknowledgement.
"""

from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from escalation.handler import EARLY_SECONDS, on_message, on_record
from harness.dynamodb import connect
from harness.invariants import check
from harness.paging import (
    ASSIGNEE,
    DELAYS,
    MINUTE,
    PAUSE,
    RESOLVED,
    ROUNDS,
    SNOOZE,
    TIMEOUT,
    USERS,
    Paged,
)
from harness.people import ADA
from harness.pipeline import Pipeline, step
from harness.post import TIMERS, Queued
from harness.processes import engine
from harness.streams import record
from harness.world import build, deadline
from opsknight.escalation.pages import PageState
from opsknight.incident.commands import (
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
from opsknight.incident.decisions import Opened, Transitioned
from opsknight.incident.events import decide
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Action, Event, Severity
from opsknight.runtime.wakeups import SweepShard, TimerDue
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.items import due_shard
from opsknight.store.paging import Paging
from opsknight.store.table import Table

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
ANOTHER_WORKER = "another worker"
# Between one worker's reading and its writing; what is drawn for a worker that writes nothing does
# not happen.
MEANWHILE = st.lists(WISHES | st.just(ANOTHER_WORKER), max_size=2)
# So many seconds later; None is when the next step or the end of a status is due, to the second.
LATER = st.none() | st.sampled_from([0, 1, 59, 240, 299, 301, 600, 900, 1200])
AT_ONCE = 3


class Night(RuleBasedStateMachine):
    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.world = build(endpoint)
        self.night = Pipeline(self.world, streaming=False, ticking=False)
        self.night.people("ada", "ben", "cem", "eve")
        steps = (step(name, after=delay) for name, delay in zip(USERS, DELAYS, strict=True))
        self.night.escalates(*steps, repeat=ROUNDS - 1, repeat_after=PAUSE * MINUTE)
        self.night.serves(acknowledgement_timeout=TIMEOUT * MINUTE)
        self.works = True
        """Whether the provider takes pages, this night."""
        self.models: dict[str, Paged] = {}
        self.records: list[dict[str, Any]] = []
        self.meanwhile: list[str] = []
        self.disputed: list[tuple[str, str, str]] = []
        """What the model has as possible and the product not, or the other way round."""
        client: Any = connect(endpoint, TABLE_CONFIG)
        client.meta.events.register(
            "before-parameter-build.dynamodb.TransactWriteItems", self.before_write
        )
        table = Table(client, self.world.table.name, self.world.table.retention)
        self.engine = engine(self.world, self.night.post, table)

    def teardown(self) -> None:
        self.world.close()

    # What happens.

    @initialize(works=st.booleans())
    def begins(self, works: bool) -> None:
        """Before it, nothing can happen."""
        self.works = works
        self.opens()

    @precondition(lambda self: len(self.active) < AT_ONCE)
    @rule()
    def opens(self) -> None:
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
        self.models[incident] = Paged(now, works=self.works)
        self.new_records()

    @precondition(lambda self: self.active)
    @rule(what=WISHES, data=st.data())
    def acts(self, what: str, data: st.DataObject) -> None:
        self.person(data.draw(st.sampled_from(self.active)), what)

    @precondition(lambda self: self.active)
    @rule(to=st.none() | st.sampled_from(range(len(USERS))), data=st.data())
    def escalates(self, to: int | None, data: st.DataObject) -> None:
        """To the next step, or to this one."""
        self.person(data.draw(st.sampled_from(self.active)), "escalate", to)

    @rule(later=LATER, data=st.data(), meanwhile=MEANWHILE)
    def a_record_comes(self, later: int | None, data: st.DataObject, meanwhile: list[str]) -> None:
        """Again, late, or in whatever order."""
        said = data.draw(st.sampled_from(self.records))
        self.wait(later)
        self.meanwhile = meanwhile
        on_record(self.engine, DynamoDBRecord(said))
        image = said["dynamodb"]["NewImage"]
        self.woken((image["incident_id"] if "incident_id" in image else image["id"])["S"])

    @precondition(lambda self: self.reminders)
    @rule(later=LATER, data=st.data(), again=st.booleans(), meanwhile=MEANWHILE)
    def a_message_comes(
        self, later: int | None, data: st.DataObject, again: bool, meanwhile: list[str]
    ) -> None:
        """Early or late, and perhaps once more later."""
        queued, timer = data.draw(st.sampled_from(self.reminders))
        if not again:
            self.night.post.queued.remove(queued)
        self.wait(later)
        early = (timer.due_at - self.world.clock()).total_seconds()
        self.meanwhile = meanwhile
        on_message(self.engine, timer)
        if early <= EARLY_SECONDS:
            self.woken(timer.incident_id)

    @precondition(lambda self: self.night.post.queued)
    @rule(data=st.data())
    def a_message_gets_lost(self, data: st.DataObject) -> None:
        self.night.post.queued.remove(data.draw(st.sampled_from(self.night.post.queued)))

    @rule(later=LATER, data=st.data(), meanwhile=MEANWHILE)
    def a_shard_is_swept(
        self, later: int | None, data: st.DataObject, meanwhile: list[str]
    ) -> None:
        shard = due_shard(data.draw(st.sampled_from(sorted(self.models))))
        self.wait(later)
        self.meanwhile = meanwhile
        self.sweep(int(shard))

    @rule(later=LATER, meanwhile=MEANWHILE)
    def a_tick(self, later: int | None, meanwhile: list[str]) -> None:
        self.wait(later)
        self.meanwhile = meanwhile
        for shard in sorted({due_shard(incident) for incident in self.models}):
            self.sweep(int(shard))

    # How.

    @property
    def active(self) -> list[str]:
        return [name for name, model in self.models.items() if model.status != RESOLVED]

    @property
    def reminders(self) -> list[tuple[Queued, TimerDue]]:
        queued = [each for each in self.night.post.queued if each.queue == TIMERS]
        return [(each, each.message) for each in queued if isinstance(each.message, TimerDue)]

    def wait(self, seconds: int | None) -> None:
        now = self.world.clock()
        if seconds is None:
            times = [at for model in self.models.values() for at in (model.at, model.fallback_at)]
            now = min((at for at in times if at is not None and at > now), default=now)
        self.world.clock.at = now + timedelta(seconds=seconds or 0)

    def before_write(self, params: dict[str, Any], **_: object) -> None:
        """A worker has read an incident and decided; before it writes, this happens."""
        key = params["TransactItems"][0]["Update"]["Key"]["pk"]["S"]
        incident = key.removeprefix("incident#")
        happening, self.meanwhile = self.meanwhile, []
        for what in happening:
            if what == ANOTHER_WORKER:
                self.night.engine.attend(incident, deadline())
                self.woken(incident)
            else:
                self.person(incident, what)

    def sweep(self, shard: int) -> None:
        on_message(self.engine, SweepShard(shard))
        for incident in self.models:
            if int(due_shard(incident)) == shard:
                self.woken(incident)

    def woken(self, incident: str) -> None:
        self.models[incident].wakes(self.world.clock())
        # A provider takes each page, or refuses it; none is left untried.
        state = PageState.REACHED if self.works else PageState.FAILED
        for page in self.world.table.pages(incident, deadline()):
            if page.state is None:
                Paging(self.world.table).end(page, state, self.world.clock(), deadline())

    def person(self, incident: str, what: str, step: int | None = None) -> None:
        commands: dict[str, Command] = {
            "acknowledge": Acknowledge(),
            "resolve": Resolve(),
            "snooze": Snooze(self.world.clock() + SNOOZE * MINUTE),
            "unsnooze": Unsnooze(),
            "suppress": Suppress(),
            "unsuppress": Unsuppress(),
            "escalate": Escalate(step),
            "reassign": Reassign(f"user_{ASSIGNEE}"),
        }
        seen = self.night.incident(incident)
        timeouts = self.world.service.timeouts
        now = self.world.clock()
        decision = act(seen, commands[what], actor=ADA, now=now, timeouts=timeouts)
        moved = isinstance(decision, Transitioned)
        if isinstance(decision, Transitioned):
            self.world.table.apply(decision, token_hex(14), deadline())
        if self.models[incident].does(what, now, step) != moved:
            # Raised in the middle of a worker's write, it would be a timer that failed.
            self.disputed.append((incident, what, f"it was {seen.status}, and moved: {moved}"))
        self.new_records()

    def new_records(self) -> None:
        kinds = {"incident", "change"}
        found = [record(item) for item in self.night.new_items() if item["kind"]["S"] in kinds]
        self.records += sorted(found, key=lambda said: str(said["dynamodb"]["Keys"]))

    @invariant()
    def as_the_model_has_it(self) -> None:
        assert not self.disputed
        found = check(self.world)
        for incident, model in self.models.items():
            stored = found.incidents[incident]
            assert "failures" not in stored, "a timer failed: see the log"
            pages = [(page["page_no"], page["user_id"]) for page in found.pages[incident]]
            assert sorted(pages) == [(number, f"user_{name}") for number, name in model.pages]
            assert (stored["status"], stored["page_no"]) == (model.status, model.number)
            waits = [_time(at) for name, at in stored["timers"].items() if name in WAITS]
            assert min(waits, default=None) == model.at
            fallback = stored["timers"].get("fallback")
            assert (fallback and _time(fallback)) == model.fallback_at
            assert ("reminder" in stored["timers"]) == model.reminds


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
