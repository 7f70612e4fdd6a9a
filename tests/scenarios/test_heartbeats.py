"""Heartbeats: who falls silent is paged for, unless it is the deployment that heard nothing."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError

from escalation.heartbeats import attend
from escalation.sweep import tick
from harness.faults import Died
from harness.invariants import check
from harness.pipeline import Pipeline, step
from harness.settings import configure
from harness.world import Response, World, deadline, event, http_event
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.integrations import Integration
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident import canary
from opsknight.incident.commands import Acknowledge, Resolve, Snooze
from opsknight.incident.model import Pointer, Status, Urgency
from opsknight.store import items
from opsknight.store.due import Due
from opsknight.store.heartbeats import Heartbeats
from opsknight.store.wire import attributes, wire
from tests.integration.steps import use_up

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    pipeline = Pipeline(world)
    pipeline.people("ada")
    pipeline.escalates(step("ada"))
    beats(pipeline)
    yield pipeline
    pipeline.ends()


def beats(night: Pipeline, every: timedelta = timedelta(minutes=5), **more: Any) -> None:
    night.world.let_functions_end()
    heartbeat = Heartbeat(every=every, **more)
    settings = {"id": "int_prometheus", "service_id": "svc_checkout", "name": "Backup"}
    configure(night.world, Integration.model_validate(settings | {"heartbeat": heartbeat}))


def says(night: Pipeline, said: str = "", method: str = "GET") -> Response:
    path = f"/heartbeat/{night.world.integration_key}{said}"
    return night.world.request(http_event("", path=path, method=method))


def hears(night: Pipeline) -> None:
    """Another heartbeat beats."""
    Heartbeats(night.world.table).hear(night.world.clock(), deadline())


def incidents(night: Pipeline) -> list[tuple[str, str]]:
    """Title and status of each."""
    found = check(night.world).incidents.values()
    return [(each["title"], each["status"]) for each in found]


def test_before_its_first_beat_it_is_awaited_by_nobody(night: Pipeline) -> None:
    night.wait(days=1).pages()


def test_overdue_it_pages_and_the_next_beat_resolves(night: Pipeline) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH"):
        assert says(night, method=method).status == 200
        night.wait(minutes=5).pages()
    hears(night)
    night.wait(minutes=1, seconds=1)
    hears(night)
    night.wait(minutes=1).pages("ada")
    [(title, status)] = incidents(night)
    assert title.startswith("No heartbeat from Backup since ")
    assert status == "OPEN"
    for _ in range(2):
        says(night)
        night.wait(minutes=1).pages()
        assert [status for _, status in incidents(night)] == ["RESOLVED"]
    # It is watched again.
    night.wait(minutes=3)
    hears(night)
    night.wait(minutes=3)
    hears(night)
    night.wait(minutes=1).pages("ada")


def test_a_failure_pages_and_a_success_resolves(night: Pipeline) -> None:
    says(night)
    says(night, "/0")
    night.wait(minutes=1).pages()
    says(night, "/3")
    night.wait(minutes=1).pages("ada")
    assert incidents(night) == [("Backup failed: exit code 3", "OPEN")]
    says(night, "/log")
    night.wait(minutes=1)
    assert incidents(night) == [("Backup failed: exit code 3", "OPEN")]
    says(night)
    night.wait(minutes=1)
    assert incidents(night) == [("Backup failed: exit code 3", "RESOLVED")]


def test_a_run_that_does_not_end_in_its_time_pages(night: Pipeline) -> None:
    beats(night, timedelta(days=1), runs_at_most=timedelta(minutes=10))
    says(night, "/start")
    night.wait(minutes=6)
    # Started again and again, it has no more time.
    says(night, "/start")
    night.wait(minutes=4, seconds=1)
    hears(night)
    night.wait(minutes=1).pages("ada")
    [(title, _)] = incidents(night)
    assert title.endswith("and has not ended in 10m")
    says(night)
    says(night, "/start")
    says(night, "/0")
    night.wait(minutes=30).pages()
    assert [status for _, status in incidents(night)] == ["RESOLVED"]


@pytest.mark.parametrize("behind", [0, 2], ids=["same-clock", "clock-behind"])
@pytest.mark.parametrize("said", ["start", "fail"])
def test_what_is_tried_again_after_a_lost_answer_undoes_no_newer_beat(
    night: Pipeline, said: str, behind: int
) -> None:
    """The job has ended meanwhile, and another function has noted its beat."""
    beats(night, timedelta(days=1), runs_at_most=timedelta(minutes=10))
    says(night)
    night.wait(minutes=5).world.let_functions_end()
    clock, rows = night.world.clock, Heartbeats(night.world.table)
    expects = Heartbeat(every=timedelta(days=1), runs_at_most=timedelta(minutes=10))
    mine = "svc_checkout", "int_prometheus"
    events, after = night.world.table.client.meta.events, "after-call.dynamodb.UpdateItem"
    lost = []

    def is_lost(**_: Any) -> None:
        events.unregister(after, is_lost)
        lost.append(said)
        clock.advance(seconds=1)
        rows.beat(*mine, expects, clock() - timedelta(seconds=behind), deadline())
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    events.register(after, is_lost)
    if said == "start":
        rows.start(*mine, expects, clock(), deadline())
    else:
        rows.fail(*mine, "exit code 3", clock(), deadline())
    assert lost
    for _ in range(15):
        hears(night)
        night.wait(minutes=1).pages()
    assert not incidents(night)


def test_a_failure_counts_though_the_beat_before_it_had_a_clock_ahead(night: Pipeline) -> None:
    rows, now = Heartbeats(night.world.table), night.world.clock()
    mine = "svc_checkout", "int_prometheus"
    expects = Heartbeat(every=timedelta(minutes=5))
    rows.beat(*mine, expects, now + timedelta(seconds=2), deadline())
    rows.fail(*mine, "exit code 3", now, deadline())
    night.wait(minutes=1).pages("ada")
    assert incidents(night) == [("Backup failed: exit code 3", "OPEN")]


def test_a_doubt_is_over_by_the_next_tick_also_if_it_comes_a_moment_early(
    night: Pipeline,
) -> None:
    says(night)
    night.world.clock.advance(minutes=6, seconds=0.2)
    # It is overdue, and nothing has been heard since.
    tick(night.engine)
    night.settle().pages()
    hears(night)
    night.world.clock.advance(seconds=59.9)
    tick(night.engine)
    night.settle().pages("ada")


def test_where_nothing_is_heard_it_pages_later_and_the_fallback_hears_of_it(
    night: Pipeline,
) -> None:
    """Whether it is our fault nobody knows: it waits for one interval more, and no longer."""
    says(night)
    night.wait(minutes=10).pages().fallback(0)
    night.wait(minutes=3).pages("ada").fallback(1)
    assert night.post.published[-1]["Subject"] == "OpsKnight hears no heartbeats"


def test_after_a_gap_of_our_own_a_sender_has_time_to_be_heard(night: Pipeline) -> None:
    beats(night, timedelta(minutes=30))
    says(night)
    night.wait(minutes=45)
    hears(night)
    night.wait(minutes=25).pages()
    says(night)
    night.wait(minutes=29).pages()
    # One that stays silent pages.
    night.wait(minutes=15)
    hears(night)
    night.wait(minutes=33).pages()
    hears(night)
    night.wait(minutes=2).pages("ada")


def test_an_outage_of_our_own_is_measured_from_what_was_heard_last(night: Pipeline) -> None:
    """What fell due at its very end has lost its beat, too."""
    says(night)
    night.wait(minutes=2)
    hears(night)
    night.wait(minutes=8)
    hears(night)
    night.wait(minutes=5).pages()
    hears(night)
    night.wait(minutes=3).pages()
    hears(night)
    night.wait(minutes=1).pages("ada")


def test_an_outage_of_everything_pages_for_nobody(night: Pipeline) -> None:
    """Neither beats nor sweeps: when both are back, all that is overdue is seen at once."""
    says(night)
    night.ticking = False
    night.wait(minutes=30)
    hears(night)
    night.ticking = True
    night.wait(minutes=5).pages()
    says(night)
    night.wait(minutes=5).pages()
    assert incidents(night) == []


def flies(night: Pipeline) -> None:
    """The canary starts."""
    flight = Pointer(
        id="canary_1",
        service_id=canary.SERVICE_ID,
        dedup_key=canary.DEDUP_KEY,
        title="Canary",
        urgency=Urgency.HIGH,
        status=Status.OPEN,
        created_at=night.world.clock(),
    )
    key = items.dedup_pointer_key(flight.service_id, flight.dedup_key)
    night.put(key | {"kind": {"S": "flight"}} | attributes(flight))


def test_the_canary_shows_that_beats_would_arrive(night: Pipeline) -> None:
    says(night)
    night.wait(minutes=3)
    flies(night)
    night.wait(minutes=5).pages()
    flies(night)
    night.wait(minutes=1).pages("ada")


def test_in_shadow_it_falls_silent_as_ever_and_pages_nobody(night: Pipeline) -> None:
    says(night)
    night.serves(shadow_until=night.world.clock() + timedelta(days=1))
    night.wait(minutes=5)
    hears(night)
    night.wait(minutes=2)
    hears(night)
    night.wait(minutes=1).pages()
    assert [status for _, status in incidents(night)] == ["SUPPRESSED"]


def test_a_maintenance_window_pauses_it(night: Pipeline) -> None:
    says(night)
    start = night.world.clock()
    window = MaintenanceWindow(id="mw_1", start=start, end=start + timedelta(minutes=30), reason="")
    night.serves(windows=(window,))
    for _ in range(7):
        night.wait(minutes=5)
        hears(night)
    assert incidents(night) == []
    night.wait(minutes=2)
    hears(night)
    night.wait(minutes=1).pages("ada")


def test_one_that_the_file_has_no_more_is_forgotten(night: Pipeline) -> None:
    says(night)
    settings = {"id": "int_prometheus", "service_id": "svc_checkout", "name": "Backup"}
    configure(night.world, Integration.model_validate(settings))
    night.wait(minutes=7)
    assert not any(item["kind"]["S"] == "heartbeat" for item in night.world.items())


def test_the_end_of_an_incident_by_hand_does_not_end_the_watch(night: Pipeline) -> None:
    """It pages no second time before it beats, and does after that."""
    says(night, "/fail")
    night.wait(minutes=1).pages("ada")
    [incident_id] = check(night.world).incidents
    night.does(incident_id, Resolve())
    says(night)
    night.wait(minutes=2)
    says(night, "/fail")
    night.wait(minutes=1).pages("ada")


class Dying:
    """A client of a process that dies before its write with this number, or never."""

    def __init__(self, client: Any, left: int) -> None:
        self._client, self._left = client, left

    def __getattr__(self, name: str) -> Any:
        def write(**arguments: Any) -> Any:
            if not self._left:
                raise Died
            self._left -= 1
            return getattr(self._client, name)(**arguments)

        writes = ("update_item", "transact_write_items", "put_item")
        return write if name in writes else getattr(self._client, name)


@pytest.mark.parametrize("beats_meanwhile", [False, True])
def test_a_sweep_that_dies_at_any_write_leaves_nothing_open_and_nothing_untold(
    night: Pipeline, *, beats_meanwhile: bool
) -> None:
    for writes in range(4):
        says(night)
        night.wait(minutes=1)
        hears(night)
        night.ticking = False
        night.wait(minutes=6)
        hears(night)
        table = night.world.table
        dying = replace(table, client=cast("DynamoDBClient", Dying(table.client, writes)))
        due = Due("", night.world.clock(), heartbeat="svc_checkout/int_prometheus")
        with suppress(Died):
            attend(replace(night.engine, table=dying), due, deadline())
        if beats_meanwhile:
            says(night)
        night.ticking = True
        night.wait(minutes=2)
        active = [status for _, status in incidents(night) if status != "RESOLVED"]
        assert len(active) == (0 if beats_meanwhile else 1), writes
        night.new_pages()


def minutes_pass(night: Pipeline, minutes: int) -> None:
    """Others beat meanwhile."""
    for _ in range(minutes):
        night.wait(minutes=1)
        hears(night)


def falls_silent(night: Pipeline) -> str:
    """The id of its incident."""
    says(night)
    minutes_pass(night, 9)
    [(incident_id, found)] = check(night.world).incidents.items()
    assert found["title"].startswith("No heartbeat from Backup")
    return incident_id


def test_what_is_still_silent_is_not_resolved_for_its_silence(night: Pipeline) -> None:
    """A heartbeat says it once, and nothing alarms again: its next beat ends the incident."""
    night.serves(auto_resolve=timedelta(hours=1))
    falls_silent(night)
    minutes_pass(night, 150)
    night.pages("ada")
    assert [status for _, status in incidents(night)] == ["OPEN"]
    night.fallback(len(night.post.published))
    says(night)
    night.wait(minutes=1)
    assert [status for _, status in incidents(night)] == ["RESOLVED"]


def test_opened_again_it_is_not_resolved_for_its_silence_either(night: Pipeline) -> None:
    night.serves(auto_resolve=timedelta(hours=1))
    incident = falls_silent(night)
    night.pages("ada").does(incident, Snooze(night.world.clock() + timedelta(minutes=10)))
    minutes_pass(night, 11)
    night.pages("ada").does(incident, Acknowledge())
    minutes_pass(night, 90)
    assert [status for _, status in incidents(night)] == ["ACKNOWLEDGED"]


def test_a_time_that_an_older_version_set_for_it_is_cleared(night: Pipeline) -> None:
    night.serves(auto_resolve=timedelta(hours=1))
    incident = falls_silent(night)
    night.pages("ada").does(incident, Acknowledge())
    table, at = night.world.table, wire(night.world.clock() + timedelta(minutes=1))
    table.client.update_item(
        TableName=table.name,
        Key=items.incident_key(incident),
        UpdateExpression="SET timers.auto_resolve = :at, due_at = :at",
        ExpressionAttributeValues={":at": at},
    )
    minutes_pass(night, 70)
    assert [status for _, status in incidents(night)] == ["ACKNOWLEDGED"]
    assert not night.incident(incident).timers


def test_what_fell_silent_in_shadow_pages_as_it_ends(night: Pipeline) -> None:
    ends = night.world.clock() + timedelta(hours=3)
    night.serves(auto_resolve=timedelta(hours=1), shadow_until=ends)
    falls_silent(night)
    minutes_pass(night, 165)
    night.pages()
    assert [status for _, status in incidents(night)] == ["SUPPRESSED"]
    minutes_pass(night, 10)
    night.pages("ada")


def test_a_report_of_refused_events_is_resolved_like_any_other(night: Pipeline) -> None:
    """Each refusal is an alert of it, and the next one opens it again."""
    night.serves(auto_resolve=timedelta(hours=1))
    use_up(night.world)
    assert night.world.send(event(dedup_key="one too many")).status == 429
    night.settle().new_pages()
    night.wait(hours=2)
    found = [each for each in check(night.world).incidents.values() if each.get("internal")]
    assert [each["status"] for each in found] == ["RESOLVED"]
    night.fallback(len(night.post.published))


def test_a_beat_counts_against_no_limit(night: Pipeline) -> None:
    for _ in range(150):
        night.world.clock.advance(milliseconds=1)
        assert says(night).status == 200


def test_a_heartbeat_of_a_newer_version_waits_for_it(night: Pipeline) -> None:
    """After a rollback: what is overdue is not forgotten, and no beat is refused for good."""
    says(night)
    world = night.world
    key = items.integration_item_key("svc_checkout", "int_prometheus")
    [item] = world.table.batch([key], deadline())
    odd = item | {"heartbeat": {"M": {"every": {"S": "now and then"}}}}
    world.table.client.put_item(TableName=world.table.name, Item=odd)
    world.let_functions_end()
    assert says(night).status == 503
    night.wait(minutes=30).pages()
    assert not incidents(night)
    world.table.client.put_item(TableName=world.table.name, Item=item)
    world.let_functions_end()
    # It was looked at every 15 minutes, meanwhile.
    for _ in range(4):
        hears(night)
        night.wait(minutes=5)
    night.pages("ada")
    assert [status for _, status in incidents(night)] == ["OPEN"]
