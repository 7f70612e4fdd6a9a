"""Calendars of who is on call, as a program subscribes to them."""

import json
from datetime import UTC, datetime, time
from secrets import token_hex

import pytest

from harness.account import Scripted
from harness.desk import Desk, RawResponse
from harness.shell import Shell
from harness.world import World, deadline, http_event
from opsknight.directory.entries import SCHEDULES_READ, SCHEDULES_WRITE
from opsknight.oncall.rotations import Layer, Length, Unit
from opsknight.oncall.schedules import Schedule

SCHEDULE = Schedule(
    id="sch_web",
    name="Web, all; of it",
    zone="UTC",
    layers=(
        Layer(
            id="weekly",
            name="Weekly",
            users=("user_ada", "user_ben"),
            length=Length(count=1, unit=Unit.WEEKS),
            handoff=time(9),
            start=datetime(2026, 11, 23, 9, tzinfo=UTC),
        ),
    ),
)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.world.table.create([SCHEDULE], {}, token_hex(8), deadline())
    desk.configured(schedules=["sch_web"])
    return desk


def ask(
    desk: Desk, path: str, method: str = "GET", key: str | None = None, **headers: str
) -> RawResponse:
    sent = headers | ({} if key is None else {"x-api-key": key})
    path, _, query = path.partition("?")
    named = dict(part.split("=") for part in query.split("&") if part)
    return desk.send(http_event("", path=path, method=method, headers=sent, query=named))


def paths(desk: Desk, user: str = "ada") -> dict[str, str]:
    answer = ask(desk, "/api/calendar", key=desk.key(user, SCHEDULES_READ))
    assert answer.status == 200
    found = json.loads(answer.text)["calendars"]
    return {"mine": found["mine"]} | {
        each["scheduleId"]: each["path"] for each in found["schedules"]
    }


def events(text: str) -> list[dict[str, str]]:
    """Read as RFC 5545 says, and strictly."""
    assert text.endswith("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    found: list[dict[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon, line
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and name not in ("BEGIN", "END"):
            found[-1][name] = value
    return found


def test_mine_has_my_turns_and_a_schedules_has_everybodys(desk: Desk) -> None:
    known = paths(desk)
    mine = ask(desk, known["mine"])
    assert (mine.status, mine.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    shown = events(mine.text)
    assert {each["SUMMARY"] for each in shown} == {"On call: Web\\, all\\; of it"}
    assert (shown[0]["DTSTART"], shown[0]["DTEND"]) == ("20261123T090000Z", "20261130T090000Z")
    assert len({each["UID"] for each in shown}) == len(shown)
    everybody = events(ask(desk, known["sch_web"]).text)
    assert len(everybody) > len(shown)
    assert {each["SUMMARY"].partition(":")[0] for each in everybody} == {"Ada", "Ben"}


def test_what_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    path = paths(desk)["mine"]
    first = ask(desk, path)
    desk.world.clock.advance(hours=1)
    tag = {"if-none-match": first.headers["ETag"]}
    again = ask(desk, path, **tag)
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", first.headers["ETag"])
    assert ask(desk, path, method="HEAD").text == ""


def test_a_calendar_that_is_ended_works_no_more_and_has_another_address(desk: Desk) -> None:
    before, bens = paths(desk), paths(desk, "ben")
    ended = ask(desk, "/api/calendar", "DELETE", key=desk.key("ada", SCHEDULES_READ))
    assert ended.status == 200
    assert ask(desk, before["mine"]).status == 404
    assert ask(desk, paths(desk)["mine"]).status == 200
    assert ask(desk, bens["mine"]).status == 200, "nobody else's ends with it"


def test_a_schedules_calendar_is_ended_by_whoever_may_change_it(desk: Desk) -> None:
    path, where = paths(desk)["sch_web"], "/api/calendar?schedule=sch_web"
    assert ask(desk, where, "DELETE", key=desk.key("ada", SCHEDULES_READ)).status == 403
    assert ask(desk, where, "DELETE", key=desk.key("ben", SCHEDULES_WRITE)).status == 403
    assert ask(desk, path).status == 200
    assert ask(desk, where, "DELETE", key=desk.key("ada", SCHEDULES_WRITE)).status == 200
    assert ask(desk, path).status == 404


def test_the_command_line_prints_the_same_address(world: World) -> None:
    desk = Desk(world, key_name="/opsknight/opsknight/link-key")
    desk.world.table.create([SCHEDULE], {}, token_hex(8), deadline())
    desk.configured(schedules=["sch_web"])
    known = paths(desk)
    shell = Shell(world, account=Scripted(world, other={"ssm": desk.ssm}))
    for words, path in (
        (["--as", "ada"], known["mine"]),
        (["--schedule", "web"], known["sch_web"]),
    ):
        said = shell.opsknight("calendar", *words, "--json")
        assert json.loads(said.out)["url"] == shell.url + path, said.all


def test_no_address_can_be_made_up(desk: Desk) -> None:
    known = paths(desk)
    mac = known["mine"].removesuffix(".ics").rpartition(".")[2]
    for path in (
        f"/api/calendar/user_ben.0.{mac}.ics",
        f"/api/calendar/user_ada.1.{mac}.ics",
        "/api/calendar/user_ada.0.ics",
        "/api/calendar/" + "x" * 2000,
        known["mine"].replace("user_ada", "user_adb"),
    ):
        assert ask(desk, path).status == 404, path
    assert ask(desk, "/api/calendar").status == 401
    assert ask(desk, known["mine"], "POST").status == 405


def test_whoever_is_gone_has_no_calendar(desk: Desk) -> None:
    path = paths(desk)["mine"]
    desk.world.table.client.delete_item(
        TableName=desk.world.table.name,
        Key={"pk": {"S": "user#user_ada"}, "sk": {"S": "user"}},
    )
    assert ask(desk, path).status == 404
