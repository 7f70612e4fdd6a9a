"""The audit log: each act has its entry, in its own transaction; what is refused has none; and who
may read it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from harness import audited
from harness.audited import TEST
from harness.desk import Desk
from harness.world import World, deadline, http_event
from opsknight.config.ownership import Applied, Side
from opsknight.directory.audit_log import (
    LONGEST_TEXT,
    MOST_FACTS,
    AuditKind,
    Fact,
    changed,
    text,
)
from opsknight.directory.entries import AUDIT_READ, SCOPES, User
from opsknight.directory.sessions import COOKIE
from opsknight.incident.model import ActorKind
from opsknight.store import items
from opsknight.store.audit_log import AuditLog, Sought
from opsknight.store.configurations import Configurations
from opsknight.store.operations import Operations
from opsknight.store.plans import carry_out, plan
from opsknight.store.wire import wire
from opsknight.views.audit_answers import TITLES, title
from opsknight_cli import outline
from respond.configuring.routes import ROUTES as CONFIGURING
from respond.keeping.routes import ROUTES as KEEPING
from respond.routes import ROUTES as RESPOND
from tests.integration.audit_acts import (
    COMMANDS,
    EXEMPT_COMMANDS,
    EXEMPT_ROUTES,
    NUMBER,
    ROUTES,
    Line,
    Stage,
)

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
LOG = "audit_log#"
# What decides who is paged and who may do what.
DIRECTORY = (
    *("user#", "team#", "schedule#", "policy#", "service#", "key#", "keys", "configuration"),
    *("session#", "sessions#", "login#", "hold", "statuspage#", "calendar#"),
)


@pytest.fixture
def stage(world: World) -> Stage:
    return Stage(world)


@contextmanager
def watched(stage: Stage) -> Iterator[list[list[str]]]:
    """The partitions of each request that writes."""
    seen: list[list[str]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name in WRITES:
            seen.append([*_partitions(model.name, params)])

    events: Any = stage.world.table.client.meta.events
    events.register("before-parameter-build.dynamodb", note)
    try:
        yield seen
    finally:
        events.unregister("before-parameter-build.dynamodb", note)


def _partitions(name: str, params: dict[str, Any]) -> Iterator[str]:
    match name:
        case "TransactWriteItems":
            for each in params["TransactItems"]:
                [(kind, write)] = each.items()
                if kind != "ConditionCheck":
                    yield _partition(write.get("Key") or write.get("Item"))
        case "BatchWriteItem":
            for requests in params["RequestItems"].values():
                for each in requests:
                    [(_, write)] = each.items()
                    yield str((write.get("Key") or write.get("Item"))["pk"]["S"])
        case _:
            yield _partition(params.get("Key") or params.get("Item"))


def _partition(key: Any) -> str:
    # The lines of a file that was applied decide nothing.
    if key["sk"].get("S") == "last_apply":
        return "last_apply"
    return str(key["pk"].get("S", ""))


def acts(stage: Stage, line: Line) -> list[list[str]]:
    """Carries out the act of a line, checks its one entry, and returns what was written."""
    kind, about, prepared = line
    act = prepared(stage)
    stage.world.clock.advance(seconds=1)
    before = {each.id for each in stage.entries()}
    with watched(stage) as seen:
        made = act()
    if isinstance(made, dict):
        stage.secrets += [made[each] for each in ("secret", "url") if each in made]
    stored = log(stage)
    assert [each for each in stage.secrets if each in stored] == []
    assert NUMBER[1:] not in stored and "ada@example.com" not in stored
    [entry] = [each for each in stage.entries() if each.id not in before]
    assert (entry.kind, entry.at) == (kind, stage.world.clock())
    assert about in [each.id for each in entry.things]
    return seen


def test_every_route_that_writes_has_a_line_or_a_reason() -> None:
    writing = [each.name for each in (*RESPOND, *KEEPING, *CONFIGURING) if each.method != "GET"]
    assert sorted(writing) == sorted([*ROUTES, *EXEMPT_ROUTES])


def test_every_command_has_a_line_or_a_reason() -> None:
    found = sorted(_commands(json.loads(outline.STORED.read_text())))
    assert found == sorted([*COMMANDS, *EXEMPT_COMMANDS])


def _commands(group: dict[str, Any], *above: str) -> Iterator[str]:
    for name, each in group["commands"].items():
        if each.get("commands"):
            yield from _commands(each, *above, name)
        else:
            yield " ".join((*above, name))


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_an_act_by_the_api_has_an_entry_in_its_transaction(stage: Stage, name: str) -> None:
    seen = acts(stage, ROUTES[name])
    entry = stage.entries()[-1]
    actor = (entry.actor.kind, entry.actor.id, entry.user_id, entry.via, entry.source)
    assert actor == (ActorKind.API_KEY, "key_ada", "user_ada", "api", "192.0.2.7")
    _together(seen)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_act_of_the_command_line_has_an_entry_in_its_transaction(
    stage: Stage, name: str
) -> None:
    seen = acts(stage, COMMANDS[name])
    entry = stage.entries()[-1]
    actor = (entry.actor.kind, entry.actor.id, entry.actor.name, entry.via, entry.source)
    assert actor == (ActorKind.OPERATOR, stage.shell.arn, "grace (AWS)", "command_line", "")
    if name == "restore":
        # Its items come one by one, between two transactions that say so.
        seen = [each for each in seen if LOG in str(each)]
        assert len(seen) == 2
    _together(seen)


def _together(seen: list[list[str]]) -> None:
    """Whatever changes the directory is in one request with an entry, and no entry is alone."""
    for each in seen:
        logged = any(key.startswith(LOG) for key in each)
        changes = any(key.startswith(DIRECTORY) for key in each)
        assert logged is changes, each
    assert any(key.startswith(LOG) for each in seen for key in each)


def log(stage: Stage) -> str:
    """All that rests in it."""
    found = [each for each in stage.world.items() if LOG in str(each["pk"])]
    return json.dumps(found, default=str, ensure_ascii=False)


def test_an_address_is_masked_and_told_apart_by_its_end(stage: Stage) -> None:
    stage.waiting()
    [asked] = [each for each in stage.entries()[-1].facts if each.name == "waits_for_its_code"]
    assert NUMBER[-2:] in (asked.after or "")
    assert NUMBER not in log(stage) and "sms" in log(stage)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", "/api/schedules/sch_web/overrides/ovr_none", None, 404),
        ("DELETE", "/api/services/svc_checkout/maintenance/mw_none", None, 404),
        ("DELETE", "/api/me/sessions/ses_none", None, 404),
        ("DELETE", "/api/keeping/me/keys/key_none", None, 404),
        ("POST", "/api/schedules/sch_web/overrides", {"userId": "user_none"}, 400),
        ("POST", "/api/keeping/services/svc_checkout/integrations", {"name": "Prometheus"}, 409),
        ("DELETE", "/api/keeping/me/contact-methods/cm_none", None, 404),
        ("DELETE", "/api/status-pages/page_example/posts/post_none", None, 404),
    ],
)
def test_what_is_refused_has_no_entry(
    stage: Stage, method: str, path: str, body: object, status: int
) -> None:
    before = stage.entries()
    assert stage.desk.call(method, path, body, key=stage.key).status == status
    assert stage.entries() == before


def test_whoever_comes_second_has_no_entry(stage: Stage) -> None:
    stage.override()
    [override] = stage.world.table.rota("sch_web", deadline()).overrides  # type: ignore[union-attr]
    operations, mine = Operations(stage.world.table), audited.entry()
    operations.remove_override("sch_web", override.id, deadline(), audit=mine)
    before = len(stage.entries())
    removed = stage.desk.call(
        "DELETE", f"/api/schedules/sch_web/overrides/{override.id}", key=stage.key
    )
    assert removed.status == 404
    assert len(stage.entries()) == before


def test_a_login_and_a_logout_are_entries_of_the_console(stage: Stage) -> None:
    cookie, session = stage.begins()
    entry = stage.entries()[-1]
    assert (entry.kind, entry.actor.id, entry.via) == ("session_begun", "user_ada", "console")
    assert session.id in [each.id for each in entry.things]
    stage.world.clock.advance(minutes=1)
    stage.visitor(cookie).ask("/auth/logout", "POST")
    assert stage.entries()[-1].kind == "session_ended"
    assert stage.entries()[-1].actor.name == "Ada Lovelace"


def test_what_is_done_in_the_console_says_so(stage: Stage) -> None:
    cookie, session = stage.begins()
    stage.world.clock.advance(minutes=1)
    headers = {"sec-fetch-site": "same-origin", "x-opsknight-console": "1"}
    sent = http_event(method="DELETE", path="/api/calendar", headers=headers)
    sent["cookies"] = [f"{COOKIE}={cookie}"]
    assert stage.desk.send(sent).status == 200
    entry = stage.entries()[-1]
    assert (entry.via, entry.actor.kind, entry.user_id) == ("console", ActorKind.USER, None)
    assert [each.id for each in entry.things] == ["user_ada"]
    assert session.user_id == entry.actor.id


def test_an_override_says_who_takes_over_from_whom_and_when(stage: Stage) -> None:
    stage.override()
    entry = stage.entries()[-1]
    facts = {each.name: (each.before, each.after) for each in entry.facts}
    assert facts["on_call"] == (None, "Ben")
    assert facts["in_place_of"] == (None, "Ada Lovelace")
    stage.world.clock.advance(minutes=1)
    stage.says("override", "remove", "web", str(facts["override"][1]))
    gone = {each.name: (each.before, each.after) for each in stage.entries()[-1].facts}
    assert gone["on_call"] == ("Ben", None)


def test_a_configuration_that_takes_several_transactions_is_one_entry_that_says_how_far(
    world: World,
) -> None:
    stage = Stage(world)
    before = Configurations(world.table).read(deadline())
    removed = before.configuration
    configurations = Configurations(world.table, most_writes=1)
    file = type(removed).of(
        each.model_copy(update={"name": "Renamed"}) if isinstance(each, User) else each
        for each in removed.entries()
        if not getattr(each, "id", "").startswith("page_")
    )
    made = plan(configurations, file, prune=True, now=world.clock(), deadline=deadline())
    steps: list[tuple[int, int]] = []

    def entry(done: int, revision: int) -> Any:
        steps.append((done, revision))
        from opsknight.views import audited as views  # noqa: PLC0415

        act = views.applied(made.steps, done, made.seen.revision, revision)
        return TEST.entry(act, "aud_1", world.clock())

    by = Applied(Side.FILE, "Ada")
    revision = carry_out(configurations, made, by, world.clock(), "tok", deadline(), audit=entry)
    assert len(made.steps) > 1
    assert [each[0] for each in steps] == [*range(1, len(made.steps) + 1)]
    [found] = [each for each in stage.entries() if each.id == "aud_1"]
    facts = {each.name: each for each in found.facts}
    assert (facts["revision"].before, facts["revision"].after) == (
        str(before.revision),
        str(revision),
    )
    assert "written" not in facts
    assert facts["removed"].after == "1 status page"


# Reading.


def filled(stage: Stage, days: int = 3) -> None:
    """An entry each day, of one kind or the other."""
    start = stage.world.clock()
    rows = AuditLog(stage.world.table)
    for day in range(days):
        entry = audited.entry().model_copy(
            update={
                "id": f"aud_{day:03}",
                "at": start - timedelta(days=day),
                "kind": AuditKind.HOLD_BEGUN if day % 2 else AuditKind.HOLD_ENDED,
            }
        )
        rows.note(entry, deadline())


def listed(stage: Stage, query: str = "") -> dict[str, Any]:
    answer = stage.desk.call("GET", f"/api/audit{query}", key=stage.key)
    assert answer.status == 200, answer.problem
    return dict(answer.body)


def test_the_list_goes_on_through_months_newest_first(stage: Stage) -> None:
    filled(stage, 100)
    wanted = [f"aud_{day:03}" for day in range(100)]
    found: list[str] = []
    cursor = ""
    for _ in range(40):
        answer = listed(stage, f"?actor=test&limit=7{cursor}")
        found += [each["id"] for each in answer["entries"]]
        if "cursor" not in answer:
            break
        cursor = f"&cursor={answer['cursor']}"
    assert found == wanted


def test_the_list_leaves_out_none_of_a_month_of_large_entries(stage: Stage) -> None:
    """DynamoDB ends an answer at 1 MB, long before its number of entries."""
    fact = Fact(name="file", after="x" * 40_000)
    rows, start = AuditLog(stage.world.table), stage.world.clock()
    wanted = [f"aud_{number:03}" for number in range(60)]
    for number, entry_id in enumerate(wanted):
        at = start - timedelta(minutes=number)
        entry = audited.entry().model_copy(update={"id": entry_id, "at": at, "facts": (fact,)})
        rows.note(entry, deadline())
    asked = Sought(actor_id="test"), None, len(wanted), start, deadline()
    found, _ = rows.newest(*asked)
    assert [each.id for each in found] == wanted


def test_the_list_of_a_time_that_is_to_come_begins_now(stage: Stage) -> None:
    filled(stage, 2)
    found = listed(stage, "?actor=test&until=2100-01-01T00:00:00Z")
    assert [each["id"] for each in found["entries"]] == ["aud_000", "aud_001"]


def test_the_filters_are_by_time_kind_actor_and_entity(stage: Stage) -> None:
    filled(stage, 10)
    now = stage.world.clock()
    since = (now - timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(listed(stage, "?actor=test")["entries"]) == 10
    assert len(listed(stage, "?actor=test&kind=hold_begun")["entries"]) == 5
    assert len(listed(stage, f"?actor=test&from={since}")["entries"]) == 6
    assert len(listed(stage, f"?actor=test&until={since}")["entries"]) == 5 - 1
    stage.added()
    mine = listed(stage, "?entity=svc_checkout")["entries"]
    assert {each["kind"] for each in mine} == {"integration_added"}
    assert listed(stage, "?actor=user_ada")["entries"] == mine, "by her key"
    assert mine[0]["title"] == "Integration added"
    assert mine[0]["actor"]["userId"] == "user_ada"
    assert listed(stage, "?actor=user_ben")["entries"] == []


@pytest.mark.parametrize(
    "query",
    [
        "?kind=bribed",
        "?from=yesterday",
        "?from=2026-11-24T00:00:00Z&until=2026-11-23T00:00:00Z",
        "?cursor=x",
        "?limit=0",
        "?who=ada",
    ],
)
def test_a_filter_that_is_none_is_refused(stage: Stage, query: str) -> None:
    assert stage.desk.call("GET", f"/api/audit{query}", key=stage.key).status == 400


def test_a_cursor_works_with_other_filters(stage: Stage) -> None:
    filled(stage, 10)
    cursor = listed(stage, "?actor=test&limit=2")["cursor"]
    until = (stage.world.clock() - timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    since = stage.world.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert listed(stage, f"?until={until}&cursor={cursor}")["entries"]
    assert not listed(stage, f"?actor=test&from={since}&cursor={cursor}")["entries"]


def test_users_and_keys_without_the_scope_read_none(stage: Stage) -> None:
    world = stage.world
    eve = Desk.key(stage.desk, "eve", *SCOPES)
    assert stage.desk.call("GET", "/api/audit", key=eve).status == 403
    narrow = Desk.key(stage.desk, "ada", *(each for each in SCOPES if each != AUDIT_READ))
    assert stage.desk.call("GET", "/api/audit", key=narrow).status == 403
    ben = Desk.key(stage.desk, "ben", AUDIT_READ)
    assert stage.desk.call("GET", "/api/audit", key=ben).status == 200
    assert world.table.user("user_eve", deadline()), "or it shows nothing"


def test_an_entry_expires_and_is_not_shown_beyond_its_time(stage: Stage) -> None:
    filled(stage, 1)
    kept = stage.world.table.audit_retention
    key = items.audit_entry_key(stage.world.clock(), "aud_000")
    item = stage.world.table.item(key, deadline())
    assert item
    ends_at = int((stage.world.clock() + kept).timestamp())
    assert item["expires_at"] == {"N": str(ends_at)}
    stage.world.clock.advance(days=kept.days, seconds=1)
    assert "aud_000" not in [each.id for each in stage.entries(actor_id="test")]


def test_an_entry_of_a_newer_version_is_shown(stage: Stage) -> None:
    entry = audited.entry().model_copy(update={"kind": "moon_landed"})
    AuditLog(stage.world.table).note(entry, deadline())
    found = stage.entries(actor_id="test")
    assert [title(each.kind) for each in found] == ["Moon landed"]


def test_an_entry_that_cannot_be_read_takes_no_other_down(stage: Stage) -> None:
    filled(stage, 2)
    key = items.audit_entry_key(stage.world.clock(), "aud_broken")
    broken = key | {"kind": {"S": "audit_entry"}, "entry": wire({"id": "aud_broken"})}
    stage.world.table.client.put_item(TableName=stage.world.table.name, Item=broken)
    assert len(stage.entries(actor_id="test")) == 2


def test_a_wide_open_question_is_answered_by_few_requests(stage: Stage) -> None:
    """Nothing of a year: a month costs a query."""
    seen: list[str] = []
    events: Any = stage.world.table.client.meta.events
    events.register("before-parameter-build.dynamodb.Query", lambda **_: seen.append("Query"))
    found, place = AuditLog(stage.world.table).newest(
        Sought(actor_id="nobody"), None, 50, stage.world.clock(), deadline()
    )
    assert (found, place) == ([], None)
    assert len(seen) <= 14


def test_every_kind_has_a_title() -> None:
    assert set(TITLES) == set(AuditKind)


def test_an_entry_stays_small() -> None:
    many = {f"fact {number}": "x" * 1000 for number in range(100)}
    facts = changed({}, many)
    assert len(facts) == MOST_FACTS
    assert all(len(each.after or "") == LONGEST_TEXT for each in facts)
    assert text(timedelta(0)) == "0:00:00"
