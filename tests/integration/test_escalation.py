"""The engine's messages, its sweep and its auditor: what each does, and what a bad one harms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest
from botocore.exceptions import ClientError

from escalation.audit import audit
from escalation.directory import Directory
from escalation.handler import on_message
from escalation.sweep import BATCH, meant_for, tick
from harness.invariants import check
from harness.people import ADA
from harness.pipeline import Pipeline, step
from harness.world import World, deadline, event
from opsknight.escalation.steps import Advanced, pages_on
from opsknight.escalation.timers import decided
from opsknight.incident.commands import AutoResolve, Snooze, Suppress
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Status, Timer
from opsknight.runtime.wakeups import AuditIncidents, PlanNotices, SweepShard, TimerDue
from opsknight.store.calls import Conflict
from opsknight.store.items import DUE_SHARDS, due_shard, incident_key
from opsknight.store.wire import stamp, wire


@pytest.fixture
def night(world: World) -> Pipeline:
    pipeline = Pipeline(world)
    pipeline.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    return pipeline


def change(night: Pipeline, incident_id: str, expression: str, **values: dict[str, str]) -> None:
    """By a raw call, as no code of ours would."""
    more = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}
    night.world.table.client.update_item(
        TableName=night.world.table.name,
        Key=incident_key(incident_id),
        UpdateExpression=expression,
        **(more if values else {}),  # type: ignore[arg-type]
    )


def swept_by_a_tick(night: Pipeline) -> list[int]:
    """The shards that it asks for."""
    night.post.queued.clear()
    tick(night.engine)
    messages = [each.message for each in night.post.queued]
    sweeps = [each for each in messages[:-1] if isinstance(each, SweepShard)]
    assert {each.tick_at for each in sweeps} == {night.world.clock()}
    assert messages == [*sweeps, AuditIncidents()]
    return [each.shard for each in sweeps]


def test_a_tick_is_a_message_for_each_shard_with_work_and_the_auditor(night: Pipeline) -> None:
    """Of what is due before the next tick but one: that one looks at the rest."""

    def due(within: timedelta) -> list[int]:
        until = stamp(night.world.clock() + within)
        found = [each for each in night.world.items() if "due_at" in each]
        return sorted(
            {0, *(int(each["due_shard"]["S"]) for each in found if each["due_at"]["S"] <= until)}
        )

    for number in range(6):
        night.trigger(f"key-{number}")
    night.pages(*["ada"] * 6)
    for minutes in (1, 2, 20):
        night.world.clock.advance(minutes=minutes)
        swept = swept_by_a_tick(night)
        assert swept == due(timedelta(minutes=2))
        assert 1 < len(swept) < DUE_SHARDS
    for number in range(6):
        assert night.world.send(event("resolve", dedup_key=f"key-{number}")).status == 202
    night.wait(minutes=5)
    assert swept_by_a_tick(night) == due(timedelta(minutes=2))


def test_with_nothing_to_do_the_first_shard_still_says_so(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alarm on what is overdue takes silence for a fault."""
    assert swept_by_a_tick(night) == [0]
    capsys.readouterr()
    while queued := night.post.take(night.world.clock()):
        on_message(night.engine, queued.message)
    assert capsys.readouterr().out.count('"OldestDueSeconds":[0.0]') == 1


def test_without_an_answer_of_the_index_every_shard_is_swept(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    class Refusing:
        """The table's client, which may not ask the index."""

        def __init__(self, client: Any) -> None:
            self.client = client

        def query(self, **_: object) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Query")

        def __getattr__(self, name: str) -> Any:
            return getattr(self.client, name)

    refusing: Any = Refusing(night.world.table.client)
    night.engine = replace(night.engine, table=replace(night.world.table, client=refusing))
    assert swept_by_a_tick(night) == list(range(DUE_SHARDS))
    assert '"Failures":[1.0]' in capsys.readouterr().out


NOW = datetime(2026, 11, 23, 3, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "at"),
    [
        ({"time": "2026-11-23T03:00:58Z"}, NOW - timedelta(seconds=6)),
        ({"time": "2026-11-23T03:01:04Z"}, NOW),
        # Its clock is a little ahead: else one minute is looked at twice, and one by nobody.
        ({"time": "2026-11-23T03:01:06Z"}, NOW + timedelta(seconds=2)),
        # Older than its successor, of a clock that is wrong, and by hand.
        ({"time": "2026-11-23T03:00:04Z"}, NOW),
        ({"time": "2026-11-23T03:01:09Z"}, NOW),
        ({}, NOW),
        ({"time": "soon"}, NOW),
        ({"time": None}, NOW),
        ({"time": "2026-11-23T03:00:58"}, NOW),
    ],
)
def test_a_tick_is_of_the_time_at_which_it_was_due(event: dict[str, Any], at: datetime) -> None:
    assert meant_for(event, NOW) == at


def test_each_minute_is_looked_ahead_at_once_however_late_a_tick_comes(night: Pipeline) -> None:
    """One that was due at 58 seconds and comes in the next minute, and the one after it."""
    start = night.world.clock().replace(second=58, microsecond=0)
    looked = []
    for minute, late in enumerate((0, 4, 0)):
        due = start + timedelta(minutes=minute)
        night.world.clock.at = due + timedelta(seconds=late)
        night.post.queued.clear()
        tick(night.engine, 0, meant_for({"time": due.isoformat()}, night.world.clock()))
        [first] = {
            each.message.tick_at
            for each in night.post.queued
            if isinstance(each.message, SweepShard)
        }
        assert first is not None
        looked.append(first.replace(second=0) - start.replace(second=0))
    assert looked == [timedelta(minutes=minute) for minute in range(3)]


def test_a_message_that_comes_early_is_put_back(night: Pipeline) -> None:
    incident = night.trigger()
    night.pages("ada").post.queued.clear()
    due = night.world.clock() + timedelta(minutes=5)
    night.world.clock.advance(minutes=4)
    on_message(night.engine, TimerDue(incident, due))
    night.pages()
    [queued] = night.post.queued
    assert queued.message == TimerDue(incident, due)
    assert queued.delay == 59, "it comes a second early, so that a function is awake in time"


def test_a_message_that_comes_a_moment_early_is_waited_for(night: Pipeline) -> None:
    incident = night.trigger()
    due = night.world.clock() + timedelta(minutes=5)
    night.world.clock.advance(minutes=4, seconds=58.5)
    on_message(night.engine, TimerDue(incident, due))
    night.pages("ada", "ben")
    assert night.world.clock() == due


def test_messages_that_come_late_twice_or_for_nothing_do_no_harm(night: Pipeline) -> None:
    incident = night.trigger()
    night.pages("ada")
    due = night.world.clock() + timedelta(minutes=5)
    night.world.clock.advance(minutes=6)
    for _ in range(3):
        on_message(night.engine, TimerDue(incident, due))
    night.pages("ben")
    on_message(night.engine, TimerDue("inc_gone", due))
    night.send("resolve")
    on_message(night.engine, TimerDue(incident, due))
    night.pages()


def test_a_duplicate_starts_no_second_chain_of_messages(night: Pipeline) -> None:
    incident = night.trigger()
    due = night.world.clock() + timedelta(minutes=5)
    night.world.clock.advance(minutes=5)
    night.post.queued.clear()
    for _ in range(5):
        on_message(night.engine, TimerDue(incident, due))
    assert len(night.post.queued) <= 1


def test_a_message_for_another_function_is_logged_and_dropped(
    night: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    on_message(night.engine, PlanNotices(night.trigger()))
    assert [each.message for each in caplog.records].count("unknown queue message") == 1
    night.pages("ada")


def test_a_sweep_goes_on_where_it_stopped(night: Pipeline) -> None:
    night.streaming = False
    first = night.trigger()
    item = next(item for item in night.world.items() if item["sk"]["S"] == "incident")
    # All in one shard, as luck will not have it.
    for number in range(2 * BATCH):
        name = f"inc_{number:03}"
        night.put(item | incident_key(name) | {"id": {"S": name}, "dedup_key": {"S": name}})
    rounds = []
    on_message(night.engine, SweepShard(int(due_shard(first))))
    while queued := night.post.take(night.world.clock()):
        if isinstance(queued.message, SweepShard):
            rounds.append(queued.message.after)
            on_message(night.engine, queued.message)
    assert len(rounds) == 2
    assert len({page.incident_id for page in night.all_pages()}) == 2 * BATCH + 1


def test_a_sweep_ends_when_the_next_tick_has_begun(night: Pipeline) -> None:
    night.streaming = False
    shard = int(due_shard(night.trigger()))
    key = incident_key("inc_0")
    place = {**key, "due_shard": {"S": str(shard)}, "due_at": {"S": "2000-01-01"}}
    rest = SweepShard(shard, night.world.clock(), place)
    night.world.clock.advance(seconds=60)
    on_message(night.engine, rest)
    night.pages()
    on_message(night.engine, SweepShard(shard, night.world.clock(), place))
    night.pages("ada")


def test_the_sweep_of_a_late_tick_has_its_whole_minute(night: Pipeline) -> None:
    """Schedules may be late each time: the next tick comes a minute after it, and not sooner."""
    night.streaming = False
    incident_id = night.trigger()
    due = night.world.clock()
    night.world.clock.advance(seconds=45)
    night.post.queued.clear()
    tick(night.engine, at=due)
    shard = int(due_shard(incident_id))
    begun = [each.message for each in night.post.queued]
    [sweep] = [each for each in begun if isinstance(each, SweepShard) and each.shard == shard]
    key = incident_key("inc_0")
    place = {**key, "due_shard": {"S": str(shard)}, "due_at": {"S": "2000-01-01"}}
    rest = replace(sweep, after=place)
    night.world.clock.advance(seconds=59)
    on_message(night.engine, rest)
    night.pages("ada")
    # Then the next one has it, and Ben's step.
    night.world.clock.advance(minutes=5)
    on_message(night.engine, rest)
    night.pages()


def test_a_broken_incident_stops_nothing_else(night: Pipeline) -> None:
    night.streaming, night.poisoned = False, True
    broken = night.trigger("broken")
    night.world.clock.advance(seconds=1)
    whole = night.trigger("whole")
    change(night, broken, "SET escalation = :nonsense", nonsense={"S": "NONSENSE"})
    night.post.queued.clear()
    for expected in (1, 5, 15, 15):
        at = night.world.clock()
        tick(night.engine)
        while queued := night.post.take(at):
            if isinstance(queued.message, SweepShard):
                on_message(night.engine, queued.message)
        key = incident_key(broken)
        client, name = night.world.table.client, night.world.table.name
        item = client.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
        assert item["due_at"] == wire(at + timedelta(minutes=expected))
        night.world.clock.advance(minutes=expected)
    assert {page.incident_id for page in night.all_pages()} == {whole}
    change(night, broken, "SET escalation = :mended", mended={"S": "NONE"})
    night.wait(minutes=1)
    assert {page.incident_id for page in night.all_pages()} == {whole, broken}
    check(night.world)


@pytest.mark.parametrize(
    ("status", "lost", "timer"),
    [
        (Status.OPEN, "due_at", "step"),
        (Status.OPEN, "due_at, timers.step", "step"),
        (Status.SNOOZED, "due_at, timers.snooze", "snooze"),
        (Status.OPEN, "due_at, timers.announce", "announce"),
    ],
)
def test_the_auditor_puts_right_what_would_wait_for_ever(
    night: Pipeline, status: Status, lost: str, timer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    night.streaming = timer != "announce"
    incident = night.trigger()
    if status is Status.SNOOZED:
        night.does(incident, Snooze(night.world.clock() + timedelta(hours=1)))
    change(night, incident, f"REMOVE {lost}")
    audit(night.engine, deadline())
    after = night.incident(incident)
    assert timer in after.timers
    assert after.due_at is not None
    assert '"Failures":[1.0]' in capsys.readouterr().out.replace(" ", "")
    check(night.world)


def test_the_auditor_leaves_alone_what_rests_or_waits(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, command in enumerate((None, Suppress())):
        incident = night.trigger(f"rests-{number}")
        if command:
            night.does(incident, command)
    before = night.world.items()
    audit(night.engine, deadline())
    assert night.world.items() == before
    assert "Failures" not in capsys.readouterr().out


def test_an_alert_that_comes_meanwhile_is_not_resolved_with_it(night: Pipeline) -> None:
    incident = night.incident(night.trigger())
    night.world.clock.advance(hours=1)
    silent = act(incident, AutoResolve(), actor=ADA, now=night.world.clock())
    assert isinstance(silent, Transitioned)
    night.send("trigger")
    with pytest.raises(Conflict):
        night.world.table.apply(silent, token_hex(8), deadline())
    assert night.incident(incident.id).status is Status.OPEN


def test_sqs_being_away_keeps_nobody_from_being_paged(night: Pipeline) -> None:
    night.post.away = True
    night.trigger()
    night.pages("ada")
    night.post.away = False
    night.wait(minutes=6).pages("ben")


def test_sns_being_away_delays_the_fallback_and_no_step(night: Pipeline) -> None:
    night.escalates(step("nobody"), version=2, repeat_after=3600)
    night.post.topic_away = True
    night.trigger()
    night.fallback(0).wait(minutes=2).fallback(0)
    night.post.topic_away = False
    night.wait(minutes=2).fallback(1)


def test_a_step_of_150_people(night: Pipeline) -> None:
    names = [f"p{number:03}" for number in range(150)]
    night.people(*names)
    night.escalates(step(*names), version=2)
    night.trigger()
    night.pages(*names)


def test_who_acknowledges_between_the_pages_of_one_step_drops_the_rest(night: Pipeline) -> None:
    names = [f"p{number:03}" for number in range(250)]
    night.people(*names)
    night.escalates(step(*names), version=2)
    night.streaming = False
    incident = night.trigger()
    directory = Directory(night.world.table, deadline())
    taken = decided(Timer.STEP, night.incident(incident), night.world.clock(), directory)
    assert isinstance(taken, Advanced)
    night.world.table.apply(taken, token_hex(8), deadline())
    rest = pages_on(night.incident(incident), taken.taken)
    night.send("acknowledge")
    with pytest.raises(Conflict):
        night.world.table.apply(rest, token_hex(8), deadline())
    night.wait(hours=1).pages(*names[:90])
    check(night.world)


def test_a_timer_of_a_newer_version_keeps_neither_the_tick_nor_the_alarm_busy(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    incident = night.trigger()
    night.pages("ada").send("acknowledge")
    past = {"S": stamp(night.world.clock())}
    change(night, incident, "SET timers.newer = :past, due_at = :past", past=past)
    night.post.queued.clear()
    for _ in range(2):
        on_message(night.engine, SweepShard(int(due_shard(incident))))
    assert not night.post.queued
    left = night.incident(incident)
    assert left.due_at is not None
    assert left.due_at > night.world.clock()
    assert "newer" in left.timers
    assert "Failures" not in capsys.readouterr().out
