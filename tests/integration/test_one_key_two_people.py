"""Somebody is removed, and somebody else gets their key in the file: nothing that was of the first
is the second's.
"""

import json
from secrets import token_urlsafe
from typing import Any

import pytest

from console.handler import make
from harness import audited
from harness.desk import Desk, RawResponse, answered
from harness.shell import Shell
from harness.visitor import Visitor
from harness.world import World, deadline, empty, event, http_event
from opsknight.config.diff import Remove
from opsknight.directory.entries import SCHEDULES_READ, Role, User, key_hash
from opsknight.directory.sessions import COOKIE, LOGIN_LIFE, Identity, Login, Session, Way
from opsknight.escalation.pages import Page, Why
from opsknight.incident.model import Actor, ActorKind, Incident, Status
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.notification.recipients import assignment_deliveries, page_deliveries
from opsknight.notification.requested import link_delivery
from opsknight.runtime import clock
from opsknight.store import items
from opsknight.store.configurations import Configurations
from opsknight.store.sessions import Sessions

NO_SECRETS: Any = None
ISSUER = "https://id.example.com"
EVERYBODY = """\
users:
  ada: {name: Ada Smith, email: ada@old.example.com, role: USER}
  ben: {email: ben@example.com, role: ADMIN}
teams: {web: {members: {ada: , ben: }}}
services: {shop: {team: web, integrations: {curl: {}}}}
"""
WITHOUT_ADA = EVERYBODY.replace("ada: ,", "").replace(
    "  ada: {name: Ada Smith, email: ada@old.example.com, role: USER}\n", ""
)
ANOTHER = EVERYBODY.replace("Ada Smith", "Ada Jones").replace("old.example", "new.example")


@pytest.fixture
def world(dynamodb: str) -> World:
    return empty(dynamodb)


@pytest.fixture
def shell(world: World) -> Shell:
    return Shell(world)


def apply(shell: Shell, text: str) -> None:
    said = shell.opsknight("apply", "-", "--yes", "--prune", "--force", stdin=text)
    assert said.code == 0, said.all


def replaced(shell: Shell) -> None:
    """Ada Smith goes, and Ada Jones comes."""
    apply(shell, WITHOUT_ADA)
    apply(shell, ANOTHER)


def link(shell: Shell, *words: str) -> str:
    said = shell.opsknight("login", *words, "--json")
    assert said.code == 0, said.all
    return str(json.loads(said.out)["url"]).removeprefix(shell.url)


def door(world: World) -> Visitor:
    return Visitor(make(world.table, NO_SECRETS, clock.new_id, world.clock))


def log_in(world: World, path: str) -> str:
    """The session's cookie."""
    told = door(world).ask(path, "POST")
    assert told.status == 303, told.text
    return told.cookie


def get(world: World, cookie: str, path: str = "/api/me") -> RawResponse:
    """By a function that remembers nothing."""
    sent: dict[str, Any] = http_event("", path=path, method="GET", headers={})
    sent["cookies"] = [f"{COOKIE}={cookie}"]
    return Desk(world).send(sent)


def ada(world: World) -> User:
    found = world.table.user("user_ada", deadline())
    assert found
    return found


def test_a_session_is_not_the_next_ones(shell: Shell, world: World) -> None:
    apply(shell, EVERYBODY)
    before = log_in(world, link(shell, "--user", "ada"))
    assert get(world, before).status == 200
    replaced(shell)
    assert get(world, before).status == 401
    # Nor is it told whose the key is by now, or listed as the next one's.
    asked = door(world)
    asked.jar[COOKIE] = before
    assert "new.example" not in asked.ask("/auth/again").text
    now = log_in(world, link(shell, "--user", "ada"))
    assert answered(get(world, now)).body["me"]["name"] == "Ada Jones"
    [mine] = answered(get(world, now, "/api/me/sessions")).body["sessions"]
    assert mine["current"]


def test_the_first_administrator_is_nobody_who_was_removed(shell: Shell, world: World) -> None:
    """`login --first` makes an ADMIN by a key that somebody had before."""
    before = log_in(world, link(shell, "--first", "ada@old.example.com"))
    stale = link(shell, "--user", "ada")
    configurations = Configurations(world.table)
    seen = configurations.read(deadline())
    gone = [Remove(seen.configuration.users["user_ada"])]
    configurations.write(
        seen, gone, world.clock(), "gone", deadline(), audit=lambda _, __: audited.entry()
    )
    path = link(shell, "--first", "ada@new.example.com")
    assert (ada(world).role, ada(world).email) == (Role.ADMIN, "ada@new.example.com")
    assert get(world, before).status == 401
    assert door(world).ask(stale, "POST").status == 404
    assert get(world, log_in(world, path)).status == 200


def test_a_link_to_log_in_is_not_the_next_ones(shell: Shell, world: World) -> None:
    apply(shell, EVERYBODY)
    path = link(shell, "--user", "ada")
    replaced(shell)
    assert door(world).ask(path).status == 404
    assert door(world).ask(path, "POST").status == 404


def test_a_link_by_an_older_command_line_is_of_whoever_was_there(
    shell: Shell, world: World
) -> None:
    """It names no revision, and is the way in when there is no other."""
    apply(shell, EVERYBODY)
    world.clock.advance(minutes=1)
    stale, path = older_link(world), older_link(world)
    assert get(world, log_in(world, path)).status == 200
    world.clock.advance(minutes=1)
    replaced(shell)
    assert [door(world).ask(stale, each).status for each in ("GET", "POST")] == [404, 404]
    world.clock.advance(minutes=1)
    now = log_in(world, older_link(world))
    assert answered(get(world, now)).body["me"]["name"] == "Ada Jones"


def older_link(world: World) -> str:
    secret, ends_at = token_urlsafe(32), world.clock() + LOGIN_LIFE
    login = Login(user_id="user_ada", ends_at=ends_at)
    Sessions(world.table).offer(key_hash(secret), login, deadline())
    return f"/auth/{secret}"


def test_who_they_are_at_the_provider_is_not_the_next_ones(shell: Shell, world: World) -> None:
    apply(shell, EVERYBODY)
    assert enters(world, "smith") and enters(world, "smith")
    assert not enters(world, "jones"), "somebody stays whoever they were the first time"
    replaced(shell)
    assert enters(world, "jones")
    assert not enters(world, "smith") and enters(world, "jones")


def test_an_older_version_loosens_nobodys_identity(shell: Shell, world: World) -> None:
    """After a rollback it puts the row whole, and knows no `user_since`."""
    apply(shell, EVERYBODY)
    assert enters(world, "smith")
    key = items.identity_key("user_ada", ISSUER)
    row = world.table.item(key, deadline())
    assert row and row.pop("user_since")
    world.table.client.put_item(TableName=world.table.name, Item=row)
    assert not enters(world, "jones"), "whoever that is has the address, and nothing more"
    assert enters(world, "smith")
    world.table.client.put_item(TableName=world.table.name, Item=row)
    # Who is made anew is not known by a row without it either.
    replaced(shell)
    assert not enters(world, "jones")
    link(shell, "--user", "ada", "--forget-provider")
    assert enters(world, "jones") and not enters(world, "smith")


def enters(world: World, subject: str) -> bool:
    user, now, name = ada(world), world.clock(), clock.new_id("ses", world.clock())
    session = Session(
        id=name,
        user_id=user.id,
        user_since=user.since,
        way=Way.OIDC,
        created_at=now,
        ends_at=now,
    )
    identity = Identity(issuer=ISSUER, subject=subject)
    return Sessions(world.table).begin_as(
        identity, name, session, None, name, deadline(), audit=audited.entry()
    )


def opened(shell: Shell, world: World) -> Incident:
    said = shell.opsknight("keys", "create", "--service", "shop", "--integration", "curl", "--json")
    assert said.code == 0, said.all
    sent = world.send(event(), key=json.loads(said.out)["secret"])
    found = world.table.incident(sent.incident["id"], deadline())
    assert found
    return found


def test_a_link_in_a_message_is_not_the_next_ones(shell: Shell, world: World) -> None:
    apply(shell, EVERYBODY)
    desk, incident, now = Desk(world), opened(shell, world), world.clock()
    page = Page(
        incident_id=incident.id, page_no=1, user_id="user_ada", epoch=1, at=now, reason=Why.DUE
    )
    by = Actor(kind=ActorKind.USER, id="user_ben", name="Ben")
    told = Change(
        incident_id=incident.id,
        number=2,
        epoch=1,
        what=ChangeKind.REASSIGNED,
        status=Status.ACKNOWLEDGED,
        actor=by,
        at=now,
    )
    link = link_delivery(incident, ada(world), now)
    deliveries = [
        *page_deliveries(page, incident, ada(world)),
        *assignment_deliveries(incident, told, ada(world)),
        *([link] if link else []),
    ]
    assert len({each.about for each in deliveries}) == 3
    paths = []
    for each in deliveries:
        assert world.table.plan_delivery(each, deadline())
        paths.append(desk.path(each))
    assert [desk.ask(each).status for each in paths] == [200] * len(paths)
    # While it is active, it keeps whom it may page.
    desk.press(paths[0], "resolve")
    replaced(shell)
    later = desk.responder()
    assert [desk.ask(each, function=later).status for each in paths] == [404] * len(paths)
    assert [desk.press(each, "acknowledge", later).status for each in paths] == [404] * len(paths)


def test_a_calendars_address_is_not_the_next_ones(shell: Shell, world: World) -> None:
    apply(shell, EVERYBODY)
    desk = Desk(world)

    def address() -> str:
        answer = desk.call("GET", "/api/calendar", function=desk.responder())
        return str(answer.body["calendars"]["mine"])

    def status(path: str) -> int:
        return desk.ask(path, function=desk.responder()).status

    before = address()
    assert status(before) == 200
    desk.call("DELETE", "/api/calendar")
    ended, before = before, address()
    assert [status(each) for each in (ended, before)] == [404, 200]
    replaced(shell)
    assert [status(each) for each in (ended, before)] == [404, 404]
    desk.everything = None
    assert status(address()) == 200


def test_a_calendars_address_outlives_a_rollback(shell: Shell, world: World) -> None:
    """An older version compares its epoch with that of the row, and nothing else."""
    apply(shell, EVERYBODY)
    replaced(shell)
    answer = Desk(world).call("GET", "/api/calendar")
    row = world.table.item(items.calendar_key("user_ada"), deadline())
    epoch = row["epoch"]["N"] if row else "0"
    assert answer.body["calendars"]["mine"].startswith(f"/api/calendar/user_ada.{epoch}.")


def test_a_key_is_not_the_next_ones(shell: Shell, world: World) -> None:
    apply(shell, EVERYBODY)
    said = shell.opsknight("keys", "create", "--user", "ada", "--scope", SCHEDULES_READ, "--json")
    assert said.code == 0, said.all
    secret = json.loads(said.out)["secret"]
    assert Desk(world).call("GET", "/api/calendar", key=secret).status == 200
    replaced(shell)
    assert Desk(world).call("GET", "/api/calendar", key=secret).status == 401


def test_whoever_stays_stays_logged_in(shell: Shell, world: World) -> None:
    """A change of their entry makes nobody anew, and neither does a change of themselves."""
    apply(shell, EVERYBODY)
    cookie = log_in(world, link(shell, "--user", "ada"))
    apply(shell, ANOTHER)
    apply(shell, ANOTHER.replace("role: USER", "role: RESPONDER"))
    assert answered(get(world, cookie)).body["me"]["role"] == "RESPONDER"
