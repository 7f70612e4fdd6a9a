"""The engine dies before or after each of its calls, on every path; then the message comes again,
and a tick: every step has run exactly once, and every due time is set.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from escalation.engine import Engine
from escalation.handler import on_message, on_record
from escalation.sweep import tick
from harness.faults import DEATHS, Died, Fault, Point, Process
from harness.pipeline import Pipeline, step
from harness.processes import engine
from harness.streams import record
from harness.world import World, build, deadline
from opsknight.directory.entries import Member, Team
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.policy import Target, TargetKind
from opsknight.incident.commands import Acknowledge, Escalate, Reassign, Snooze
from opsknight.runtime.wakeups import TimerDue
from opsknight.store.directory_items import directory_item
from opsknight.store.items import incident_key

EVERYBODY = Target(kind=TargetKind.TEAM, id="team_large")
type Prepare = Callable[[Pipeline], str]


def begins(night: Pipeline) -> str:
    night.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    return night.trigger()


def begins_later(night: Pipeline) -> str:
    night.escalates(step("ada", after=5), repeat_after=3600)
    return night.trigger()


def steps_on(night: Pipeline) -> str:
    incident = begins(night)
    _later(night, minutes=5)
    return incident


def passes_an_empty_step(night: Pipeline) -> str:
    night.escalates(step("nobody"), step("ben", after=5), repeat_after=3600)
    return night.trigger()


def begins_a_round(night: Pipeline) -> str:
    night.escalates(step("ada"), repeat=1, repeat_after=3600)
    incident = night.trigger()
    _later(night, minutes=60)
    return incident


def exhausts(night: Pipeline) -> str:
    night.escalates(step("ada"), repeat_after=3600)
    incident = night.trigger()
    _later(night, minutes=60)
    return incident


def pages_very_many(night: Pipeline) -> str:
    members = tuple(Member(user_id=f"user_p{number}") for number in range(150))
    night.people(*(f"p{number}" for number in range(150)))
    night.put(directory_item(Team(id="team_large", name="Large", members=members)))
    night.escalates(step(EVERYBODY), repeat_after=3600)
    return night.trigger()


def unsnoozes(night: Pipeline) -> str:
    incident = begins(night)
    night.does(incident, Snooze(night.world.clock() + timedelta(minutes=10)))
    _later(night, minutes=10)
    return incident


def times_out(night: Pipeline) -> str:
    night.serves(acknowledgement_timeout=600)
    incident = begins(night)
    night.does(incident, Acknowledge())
    _later(night, minutes=10)
    return incident


def resolves_by_itself(night: Pipeline) -> str:
    night.serves(auto_resolve=60)
    incident = begins(night)
    _later(night, minutes=1)
    return incident


def ends_a_window(night: Pipeline) -> str:
    at = night.world.clock()
    window = MaintenanceWindow(id="w", start=at, end=at + timedelta(minutes=9), reason="upgrade")
    night.serves(windows=(window,))
    incident = begins(night)
    night.serves(windows=())
    _later(night, minutes=9)
    return incident


def escalates(night: Pipeline) -> str:
    incident = begins(night)
    night.streaming = False
    night.does(incident, Escalate())
    return incident


def reassigned(night: Pipeline) -> str:
    incident = begins(night)
    night.streaming = False
    night.does(incident, Reassign("user_eve"))
    return incident


def _later(night: Pipeline, **duration: float) -> None:
    """Time goes by, and nothing that should wake the engine did so yet."""
    night.new_items()
    night.streaming = False
    night.world.clock.advance(**duration)


@dataclass(frozen=True)
class Path:
    prepare: Prepare
    streams: bool = True
    """Whether what comes before is handled as it happens; else the path is the first waking."""
    fallback: int = 0
    pages: bool = True
    """Whether it pages somebody."""

    def __str__(self) -> str:
        return self.prepare.__name__


PATHS = (
    Path(begins, streams=False),
    Path(begins_later, streams=False, pages=False),
    Path(steps_on),
    Path(passes_an_empty_step, streams=False),
    Path(begins_a_round),
    Path(exhausts, fallback=1, pages=False),
    Path(pages_very_many, streams=False),
    Path(unsnoozes),
    Path(times_out),
    Path(resolves_by_itself, pages=False),
    Path(ends_a_window),
    Path(escalates),
    Path(reassigned),
)
READS = ("GetItem", "BatchGetItem", "Query", "TransactGetItems")
WAKINGS = ("stream", "reminder", "sweep")


@dataclass
class Stage:
    endpoint: str
    path: Path
    waking: str

    def __post_init__(self) -> None:
        self.world: World = build(self.endpoint)
        self.night = Pipeline(self.world, streaming=self.path.streams)
        self.incident = self.path.prepare(self.night)
        self.night.post.queued.clear()
        self.before = self.pages()

    def pages(self) -> list[tuple[int, str]]:
        return sorted((page.page_no, page.user_id) for page in self.night.all_pages())

    def wake(self, woken: Engine) -> None:
        match self.waking:
            case "stream":
                client, name = self.world.table.client, self.world.table.name
                item = client.get_item(TableName=name, Key=incident_key(self.incident))["Item"]
                on_record(woken, DynamoDBRecord(record(item)))
            case "reminder":
                on_message(woken, TimerDue(self.incident, self.world.clock()))
            case _:
                tick(woken)
                while queued := self.night.post.take(self.world.clock()):
                    if queued.queue.endswith("timers"):
                        on_message(woken, queued.message)

    def process(self, process: Process) -> Engine:
        table = process.runs(self.world, self.endpoint).table
        woken = engine(self.world, self.night.post, table, process.watch)
        process.watching = True
        return woken

    def ends(self) -> tuple[object, ...]:
        """The state of things after the message came again, and a tick."""
        self.wake(engine(self.world, self.night.post))
        self.night.post.queued.clear()
        Stage.wake(_as(self, "sweep"), engine(self.world, self.night.post))
        self.night.settle()
        found = self.night.incident(self.incident)
        taken = [
            (row.page_no, row.step, row.round, len(row.user_ids), row.reason)
            for row in self.world.table.steps(self.incident, deadline())
        ]
        now = self.world.clock()
        waits = {name: (at - now).total_seconds() for name, at in found.timers.items()}
        return found.status, found.escalation, found.page_no, taken, self.pages(), waits


def _as(stage: Stage, waking: str) -> Stage:
    other = object.__new__(Stage)
    other.__dict__ |= stage.__dict__ | {"waking": waking}
    return other


@pytest.mark.soak
@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("waking", WAKINGS)
def test_after_a_death_each_step_has_run_once(
    dynamodb: str, path: Path, waking: str, say: Callable[[str], None], full_size: bool
) -> None:
    if not full_size and waking != "reminder" and path.prepare is not begins:
        # What happens then is the same; only what comes before it differs.
        return
    whole = Stage(dynamodb, path, waking)
    process = Process()
    whole.wake(whole.process(process))
    calls: list[Point] = list(process.calls)
    right = whole.ends()
    published = len(whole.night.post.published)
    assert published == path.fallback
    assert whole.pages() != whole.before or path.prepare in (
        exhausts,
        begins_later,
        resolves_by_itself,
    )
    whole.world.close()
    struck = 0
    for point in calls:
        # Of the reads of a sweep that finds nothing one is like the other.
        if (
            point.operation in ("Query", "SendMessageBatch")
            and waking == "sweep"
            and point.number > 2
        ):
            continue
        for death in DEATHS:
            if not full_size and point != calls[0] and not _new(death, point):
                continue
            stage = Stage(dynamodb, path, waking)
            _strike(stage, death, point)
            assert stage.ends() == right, f"{death}: {point}"
            if path.fallback:
                # Whoever died with the lease on the fallback address keeps it for a minute.
                stage.night.wait(minutes=2)
            # At least once; twice where it died before it was recorded.
            assert path.fallback <= len(stage.night.post.published) <= 2 * path.fallback
            stage.world.close()
            struck += 1
    say(f"{path}, woken by {waking}: {struck} deaths")


def _new(death: Fault, point: Point) -> bool:
    """Whether the death leaves what none before it left: before a call is as after the one before,
    and a read changes nothing.
    """
    return death.moment == "after" and point.operation not in READS


def _strike(stage: Stage, death: Fault, point: Point) -> None:
    process = Process(death, point)
    with pytest.raises(Died):
        stage.wake(stage.process(process))
    assert point in process.calls
