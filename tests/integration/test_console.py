"""The console's function: its files, logging in by a one-time link, and logging out."""

import json
import re
from collections.abc import Mapping
from functools import partial
from gzip import compress, decompress
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pytest

from console.files import FOREVER, Files
from console.handler import Console, make
from harness.desk import Desk
from harness.shell import Shell
from harness.visitor import OWN, Told, Visitor
from harness.world import World, deadline, http_event, standing
from opsknight.directory.entries import key_hash
from opsknight.directory.sessions import COOKIE, LOGIN_LIFE, SESSION_LIFE, Login
from opsknight.runtime import clock
from opsknight.store import directory_items
from opsknight.store.sessions import Sessions
from tests.integration.steps import put

NO_SECRETS: Any = None
"""No identity provider, so nothing reads any."""
SCRIPT = b"export const answer = 42;\n" * 50


@pytest.fixture
def console(world: World, tmp_path: Path) -> Console:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>OpsKnight</title>")
    (tmp_path / "assets" / "main-4f6b.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "main-4f6b.js.gz").write_bytes(compress(SCRIPT))
    return make(world.table, NO_SECRETS, clock.new_id, world.clock, Files(tmp_path))


def ask(
    console: Console,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] = OWN,
    cookie: str = "",
) -> Told:
    return Visitor(console, {COOKIE: cookie} if cookie else {}).ask(path, method, headers)


def offer(world: World, user: str = "ada") -> str:
    secret = token_urlsafe(32)
    login = Login(user_id=f"user_{user}", ends_at=world.clock() + LOGIN_LIFE)
    Sessions(world.table).offer(key_hash(secret), login, deadline())
    return f"/auth/{secret}"


@pytest.mark.parametrize(
    "path", ["/console/incidents", "/console/incidents/inc_1", "/console/oncall"]
)
def test_every_page_of_the_console_is_its_one_document(console: Console, path: str) -> None:
    told = ask(console, path)
    assert (told.status, "<title>OpsKnight" in told.text) == (200, True)
    assert told.headers["Cache-Control"] == "no-cache"
    policy = told.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    again = ask(console, path, headers=OWN | {"If-None-Match": told.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_compressed(console: Console) -> None:
    path = "/console/assets/main-4f6b.js"
    whole = ask(console, path)
    assert (whole.status, whole.body, whole.headers["Cache-Control"]) == (200, SCRIPT, FOREVER)
    assert whole.headers["Content-Type"].startswith("text/javascript")
    small = ask(console, path, headers=OWN | {"Accept-Encoding": "br, gzip;q=0.8"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert decompress(small.body) == SCRIPT
    assert small.headers["ETag"] != whole.headers["ETag"], "another form of it"


@pytest.mark.parametrize(
    "path",
    [
        "/console/assets/gone-1234.js",
        "/console/assets/main-4f6b.js.gz",
        "/console/../handler.py",
        "/console/assets/../../handler.py",
        "/console/%2e%2e/handler.py",
        "/console//etc/passwd.json",
        "/console/.env",
        "/nothing",
    ],
)
def test_what_is_not_there_is_404(console: Console, path: str) -> None:
    assert ask(console, path).status == 404


def test_the_root_leads_to_the_console(console: Console) -> None:
    for path in ("/", "/console", "/console/"):
        told = ask(console, path)
        assert (told.status, told.headers["Location"]) == (302, "/console/incidents")
    assert ask(console, "/console/incidents", "POST").status == 405


def test_a_link_logs_in_once_and_only_by_its_button(console: Console, world: World) -> None:
    path = offer(world)
    for _ in range(2):
        # A scanner may follow it, and a preview.
        shown = ask(console, path)
        assert (shown.status, shown.cookies) == (200, [])
        assert "Log in as Ada" in shown.text and '<form method="post">' in shown.text
    begun = ask(console, path, "POST", OWN | {"User-Agent": "Phone " * 100})
    assert (begun.status, begun.headers["Location"]) == (303, "/console/incidents")
    attributes = begun.cookies[0].partition("; ")[2]
    seconds = int(SESSION_LIFE.total_seconds())
    assert attributes == f"Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}"
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", begun.cookie)
    [session] = Sessions(world.table).of("user_ada", deadline())
    assert len(session.agent) == 200
    again = ask(console, path, "POST")
    assert (again.status, again.cookies) == (404, [])
    assert ask(console, path).status == 404
    # And it is a session of the API.
    desk = Desk(world)
    sent = http_event("", path="/api/me", method="GET", headers={"X": "1"})
    sent["cookies"] = [f"{COOKIE}={begun.cookie}"]
    assert '"id":"user_ada"' in desk.send(sent).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "oncall.example.com", "Sec-Fetch-Site": "cross-site"},
        {"Host": "oncall.example.com", "Sec-Fetch-Site": "none"},
        {"Host": "oncall.example.com", "Origin": "https://evil.example"},
        {"Host": "oncall.example.com"},
    ],
    ids=str,
)
def test_no_other_page_logs_anybody_in_or_out(
    console: Console, world: World, headers: dict[str, str]
) -> None:
    path = offer(world)
    refused = ask(console, path, "POST", headers)
    assert (refused.status, refused.cookies) == (403, [])
    cookie = ask(console, path, "POST").cookie
    assert ask(console, "/auth/logout", "POST", headers, cookie).status == 403
    assert len(Sessions(world.table).of("user_ada", deadline())) == 1


def test_the_command_line_makes_such_a_link(console: Console, world: World) -> None:
    shell = Shell(world)
    shown = json.loads(shell.opsknight("login", "--user", "ada", "--json").out)
    assert shown["userId"] == "user_ada"
    assert shown["endsAt"] == "2026-11-23T03:10:00.000Z"
    path = shown["url"].removeprefix(shell.url)
    assert ask(console, path, "POST").status == 303


def test_a_link_ends_after_ten_minutes_and_with_its_user(console: Console, world: World) -> None:
    late, path = offer(world), offer(world, "ben")
    ben = world.table.user("user_ben", deadline())
    assert ben
    put(world, directory_items.directory_item(ben.model_copy(update={"disabled": True})))
    assert ask(console, path, "POST").status == 404
    world.clock.advance(minutes=10)
    assert ask(console, late).status == 404
    assert ask(console, late, "POST").status == 404
    assert Sessions(world.table).of("user_ada", deadline()) == []


def test_logging_out_ends_the_session_and_forgets_what_the_browser_keeps(
    console: Console, world: World
) -> None:
    cookie = ask(console, offer(world), "POST").cookie
    told = ask(console, "/auth/logout", "POST", cookie=cookie)
    assert (told.status, told.headers["Location"]) == (303, "/auth/login")
    [forgotten] = told.cookies
    assert forgotten.startswith(f"{COOKIE}=; ") and forgotten.endswith("Max-Age=0")
    assert told.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert Sessions(world.table).of("user_ada", deadline()) == []
    assert ask(console, "/auth/logout", "POST").status == 303, "even without a session"


def test_who_is_logged_out_reads_how_to_log_in(console: Console) -> None:
    told = ask(console, "/auth/login")
    assert told.status == 200
    assert "The link in your page works without login." in told.text
    assert "<code>opsknight login --user YOU</code>" in told.text
    assert ask(console, "/auth/short").status == 404
    assert ask(console, "/auth/login", "DELETE").status == 405


def test_a_store_that_does_not_answer_is_a_page_too(world: World, tmp_path: Path) -> None:
    path = offer(world)
    files, begin = Files(tmp_path), partial(standing, 0)
    slow = make(world.table, NO_SECRETS, clock.new_id, world.clock, files, begin)
    told = ask(slow, path)
    assert (told.status, told.headers["Retry-After"]) == (503, "5")
    assert "Try again in a few seconds" in told.text
