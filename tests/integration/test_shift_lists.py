"""The shifts of one schedule, and what an override would change."""

from datetime import time
from secrets import token_hex
from typing import Any

import pytest

from harness.desk import Desk
from harness.world import World, deadline
from opsknight.directory.entries import SCOPES
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule

MONDAY = "2026-11-23T09:00:00.000Z"
NEXT = "2026-11-30T09:00:00.000Z"


@pytest.fixture
def desk(world: World) -> Desk:
    weekly: dict[str, Any] = {"length": Length(count=1, unit=Unit.WEEKS), "handoff": time(9)}
    layers = (
        Layer(
            id="weekly",
            name="Weekly",
            users=("user_ada", "user_ben"),
            start=world.clock(),
            priority=0,
            **weekly,
        ),
        Layer(
            id="later",
            name="From December",
            users=("user_eve",),
            start=world.clock().replace(month=12, day=7),
            priority=1,
            **weekly,
        ),
    )
    schedule = Schedule(id="sch_web", name="Web", zone="UTC", layers=layers)
    world.table.create([schedule], {}, token_hex(8), deadline())
    desk = Desk(world)
    desk.configured(schedules=["sch_web"], users=["user_ada", "user_ben", "user_eve"])
    return desk


def shifts(desk: Desk, query: str) -> dict[str, Any]:
    answer = desk.call("GET", f"/api/schedules/sch_web/shifts?{query}")
    assert answer.status == 200, answer.body
    return answer.body


def override(desk: Desk, user: str, start: str, end: str, **more: str) -> None:
    body = {"userId": f"user_{user}", "start": start, "end": end, **more}
    assert desk.call("POST", "/api/schedules/sch_web/overrides", body).status == 201


def test_a_schedule_is_shown_by_layer_and_after_overrides(desk: Desk) -> None:
    override(desk, "eve", "2026-11-24T00:00:00.000Z", "2026-11-25T00:00:00.000Z")
    found = shifts(desk, f"from={MONDAY}&until={NEXT}")
    final = [(each["userName"], each["start"]) for each in found["final"]]
    assert final == [
        ("Ada", MONDAY),
        ("Eve", "2026-11-24T00:00:00.000Z"),
        ("Ada", "2026-11-25T00:00:00.000Z"),
    ]
    later, weekly = found["layers"]
    assert (later["name"], later["shifts"]) == ("From December", [])
    assert [each["userName"] for each in weekly["shifts"]] == ["Ada"]
    [made] = found["overrides"]
    assert (made["by"], made["userName"]) == ("Ada", "Eve")
    assert found["gaps"] == []


def test_gaps_are_told_and_the_past_is_there(desk: Desk) -> None:
    found = shifts(desk, f"from=2026-11-01T00:00:00Z&until={NEXT}")
    [gap] = found["gaps"]
    assert gap["start"] == "2026-11-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "query",
    [
        f"from={NEXT}&until={MONDAY}",
        f"from={MONDAY}&until={MONDAY}",
        f"from={MONDAY}&until=2027-03-01T00:00:00.000Z",
        "from=today",
    ],
)
def test_a_range_that_makes_no_sense_is_refused(desk: Desk, query: str) -> None:
    assert desk.call("GET", f"/api/schedules/sch_web/shifts?{query}").status == 400
    assert desk.call("GET", "/api/schedules/sch_other/shifts").status == 404


def test_a_preview_says_whose_turn_becomes_whose_and_changes_nothing(desk: Desk) -> None:
    override(desk, "eve", "2026-11-24T00:00:00.000Z", "2026-11-25T00:00:00.000Z")
    stranger = desk.key("eve", *SCOPES)
    before = desk.world.items()
    body = {
        "userId": "user_ben",
        "start": "2026-11-23T18:00:00.000Z",
        "end": "2026-11-25T06:00:00.000Z",
    }
    path = "/api/schedules/sch_web/preview"
    everybody = desk.call("POST", path, body, key=stranger).body
    told = [(each.get("wasName"), each["userName"]) for each in everybody["changes"]]
    assert told == [("Ada", "Ben"), ("Eve", "Ben"), ("Ada", "Ben")]
    ada = desk.call("POST", path, body | {"replaces": "user_ada"}).body["changes"]
    assert [each["start"] for each in ada] == [body["start"], "2026-11-25T00:00:00.000Z"]
    assert desk.world.items() == before
    idle = desk.call(
        "POST", path, body | {"replaces": "user_eve", "end": "2026-11-23T20:00:00.000Z"}
    )
    assert idle.body == {"changes": [], "gaps": []}
    assert desk.call("POST", path, body | {"userId": "user_nobody"}).status == 400


def test_what_is_over_is_no_part_of_a_preview(desk: Desk) -> None:
    desk.world.clock.advance(hours=12)
    body = {
        "userId": "user_ben",
        "start": "2026-11-23T09:00:00.000Z",
        "end": "2026-11-23T20:00:00.000Z",
    }
    [change] = desk.call("POST", "/api/schedules/sch_web/preview", body).body["changes"]
    assert change["start"] == f"{desk.world.clock():%Y-%m-%dT%H:%M:%S.000Z}"
    over = body | {"start": "2026-11-23T05:00:00.000Z", "end": "2026-11-23T06:00:00.000Z"}
    assert desk.call("POST", "/api/schedules/sch_web/preview", over).body["changes"] == []
