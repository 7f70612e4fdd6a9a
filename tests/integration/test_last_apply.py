"""Where the applied file has what it names: kept by `apply`, told to whom it concerns."""

import json
from typing import Any

import pytest

from harness.desk import Desk
from harness.shell import Shell
from harness.world import World, deadline
from opsknight.config.last_apply import FilePlace, LastApply
from opsknight.directory.entries import SCOPES, USERS_READ
from opsknight.store import items
from opsknight.store.last_applies import KEY, LastApplies

PEOPLE = """\
users:
  ada:
    email: ada@example.com
    role: ADMIN
    contact_methods:
      phone: {channel: sms, to: "+4915112345678"}
    rules:
      HIGH: [{method: phone}]
  ben: {email: ben@example.com, role: RESPONDER}
"""
REST = """\
teams:
  web: {members: {ada: , ben: }}
services:
  checkout:
    team: web
    integrations: {monitoring: {}}
"""


@pytest.fixture
def shell(world: World) -> Shell:
    for user in ("ada", "ben"):
        key = items.user_key(f"user_{user}")
        world.table.client.delete_item(TableName=world.table.name, Key=key)
    return Shell(world)


def applied(shell: Shell, text: str) -> Any:
    said = shell.opsknight("apply", "-", "--yes", "--json", "--force", stdin=text)
    assert said.code == 0, said.all
    return json.loads(said.out)


def kept(shell: Shell) -> LastApply:
    found = LastApplies(shell.world.table).read(deadline())
    assert found
    return found


def me(shell: Shell, user: str = "ada") -> Any:
    desk = Desk(shell.world)
    return desk.call("GET", "/api/me", key=desk.key(user, USERS_READ)).body["me"]


def test_whoever_the_file_has_is_told_where_and_by_whom(shell: Shell) -> None:
    revision = applied(shell, PEOPLE + REST)["revision"]
    told = me(shell)["inFile"]
    assert told == {
        "contactMethods": {"file": "standard input", "line": 5},
        "rules": {"file": "standard input", "line": 7},
        "appliedAt": "2026-11-23T03:00:00.000Z",
        "appliedBy": "grace (AWS)",
        "revision": revision,
    }
    said = shell.opsknight("me", "methods", "--as", "ada", "--json")
    assert json.loads(said.out)["me"]["inFile"] == told
    said = shell.opsknight("me", "rules", "--as", "ada")
    assert "standard input:7, applied Mon 23 Nov 03:00 UTC by grace (AWS)" in said.out


def test_whoever_owns_both_is_told_of_no_file(shell: Shell) -> None:
    applied(shell, PEOPLE + REST)
    assert "inFile" not in me(shell, "ben")


def test_lines_move_without_a_change(shell: Shell) -> None:
    applied(shell, PEOPLE + REST)
    before = kept(shell)
    shell.world.clock.advance(hours=1)
    # Again the same file: nothing is written.
    applied(shell, PEOPLE + REST)
    assert kept(shell) == before
    again = applied(shell, REST + PEOPLE)
    assert not again["applied"]
    after = kept(shell)
    assert after.place("users", "ada", "rules") == FilePlace("standard input", 13)
    assert after.revision == before.revision
    assert after.at > before.at


def test_things_are_found_in_their_own_file(shell: Shell, tmp_path: Any) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    (tmp_path / "shop.yaml").write_text(REST)
    assert shell.opsknight("apply", tmp_path, "--yes").code == 0
    found = kept(shell)
    assert found.place("services", "checkout") == FilePlace(str(tmp_path / "shop.yaml"), 4)
    monitoring = found.place("services", "checkout", "integrations", "monitoring")
    assert monitoring == FilePlace(str(tmp_path / "shop.yaml"), 6)
    assert found.place("users", "ben") == FilePlace(str(tmp_path / "people.yaml"), 9)
    assert found.place("users", "ben", "rules") is None


def test_an_earlier_apply_that_was_slower_changes_nothing(shell: Shell) -> None:
    applied(shell, PEOPLE + REST)
    found = kept(shell)
    late = found.model_copy(update={"revision": found.revision - 1, "by": "somebody"})
    LastApplies(shell.world.table).keep(late, deadline())
    assert kept(shell) == found


def test_an_apply_that_was_taken_over_before_it_had_kept_them_keeps_none(shell: Shell) -> None:
    applied(shell, PEOPLE + REST)
    found = kept(shell)
    desk, body = Desk(shell.world), {"text": PEOPLE + REST, "revision": found.revision}
    boss = desk.key("ada", *SCOPES)
    desk.world.clock.advance(seconds=31)
    taken = desk.call("POST", "/api/configuration/apply", body | {"takeOver": True}, key=boss)
    assert taken.status == 200
    LastApplies(shell.world.table).keep(found, deadline())
    assert LastApplies(shell.world.table).read(deadline()) is None
    assert "inFile" not in me(shell)


@pytest.mark.parametrize("content", [None, {"B": b"of a newer version"}, {"S": "text"}])
def test_what_cannot_be_read_is_as_if_it_were_not_there(shell: Shell, content: Any) -> None:
    applied(shell, PEOPLE + REST)
    item: Any = KEY | {"kind": {"S": "last_apply"}}
    if content:
        item |= {"places": content}
    shell.world.table.client.put_item(TableName=shell.world.table.name, Item=item)
    assert "inFile" not in me(shell)
    assert "they are changed there" in shell.opsknight("me", "methods", "--as", "ada").out
