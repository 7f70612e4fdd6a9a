"""The first login of a new deployment: who may make it, when, and what it leaves behind."""

import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from console.handler import make
from harness.account import Scripted
from harness.conflicts import answer
from harness.shell import Said, Shell
from harness.world import World, deadline, empty
from opsknight.config.configuration import Kind
from opsknight.config.ownership import Side
from opsknight.directory.audit_log import AuditKind, Via
from opsknight.directory.entries import Role
from opsknight.incident.model import ActorKind
from opsknight.runtime import clock
from opsknight.store.audit_log import AuditLog, Sought
from opsknight.store.configurations import Configurations
from tests.integration.test_console import NO_SECRETS, ask

FIRST = ("login", "--first", "ada.lovelace@example.com", "--name", "Ada Lovelace")
FILE = """\
users: {ben: {email: ben@example.com, role: ADMIN}}
teams: {web: {members: {ben: }}}
services: {shop: {team: web}}
"""


@pytest.fixture
def world(dynamodb: str) -> World:
    """As `sam deploy` leaves it."""
    return empty(dynamodb)


@pytest.fixture
def shell(world: World) -> Shell:
    return Shell(world)


def people(world: World) -> frozenset[str]:
    return Configurations(world.table).ids(Kind.USER, deadline())


def refused(said: Said, world: World, before: list[dict[str, Any]]) -> str:
    """It failed with a sentence, and wrote nothing: no person, no login, no entry."""
    assert said.code == 1, said.all
    assert world.items() == before
    return " ".join(said.err.split())


def test_the_first_person_is_an_administrator_with_a_link(shell: Shell, world: World) -> None:
    shown = json.loads(shell.opsknight(*FIRST, "--json").out)
    assert (shown["userId"], shown["revision"]) == ("user_ada-lovelace", 1)
    function = make(world.table, NO_SECRETS, clock.new_id, world.clock)
    told = ask(function, shown["url"].removeprefix(shell.url), "POST")
    assert (told.status, told.headers["Location"]) == (303, "/console/incidents")
    ada = world.table.user("user_ada-lovelace", deadline())
    assert ada and (ada.name, ada.email, ada.role) == (
        "Ada Lovelace",
        "ada.lovelace@example.com",
        Role.ADMIN,
    )


def test_it_is_in_the_audit_log_under_the_identity_of_aws(shell: Shell, world: World) -> None:
    assert shell.opsknight(*FIRST).code == 0
    found, _ = AuditLog(world.table).newest(Sought(), None, 10, world.clock(), deadline())
    # Of one moment.
    applied, link = sorted(found, key=lambda each: each.kind)
    assert (applied.kind, link.kind) == (
        AuditKind.CONFIGURATION_APPLIED,
        AuditKind.LOGIN_LINK_MADE,
    )
    assert (applied.actor.kind, applied.actor.id) == (ActorKind.OPERATOR, shell.arn)
    assert applied.via == Via.COMMAND_LINE
    assert [each.id for each in applied.things] == ["configuration", "user_ada-lovelace"]
    facts = {each.name: each.after for each in applied.facts}
    assert facts["first_person"] == "user_ada-lovelace" and facts["role"] == "ADMIN"
    assert "ada.lovelace@example.com" not in str(found), "addresses are in no entry"


def test_nobody_is_made_beside_somebody(shell: Shell, world: World) -> None:
    """The attack: whoever may write the table makes an administrator beside those there are."""
    assert shell.opsknight("apply", "-", "--yes", stdin=FILE).code == 0
    before = world.items()
    assert "opsknight login --user ben" in refused(shell.opsknight(*FIRST), world, before)
    same = shell.opsknight("login", "--first", "ben@example.com")
    assert "names somebody already" in refused(same, world, before)


def test_it_works_once(shell: Shell, world: World) -> None:
    assert shell.opsknight(*FIRST).code == 0
    refused(shell.opsknight("login", "--first", "eve@example.com"), world, world.items())
    assert people(world) == {"user_ada-lovelace"}


def test_of_two_at_once_one_wins(shell: Shell, world: World) -> None:
    """Eve's whole command runs between what Ada's has read and what it writes."""
    events: Any = world.table.client.meta.events
    said: list[Said] = []

    def between(**_: object) -> None:
        if not said:
            said.append(Said(0, "", "", ""))
            said[0] = Shell(world).opsknight("login", "--first", "eve@example.com")

    events.register("before-call.dynamodb.TransactWriteItems", between)
    try:
        mine = shell.opsknight(*FIRST)
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", between)
    assert said[0].code == 0, said[0].all
    assert mine.code == 1 and "Somebody else has changed" in mine.err
    assert people(world) == {"user_eve"}
    assert world.table.user("user_ada-lovelace", deadline()) is None


def test_without_the_right_to_write_nobody_is_made(shell: Shell, world: World) -> None:
    events: Any = world.table.client.meta.events

    def denied(model: Any, **_: object) -> Any:
        return answer(model, "AccessDeniedException", "You may read, and no more.")

    events.register("before-call.dynamodb.TransactWriteItems", denied)
    try:
        said = refused(shell.opsknight(*FIRST), world, [])
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", denied)
    assert "AccessDenied" in said


def test_who_was_made_by_a_lost_answer_may_be_there(shell: Shell, world: World) -> None:
    events: Any = world.table.client.meta.events

    def expired(model: Any, **_: object) -> Any:
        return answer(model, "ExpiredTokenException", "The security token has expired.")

    def lost(**_: object) -> None:
        events.unregister("after-call.dynamodb.TransactWriteItems", lost)
        events.register("before-call.dynamodb.TransactWriteItems", expired)
        raise ReadTimeoutError(endpoint_url="http://dynamodb.invalid/")

    events.register("after-call.dynamodb.TransactWriteItems", lost)
    try:
        said = shell.opsknight(*FIRST)
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", expired)
    words = " ".join(said.err.split())
    assert said.code == 1 and "ExpiredTokenException" in words
    assert "Whether Ada Lovelace was made is not known" in words
    assert people(world) == {"user_ada-lovelace"}


def test_the_console_owns_it_and_a_file_takes_over_by_a_word(shell: Shell, world: World) -> None:
    assert shell.opsknight(*FIRST).code == 0
    owner = Configurations(world.table).read(deadline()).owner
    assert owner and (owner.by, owner.who, owner.revision) == (Side.CONSOLE, "grace (AWS)", 1)
    elsewhere = shell.opsknight("apply", "-", "--yes", stdin=FILE)
    assert elsewhere.code == 1 and "--take-over" in elsewhere.err
    # What it has goes on from there: she stays, and is named by the file that was exported.
    exported = shell.opsknight("export").out
    assert "ada-lovelace:" in exported
    both = exported + FILE.replace("users: {ben", "  ben").replace("}}\nteams", "}\nteams")
    taken = shell.opsknight("apply", "-", "--yes", "--take-over", stdin=both)
    assert taken.code == 0, taken.all
    assert people(world) == {"user_ada-lovelace", "user_ben"}


def test_a_file_that_owns_it_names_the_first_person_itself(shell: Shell, world: World) -> None:
    """One that named nobody so far, or nobody any more."""
    assert shell.opsknight("apply", "-", "--yes", stdin=FILE).code == 0
    nobody = "presets: {}\nteams: {empty: {}}\n"
    gone = shell.opsknight("apply", "-", "--yes", "--prune", "--force", stdin=nobody)
    assert gone.code == 0, gone.all
    said = refused(shell.opsknight(*FIRST), world, world.items())
    assert "A file owns the configuration" in said


@pytest.mark.parametrize("address", ["", "ada", "ada lovelace@example.com", "@"])
def test_an_address_that_is_none_is_refused(shell: Shell, world: World, address: str) -> None:
    assert "e-mail" in refused(shell.opsknight("login", "--first", address), world, [])


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--user", "ada", "--first", "ada@example.com"),
        ("--user", "ada", "--name", "Ada"),
        ("--name", "Ada"),
    ],
    ids=" ".join,
)
def test_it_is_said_how_to_ask(shell: Shell, words: tuple[str, ...]) -> None:
    said = shell.opsknight("login", *words)
    assert said.code == 64 and "--first" in said.err


def test_who_asks_for_anybody_else_reads_where_to_begin(shell: Shell, world: World) -> None:
    assert "opsknight login --first" in refused(
        shell.opsknight("login", "--user", "ada"), world, []
    )
    shell.account = Scripted(world)
    said = shell.opsknight("doctor", "--json")
    checks = {each["check"]: each for each in json.loads(said.out)["checks"]}
    assert "--first" in checks["people"]["mend"], checks["people"]
