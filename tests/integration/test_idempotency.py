"""A request with an Idempotency-Key is carried out once, whoever sends it again and whenever."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from harness.desk import Desk
from harness.invariants import check
from harness.settings import configure
from harness.world import Response, World, deadline, event
from opsknight.directory.entries import SCOPES
from opsknight.directory.integrations import Integration
from opsknight.directory.routing import Route, Routing
from opsknight.oncall.schedules import Schedule
from opsknight.store.idempotency import RUNS
from tests.integration.steps import in_order, incident, of_kind, use_up, used
from tests.integration.wire import ALWAYS, THROTTLES, TIMES_OUT, Wire, doing

KEY: dict[str, Any] = {"Idempotency-Key": "first"}
REPLAYED = "Idempotency-Replayed"


def named(key: str) -> dict[str, Any]:
    return {"Idempotency-Key": key}


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    schedule = Schedule(id="sch_web", name="Web", zone="UTC")
    world.table.create([schedule], {}, "t" * 32, deadline())
    desk.configured(services=[world.service.id], schedules=[schedule.id], users=["user_ada"])
    return desk


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
@pytest.mark.parametrize("active", [True, False])
def test_an_event_that_is_sent_again_is_one(world: World, action: str, active: bool) -> None:
    if active:
        world.send(event())
    body = event(action)
    first = world.send(body, **KEY)
    before = world.items()
    world.clock.advance(hours=20)
    second = world.send(body, **KEY)
    assert (first.status, first.body) == (second.status, second.body)
    assert (REPLAYED in first.headers, second.headers.get(REPLAYED)) == (False, "true")
    assert in_order(world.items()) == in_order(before)
    check(world)


def test_an_alert_of_an_active_incident_counts_once(world: World) -> None:
    world.send(event())
    for _ in range(3):
        assert world.send(event(), **KEY).action == "deduplicated"
    [found] = check(world).incidents.values()
    assert found["alert_count"] == 2


def test_the_key_is_its_callers_own_and_lasts_a_day(world: World) -> None:
    assert world.send(event(), **KEY).action == "triggered"
    assert world.send(event(), key=world.second_integration_key, **KEY).action == "deduplicated"
    world.clock.advance(days=1)
    assert world.send(event(), **KEY).action == "deduplicated"
    assert world.send(event(), **named("second")).action == "deduplicated"


def test_another_body_is_422_and_changes_nothing(world: World) -> None:
    world.send(event(), **KEY)
    before = in_order(world.items())
    answer = world.send(event("resolve"), **KEY)
    assert (answer.status, answer.body["error"]) == (422, "Idempotency-Key reused")
    assert in_order(world.items()) == before
    assert world.send(event(), **KEY).action == "triggered"


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\x00b"])
def test_a_key_that_is_none_is_400(world: World, key: str) -> None:
    answer = world.send(event(), **named(key))
    assert (answer.status, answer.body["error"]) == (400, "Invalid Idempotency-Key")
    assert check(world).incidents == {}


def test_while_the_first_is_under_way_the_second_waits(world: World) -> None:
    seen: list[Response] = []
    wire = Wire(world.table.client)
    wire.fail("TransactWriteItems", doing(lambda: seen.append(world.send(event(), **KEY))))
    assert world.send(event(), **KEY).action == "triggered"
    [second] = seen
    assert (second.status, second.headers["Retry-After"]) == (503, "1")
    assert second.body["error"] == "Still running"
    assert world.send(event(), **KEY).action == "triggered"
    assert len(check(world).incidents) == 1


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
def test_what_failed_is_tried_anew(world: World, operation: str) -> None:
    wire = Wire(world.table.client)
    wire.fail(operation, THROTTLES, ALWAYS)
    assert world.send(event(), api=world.api(patience=0.2), **KEY).status == 503
    wire.mend()
    assert world.send(event(), **KEY).action == "triggered"
    assert len(check(world).incidents) == 1


@pytest.mark.parametrize(
    ("known", "action"),
    [
        ("nothing", "trigger"),
        ("another", "trigger"),
        ("alone", "trigger"),
        ("with-another", "resolve"),
        ("alone", "resolve"),
        ("alone", "acknowledge"),
    ],
)
def test_an_answer_about_a_group_that_got_lost_is_found(
    world: World, known: str, action: str
) -> None:
    """The same where a route makes one incident of several alerts."""
    sent = event(action)
    route = Route(name="db", when="`true`", group="'db'")
    configure(
        world,
        Integration(
            id="int_prometheus",
            service_id=world.service.id,
            name="P",
            routing=Routing(routes=(route,)),
            remembers=True,
        ),
    )
    if "another" in known:
        world.send(event(dedup_key="other"))
    if known in ("alone", "with-another"):
        world.send(event())
    [before] = [each["alert_count"] for each in check(world).incidents.values()] or [0]
    wire = Wire(world.table.client)

    def lost() -> AWSResponse | None:
        wire.mend()
        [found] = [each for each in wire.sent if "TransactItems" in each]
        world.table.client.transact_write_items(
            TransactItems=found["TransactItems"], ClientRequestToken=found["ClientRequestToken"]
        )
        wire.fail("TransactWriteItems", TIMES_OUT, ALWAYS)
        return TIMES_OUT()

    wire.fail("TransactWriteItems", lost)
    assert world.send(sent, api=world.api(patience=0.3), **KEY).status == 503
    wire.mend()
    assert world.send(sent, **KEY).headers[REPLAYED] == "true"
    [found] = check(world).incidents.values()
    assert found["alert_count"] == before + (action == "trigger")


def test_an_answer_that_got_lost_is_found(world: World) -> None:
    """DynamoDB wrote it, and nobody heard: the record stands beside what was written."""
    wire = Wire(world.table.client)

    def written() -> None:
        wire.mend()
        [sent] = [each for each in wire.sent if "TransactItems" in each]
        world.table.client.transact_write_items(
            TransactItems=sent["TransactItems"], ClientRequestToken=sent["ClientRequestToken"]
        )
        wire.fail("TransactWriteItems", TIMES_OUT, ALWAYS)

    wire.fail("TransactWriteItems", doing(written))
    wire.fail("TransactWriteItems", TIMES_OUT, ALWAYS)
    first = world.send(event(), api=world.api(patience=0.3), **KEY)
    wire.mend()
    again = world.send(event(), **KEY)
    assert again.action == "triggered"
    if first.status == 503:
        assert again.headers[REPLAYED] == "true"
    [found] = check(world).incidents.values()
    assert found["alert_count"] == 1


def test_a_function_that_died_leaves_a_record_that_another_takes_over(world: World) -> None:
    wire = Wire(world.table.client)
    # Neither does it write, nor does it say so.
    wire.fail("TransactWriteItems", THROTTLES, ALWAYS)
    wire.fail("DeleteItem", THROTTLES, ALWAYS)
    assert world.send(event(), api=world.api(patience=0.2), **KEY).status == 503
    wire.mend()
    assert world.send(event(), **KEY).status == 503, "it may be at work still"
    world.clock.at += RUNS
    assert world.send(event(), **KEY).action == "triggered"
    assert len(check(world).incidents) == 1


def test_over_the_limit_nothing_is_kept(world: World) -> None:
    world.clock.advance(minutes=1)
    use_up(world)
    assert world.send(event(), **KEY).status == 429
    world.clock.advance(minutes=1)
    assert world.send(event(), **KEY).action == "triggered"
    world.clock.advance(minutes=1)
    use_up(world)
    assert world.send(event(), **KEY).status == 429, "a replay counts as well"


def test_over_the_limit_a_key_costs_no_record(world: World) -> None:
    use_up(world)
    world.send(event())
    wire = Wire(world.table.client)
    assert world.send(event(), **KEY).status == 429
    assert "PutItem" not in wire.calls


def test_a_request_with_a_key_counts_once(world: World) -> None:
    first, second = world.send(event(), **KEY), world.send(event(), **KEY)
    assert [each.headers["RateLimit-Remaining"] for each in (first, second)] == ["119", "118"]
    assert used(world) == [2]


def test_without_a_key_it_costs_nothing(world: World) -> None:
    world.send(event(dedup_key="other"))
    wire = Wire(world.table.client)
    world.send(event())
    assert wire.calls == ["GetItem", "TransactWriteItems"]
    assert not of_kind(world, "idempotency")


def test_the_record_holds_no_key_and_no_body(world: World) -> None:
    world.send(event(), **named("SECRET-NAME"))
    [record] = of_kind(world, "idempotency")
    assert "SECRET-NAME" not in json.dumps(record)
    assert "web-01" not in record["body"]["S"]


def acts(desk: Desk) -> list[tuple[str, object]]:
    """Every POST of the HTTP API that people's programs have, on what it needs."""
    ends = {"end": (desk.world.clock() + timedelta(hours=1)).isoformat()}
    starts = {"start": desk.world.clock().isoformat()}
    opened = [desk.world.send(event(dedup_key=f"k{n}")).incident["id"] for n in range(8)]
    path = "/api/incidents/{}/{}"
    bulk = {"action": "acknowledge", "incidentIds": opened[6:], "note": "On it."}
    return [
        ("/api/incidents", {"title": "Fire", "serviceId": desk.world.service.id}),
        (path.format(opened[0], "notes"), {"text": "Looking."}),
        (path.format(opened[1], "snooze"), {"minutes": 5}),
        (path.format(opened[2], "escalate"), {}),
        (path.format(opened[3], "reassign"), {"userId": "user_ben"}),
        (path.format(opened[4], "resolve"), None),
        (path.format(opened[5], "acknowledge"), None),
        (f"/api/services/{desk.world.service.id}/maintenance", {"reason": "x", **ends}),
        ("/api/schedules/sch_web/overrides", {"userId": "user_ben", **starts, **ends}),
        ("/api/incidents/actions", bulk),
    ]


def test_what_people_do_is_done_once(desk: Desk) -> None:
    for path, body in acts(desk):
        first = desk.call("POST", path, body, **KEY)
        assert first.status in (200, 201), (path, first)
        before = in_order(desk.world.items())
        desk.world.clock.advance(minutes=2)
        again = desk.call("POST", path, body, **KEY)
        assert (again.status, again.body) == (first.status, first.body), path
        assert again.headers[REPLAYED] == "true"
        assert again.headers.get("Location") == first.headers.get("Location")
        assert in_order(desk.world.items()) == before, path
        other = desk.call("POST", path, {"title": "another"}, **KEY)
        assert other.status == 422, path


def test_what_people_do_is_done_once_though_its_answer_is_not_kept(desk: Desk) -> None:
    """The function dies after its write: the next one, later, does nothing twice."""
    for path, body in acts(desk):
        before = len(of_kind(desk.world, "change"))
        wire = Wire(desk.world.table.client)
        # Where the answer is not in the transaction, it is written by a call of its own.
        wire.fail("UpdateItem", THROTTLES, ALWAYS)
        first = desk.call("POST", path, body, function=desk.responder(patience=0.5), **KEY)
        wire.mend()
        made = len(of_kind(desk.world, "change")) - before
        desk.world.clock.at += RUNS
        again = desk.call("POST", path, body, **KEY)
        assert again.status in (200, 201), (path, first, again)
        assert len(of_kind(desk.world, "change")) - before == made, path
    windows = [each["windows"]["L"] for each in of_kind(desk.world, "service")]
    assert sorted(map(len, windows)) == [0, 1]
    assert len(of_kind(desk.world, "override")) == 1


def test_a_refusal_is_kept_only_where_it_is_the_outcome(desk: Desk) -> None:
    incident_id = desk.world.send(event()).incident["id"]
    path = f"/api/incidents/{incident_id}/unsnooze"
    assert desk.call("POST", path, **KEY).status == 409
    assert desk.call("POST", path, **KEY).headers[REPLAYED] == "true"
    missing = f"/api/incidents/inc_{'0' * 28}/resolve"
    assert desk.call("POST", missing, **KEY).status == 404
    assert REPLAYED not in desk.call("POST", missing, **KEY).headers


def test_many_are_acted_on_once_though_one_could_not_be(desk: Desk) -> None:
    first, second = (desk.world.send(event(dedup_key=each)).incident["id"] for each in "ab")
    both = {"action": "note", "incidentIds": [first, second], "note": "On it."}
    desk.call("GET", "/api/incidents")
    wire = Wire(desk.world.table.client)
    wire.fail("TransactWriteItems", doing(lambda: None))
    wire.fail("TransactWriteItems", THROTTLES, ALWAYS)
    answer = desk.call(
        "POST", "/api/incidents/actions", both, function=desk.responder(patience=1), **KEY
    )
    wire.mend()
    assert answer.status == 200, answer
    assert sorted(each["status"] for each in answer.body["results"]) == [200, 503]
    again = desk.call("POST", "/api/incidents/actions", both, **KEY)
    assert [each["status"] for each in again.body["results"]] == [200, 200]
    for each in (first, second):
        assert incident(desk.world, each).changes == 2


def test_reads_and_changes_of_state_take_no_key(desk: Desk) -> None:
    key = desk.key("ada", *SCOPES)
    assert desk.call("GET", "/api/incidents", key=key, **KEY).status == 200
    assert not of_kind(desk.world, "idempotency")
