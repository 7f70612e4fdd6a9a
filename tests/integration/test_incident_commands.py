"""`opsknight incidents`: the same answers as the HTTP API, by the same tables; ids, filters, and
watching.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from harness.desk import Desk
from harness.model import REPEATED, TABLE
from harness.shell import Said, Shell
from harness.world import World, deadline, event, http_event
from opsknight.directory.entries import Role, User
from opsknight.incident.model import ActorKind, Status, Timer
from opsknight.store import directory_items
from tests.integration.steps import incident, incident_in, put

OPEN = Status.OPEN

WORDS: dict[str, list[str]] = {
    "acknowledge": ["ack", "ID"],
    "resolve": ["resolve", "ID"],
    "snooze": ["snooze", "ID", "--for", "1h"],
    "unsnooze": ["unsnooze", "ID"],
    "suppress": ["suppress", "ID"],
    "unsuppress": ["unsuppress", "ID"],
    "escalate": ["escalate", "ID"],
    "reassign": ["reassign", "ID", "ben"],
    "note": ["note", "ID", "Looking at it."],
}


@pytest.fixture
def shell(world: World) -> Shell:
    desk = Desk(world)
    desk.configured(
        services=["svc_checkout", "svc_reports"],
        teams=["team_web", "team_data"],
        users=["user_ada", "user_ben", "user_eve"],
    )
    return Shell(world)


def told(shell: Shell, *words: str, code: int = 0) -> Any:
    said = shell.opsknight("incidents", *words, "--json")
    assert (said.code, said.err) == (code, ""), said.all
    return json.loads(said.out)


def result(shell: Shell, *words: str, code: int = 0) -> dict[str, Any]:
    [only] = told(shell, *words, code=code)["results"]
    found: dict[str, Any] = only
    return found


def listed(shell: Shell, *words: str) -> list[str]:
    return [each["id"] for each in told(shell, "list", *words)["incidents"]]


def last_change(world: World, incident_id: str) -> Any:
    return world.table.latest_changes(incident_id, 1, deadline())[0]


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("command", WORDS)
def test_each_cell_of_the_tables(shell: Shell, command: str, status: Status) -> None:
    found = incident_in(shell.world, status)
    before = incident(shell.world, found)
    after = TABLE[command].get(status)
    words = [found if word == "ID" else word for word in WORDS[command]]
    answer = result(shell, *words, code=0 if after else 1)
    stored = incident(shell.world, found)
    if after is None:
        assert answer["status"] == status
        assert answer["error"] == f"Not possible: incident {found} is {status}."
        assert stored == before
    else:
        assert answer["incident"]["status"] == stored.status == after
        assert answer["changed"] is ((command, status) not in REPEATED)
        assert (stored == before) is not answer["changed"]


def test_who_acts_as_a_user_becomes_the_assignee(shell: Shell) -> None:
    found = incident_in(shell.world, OPEN)
    result(shell, "ack", found, "--as", "ben")
    change = last_change(shell.world, found)
    assert (change.actor.kind, change.actor.id) == (ActorKind.USER, "user_ben")
    assert incident(shell.world, found).assignee_id == "user_ben"


def test_who_does_not_is_known_by_the_aws_identity(shell: Shell) -> None:
    found = incident_in(shell.world, OPEN)
    said = shell.opsknight("incidents", "ack", found)
    change = last_change(shell.world, found)
    assert (change.actor.kind, change.actor.name) == (ActorKind.OPERATOR, "grace (AWS)")
    assert change.actor.id == shell.arn
    assert incident(shell.world, found).assignee_id is None
    assert "--as USER" in said.out


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::123456789012:user/team/ada", "ada (AWS)"),
        ("arn:aws:iam::123456789012:root", "root (AWS)"),
        ("arn:aws:sts::123456789012:assumed-role/Sso/ada@example.com", "ada@example.com (AWS)"),
    ],
)
def test_an_identity_is_named_by_its_last_part(shell: Shell, arn: str, name: str) -> None:
    found = incident_in(shell.world, OPEN)
    shell.arn = arn
    result(shell, "resolve", found)
    assert last_change(shell.world, found).actor.name == name


def test_a_disabled_user_neither_acts_nor_gets_an_incident(shell: Shell) -> None:
    gone = User(id="user_gil", name="Gil", email="g@example.com", role=Role.USER, disabled=True)
    put(shell.world, directory_items.directory_item(gone))
    found = incident_in(shell.world, OPEN)
    for words in (["ack", found, "--as", "gil"], ["reassign", found, "gil"]):
        assert told(shell, *words, code=1) == {"error": "User gil is disabled."}


def test_of_several_each_is_done_whatever_becomes_of_the_others(shell: Shell) -> None:
    first = incident_in(shell.world, OPEN, dedup_key="a")
    over = incident_in(shell.world, Status.RESOLVED, dedup_key="b")
    last = incident_in(shell.world, OPEN, dedup_key="c")
    answers = told(shell, "resolve", first, over, "inc_ffff", last, code=1)["results"]
    assert [each.get("action") for each in answers] == ["resolved", None, None, "resolved"]
    assert incident(shell.world, last).status is Status.RESOLVED


def test_a_public_note_is_marked(shell: Shell) -> None:
    found = incident_in(shell.world, OPEN)
    result(shell, "note", found, " We know. ", "--public")
    assert last_change(shell.world, found).detail == {"note": "We know.", "public": "yes"}


def test_steps_count_from_one(shell: Shell) -> None:
    found = incident_in(shell.world, OPEN)
    result(shell, "escalate", found, "--step", "3")
    assert incident(shell.world, found).next_step == 2
    again = result(shell, "escalate", found, code=1)
    assert again["error"].endswith("the step asked for before has not been taken yet.")
    assert shell.opsknight("incidents", "escalate", found, "--step", "0").code == 64


def test_whoever_has_a_zone_reads_and_writes_times_by_it(shell: Shell) -> None:
    user = User(
        id="user_eve", name="Eve", email="eve@example.com", role=Role.ADMIN, zone="Europe/Berlin"
    )
    put(shell.world, directory_items.directory_item(user))
    found = incident_in(shell.world, OPEN)
    said = shell.opsknight(
        "incidents", "snooze", found, "--until", "2026-11-23 09:00", "--as", "eve"
    )
    assert "Snoozed until Mon 23 Nov 09:00 CET" in said.out
    assert (
        incident(shell.world, found).timers[Timer.SNOOZE].isoformat().startswith("2026-11-23T08:00")
    )
    shown = shell.opsknight("incidents", "show", found, "--as", "eve").out
    assert "Timeline (CET)" in shown and "Mon 23 Nov 04:00 CET" in shown and "UTC" not in shown
    assert listed(shell, "--since", "2026-11-23 03:59", "--as", "eve") == [found]
    assert listed(shell, "--since", "2026-11-23 04:01", "--as", "eve") == []


@pytest.mark.parametrize(("name", "why"), [("old", "is disabled"), ("nobody", "does not exist")])
def test_who_left_keeps_nobody_from_looking(shell: Shell, name: str, why: str) -> None:
    user = User(
        id="user_old",
        name="Old",
        email="old@example.com",
        role=Role.ADMIN,
        zone="Europe/Berlin",
        disabled=True,
    )
    put(shell.world, directory_items.directory_item(user))
    found = incident_in(shell.world, OPEN)
    shown = shell.opsknight("incidents", "show", found, "--as", name)
    assert (shown.code, "Timeline (UTC)" in shown.out) == (0, True)
    assert shown.err.strip() == f"User {name} {why}: times are in UTC."
    said = shell.opsknight("incidents", "list", "--since", "2026-11-23 02:59", "--as", name)
    assert (said.code, found[:18] in said.out) == (0, True)
    assert said.err.strip() == f"User {name} {why}: times are in UTC."
    kept = shell.opsknight(
        "incidents", "snooze", found, "--until", "2026-11-23 09:00", "--as", name
    )
    assert kept.code == 1
    assert incident(shell.world, found).status is OPEN, "whoever acts has to exist"


def test_a_snooze_ends_by_the_clock_of_utc(shell: Shell) -> None:
    found = incident_in(shell.world, OPEN)
    result(shell, "snooze", found, "--until", "2026-11-23 09:00")
    assert (
        incident(shell.world, found).timers[Timer.SNOOZE].isoformat() == "2026-11-23T09:00:00+00:00"
    )


def test_the_beginning_of_an_id_is_enough_while_it_is_active(shell: Shell) -> None:
    found = incident_in(shell.world, OPEN)
    for beginning in (found[:18], found[4:18], found[:18].upper(), found):
        assert told(shell, "show", beginning)["incident"]["id"] == found
    result(shell, "resolve", found[:18])
    error = told(shell, "show", found[:18], code=1)["error"]
    assert "Resolved incidents need the full id" in error
    assert told(shell, "show", found)["incident"]["status"] == "RESOLVED"


def test_a_beginning_costs_one_question_and_a_whole_id_none(shell: Shell) -> None:
    found = incident_in(shell.world, OPEN)
    asked: list[dict[str, Any]] = []

    def hear(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    events = shell.world.table.client.meta.events
    events.register("provide-client-params.dynamodb.Query", hear)
    result(shell, "ack", found)
    assert not asked
    result(shell, "resolve", found[:18])
    assert len(asked) == 1


def test_what_begins_several_ids_is_refused(shell: Shell) -> None:
    opened = [incident_in(shell.world, OPEN, dedup_key=key) for key in "abcde"]
    error = result(shell, "resolve", opened[0][:10], code=1)["error"]
    assert sum(each in error for each in opened) == 4
    assert error.endswith("and others. Give more digits.")
    assert all(incident(shell.world, each).status is OPEN for each in opened)


def test_a_list_is_the_one_of_the_http_api(shell: Shell) -> None:
    desk = Desk(shell.world)
    for status in Status:
        incident_in(shell.world, status, dedup_key=status)
        shell.world.clock.advance(minutes=1)
    answer = desk.call("GET", "/api/incidents").body["incidents"]
    shown = told(shell, "list")
    assert shown == {"incidents": answer, "more": False, "hold": None, "shadow": []}
    over = desk.call("GET", "/api/incidents?status=resolved&service=svc_checkout").body["incidents"]
    assert told(shell, "list", "--resolved")["incidents"] == over
    found = answer[0]["id"]
    shown = told(shell, "show", found)["incident"]
    assert {"pages", "timers"} <= shown.keys()
    del shown["pages"], shown["timers"]
    assert shown == desk.call("GET", f"/api/incidents/{found}").body["incident"]


def test_filters(shell: Shell) -> None:
    world = shell.world
    low = incident_in(world, OPEN, dedup_key="low", severity="info")
    world.clock.advance(hours=1)
    theirs: str = world.send(
        event(dedup_key="t", service_id="svc_reports"), key=world.api_key
    ).incident["id"]
    world.clock.advance(hours=1)
    held = incident_in(world, Status.ACKNOWLEDGED, dedup_key="held")
    assert listed(shell) == [held, theirs, low]
    assert listed(shell, "--status", "open") == [theirs, low]
    assert listed(shell, "--status", "open", "--status", "acknowledged") == [held, theirs, low]
    assert listed(shell, "--urgency", "low", "--urgency", "medium") == [low]
    assert listed(shell, "--service", "reports") == [theirs]
    assert listed(shell, "--team", "web") == [held, low]
    assert listed(shell, "--team", "web", "--service", "reports") == []
    assert listed(shell, "--since", "90m") == [held, theirs]
    assert listed(shell, "--until", "90m") == [low]
    assert listed(shell, "--since", "2026-11-23 04:00", "--until", "2026-11-23T05:00Z") == [theirs]
    assert told(shell, "list", "--limit", "2")["more"] is True
    assert listed(shell, "--limit", "2") == [held, theirs]


def test_a_long_list_is_read_to_its_end(shell: Shell) -> None:
    opened = []
    for number in range(12):
        opened.append(incident_in(shell.world, OPEN, dedup_key=str(number)))
        shell.world.clock.advance(seconds=1)
    assert listed(shell, "--limit", "1000") == opened[::-1]


def test_resolved_ones_of_all_services_are_looked_for_a_week_back(shell: Shell) -> None:
    old = incident_in(shell.world, Status.RESOLVED, dedup_key="old")
    shell.world.clock.advance(days=8)
    new = incident_in(shell.world, Status.RESOLVED, dedup_key="new")
    active = incident_in(shell.world, OPEN, dedup_key="open")
    assert listed(shell, "--resolved") == [new]
    assert set(listed(shell, "--all")) == {new, active}
    assert listed(shell, "--resolved", "--since", "10d") == [new, old]
    assert listed(shell, "--resolved", "--service", "checkout") == [new, old]
    assert "to see all of one service." in shell.opsknight("incidents", "list", "--all").out


def test_no_title_commands_the_terminal(shell: Shell) -> None:
    hostile = "\x1b]0;owned\x07CPU\x1b[2J\u202e\r\nhot"
    found = incident_in(shell.world, OPEN, payload={"summary": hostile, "source": hostile})
    for words in (["list"], ["show", found], ["note", found, hostile], ["show", found]):
        said = shell.opsknight("incidents", *words)
        assert said.code == 0
        assert all(each.isprintable() for each in said.out.replace("\n", ""))
        assert "\u202e" not in said.out
        assert "hot" in said.out


def watch(shell: Shell, *rounds: Callable[[], object], words: tuple[str, ...] = ()) -> Said:
    """Runs it; each round happens while it sleeps, and then somebody presses Ctrl-C."""
    left = iter(rounds)

    def sleep(seconds: float) -> None:
        assert seconds == 5
        shell.world.clock.advance(seconds=seconds)
        happens = next(left, None)
        if happens is None:
            raise KeyboardInterrupt
        happens()

    shell.sleep = sleep
    said = shell.opsknight("incidents", "watch", *words)
    shell.sleep = None
    return said


def test_watching_tells_what_is_there_and_what_becomes_of_it(shell: Shell) -> None:
    world = shell.world
    shell.width = 200
    first = incident_in(world, OPEN, dedup_key="a")
    more: list[str] = []
    said = watch(
        shell,
        lambda: more.append(incident_in(world, OPEN, dedup_key="b", severity="info")),
        lambda: None,
        lambda: world.send(event("acknowledge", "a")),
        lambda: world.send(event("resolve", "a")),
        lambda: None,
    )
    assert (said.code, said.err) == (0, "")
    [second] = more
    assert said.out.splitlines() == [
        f"03:00:00  {first[:18]}  HIGH  OPEN  checkout  CPU above 90% on web-01",
        f"03:00:05  {second[:18]}  LOW  OPEN  checkout  CPU above 90% on web-01",
        f"03:00:15  {first[:18]}  HIGH  OPEN -> ACKNOWLEDGED  checkout  CPU above 90% on web-01",
        f"03:00:20  {first}  HIGH  ACKNOWLEDGED -> RESOLVED  checkout  CPU above 90% on web-01",
    ]


def test_what_leaves_the_filter_is_told_once_more_and_no_longer(shell: Shell) -> None:
    world = shell.world
    incident_in(world, OPEN, dedup_key="a")
    said = watch(
        shell,
        lambda: world.send(event("acknowledge", "a")),
        lambda: world.send(event("resolve", "a")),
        lambda: None,
        words=("--status", "open", "--json"),
    )
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [(each.get("before"), each["incident"]["status"]) for each in lines] == [
        (None, "OPEN"),
        ("OPEN", "ACKNOWLEDGED"),
    ]
    assert lines[1]["at"] == "2026-11-23T03:00:05.000Z"


def test_watching_goes_on_when_dynamodb_does_not_answer(shell: Shell) -> None:
    world = shell.world
    away = True

    def refuse(**_: object) -> None:
        if away:
            raise ConnectTimeoutError(endpoint_url="https://dynamodb")

    def back() -> None:
        nonlocal away
        away = False

    shell.width = 200
    world.table.client.meta.events.register("before-call.dynamodb.Query", refuse)
    found = incident_in(world, OPEN)
    shell.patience = 0.05
    said = watch(shell, back)
    assert "Trying again in 5 seconds" in said.err
    assert found[:18] in said.out
    assert said.code == 0


def test_a_terminal_is_painted_over(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("LINES", "12")
    world = shell.world
    incident_in(world, OPEN, dedup_key="a")
    said = watch(
        shell,
        lambda: [incident_in(world, OPEN, dedup_key=str(number)) for number in range(20)],
        lambda: world.send(event("acknowledge", "a")),
    )
    assert said.code == 0
    assert "1 active at 03:00:00 UTC" in said.out
    assert "21 active at 03:00:10 UTC" in said.out
    assert "\x1b[1A" in said.out, "the list before is painted over"
    assert "and more than fit" in said.out


def test_what_was_adjusted_of_another_systems_event_is_shown(shell: Shell) -> None:
    payload = {"summary": "CPU", "source": "web-01", "severity": "page"}
    sent = {"routing_key": shell.world.integration_key, "event_action": "trigger"}
    request = http_event(sent | {"payload": payload}, path="/v2/enqueue")
    assert shell.world.request(request).status == 202
    [found] = told(shell, "list")["incidents"]
    shown = shell.opsknight("incidents", "show", found["id"]).out
    assert "severity: page became critical" in shown
