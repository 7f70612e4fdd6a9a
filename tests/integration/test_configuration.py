"""The configuration over HTTP: shown, checked, planned and applied; and who owns it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from secrets import token_urlsafe
from textwrap import indent
from time import process_time
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from harness import audited
from harness.conflicts import answer
from harness.desk import Desk
from harness.shell import Shell
from harness.world import World, deadline, event, http_event
from opsknight.config.ownership import Applied, OwnedElsewhere, Side
from opsknight.directory.entries import CONFIGURATION_READ, SCOPES, Role, User, key_hash
from opsknight.directory.sessions import COOKIE, LOGIN_LIFE, RECENT, Login, Session, Way
from opsknight.files.checking import check
from opsknight.files.reading import read
from opsknight.http.gateway import Request
from opsknight.store import directory_items, items
from opsknight.store.calls import Deadline
from opsknight.store.configuration_writes import revision_key
from opsknight.store.configurations import Configurations
from opsknight.store.half_applied import Overtaken
from opsknight.store.plans import carry_out, plan
from opsknight.store.sessions import Sessions
from opsknight.store.wire import Item, plain
from respond.configuring.contract import LARGEST_BODY

PATH = "/api/configuration"
FILE = """\
users:
  ann: {email: ann@example.com, role: ADMIN}
  bob:
    email: bob@example.com
    role: RESPONDER
    contact_methods:
      phone: {channel: sms, to: "+4915112345678"}
teams:
  ops:
    members: {ann: , bob: }
schedules:
  web: {zone: UTC, layers: {a: {users: [ann, bob], turn: 1d, handoff: "09:00", start: 2026-01-05}}}
policies:
  web: {steps: [{targets: [{schedule: web}]}]}
services:
  shop:
    team: ops
    policy: web
    integrations: {nagios: Nagios, mail: Mail}
"""
SHORTER = FILE.replace("{nagios: Nagios, mail: Mail}", "{mail: Mail}")


@pytest.fixture
def desk(world: World) -> Desk:
    """Of an administrator who is in no file yet."""
    desk = Desk(world)
    root = User(id="user_root", name="Root", email="root@example.com", role=Role.ADMIN)
    world.table.put_all([directory_items.directory_item(root)], deadline())
    desk.everything = desk.key("root", *SCOPES)
    return desk


def planned(desk: Desk, text: str, **more: bool) -> dict[str, Any]:
    answer = desk.call("POST", f"{PATH}/plan", {"text": text, **more})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


def applied(desk: Desk, text: str = FILE, **more: bool) -> int:
    """The revision that it made."""
    prune = {"prune": more.get("prune", False)}
    body = {"text": text, "revision": planned(desk, text, **prune)["revision"], **more}
    answer = desk.call("POST", f"{PATH}/apply", body)
    assert answer.status == 200, answer.body
    return int(answer.body["revision"])


def shown(desk: Desk) -> dict[str, Any]:
    answer = desk.call("GET", f"{PATH}/text")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


def told(desk: Desk) -> set[str]:
    """Whom messages are on their way to."""
    return {plain(it)["owner"]["id"] for it in desk.world.items() if is_message(it)}


def is_message(item: Item) -> bool:
    return item["kind"]["S"] == "delivery"


def test_an_empty_deployment_belongs_to_whoever_applies_first(desk: Desk) -> None:
    before = shown(desk)
    assert (before["revision"], before["text"]) == (0, "{}\n")
    assert "owner" not in before
    assert applied(desk) == 1
    after = shown(desk)
    assert after["owner"] == {"by": "console", "who": "Root", "revision": 1} | {
        "at": after["owner"]["at"]
    }
    assert (after["masked"], after["mayApply"]) == (False, True)


def test_the_text_is_what_export_prints_and_applies_to_no_change(desk: Desk) -> None:
    applied(desk)
    text = shown(desk)["text"]
    assert text == Shell(desk.world).opsknight("export").out
    plan = planned(desk, text, prune=True)
    assert (plan["changes"], plan["left"]) == ([], [])
    assert applied(desk, text, prune=True) == 1, "and writes no revision"


def test_findings_are_those_of_the_command_line(desk: Desk, tmp_path: Path) -> None:
    wrong = FILE.replace("team: ops", "team: opps").replace("role: ADMIN", "role: BOSS")
    answer = desk.call("POST", f"{PATH}/validate", {"text": wrong}).body
    path = tmp_path / "opsknight.yaml"
    path.write_text(wrong)
    said = json.loads(Shell(desk.world).opsknight("validate", path, "--json").out)
    assert answer["valid"] is False is said["valid"]
    assert answer["problems"] == [
        {name: each[name] for name in each if name != "file"} for each in said["problems"]
    ]
    assert {each["line"] for each in answer["problems"]} >= {2, 17}
    assert desk.call("POST", f"{PATH}/validate", {"text": FILE}).body["valid"]
    assert desk.call("POST", f"{PATH}/validate", {"text": "users: ["}).body["problems"]


@pytest.mark.parametrize("route", ["plan", "apply"])
def test_a_text_with_errors_is_not_applied(desk: Desk, route: str) -> None:
    wrong = FILE.replace("team: ops", "team: opps")
    answer = desk.call("POST", f"{PATH}/{route}", {"text": wrong, "revision": 0})
    assert (answer.status, answer.body["error"]) == (400, "Invalid configuration")
    [issue] = answer.body["issues"]
    assert issue["path"] == "line 17"
    assert shown(desk)["revision"] == 0


def test_a_plan_says_what_changes_in_which_place(desk: Desk) -> None:
    created = planned(desk, FILE)["changes"]
    assert {each["action"] for each in created} == {"create"}
    [policy] = [each for each in created if each["kind"] == "policy"]
    assert policy["text"] == "steps:\n  - targets:\n      - {schedule: web}\n"
    applied(desk)
    [change] = planned(desk, FILE.replace("[ann, bob]", "[bob, ann]"))["changes"]
    assert (change["action"], change["path"]) == ("update", "schedules.web")
    assert change["differences"] == [
        {"path": "layers.a.users", "before": "[ann, bob]", "after": "[bob, ann]"}
    ]


def test_nobody_applies_a_plan_that_was_overtaken(desk: Desk) -> None:
    applied(desk)
    body = {"text": FILE.replace("[ann, bob]", "[bob, ann]"), "revision": 1}
    assert desk.call("POST", f"{PATH}/apply", body).status == 200
    late = body | {"text": FILE.replace("role: ADMIN", "role: RESPONDER")}
    refused = desk.call("POST", f"{PATH}/apply", late)
    assert (refused.status, refused.body["error"]) == (409, "Overtaken")
    assert "earlier try" in refused.body["message"], "it may be one's own, which was not answered"
    assert "wrote nothing" not in refused.body["message"].casefold()
    assert "nothing was written" not in refused.body["message"].casefold()
    ann = desk.world.table.user("user_ann", deadline())
    assert ann and ann.role is Role.ADMIN


def test_pruning_and_force_are_those_of_the_command_line(desk: Desk) -> None:
    applied(desk)
    secret = desk.call("POST", "/api/keeping/services/svc_shop/integrations/int_nagios/keys")
    key = secret.body["secret"]
    assert desk.world.send(event(), key=key).status == 202
    assert [each["path"] for each in planned(desk, SHORTER)["left"]] == [
        "services.shop.integrations.nagios"
    ]
    assert desk.world.send(event("resolve"), key=key).status == 202
    plan = planned(desk, SHORTER, prune=True)
    [change] = [each for each in plan["changes"] if each["action"] == "remove"]
    assert (change["endsKeys"], plan["needsForce"]) == (1, True)
    assert "falls silent" not in plan["dangers"][0] and "nagios" in plan["dangers"][0]
    body = {"text": SHORTER, "revision": plan["revision"], "prune": True}
    refused = desk.call("POST", f"{PATH}/apply", body)
    assert (refused.status, refused.body["error"]) == (409, "Needs force")
    assert desk.call("POST", f"{PATH}/apply", body | {"force": True}).status == 200
    desk.world.clock.advance(seconds=31)
    assert desk.world.send(event(), key=key).status == 403


def test_a_plan_names_whom_a_file_would_make_twice(desk: Desk) -> None:
    """As a file that calls people otherwise replaces nobody without `--prune`."""
    applied(desk)
    renamed = FILE.replace("bob", "robert").replace("robert@", "Bob@")
    said = "Users bob and robert have the same e-mail address, and neither can log in by it."
    assert [each[: len(said)] for each in planned(desk, renamed)["dangers"]] == [said]
    assert planned(desk, FILE)["dangers"] == []


def test_what_was_applied_is_listed_by_whom_and_when(desk: Desk) -> None:
    applied(desk)
    desk.world.clock.advance(hours=1)
    applied(desk, FILE.replace("[ann, bob]", "[bob, ann]"))
    newest, first = desk.call("GET", f"{PATH}/revisions").body["revisions"]
    assert (newest["revision"], newest["by"], newest["who"]) == (2, "console", "Root")
    assert newest["changes"] == [{"action": "update", "kind": "schedule", "path": "schedules.web"}]
    assert {each["action"] for each in first["changes"]} == {"create"}
    assert newest["at"] > first["at"]
    [older] = desk.call("GET", f"{PATH}/revisions?before=2").body["revisions"]
    assert older == first
    assert desk.call("GET", f"{PATH}/revisions?before=x").status == 400


def test_many_revisions_are_listed_in_batches(desk: Desk) -> None:
    texts = (FILE, FILE.replace("[ann, bob]", "[bob, ann]"))
    for number in range(21):
        applied(desk, texts[number % 2])
    batch = desk.call("GET", f"{PATH}/revisions").body
    assert [each["revision"] for each in batch["revisions"]] == [*range(21, 1, -1)]
    rest = desk.call("GET", f"{PATH}/revisions?before={batch['next']}").body
    assert [each["revision"] for each in rest["revisions"]] == [1]
    assert "next" not in rest


def test_a_revision_that_cannot_be_read_does_not_end_their_list(desk: Desk) -> None:
    texts = (FILE, FILE.replace("[ann, bob]", "[bob, ann]"))
    for number in range(21):
        applied(desk, texts[number % 2])
    table = desk.world.table
    for number in (2, 9):
        broken = revision_key(number) | {"kind": {"S": "revision"}, "by": {"N": "1"}}
        table.client.put_item(TableName=table.name, Item=broken)
    batch = desk.call("GET", f"{PATH}/revisions").body
    found = [each["revision"] for each in batch["revisions"]]
    assert found == [each for each in range(21, 1, -1) if each not in (2, 9)]
    rest = desk.call("GET", f"{PATH}/revisions?before={batch['next']}").body
    assert [each["revision"] for each in rest["revisions"]] == [1]


@pytest.fixture
def shell(desk: Desk) -> Shell:
    return Shell(desk.world)


def by_file(shell: Shell, *more: str, text: str = FILE) -> Any:
    return shell.opsknight("apply", "-", "--yes", *more, stdin=text)


def test_the_console_changes_nothing_that_a_file_owns_until_it_takes_over(
    desk: Desk, shell: Shell
) -> None:
    assert by_file(shell).code == 0
    owner = shown(desk)["owner"]
    assert (owner["by"], owner["who"]) == ("file", "grace (AWS)")
    assert owner["source"] == "Standard input"
    changed = FILE.replace("[ann, bob]", "[bob, ann]")
    body = {"text": changed, "revision": owner["revision"]}
    refused = desk.call("POST", f"{PATH}/apply", body)
    assert (refused.status, refused.body["error"]) == (409, "Owned elsewhere")
    assert desk.call("POST", f"{PATH}/apply", body | {"takeOver": True}).status == 200
    assert shown(desk)["owner"]["by"] == "console"
    assert desk.call("GET", f"{PATH}/revisions").body["revisions"][0]["tookOver"]


def test_a_file_changes_nothing_that_the_console_owns_until_it_takes_over(
    desk: Desk, shell: Shell
) -> None:
    applied(desk)
    changed = FILE.replace("[ann, bob]", "[bob, ann]")
    refused = by_file(shell, text=changed)
    assert refused.code == 1
    assert "console owns the configuration" in " ".join(refused.err.split())
    assert "--take-over" in refused.err
    assert shown(desk)["revision"] == 1
    assert by_file(shell, "--take-over", text=changed).code == 0
    assert shown(desk)["owner"]["by"] == "file"
    assert by_file(shell, text=FILE).code == 0


def test_to_take_over_needs_no_change(desk: Desk, shell: Shell) -> None:
    assert by_file(shell).code == 0
    assert applied(desk, takeOver=True) == 2
    assert shown(desk)["owner"]["by"] == "console"
    assert by_file(shell, "--take-over").code == 0
    assert shown(desk)["owner"] | {"at": ""} == {
        "by": "file",
        "who": "grace (AWS)",
        "revision": 3,
        "source": "Standard input",
        "at": "",
    }


def test_two_who_take_over_at_once_are_one_owner(desk: Desk, shell: Shell) -> None:
    assert by_file(shell).code == 0
    text = check(read({"": FILE}), desk.world.clock()).configuration
    configurations, now = Configurations(desk.world.table), desk.world.clock()
    early = plan(configurations, text, prune=False, now=now, deadline=deadline())
    assert applied(desk, takeOver=True) == 2
    late = Applied(Side.FILE, "Grace")
    # What it saw was its own; the revision says that it is not any more.
    with pytest.raises(Overtaken):
        carry_out(configurations, early, late, now, "late", deadline(), audit=audited.entry)
    seen = plan(configurations, text, prune=False, now=now, deadline=deadline())
    with pytest.raises(OwnedElsewhere):
        carry_out(configurations, seen, late, now, "later", deadline(), audit=audited.entry)


def test_what_was_applied_before_there_were_owners_is_the_files(desk: Desk) -> None:
    desk.configured(users=["user_ada"], teams=["team_web"])
    assert shown(desk)["owner"] == {"by": "file"}
    refused = desk.call("POST", f"{PATH}/apply", {"text": FILE, "revision": 1})
    assert refused.body["error"] == "Owned elsewhere"


def test_a_key_that_somebody_makes_leaves_the_owner(desk: Desk) -> None:
    applied(desk)
    owner = shown(desk)["owner"]
    assert desk.call("POST", "/api/keeping/services/svc_shop/integrations/int_mail/keys").status
    after = shown(desk)
    assert (after["revision"], after["owner"]) == (2, owner)


def test_whose_time_on_call_it_changes_is_told_but_not_who_applied(desk: Desk) -> None:
    applied(desk)
    assert told(desk) == set()
    applied(desk, FILE.replace("[ann, bob]", "[bob, ann]"))
    assert told(desk) == {"user_ann", "user_bob"}


def test_they_are_told_after_an_apply_that_took_all_its_time(desk: Desk) -> None:
    applied(desk)
    seconds = 0.0

    def slow(**_: object) -> None:
        nonlocal seconds
        seconds = 13.5

    events: Any = desk.world.table.client.meta.events
    events.register("after-call.dynamodb.TransactWriteItems", slow)
    body = {"text": FILE.replace("[ann, bob]", "[bob, ann]"), "revision": 1}
    headers = {"Authorization": f"Bearer {desk.everything}"}
    request = Request.of(http_event(body, path=f"{PATH}/apply", headers=headers), lambda: "req")
    until = Deadline(13, lambda: seconds)
    try:
        answer = desk.configurator.api.answer(request, {}, desk.world.clock(), until)
    finally:
        events.unregister("after-call.dynamodb.TransactWriteItems", slow)
    assert (answer.status, seconds) == (200, 13.5)
    assert told(desk) == {"user_ann", "user_bob"}


# More than one transaction takes; schedules come before services.
SWAPPED = FILE.replace("[ann, bob]", "[bob, ann]")
LONG = SWAPPED + "".join(f"  more{number}: {{team: ops}}\n" for number in range(120))


@contextmanager
def half_way(desk: Desk, how: Callable[[], None], number: int = 1) -> Iterator[None]:
    """While it is open, `how` happens after the first transaction, or the one of this number."""
    events: Any = desk.world.table.client.meta.events
    so_far = count(1)

    def after(**_: object) -> None:
        if next(so_far) == number:
            how()

    events.register("after-call.dynamodb.TransactWriteItems", after)
    yield
    events.unregister("after-call.dynamodb.TransactWriteItems", after)


def overtake(world: World) -> None:
    """As somebody else's apply does."""
    world.table.client.update_item(
        TableName=world.table.name,
        Key=items.HEAD_KEY,
        UpdateExpression="ADD revision :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def test_they_are_told_of_what_was_written_of_an_apply_that_was_overtaken(desk: Desk) -> None:
    applied(desk)
    with half_way(desk, lambda: overtake(desk.world)):
        body = {"text": LONG, "revision": 1}
        answer = desk.call("POST", f"{PATH}/apply", body)
    assert (answer.status, answer.body["error"]) == (409, "Overtaken")
    assert told(desk) == {"user_ann", "user_bob"}
    sent = len(list(filter(is_message, desk.world.items())))
    applied(desk, LONG)
    assert len(list(filter(is_message, desk.world.items()))) == sent, "and of the rest nobody"


def test_they_are_told_of_what_was_written_when_the_time_ran_out(desk: Desk) -> None:
    applied(desk)
    seconds = 0.0

    def slow() -> None:
        nonlocal seconds
        seconds = 13.5

    headers = {"Authorization": f"Bearer {desk.everything}"}
    body = {"text": LONG, "revision": 1}
    request = Request.of(http_event(body, path=f"{PATH}/apply", headers=headers), lambda: "req")
    with half_way(desk, slow):
        until = Deadline(13, lambda: seconds)
        answer = desk.configurator.api.answer(request, {}, desk.world.clock(), until)
    assert answer.status == 503
    assert told(desk) == {"user_ann", "user_bob"}


@pytest.mark.parametrize("late", [False, True], ids=["in the first part", "in the second part"])
def test_a_file_that_stopped_half_way_tells_of_what_it_wrote(
    desk: Desk, shell: Shell, late: bool
) -> None:
    assert by_file(shell).code == 0
    # Users come before schedules: so many, and the schedule is in the part that is not written.
    more = "".join(f"  u{n}: {{email: u{n}@example.com, role: USER}}\n" for n in range(120))
    text = SWAPPED.replace("teams:", f"{more}teams:") if late else LONG
    with half_way(desk, lambda: overtake(desk.world)):
        said = by_file(shell, text=text)
    assert said.code == 1
    assert "were written" in " ".join(said.err.split())
    assert told(desk) == (set() if late else {"user_ann", "user_bob"})


@contextmanager
def expiring(desk: Desk, *calls: str, lost: int = 0) -> Iterator[None]:
    """While it is open, credentials for these calls expire after the first transaction, or after
    the one of this number, whose answer is `lost`.
    """
    events: Any = desk.world.table.client.meta.events

    def expired(model: Any, **_: object) -> Any:
        return answer(model, "ExpiredTokenException", "The security token has expired.")

    def expire() -> None:
        for each in calls:
            events.register(f"before-call.dynamodb.{each}", expired)
        if lost:
            raise ReadTimeoutError(endpoint_url="http://dynamodb.invalid/")

    try:
        with half_way(desk, expire, lost or 1):
            yield
    finally:
        for each in calls:
            events.unregister(f"before-call.dynamodb.{each}", expired)


WRITES = ["TransactWriteItems", "PutItem"]


@pytest.mark.parametrize("refused", [WRITES[:1], WRITES], ids=["", "and nobody can be told"])
def test_whoever_is_refused_half_way_reads_how_far_it_came(
    desk: Desk, shell: Shell, refused: list[str]
) -> None:
    assert by_file(shell).code == 0
    with expiring(desk, *refused):
        said = by_file(shell, text=LONG)
    words = " ".join(said.err.split())
    assert said.code == 1 and "ExpiredTokenException" in words
    assert re.search(r"[1-9][0-9]* of 121 changes were written", words), words
    assert told(desk) == (set() if "PutItem" in refused else {"user_ann", "user_bob"})


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (1, "Whether anything was written is not known. Run the command again"),
        (2, "At least [1-9][0-9]* of 121 changes were written"),
    ],
)
def test_whoever_lost_an_answer_and_was_then_refused_reads_what_is_not_known(
    desk: Desk, shell: Shell, lost: int, said: str
) -> None:
    """It is written, and the second try at it, which would say so, has no credentials."""
    assert by_file(shell).code == 0
    before = shown(desk)["revision"]
    with expiring(desk, "TransactWriteItems", lost=lost):
        stopped = by_file(shell, text=LONG)
    words = " ".join(stopped.err.split())
    assert stopped.code == 1 and "ExpiredTokenException" in words
    assert re.search(said, words), words
    assert shown(desk)["revision"] == before + lost
    assert told(desk) == (set() if lost == 1 else {"user_ann", "user_bob"})


@pytest.mark.parametrize("refused", [WRITES[:1], WRITES], ids=["", "and nobody can be told"])
def test_they_are_told_of_what_was_written_before_a_refusal(desk: Desk, refused: list[str]) -> None:
    applied(desk)
    with expiring(desk, *refused):
        said = desk.call("POST", f"{PATH}/apply", {"text": LONG, "revision": 1})
    assert said.status == 500
    assert told(desk) == (set() if "PutItem" in refused else {"user_ann", "user_bob"})


def test_an_apply_that_is_written_says_so_whoever_can_be_told(desk: Desk, shell: Shell) -> None:
    applied(desk)
    with expiring(desk, "PutItem"):
        assert applied(desk, SWAPPED) == 2
    with expiring(desk, "PutItem"):
        said = by_file(shell, "--take-over")
    assert said.code == 0 and "It is applied, and nobody could be told" in said.err
    assert part(desk, "services.shop")["place"]["line"] == 16


def test_a_file_that_was_overtaken_says_so_whoever_can_be_told(desk: Desk, shell: Shell) -> None:
    assert by_file(shell).code == 0
    with expiring(desk, "PutItem"), half_way(desk, lambda: overtake(desk.world)):
        said = by_file(shell, text=LONG)
    words = " ".join(said.err.split())
    assert "Somebody else has changed" in words and "were written" in words, words


def test_they_are_told_before_the_lines_of_the_file_are_kept(desk: Desk, shell: Shell) -> None:
    """Whoever runs it again has the lines kept, and nobody told."""
    assert by_file(shell).code == 0
    with expiring(desk, "TransactWriteItems"):
        assert by_file(shell, text=SWAPPED).code == 1
    assert told(desk) == {"user_ann", "user_bob"}


def test_what_is_applied_is_what_was_planned(desk: Desk) -> None:
    applied(desk)
    plan = planned(desk, SWAPPED)
    body = {"revision": plan["revision"], "digest": plan["digest"]}
    edited = SWAPPED.replace("role: RESPONDER", "role: ADMIN")
    refused = desk.call("POST", f"{PATH}/apply", body | {"text": edited})
    assert (refused.status, refused.body["error"]) == (409, "Another plan")
    refused = desk.call("POST", f"{PATH}/apply", body | {"text": SWAPPED, "digest": "x"})
    assert refused.status == 409
    assert shown(desk)["revision"] == 1
    # What changes nothing is no other plan.
    said = desk.call("POST", f"{PATH}/apply", body | {"text": f"# A comment\n{SWAPPED}"})
    assert said.status == 200


def test_an_incident_that_ends_after_the_plan_removes_nothing_unseen(desk: Desk) -> None:
    """It moves no revision, and what it needed would go."""
    two = FILE + "  attic: {team: ops, integrations: {old: Old}}\n"
    applied(desk, two)
    path = "/api/keeping/services/svc_attic/integrations/int_old/keys"
    key = desk.call("POST", path).body["secret"]
    assert desk.world.send(event(), key=key).status == 202
    plan = planned(desk, FILE, prune=True)
    assert [each["action"] for each in plan["changes"]] == []
    assert desk.world.send(event("resolve"), key=key).status == 202
    body = {"text": FILE, "prune": True, "force": True, "revision": plan["revision"]}
    refused = desk.call("POST", f"{PATH}/apply", body | {"digest": plan["digest"]})
    assert (refused.status, refused.body["error"]) == (409, "Another plan")
    assert desk.world.table.service("svc_attic", deadline())
    plan = planned(desk, FILE, prune=True)
    body |= {"revision": plan["revision"], "digest": plan["digest"]}
    assert desk.call("POST", f"{PATH}/apply", body).status == 200


def test_a_key_of_an_administrator_that_may_only_read_is_told_no_address(desk: Desk) -> None:
    applied(desk)
    reader = desk.key("root", CONFIGURATION_READ)
    found = desk.call("GET", f"{PATH}/text", key=reader).body
    assert (found["masked"], found["mayApply"]) == (True, False)
    assert "+4915112345678" not in found["text"]
    text = FILE.replace("+4915112345678", "+4915100000099").replace("ann@ex", "eve@ex")
    plan = desk.call("POST", f"{PATH}/plan", {"text": text}, key=reader)
    assert plan.status == 200
    assert {each["path"]: each["differences"] for each in plan.body["changes"]} == {
        "users.ann": [{"path": "email", "before": "a…@example.com", "after": "e…@example.com"}],
        "users.bob": [{"path": "contact_methods.phone.to", "before": "+49…78", "after": "+49…99"}],
    }
    assert "+4915112345678" in json.dumps(planned(desk, text))


PLACES = [
    ("ann-c4n4ry@example.com", "anne@example.com"),
    ("+4915100004711", "+4915199994711"),
    ("c4n4ry-mail@", "cook@"),
    ("C0C4N4RY", "C0123456"),
    ("@c4n4ry", "@cook"),
    ("u0c4n4ry0000000", "u00000000000000"),
    ("ntfy.example.com/c4n4ry", "ntfy.example.com/cook"),
    ("8443/c4n4ry?token=c4n4ry", "8443/c4n4ry?token=cook"),
    ("mirror.example.com/c4n4ry", "mirror.example.com/cook"),
]


@pytest.mark.parametrize(("right", "wrong"), PLACES, ids=[each for each, _ in PLACES])
def test_a_masked_plan_tells_no_guess_from_the_truth(desk: Desk, right: str, wrong: str) -> None:
    """Whoever may only read would find each number by trying them."""
    applied(desk, EVERYWHERE)
    reader, more = desk.key("root", CONFIGURATION_READ), EVERYWHERE.replace("shop:", "store:")
    for text in (EVERYWHERE, more.replace("[shop]", "[store]")):
        told, guessed = (
            desk.call("POST", f"{PATH}/plan", {"text": each}, key=reader).body
            for each in (text, text.replace(right, wrong))
        )
        assert told == guessed
    assert "users.ann.contact_methods.text.to" in told["hidden"]
    assert "users.ann.contact_methods.text.to" not in json.dumps(told["changes"])
    # Whoever may apply reads all of it.
    assert planned(desk, EVERYWHERE)["changes"] == []
    whole = planned(desk, EVERYWHERE.replace(right, wrong))
    assert whole["changes"] and "hidden" not in whole


def test_a_masked_plan_says_of_nobody_that_they_have_an_address(desk: Desk) -> None:
    applied(desk)
    reader = desk.key("root", CONFIGURATION_READ)
    told, guessed = (
        desk.call(
            "POST",
            f"{PATH}/plan",
            {"text": f"users: {{eve: {{email: {each}@example.com, role: USER}}}}\n"},
            key=reader,
        ).body
        for each in ("bob", "ben")
    )
    assert told == guessed and told["dangers"] == []


def part(desk: Desk, path: str, key: str | None = None) -> Any:
    answer = desk.call("GET", f"{PATH}/part?path={path}", key=key)
    assert answer.status == 200, answer.body
    return answer.body


def test_one_thing_is_shown_with_its_lines_to_be_changed_there(desk: Desk, shell: Shell) -> None:
    assert by_file(shell).code == 0
    shop = part(desk, "services.shop")
    assert shop["text"] == (
        "services:\n  shop:\n    team: ops\n    policy: web\n"
        "    integrations: {mail: Mail, nagios: Nagios}\n"
    )
    assert shop["place"] == {"file": "standard input", "line": 16}
    assert (shop["owner"]["by"], shop["owner"]["who"]) == ("file", "grace (AWS)")
    assert shop["owner"]["revision"] == 1
    for path, line in (("policies.web", 14), ("schedules.web", 12), ("teams.ops", 9)):
        found = part(desk, path)
        assert found["place"]["line"] == line
        assert FILE.splitlines()[line - 1].strip().split(":")[0] == path.partition(".")[2]
        assert found["text"].startswith(f"{path.partition('.')[0]}:\n")
    assert part(desk, "services.shop.integrations.mail")["text"].count("Mail") == 1
    # The name of one begins as that of another.
    assert desk.call("GET", f"{PATH}/part?path=services.sho").status == 404
    assert desk.call("GET", f"{PATH}/part?path=services.other").status == 404
    assert desk.call("GET", f"{PATH}/part").status == 400


def test_lines_of_an_older_file_are_not_shown_beside_a_newer_apply(
    desk: Desk, shell: Shell
) -> None:
    assert by_file(shell).code == 0
    longer = SWAPPED.replace("teams:", "  eve: {email: eve@example.com, role: USER}\nteams:")
    with expiring(desk, "TransactWriteItems"):
        # It is written, and its lines are not.
        assert by_file(shell, text=longer).code == 1
    shop = part(desk, "services.shop")
    assert shop["owner"]["revision"] == 2 and "place" not in shop
    assert by_file(shell, text=longer).code == 0
    assert part(desk, "services.shop")["place"]["line"] == 17
    # What somebody does beside the file moves the revision on, and no line.
    assert shell.opsknight("keys", "create", "--service", "shop", "--integration", "mail").code == 0
    assert part(desk, "services.shop")["place"]["line"] == 17


def test_what_the_console_owns_has_no_lines(desk: Desk, shell: Shell) -> None:
    assert by_file(shell).code == 0
    applied(desk, takeOver=True)
    shop = part(desk, "services.shop")
    assert (shop["owner"]["by"], shop["mayApply"]) == ("console", True)
    assert "place" not in shop


def test_parts_are_masked_as_the_whole_is(desk: Desk) -> None:
    applied(desk)
    responder = desk.key("ada", *SCOPES)
    bob = part(desk, "users.bob", responder)
    assert (bob["masked"], bob["mayApply"]) == (True, False)
    assert "+4915112345678" not in bob["text"]
    assert "+4915112345678" in part(desk, "users.bob")["text"]
    user = desk.key("ben", *SCOPES)
    assert desk.call("GET", f"{PATH}/part?path=users.bob", key=user).status == 403


def test_responders_read_it_without_addresses_and_change_nothing(desk: Desk) -> None:
    applied(desk)
    responder = desk.key("ada", *SCOPES)
    answer = desk.call("GET", f"{PATH}/text", key=responder).body
    assert (answer["masked"], answer["mayApply"]) == (True, False)
    assert "+4915112345678" not in answer["text"] and "78" in answer["text"]
    assert "+4915112345678" in shown(desk)["text"]
    assert desk.call("GET", f"{PATH}/revisions", key=responder).status == 200
    assert desk.call("POST", f"{PATH}/validate", {"text": FILE}, key=responder).status == 200
    for route in ("plan", "apply"):
        body = {"text": FILE, "revision": 1}
        assert desk.call("POST", f"{PATH}/{route}", body, key=responder).status == 403


# Marked wherever somebody could write to who reads it.
HOOK = '{channel: webhook, to: "https://hooks.example.com:8443/c4n4ry?token=c4n4ry", secret: hook}'
CHATS = f"""\
mail: {{channel: email, to: c4n4ry-mail@mail.example.com}}
chat: {{channel: slack, to: C0C4N4RY, secret: slack-token}}
bot: {{channel: telegram, to: "@c4n4ry", secret: telegram-token}}
push: {{channel: pushover, to: u0c4n4ry0000000, secret: pushover-token}}
topic: {{channel: ntfy, to: "https://ntfy.example.com/c4n4ry"}}
hook: {HOOK}
"""
ALL = f"""\
text: {{channel: sms, to: "+4915100004711"}}
call: {{channel: voice, to: "+4915100004711"}}
{CHATS}"""
EVERYWHERE = f"""\
users:
  ann:
    email: ann-c4n4ry@example.com
    role: ADMIN
    contact_methods:
{indent(ALL, "      ")}
teams:
  ops: {{members: {{ann: }}}}
schedules:
  web:
    zone: UTC
    layers: {{a: {{users: [ann], turn: 1d, handoff: "09:00", start: 2026-01-05}}}}
    channel: {HOOK}
services:
  shop:
    team: ops
    mirror: {{to: webhook, url: "https://mirror.example.com/c4n4ry"}}
    receivers:
{indent(ALL, "      ")}
status_pages:
  public:
    services: [shop]
    webhooks: {{hook: {HOOK}}}
reports:
  morning:
    at: "08:00"
    zone: UTC
    receivers:
{indent(CHATS, "      ")}
"""


def test_who_may_not_apply_reads_no_place_that_somebody_could_write_to(desk: Desk) -> None:
    applied(desk, EVERYWHERE)
    marks = ("c4n4ry", "5100004711", "C0C4N4RY")
    whole = shown(desk)["text"]
    assert [whole.count(each) for each in marks] == [EVERYWHERE.count(each) for each in marks]
    responder = desk.key("ada", *SCOPES)
    found = desk.call("GET", f"{PATH}/text", key=responder).body["text"]
    revisions = desk.call("GET", f"{PATH}/revisions", key=responder).body
    assert revisions["revisions"]
    said = found + json.dumps(revisions)
    assert [each for each in marks if each in said] == []
    # Enough is left to tell two apart.
    assert found.count("https://hooks.example.com:8443/…") == EVERYWHERE.count("hooks.example")
    assert found.count("https://ntfy.example.com/…") == 3
    assert found.count("https://mirror.example.com/…") == 1
    assert found.count("c…@mail.example.com") == 3
    assert found.count("+49…11") == 4
    assert "a…@example.com" in found
    assert "slack-token" in found, "the name of a secret is none"


@pytest.mark.parametrize(("method", "route"), [("GET", "text"), ("GET", "revisions")])
def test_users_and_keys_without_the_scope_see_nothing(desk: Desk, method: str, route: str) -> None:
    user, scopeless = desk.key("ben", *SCOPES), desk.key("root", "services:read")
    for key in (user, scopeless):
        assert desk.call(method, f"{PATH}/{route}", key=key).status == 403
    reads = desk.key("root", "configuration:read")
    body = {"text": FILE, "revision": 0}
    assert desk.call("POST", f"{PATH}/apply", body, key=reads).status == 403


def by_session(desk: Desk, route: str, age: timedelta, site: str = "same-origin") -> int:
    """The status of the answer to a person in the console who logged in so long ago."""
    table, now, cookie = desk.world.table, desk.world.clock(), token_urlsafe(32)
    session = Session(
        id=f"ses_{cookie[:6]}",
        user_id="user_root",
        way=Way.LINK,
        created_at=now - age,
        ends_at=now + timedelta(hours=1),
    )
    offered = Login(user_id="user_root", ends_at=now + LOGIN_LIFE)
    Sessions(table).offer(cookie[:9], offered, deadline())
    begun = (cookie[:9], key_hash(cookie), session, cookie[:30], deadline())
    assert Sessions(table).begin(*begun, audit=audited.entry())
    headers = {"sec-fetch-site": site, "x-opsknight-console": "1"}
    body = {"text": FILE, "revision": 0}
    sent = http_event(body, path=f"{PATH}/{route}", headers=headers)
    sent["cookies"] = [f"{COOKIE}={cookie}"]
    return desk.send(sent).status


@pytest.mark.parametrize(("age", "status"), [(timedelta(0), 200), (RECENT, 403)])
def test_a_session_applies_after_a_recent_login(desk: Desk, age: timedelta, status: int) -> None:
    assert by_session(desk, "plan", age) == 200, "to look takes none"
    assert by_session(desk, "apply", age) == status
    assert shown(desk)["revision"] == (status == 200)


def test_another_page_applies_nothing_with_the_cookie_of_a_session(desk: Desk) -> None:
    assert by_session(desk, "apply", timedelta(0), site="cross-site") == 403
    assert shown(desk)["revision"] == 0


def test_a_body_may_be_larger_than_elsewhere_but_not_endless(desk: Desk) -> None:
    padded = FILE + "# " + "x" * 100_000 + "\n"
    assert desk.call("POST", f"{PATH}/validate", {"text": padded}).body["valid"]
    answer = desk.call("POST", f"{PATH}/validate", {"text": "#" * LARGEST_BODY})
    assert (answer.status, answer.body["maximum_bytes"]) == (413, LARGEST_BODY)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)

MERGES = "l0: &l0 {x: 1}\n" + "".join(
    f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 10)}]}}\n" for n in range(1, 10)
)
HARM = {
    "aliases of aliases": BOMB,
    "merges of merges": MERGES,
    "many merges of little": (
        f"b: &b {{{', '.join(f'k{n}: ' for n in range(40_000))}}}\ne: &e {{}}\n"
        f"c: {{<<: [*b{', *e' * 90_000}]}}\n"
    ),
    "merges in a chain": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 3000)),
    "nested deeply": "[" * 5000,
    "a tag of Python": "a: !!python/object/apply:os.system [x]",
    "a tag that is not true": "users: {ann: {email: !!int x, name: !!float y, role: !!bool maybe}}",
    "unknown sections": "".join(f"s{n}: {{}}\n" for n in range(20_000)),
    "unknown fields": "users:\n" + "".join(f"  u{n}: {{emial: 1}}\n" for n in range(20_000)),
    "one key again and again": "a: 1\n" * 60_000,
    "a list without an end": f"users: [{'x,' * 450_000}]",
    "a long name": f"? {'k' * 500_000}\n: [{'!!foo x,' * 300}]",
    "references to nobody": "users:\n"
    + "".join(f"  user{n}: {{email: a{n}@example.com, role: USER}}\n" for n in range(2000))
    + "teams:\n"
    + "".join(f"  team{n}: {{members: {{usex{n}: }}}}\n" for n in range(2000)),
}
# What a Lambda function may answer is 6 MB.
LARGEST_ANSWER = 1024 * 1024


@pytest.mark.parametrize("harm", HARM)
def test_a_text_that_means_harm_is_a_finding(desk: Desk, harm: str) -> None:
    """Soon, and in an answer of a size that a function may give."""
    began = process_time()
    answer = desk.call("POST", f"{PATH}/validate", {"text": HARM[harm]})
    # The function has 19 s, on a processor as fast as most that run tests.
    assert process_time() - began < 10
    assert (answer.status, answer.body["valid"]) == (200, False)
    assert len(json.dumps(answer.body)) < LARGEST_ANSWER
    refused = desk.call("POST", f"{PATH}/plan", {"text": HARM[harm]})
    assert (refused.status, refused.body["error"]) == (400, "Invalid configuration")
    assert len(json.dumps(refused.body)) < LARGEST_ANSWER


def test_of_many_problems_the_worst_are_listed_and_the_others_counted(desk: Desk) -> None:
    """Users whom nothing names get a warning each, and one role is wrong."""
    text = "users:\n" + "".join(
        f"  u{n}: {{email: u{n}@example.com, role: USER}}\n" for n in range(400)
    )
    found = desk.call("POST", f"{PATH}/validate", {"text": text}).body
    assert found["valid"]
    assert {each["severity"] for each in found["problems"]} == {"warning"}
    assert len(found["problems"]) == 251
    assert (
        found["problems"][-1]["message"] == "150 more problems, not listed here: mend these first."
    )
    assert planned(desk, text)["problems"] == found["problems"]
