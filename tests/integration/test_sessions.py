"""The HTTP API called by a session in the console, and what no other page can do with it."""

from collections.abc import Mapping
from datetime import timedelta
from secrets import token_hex, token_urlsafe
from typing import Any

import pytest

from harness import audited
from harness.desk import Desk, answered
from harness.world import Response, World, deadline, event, http_event
from opsknight.directory.entries import key_hash
from opsknight.directory.sessions import COOKIE, LOGIN_LIFE, SESSION_LIFE, Login, Session, Way
from opsknight.incident.model import ActorKind, Status
from opsknight.store import directory_items
from opsknight.store.sessions import Sessions
from respond.callers import SESSION_LIMIT
from tests.integration.steps import incident, put

HOST = "abc123.execute-api.eu-central-1.amazonaws.com"
PAGE = {
    "Host": HOST,
    "Origin": f"https://{HOST}",
    "Sec-Fetch-Site": "same-origin",
    "X-OpsKnight-Console": "1",
}


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def begin(world: World, user: str = "ada") -> str:
    """The cookie of a new session."""
    login, secret = token_urlsafe(32), token_urlsafe(32)
    now, sessions = world.clock(), Sessions(world.table)
    user_id = f"user_{user}"
    offered = Login(user_id=user_id, ends_at=now + LOGIN_LIFE)
    sessions.offer(key_hash(login), offered, deadline())
    session = Session(
        id=f"ses_{token_hex(8)}",
        user_id=user_id,
        way=Way.LINK,
        created_at=now,
        ends_at=now + SESSION_LIFE,
    )
    began = (key_hash(login), key_hash(secret), session, token_hex(8), deadline())
    assert sessions.begin(*began, audit=audited.entry())
    assert not sessions.begin(*began[:3], token_hex(8), deadline(), audit=audited.entry()), (
        "a login is spent"
    )
    return secret


def ask(
    desk: Desk,
    cookie: str,
    path: str = "/api/me",
    method: str = "GET",
    body: str = "",
    headers: Mapping[str, str] = PAGE,
    *,
    listed: bool = True,
) -> Response:
    """As API Gateway passes cookies on; not `listed`, as MiniStack does."""
    sent: dict[str, Any] = http_event(body, path=path, method=method, headers=dict(headers))
    text = f"{COOKIE}={cookie}"
    if listed:
        sent["cookies"] = ["theme=dark", text]
    else:
        sent["headers"]["cookie"] = f"theme=dark; {text}"
    return answered(desk.send(sent))


@pytest.mark.parametrize("listed", [True, False], ids=["API Gateway", "MiniStack"])
def test_a_session_is_its_user_with_all_scopes(desk: Desk, listed: bool) -> None:
    cookie = begin(desk.world)
    me = ask(desk, cookie, listed=listed).body["me"]
    assert me["id"] == "user_ada"
    opened = desk.world.send(event()).incident["id"]
    path = f"/api/incidents/{opened}/acknowledge"
    assert ask(desk, cookie, path, "POST").status == 200
    known = incident(desk.world, opened)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ada")
    *_, change = desk.world.table.changes(opened, deadline())
    assert (change.actor.kind, change.actor.name) == (ActorKind.USER, "Ada")


@pytest.mark.parametrize(
    "changed",
    [
        {"Sec-Fetch-Site": None, "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": None, "Origin": "null"},
        {"Sec-Fetch-Site": None, "Origin": None},
        {"Sec-Fetch-Site": None, "Origin": f"https://{HOST}.evil.example"},
        {"Sec-Fetch-Site": None, "Host": "evil.example"},
        {"Sec-Fetch-Site": None, "Host": "", "Origin": "https://"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"X-OpsKnight-Console": ""},
    ],
    ids=str,
)
def test_no_other_page_can_act_by_the_cookie(desk: Desk, changed: dict[str, str | None]) -> None:
    cookie = begin(desk.world)
    opened = desk.world.send(event()).incident["id"]
    path = f"/api/incidents/{opened}/resolve"
    headers = {name: value for name, value in (PAGE | changed).items() if value is not None}
    refused = ask(desk, cookie, path, "POST", headers=headers)
    assert (refused.status, refused.body["error"]) == (403, "Not from the console")
    assert incident(desk.world, opened).status is Status.OPEN


def test_an_old_browser_without_fetch_metadata_may_act(desk: Desk) -> None:
    cookie = begin(desk.world)
    opened = desk.world.send(event()).incident["id"]
    headers = {name: value for name, value in PAGE.items() if name != "Sec-Fetch-Site"}
    path = f"/api/incidents/{opened}/resolve"
    assert ask(desk, cookie, path, "POST", headers=headers).status == 200


def test_a_key_counts_before_a_cookie(desk: Desk) -> None:
    cookie = begin(desk.world)
    headers = PAGE | {"Authorization": "Bearer opsk_" + "x" * 43}
    assert ask(desk, cookie, headers=headers).status == 401


def test_an_ended_session_is_dead_within_30_seconds(desk: Desk) -> None:
    world = desk.world
    cookie = begin(world)
    assert ask(desk, cookie).status == 200
    [session] = Sessions(world.table).of("user_ada", deadline())
    assert not Sessions(world.table).end("user_ben", session.id, deadline(), audit=audited.entry())
    assert Sessions(world.table).end("user_ada", session.id, deadline(), audit=audited.entry())
    world.clock.advance(seconds=30)
    assert ask(desk, cookie).status == 401
    assert Sessions(world.table).of("user_ada", deadline()) == []


def test_people_see_where_they_are_logged_in_and_end_it(desk: Desk) -> None:
    mine, other, theirs = begin(desk.world), begin(desk.world), begin(desk.world, "ben")
    shown = ask(desk, mine, "/api/me/sessions").body["sessions"]
    assert [each["current"] for each in shown].count(True) == 1
    [another] = [each["id"] for each in shown if not each["current"]]
    path = f"/api/me/sessions/{another}"
    assert ask(desk, theirs, path, "DELETE").status == 404
    assert ask(desk, mine, path, "DELETE").status == 200
    assert ask(desk, other).status == 401
    assert len(ask(desk, mine, "/api/me/sessions").body["sessions"]) == 1


def test_a_session_ends_by_itself(desk: Desk) -> None:
    cookie = begin(desk.world)
    desk.world.clock.advance(seconds=SESSION_LIFE.total_seconds() - 1)
    assert ask(desk, cookie).status == 200
    desk.world.clock.advance(seconds=1)
    assert ask(desk, cookie).status == 401


def test_a_disabled_user_is_out_within_30_seconds(desk: Desk) -> None:
    cookie = begin(desk.world)
    assert ask(desk, cookie).status == 200
    ada = desk.world.table.user("user_ada", deadline())
    assert ada
    put(desk.world, directory_items.directory_item(ada.model_copy(update={"disabled": True})))
    desk.world.clock.advance(seconds=30)
    assert ask(desk, cookie).status == 401


@pytest.mark.parametrize("cookie", ["", "x", "é", "a" * 5000, "opsk_" + "x" * 43])
def test_what_is_no_session_is_401(desk: Desk, cookie: str) -> None:
    assert ask(desk, cookie).status == 401


def test_a_user_sees_their_teams_only(desk: Desk) -> None:
    theirs = desk.world.send(
        event(dedup_key="theirs") | {"service_id": "svc_reports"}, key=desk.world.api_key
    ).incident["id"]
    assert ask(desk, begin(desk.world, "ben"), f"/api/incidents/{theirs}").status == 403


def test_polls_of_a_session_cost_no_write_and_end_at_its_limit(desk: Desk) -> None:
    cookie = begin(desk.world)
    before = desk.world.counters.client.scan(TableName=desk.world.counters.name)["Count"]
    statuses = [ask(desk, cookie).status for _ in range(SESSION_LIMIT + 1)]
    assert (statuses.count(200), statuses[-1]) == (SESSION_LIMIT, 429)
    assert desk.world.counters.client.scan(TableName=desk.world.counters.name)["Count"] == before
    opened = desk.world.send(event()).incident["id"]
    path = f"/api/incidents/{opened}/acknowledge"
    assert ask(desk, cookie, path, "POST").status == 200, "nobody is kept from acting"
    desk.world.clock.advance(minutes=1)
    assert ask(desk, cookie).status == 200


def test_no_secret_is_in_the_table(desk: Desk) -> None:
    cookie = begin(desk.world)
    assert cookie not in str(desk.world.items())
    assert timedelta(0) < LOGIN_LIFE < SESSION_LIFE
