"""The HTTP API of services with their maintenance, and of schedules with their overrides."""

from datetime import UTC, datetime, time, timedelta
from secrets import token_hex
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from harness.desk import Desk
from harness.world import World, deadline, event
from opsknight.directory.entries import SCOPES, Service
from opsknight.incident.model import Status, Timer
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import PageReason
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule
from opsknight.store import directory_items
from opsknight.store.wire import plain
from tests.integration.steps import in_order, incident, put
from tests.integration.wire import Wire, doing

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
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
            start=MONDAY,
        ),
    ),
)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.world.table.create([SCHEDULE], {}, token_hex(8), deadline())
    desk.configured(services=["svc_checkout", "svc_reports"], schedules=["sch_web"])
    return desk


def test_services_are_those_of_the_callers_teams(desk: Desk) -> None:
    told = desk.call("GET", "/api/services").body["services"]
    assert [each["id"] for each in told] == ["svc_checkout", "svc_reports"]
    assert told[0] == {
        "id": "svc_checkout",
        "name": "Checkout",
        "teamId": "team_web",
        "teamName": "Web",
        "disabled": False,
    }
    ben = desk.call("GET", "/api/services", key=desk.key("ben", *SCOPES)).body["services"]
    assert [each["id"] for each in ben] == ["svc_checkout"]
    assert desk.call("GET", "/api/services", key=desk.key("eve", *SCOPES)).body == {"services": []}


def test_maintenance_suppresses_what_opens_and_ends(desk: Desk) -> None:
    path = "/api/services/svc_checkout/maintenance"
    body = {"end": "2026-11-23T05:00:00.000Z", "reason": "New database"}
    made = desk.call("POST", path, body)
    assert made.status == 201
    window = made.body["maintenance"]
    assert (window["start"], window["end"]) == (
        "2026-11-23T03:00:00.000Z",
        "2026-11-23T05:00:00.000Z",
    )
    assert desk.call("GET", path).body == {"maintenance": [window]}
    assert window["by"] == "Ada"
    told = desk.call("GET", "/api/services").body["services"][0]
    assert told["maintenanceUntil"] == "2026-11-23T05:00:00.000Z"
    opened = desk.world.send(event()).incident
    assert opened["status"] == "SUPPRESSED"
    desk.world.clock.advance(minutes=5)
    ended = desk.call("DELETE", f"{path}/{window['id']}")
    assert (ended.status, ended.body) == (200, {"status": "success", "incidents": 1})
    known = incident(desk.world, opened["id"])
    assert (known.status, known.timers.get(Timer.STEP)) == (Status.OPEN, desk.world.clock())
    assert desk.call("GET", path).body == {"maintenance": []}
    assert desk.call("DELETE", f"{path}/{window['id']}").status == 404
    assert desk.call("DELETE", f"{path}/mw_1").status == 404


def test_maintenance_that_has_not_begun_is_gone_when_it_is_ended(desk: Desk) -> None:
    path = "/api/services/svc_checkout/maintenance"
    body = {
        "start": "2026-11-24T00:00:00.000Z",
        "end": "2026-11-25T00:00:00.000Z",
        "reason": "Later",
    }
    window = desk.call("POST", path, body).body["maintenance"]
    assert desk.call("DELETE", f"{path}/{window['id']}").status == 200
    service = desk.world.table.service("svc_checkout", deadline())
    assert service and service.windows == ()


def test_maintenance_that_comes_again(desk: Desk) -> None:
    path = "/api/services/svc_checkout/maintenance"
    repeat = {"days": 7, "zone": "Europe/Berlin"}
    body = {"end": "2026-11-23T05:00:00.000Z", "reason": "Backups", "repeat": repeat}
    window = desk.call("POST", path, body).body["maintenance"]
    assert window["repeat"] == repeat
    assert desk.world.send(event()).incident["status"] == "SUPPRESSED"
    assert desk.call("DELETE", f"{path}/{window['id']}?only=now").status == 400
    ended = desk.call("DELETE", f"{path}/{window['id']}?only=current")
    assert ended.body == {"status": "success", "incidents": 1}
    [following] = desk.call("GET", path).body["maintenance"]
    assert (following["start"], following["end"]) == (
        "2026-11-30T03:00:00.000Z",
        "2026-11-30T05:00:00.000Z",
    )
    assert desk.call("DELETE", f"{path}/{window['id']}?only=current").status == 404
    assert desk.call("DELETE", f"{path}/{window['id']}").status == 200
    assert desk.call("GET", path).body == {"maintenance": []}


def test_a_user_silences_a_service_again_and_again_for_a_month_at_most(desk: Desk) -> None:
    path, ben = "/api/services/svc_checkout/maintenance", desk.key("ben", *SCOPES)
    body = {"end": "2026-11-23T05:00:00.000Z", "reason": "Backups", "repeat": {"days": 1}}
    refused = desk.call("POST", path, body, key=ben)
    assert (refused.status, refused.body["issues"][0]["path"]) == (400, "repeat.until")
    body["repeat"] = {"days": 1, "until": "2026-12-20T00:00:00.000Z"}
    assert desk.call("POST", path, body, key=ben).status == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"end": "2026-11-23T05:00:00.000Z"},
        {"end": "2026-11-23T03:00:00.000Z", "reason": "x"},
        {"end": "2026-11-23T04:00:00.000Z", "start": "2026-11-23T05:00:00.000Z", "reason": "x"},
        {"end": "9999-12-31T23:59:59-23:59", "reason": "x"},
        {"end": "2026-11-23T05:00:00", "reason": "x"},
        {"end": "2026-11-23T05:00:00.000Z", "reason": " "},
        {"end": "2026-11-23T05:00:00.000Z", "reason": "x", "keepSuppressed": "no"},
        {"end": "2026-11-23T05:00:00.000Z", "reason": "x", "repeat": {}},
        {"end": "2026-11-23T05:00:00.000Z", "reason": "x", "repeat": {"days": 0}},
        {"end": "2026-11-23T05:00:00.000Z", "reason": "x", "repeat": {"days": 1, "zone": "Mars"}},
        {"end": "2026-11-24T02:00:00.000Z", "reason": "x", "repeat": {"days": 1}},
    ],
)
def test_impossible_maintenance_is_400(desk: Desk, body: dict[str, Any]) -> None:
    answer = desk.call("POST", "/api/services/svc_checkout/maintenance", body)
    assert (answer.status, answer.body["error"]) == (400, "Invalid request body")


def test_two_who_plan_maintenance_at_once_both_do(desk: Desk) -> None:
    path = "/api/services/svc_checkout/maintenance"
    other = {"end": "2026-11-23T06:00:00.000Z", "reason": "Theirs"}
    wire = Wire(desk.world.table.client)
    desk.call("GET", path)
    wire.fail("TransactWriteItems", doing(lambda: desk.call("POST", path, other)))
    mine = {"end": "2026-11-23T05:00:00.000Z", "reason": "Mine"}
    assert desk.call("POST", path, mine).status == 201
    told = desk.call("GET", path).body["maintenance"]
    assert sorted(each["reason"] for each in told) == ["Mine", "Theirs"]


def test_an_answer_that_is_lost_is_no_second_window(desk: Desk) -> None:
    path = "/api/services/svc_checkout/maintenance"
    desk.call("GET", path)
    wire = Wire(desk.world.table.client)

    def carry_out_and_lose() -> None:
        desk.world.table.client.transact_write_items(**wire.sent[-1])
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    wire.fail("TransactWriteItems", doing(carry_out_and_lose))
    made = desk.call("POST", path, {"end": "2026-11-23T05:00:00.000Z", "reason": "Once"})
    assert made.status == 201
    assert len(desk.call("GET", path).body["maintenance"]) == 1


def test_maintenance_is_for_the_services_own_team(desk: Desk) -> None:
    ben = desk.key("ben", *SCOPES)
    body = {"end": "2026-11-23T05:00:00.000Z", "reason": "x"}
    path = "/api/services/svc_reports/maintenance"
    assert desk.call("POST", path, body, key=ben).status == 403
    assert desk.call("GET", path, key=ben).status == 403
    assert desk.call("DELETE", f"{path}/mw_1", key=ben).status == 403
    own = "/api/services/svc_checkout/maintenance"
    assert desk.call("POST", own, body, key=ben).status == 201
    assert desk.call("GET", "/api/services/svc_none/maintenance").status == 404


def test_a_disabled_service_has_its_maintenance_still(desk: Desk) -> None:
    service = Service(id="svc_checkout", name="Checkout", team_id="team_web", disabled=True)
    put(desk.world, directory_items.directory_item(service))
    assert desk.call("GET", "/api/services/svc_checkout/maintenance").status == 200


def test_who_is_on_call_now_then_and_next(desk: Desk) -> None:
    [now] = desk.call("GET", "/api/oncall").body["onCall"]
    assert (now["scheduleId"], now["userId"], now["at"]) == (
        "sch_web",
        "user_ada",
        "2026-11-23T03:00:00.000Z",
    )
    assert now["shifts"][0] == {
        "userId": "user_ada",
        "userName": "Ada",
        "start": "2026-11-23T03:00:00.000Z",
        "end": "2026-11-24T00:00:00.000Z",
        "layer": "daily",
    }
    assert len(now["shifts"]) == 8
    [then] = desk.call("GET", "/api/oncall?at=2026-11-24T03:00:00Z&schedule=sch_web").body["onCall"]
    assert then["userId"] == "user_ben"
    assert desk.call("GET", "/api/oncall?schedule=sch_none").status == 404
    assert desk.call("GET", "/api/oncall?at=now").status == 400
    [month] = desk.call("GET", "/api/oncall?days=28").body["onCall"]
    assert len(month["shifts"]) > len(now["shifts"])
    assert month["shifts"][-1]["end"] == "2026-12-21T03:00:00.000Z"
    for days in ("0", "32", "x"):
        assert desk.call("GET", f"/api/oncall?days={days}").status == 400
    [listed] = desk.call("GET", "/api/schedules").body["schedules"]
    assert (listed["id"], listed["zone"], listed["onCall"]) == ("sch_web", "UTC", "user_ada")


def test_who_is_disabled_is_not_on_call(desk: Desk) -> None:
    user = desk.world.table.user("user_ada", deadline())
    assert user
    key = desk.key("ben", *SCOPES)
    put(desk.world, directory_items.directory_item(user.model_copy(update={"disabled": True})))
    [now] = desk.call("GET", "/api/oncall", key=key).body["onCall"]
    assert now["userId"] is None


def test_an_override_takes_over_and_is_taken_back(desk: Desk) -> None:
    path = "/api/schedules/sch_web/overrides"
    body = {
        "userId": "user_ben",
        "replaces": "user_ada",
        "start": "2026-11-23T02:00:00.000Z",
        "end": "2026-11-23T06:00:00.000Z",
    }
    made = desk.call("POST", path, body)
    assert made.status == 201
    override = made.body["override"]
    assert desk.call("GET", path).body == {"overrides": [override]}
    [now] = desk.call("GET", "/api/oncall").body["onCall"]
    assert (now["userId"], now["shifts"][0]["override"]) == ("user_ben", override["id"])
    assert desk.call("DELETE", f"{path}/{override['id']}").status == 200
    assert desk.call("DELETE", f"{path}/{override['id']}").status == 404
    [now] = desk.call("GET", "/api/oncall").body["onCall"]
    assert now["userId"] == "user_ada"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"userId": "user_none"}, "userId"),
        ({"replaces": "user_none"}, "replaces"),
        ({"replaces": "user_ben"}, ""),
        ({"end": "2026-11-23T02:00:00.000Z"}, ""),
        ({"start": "2026-11-22T00:00:00.000Z", "end": "2026-11-23T02:00:00.000Z"}, "end"),
        ({"end": "2028-11-23T02:00:00.000Z"}, ""),
        ({"end": "9999-12-31T23:59:59-23:59"}, "end"),
    ],
)
def test_an_impossible_override_is_400(desk: Desk, more: dict[str, Any], path: str) -> None:
    known = {
        "userId": "user_ben",
        "start": "2026-11-23T02:00:00.000Z",
        "end": "2026-11-23T06:00:00.000Z",
    }
    answer = desk.call("POST", "/api/schedules/sch_web/overrides", known | more)
    assert answer.status == 400
    assert path in [issue["path"] for issue in answer.body["issues"]]


SHIFT = {"start": "2026-11-23T02:00:00.000Z", "end": "2026-11-23T06:00:00.000Z"}


def test_a_user_hands_over_only_their_own_shifts(desk: Desk) -> None:
    path = "/api/schedules/sch_web/overrides"
    ben, eve = desk.key("ben", *SCOPES), desk.key("eve", *SCOPES)
    mine = {"userId": "user_ada", "replaces": "user_ben", **SHIFT}
    before = [each for each in desk.world.items() if each["kind"]["S"] == "override"]
    # Not on the schedule; taking over from somebody; from everybody; and names are not told apart.
    for key, body in (
        (eve, mine),
        (ben, {"userId": "user_ben", "replaces": "user_ada", **SHIFT}),
        (ben, {"userId": "user_ben", **SHIFT}),
        (eve, {"userId": "user_none", "replaces": "user_ada", **SHIFT}),
    ):
        assert desk.call("POST", path, body, key=key).status == 403
    assert [e for e in in_order(desk.world.items()) if e["kind"]["S"] == "override"] == before
    made = desk.call("POST", path, mine, key=ben)
    assert made.status == 201
    gone = f"{path}/{made.body['override']['id']}"
    assert desk.call("DELETE", gone, key=eve).status == 403
    assert desk.call("DELETE", f"{path}/ovr_none", key=ben).status == 403
    assert desk.call("DELETE", gone, key=ben).status == 200
    assert desk.call("POST", "/api/schedules/sch_none/overrides", mine).status == 404


def test_a_user_does_not_take_back_what_others_handed_over(desk: Desk) -> None:
    path = "/api/schedules/sch_web/overrides"
    made = desk.call("POST", path, {"userId": "user_ben", "replaces": "user_ada", **SHIFT})
    gone = f"{path}/{made.body['override']['id']}"
    assert desk.call("DELETE", gone, key=desk.key("ben", *SCOPES)).status == 403
    assert desk.call("DELETE", gone).status == 200


@pytest.mark.parametrize(("user", "days"), [("ben", 31), ("ada", 366)])
def test_a_window_ends_some_day(desk: Desk, user: str, days: int) -> None:
    key = desk.key(user, *SCOPES)

    def ends(at: datetime) -> int:
        body = {"end": at.isoformat(), "reason": "x"}
        return desk.call("POST", "/api/services/svc_checkout/maintenance", body, key=key).status

    last = desk.world.clock() + timedelta(days=days)
    assert (ends(last), ends(last + timedelta(seconds=1))) == (201, 400)


def test_access_is_checked_before_existence(desk: Desk) -> None:
    """Somebody who may see neither learns nothing from the answer."""
    eve = desk.key("eve", *SCOPES)
    for service in ("svc_checkout", "svc_none"):
        path = f"/api/services/{service}/maintenance"
        assert desk.call("GET", path, key=eve).status == 403
        assert desk.call("GET", f"/api/incidents?service={service}", key=eve).status == 403
    opened = desk.world.send(event()).incident["id"]
    for incident_id in (opened, "inc_" + "0" * 28):
        path = f"/api/incidents/{incident_id}"
        assert desk.call("GET", path, key=eve).status == 403
        for user in ("user_ada", "user_none"):
            body = {"userId": user}
            assert desk.call("POST", f"{path}/reassign", body, key=eve).status == 403


def test_an_override_is_told_to_those_whose_shifts_it_changes(desk: Desk) -> None:
    body = {
        "userId": "user_eve",
        "start": "2026-11-24T09:00:00.000Z",
        "end": "2026-11-24T17:00:00.000Z",
    }
    assert desk.call("POST", "/api/schedules/sch_web/overrides", body).status == 201
    told = [
        Delivery.model_validate(plain(item))
        for item in desk.world.items()
        if item["kind"]["S"] == "delivery"
    ]
    assert {each.about for each in told} == {PageReason.ON_CALL}
    notes = {each.user_id: (each.note or "").splitlines() for each in told}
    span = "Tue 24 Nov 09:00 to 17:00 UTC"
    assert notes.keys() == {"user_ben", "user_eve"}
    assert notes["user_ben"][1] == f"Web, no longer yours: {span}"
    assert notes["user_eve"][1] == f"Web, new: {span}"
    assert notes["user_eve"][2].startswith("Changed by: ")
