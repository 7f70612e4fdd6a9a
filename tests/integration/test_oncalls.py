"""`GET /oncalls`, as chat bots ask PagerDuty who is on call."""

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from secrets import token_hex
from typing import Any

import pytest

from harness import audited
from harness.desk import Desk
from harness.web_front import serving
from harness.world import Response, World, deadline, http_event
from opsknight.directory.entries import SCHEDULES_READ
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Override, Schedule
from opsknight.store.operations import Operations
from tests.integration.wire import ALWAYS, THROTTLES, Wire

with warnings.catch_warnings():
    # It says that it is deprecated, and is what many bots still use.
    warnings.simplefilter("ignore")
    import pdpyras  # type: ignore[import-untyped]

SCHEDULE = Schedule(
    id="sch_web",
    name="Web",
    zone="UTC",
    layers=(
        Layer(
            id="daily",
            name="Daily",
            users=("user_ada", "user_ben"),
            length=Length(count=1, unit=Unit.DAYS),
            handoff=time(0),
            start=datetime(2026, 11, 23, tzinfo=UTC),
        ),
    ),
)
EMPTY = Schedule(id="sch_none", name="None", zone="UTC")


def target(kind: TargetKind, name: str) -> Target:
    return Target(kind=kind, id=name)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    world.table.create([SCHEDULE, EMPTY], {}, token_hex(8), deadline())
    policy = Policy(
        id="pol_web",
        name="Web first",
        version=1,
        steps=(
            Step(targets=(target(TargetKind.SCHEDULE, "sch_web"),)),
            Step(targets=(target(TargetKind.SCHEDULE, "sch_none"),)),
            Step(
                targets=(
                    target(TargetKind.USER, "user_eve"),
                    target(TargetKind.TEAM, "team_web"),
                )
            ),
        ),
    )
    world.table.publish(policy, token_hex(8), deadline())
    desk.configured(policies=["pol_web"], schedules=["sch_web", "sch_none"])
    return desk


def ask(desk: Desk, *, scheme: str = "Token token=", key: str | None = None, **query: str) -> Any:
    """With a scheme of its own; the names of lists have brackets."""
    key = key or desk.key("ada", SCHEDULES_READ)
    asked = {f"{name}[]" if name.endswith("ids") else name: each for name, each in query.items()}
    event = http_event(
        method="GET", path="/oncalls", headers={"Authorization": scheme + key}, query=asked
    )
    answer = desk.send(event)
    return Response.read(answer.status, answer.headers, answer.text)


def brief(answer: Response) -> list[tuple[int, str | None, str, str | None, str | None]]:
    assert answer.status == 200, answer
    return [
        (
            each["escalation_level"],
            each["schedule"] and each["schedule"]["summary"],
            each["user"]["summary"],
            each["start"],
            each["end"],
        )
        for each in answer.body["oncalls"]
    ]


def test_who_is_on_call_now_by_each_step(desk: Desk) -> None:
    answer = ask(desk)
    assert brief(answer) == [
        (1, "Web", "Ada", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
        (3, None, "Eve", None, None),
        (3, None, "Ada", None, None),
        (3, None, "Ben", None, None),
    ]
    [first, *_] = answer.body["oncalls"]
    assert first["escalation_policy"] == {
        "id": "pol_web",
        "type": "escalation_policy_reference",
        "summary": "Web first",
        "self": None,
        "html_url": None,
    }
    assert {name: answer.body[name] for name in ("limit", "offset", "more", "total")} == {
        "limit": 25,
        "offset": 0,
        "more": False,
        "total": None,
    }


def test_an_override_counts_and_whoever_is_disabled_does_not(desk: Desk) -> None:
    world = desk.world
    override = Override(
        id="o1",
        user_id="user_ben",
        start=world.clock() - timedelta(hours=1),
        end=world.clock() + timedelta(hours=1),
        created_at=world.clock(),
    )
    Operations(world.table).add_override(
        "sch_web", override, token_hex(8), deadline(), audit=audited.entry()
    )
    assert brief(ask(desk, schedule_ids="sch_web")) == [
        (1, "Web", "Ben", "2026-11-23T02:00:00Z", "2026-11-23T04:00:00Z")
    ]


def test_what_is_asked_for(desk: Desk) -> None:
    names = [each[2] for each in brief(ask(desk, user_ids="user_eve,Ben"))]
    assert names == ["Eve", "Ben"]
    assert brief(ask(desk, schedule_ids="sch_none")) == []
    assert brief(ask(desk, escalation_policy_ids="PABC123")) == []
    assert len(brief(ask(desk, escalation_policy_ids="Web first"))) == 4
    batch = ask(desk, limit="2", offset="1")
    assert ([each[2] for each in brief(batch)], batch.body["more"]) == (["Eve", "Ada"], True)
    [user] = [each["user"] for each in ask(desk, user_ids="user_eve", **WHOLE).body["oncalls"]]
    assert (user["type"], user["email"], user["time_zone"]) == ("user", "eve@example.com", "UTC")


WHOLE = {"include[]": "users"}


def test_shifts_of_a_time(desk: Desk) -> None:
    times = {"since": "2026-11-23T12:00:00Z", "until": "2026-11-25T12:00:00Z"}
    found = brief(ask(desk, schedule_ids="sch_web", **times))
    assert [(each[2], each[3]) for each in found] == [
        ("Ada", "2026-11-23T00:00:00Z"),
        ("Ben", "2026-11-24T00:00:00Z"),
        ("Ada", "2026-11-25T00:00:00Z"),
    ]
    first = brief(ask(desk, schedule_ids="sch_web", earliest="true", **times))
    assert [each[2] for each in first] == ["Ada", "Ben"]
    local = {"since": "2026-11-24T00:30:00", "time_zone": "Europe/Berlin"}
    assert brief(ask(desk, schedule_ids="sch_web", **local)) == [
        (1, "Web", "Ada", "2026-11-23T01:00:00+01:00", "2026-11-24T01:00:00+01:00")
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "soon"},
        {"until": "2026-11-22T00:00:00Z"},
        {"until": "2027-11-22T00:00:00Z"},
        {"since": "0001-01-01T00:00:00+23:00"},
        {"time_zone": "Mars/Base"},
        {"time_zone": "../etc"},
        {"limit": "0"},
        {"offset": "-1"},
    ],
)
def test_what_means_nothing_is_400(desk: Desk, query: dict[str, str]) -> None:
    answer = ask(desk, **query)
    assert (answer.status, answer.body["error"]["message"]) == (400, "Invalid Input Provided")
    assert next(iter(query)) in answer.body["error"]["errors"][0]


def test_it_is_by_api_key_with_the_scope_and_read_only(desk: Desk) -> None:
    assert ask(desk, scheme="Bearer ").status == 200
    for key in (desk.world.integration_key, "opsk_" + "x" * 43, ""):
        assert ask(desk, key=key or " ").status == 401
    assert ask(desk, key=desk.key("ada", "incidents:read")).status == 403
    event = http_event(method="POST", path="/oncalls")
    assert desk.send(event).status == 405


def test_the_limit_and_a_store_that_is_away(desk: Desk) -> None:
    key = desk.key("ada", SCHEDULES_READ)
    assert ask(desk, key=key).status == 200
    desk.world.clock.advance(minutes=1)
    Wire(desk.world.table.client).fail("Query", THROTTLES, ALWAYS)
    Wire(desk.world.table.client).fail("GetItem", THROTTLES, ALWAYS)
    event = http_event(
        method="GET", path="/oncalls", headers={"Authorization": f"Token token={key}"}
    )
    assert desk.send(event, desk.responder(patience=0.2)).status == 503


def test_pagerdutys_own_client(desk: Desk) -> None:
    def gateway(event: Mapping[str, Any]) -> dict[str, Any]:
        answer = desk.send(event)
        return {"statusCode": answer.status, "headers": answer.headers, "body": answer.text}

    key = desk.key("ada", SCHEDULES_READ)
    with serving(desk.world, answered=gateway) as address, pdpyras.APISession(key) as session:
        session.url = address
        found = session.list_all("oncalls", params={"schedule_ids[]": ["sch_web"]})
    assert [each["user"]["summary"] for each in found] == ["Ada"]
