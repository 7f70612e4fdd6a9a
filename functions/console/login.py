"""How people log in and out.

By a one-time link that an operator made with AWS credentials (`opsknight login`). Its GET shows a
button, as scanners and previews follow links; the press logs in, once.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlsplit

from console.pages import page
from opsknight.directory.entries import User, key_hash
from opsknight.directory.sessions import COOKIE, SESSION_LIFE, Session, Way
from opsknight.http.gateway import Answer, Request
from opsknight.store.calls import Deadline
from opsknight.store.sessions import Sessions

PREFIX: Final = "/auth/"
LOGOUT: Final = "/auth/logout"
LOGGED_OUT: Final = "/auth/login"
# Whole: no address of ours ends with a slash, as `{proxy+}` stands for one part at least.
HOME: Final = "/console/incidents"
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{43}")
# `__Host-` ties it to this one host; Lax, or a link in Slack would find everybody logged out.
_COOKIE: Final = f"{COOKIE}={{}}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={{}}"
NOT_LOGGED_IN: Final = (
    "Log in",
    "Ask whoever runs OpsKnight for a link: `opsknight login --user YOU` makes one."
    " The link in your page works without login.",
)
SPENT: Final = (
    "This link does not work",
    "It worked once, or its ten minutes are over. `opsknight login` makes a new one.",
)
REFUSED: Final = ("Nothing was done", "The form came from another page. Open the link again.")


@dataclass(frozen=True, slots=True)
class LoginDoor:
    sessions: Sessions
    new_id: Callable[[str, datetime], str]

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        token = request.path.removeprefix(PREFIX)
        if request.path == LOGOUT and request.method == "POST":
            return self._log_out(request, now, deadline)
        if request.method not in ("GET", "HEAD", "POST"):
            return page(405, *REFUSED, Allow="GET, HEAD, POST")
        if not _TOKEN.fullmatch(token):
            known = request.path == LOGGED_OUT and request.method != "POST"
            return page(200 if known else 404, *NOT_LOGGED_IN)
        hashed = key_hash(token)
        user = self._offered_to(hashed, now, deadline)
        if user is None:
            return page(404, *SPENT)
        log_fields["user_id"] = user.id
        if request.method != "POST":
            return page(200, f"Log in as {user.name}", "", button="Log in")
        if not is_own_form(request):
            return page(403, *REFUSED)
        return self._begin(hashed, user, request, now, deadline)

    def _offered_to(self, hashed: str, now: datetime, deadline: Deadline) -> User | None:
        login = self.sessions.login(hashed, now, deadline)
        user = login and self.sessions.table.user(login.user_id, deadline)
        return user if user and not user.disabled else None

    def _begin(
        self, hashed: str, user: User, request: Request, now: datetime, deadline: Deadline
    ) -> Answer:
        secret = token_urlsafe(32)
        session = Session(
            id=self.new_id("ses", now),
            user_id=user.id,
            way=Way.LINK,
            agent=request.headers.get("user-agent", "")[:200],
            created_at=now,
            ends_at=now + SESSION_LIFE,
        )
        begun = self.sessions.begin(hashed, key_hash(secret), session, session.id, deadline)
        if not begun:
            return page(404, *SPENT)
        seconds = int(SESSION_LIFE.total_seconds())
        return Answer(303, "", {"Location": HOME, "Set-Cookie": _COOKIE.format(secret, seconds)})

    def _log_out(self, request: Request, now: datetime, deadline: Deadline) -> Answer:
        secret = request.cookies.get(COOKIE)
        if not is_own_form(request):
            return page(403, *REFUSED)
        session = secret and self.sessions.find(key_hash(secret), deadline)
        if session and session.live_at(now):
            self.sessions.end(session.user_id, session.id, deadline)
        headers = {
            "Location": LOGGED_OUT,
            "Set-Cookie": _COOKIE.format("", 0),
            "Clear-Site-Data": '"cache", "storage"',
        }
        return Answer(303, "", headers)


def is_own_form(request: Request) -> bool:
    """Whether a page of ours sent the form: a login or a logout that somebody else's page begins
    would leave people in a session that is not theirs, or in none.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    host = request.headers.get("host", "")
    return bool(host) and urlsplit(request.headers.get("origin", "")).netloc == host
