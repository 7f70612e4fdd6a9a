"""Figures of days: made by ticks, slice by slice, and told by the HTTP API."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from escalation.figures import Figures
from escalation.handler import on_message
from harness.desk import Desk
from harness.faults import DEATHS, Died, Fault, Process
from harness.post import Post
from harness.processes import engine
from harness.world import World, build, deadline, event, http_event
from opsknight.analytics.days import rounded
from opsknight.runtime.wakeups import AuditIncidents
from opsknight.store.analytics import Analytics, Progress
from opsknight.store.calls import Conflict

SUNDAY, MONDAY = date(2026, 11, 22), date(2026, 11, 23)


def settle(world: World, key: str, minutes: float, **payload: Any) -> str:
    """An incident that is over after so many minutes."""
    opened = world.send(event("trigger", key, payload=payload)).incident["id"]
    world.clock.advance(minutes=minutes)
    world.send(event("resolve", key))
    return str(opened)


def figure(world: World, since: date = SUNDAY, at_once: int = 25) -> None:
    """All ticks of a night, from this day on."""
    rows = Analytics(world.table)
    rows.advance(rows.progress(deadline()), Progress(day=since), deadline())
    seen = None
    while (progress := rows.progress(deadline())) != seen:
        seen = progress
        Figures(world.table, world.clock(), deadline(), at_once).attend()


def kept(world: World) -> list[dict[str, Any]]:
    return [each for each in world.items() if each["kind"]["S"] == "analytics_day"]


def a_day(world: World) -> None:
    """Six incidents, two of which were resolved on the day before, by UTC."""
    world.clock.at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    settle(world, "cpu", 10)
    settle(world, "cpu", 15)
    for number in range(4):
        settle(world, f"disk {number % 2}", 20 + number, summary=f"Disk {number % 2} is full")
    world.clock.at = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)


def test_a_day_is_that_of_its_resolutions_in_utc(world: World) -> None:
    a_day(world)
    figure(world)
    found = list(Analytics(world.table).days(SUNDAY, MONDAY, deadline()))
    assert [(each.day, each.incidents) for each in found] == [(SUNDAY, 2), (MONDAY, 4)]
    assert found[1].resolved == {rounded(60 * (20 + number)): 1 for number in range(4)}
    assert {key: each.incidents for key, each in found[1].keys.items()} == {
        "disk 0": 2,
        "disk 1": 2,
    }
    assert found[1].keys["disk 1"].title == "Disk 1 is full"


@pytest.mark.parametrize("at_once", [1, 3])
def test_made_again_and_in_other_slices_it_is_the_same(world: World, at_once: int) -> None:
    a_day(world)
    figure(world)
    once = kept(world)
    assert len(once) == 2
    figure(world, at_once=at_once)
    assert kept(world) == once


def test_a_day_that_is_not_over_is_not_made(world: World) -> None:
    a_day(world)
    world.clock.at = datetime(2026, 11, 24, 0, 29, tzinfo=UTC)
    figure(world)
    assert [each["day"]["S"] for each in kept(world)] == ["2026-11-22"]


def test_days_that_were_missed_are_caught_up(world: World) -> None:
    a_day(world)
    figure(world)
    world.clock.at = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
    settle(world, "late", 5)
    world.clock.at = datetime(2026, 12, 5, 0, 31, tzinfo=UTC)
    for _ in range(4):
        Figures(world.table, world.clock(), deadline()).attend()
    assert [each["day"]["S"] for each in kept(world)][-1] == "2026-12-02"
    progress = Analytics(world.table).progress(deadline())
    assert progress is not None
    assert progress.day == date(2026, 12, 5)


@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_whoever_dies_at_any_call_leaves_the_same_to_the_next(dynamodb: str, death: Fault) -> None:
    world = build(dynamodb)
    a_day(world)
    figure(world)
    right = kept(world)
    rows = Analytics(world.table)

    def again(process: Process) -> None:
        rows.advance(rows.progress(deadline()), Progress(day=SUNDAY), deadline())
        dying = process.runs(world, dynamodb)
        process.watching = True
        for _ in range(3):
            Figures(dying.table, world.clock(), deadline(), 2).attend()

    listening = Process()
    again(listening)
    writes = [each for each in listening.calls if each.operation in ("PutItem", "UpdateItem")]
    assert len(writes) >= 6
    for point in writes:
        with pytest.raises(Died):
            again(Process(death, point))
        for _ in range(3):
            Figures(world.table, world.clock(), deadline(), 2).attend()
        assert kept(world) == right, point
    world.close()


def test_each_minute_makes_some(world: World) -> None:
    a_day(world)
    Analytics(world.table).advance(None, Progress(day=SUNDAY), deadline())
    on_message(engine(world, Post(world.clock)), AuditIncidents())
    assert [each["day"]["S"] for each in kept(world)] == ["2026-11-22", "2026-11-23"]


def test_two_ticks_at_once_make_one_day(world: World) -> None:
    a_day(world)
    rows = Analytics(world.table)
    rows.advance(None, Progress(day=SUNDAY), deadline())
    seen = rows.progress(deadline())
    Figures(world.table, world.clock(), deadline(), 1).attend()
    # The other one has read before, and goes on now: the first one's place stays.
    went = rows.progress(deadline())
    with pytest.raises(Conflict):
        rows.advance(seen, Progress(day=MONDAY), deadline())
    assert rows.progress(deadline()) == went


@pytest.fixture
def desk(world: World) -> Desk:
    a_day(world)
    figure(world)
    desk = Desk(world)
    desk.configured(services=["svc_checkout", "svc_reports"], users=["user_ada", "user_ben"])
    return desk


def asked(desk: Desk, query: str = "", **more: Any) -> dict[str, Any]:
    answer = desk.call("GET", f"/api/analytics?from=2026-11-22&to=2026-11-23{query}", **more)
    assert answer.status == 200, answer
    return answer.body


def test_each_row_leads_to_its_incidents(desk: Desk) -> None:
    for by in ("service", "team", "key", "day"):
        body = asked(desk, f"&by={by}")
        assert sum(each["incidents"] for each in body["rows"]) == 6
        for each in [*body["rows"], body["total"]]:
            listed = desk.call("GET", f"/api/incidents?{each['query']}")
            assert len(listed.body["incidents"]) == each["incidents"], each


def test_the_answer_says_until_when_days_are_made(desk: Desk) -> None:
    body = asked(desk)
    assert body["madeUntil"] == "2026-11-23"
    [row] = body["rows"]
    assert (row["id"], row["name"]) == ("svc_checkout", "Checkout")
    assert row["timeToResolve"] == {"median": 20 * 60, "p90": rounded(23 * 60)}
    assert "timeToAcknowledge" not in row


def test_people_see_figures_of_what_they_may_see(desk: Desk) -> None:
    assert asked(desk, key=desk.key("eve", "incidents:read"))["rows"] == []
    assert asked(desk, key=desk.key("ben", "incidents:read"))["total"]["incidents"] == 6
    other = desk.call("GET", "/api/analytics?team=team_data", key=desk.key("ben", "incidents:read"))
    assert other.status == 403


def test_a_spreadsheet_runs_no_formula_of_a_sender(world: World) -> None:
    world.clock.at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    settle(world, "=HYPERLINK()", 1, summary="=1+1")
    world.clock.at = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    figure(world)
    query = "from=2026-11-23&to=2026-11-23&by=key&format=csv"
    desk = Desk(world)
    sent = {"Authorization": f"Bearer {desk.key('ada', 'incidents:read')}"}
    asked_for = dict(pair.split("=") for pair in query.split("&"))
    answer = desk.send(
        http_event(method="GET", path="/api/analytics", headers=sent, query=asked_for)
    )
    [header, row] = csv.reader(io.StringIO(answer.text))
    assert dict(zip(header, row, strict=True))["name"] == "'=1+1"
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("from=yesterday", "from"),
        ("from=20261123", "from"),
        ("from=2026-11-24&to=2026-11-23", "from"),
        ("from=2024-11-24&to=2026-11-23", "from"),
        ("by=hour", "by"),
        ("format=xml", "format"),
    ],
)
def test_what_is_no_period_is_refused(world: World, query: str, path: str) -> None:
    answer = Desk(world).call("GET", f"/api/analytics?{query}")
    assert answer.status == 400
    assert [each["path"] for each in answer.body["issues"]] == [path]


def test_figures_expire_with_the_incidents(world: World) -> None:
    a_day(world)
    figure(world)
    end = datetime(2026, 11, 24, tzinfo=UTC) + world.table.retention
    last = max(int(each["expires_at"]["N"]) for each in kept(world))
    assert last == int(end.timestamp())
    slices = [each for each in world.items() if each["kind"]["S"] == "analytics_slice"]
    assert all(
        int(each["expires_at"]["N"]) <= (world.clock() + timedelta(days=7)).timestamp()
        for each in slices
    )
