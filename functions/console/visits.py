"""One visit to the door, and the session that may begin by it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from opsknight.classes import dataclass
from opsknight.directory import audit_log
from opsknight.directory.audit_log import Act, AuditEntry, Author, Via
from opsknight.directory.entries import User, key_hash
from opsknight.directory.sessions import COOKIE, RENEWABLE, SESSION_LIFE, Session, Way
from opsknight.http.gateway import Answer, Request
from opsknight.incident.model import Actor, ActorKind
from opsknight.store.calls import Deadline

PREFIX: Final = "/auth/"
LOGIN: Final = "/auth/login"
# `__Host-` ties it to this one host; Lax, or a link in Slack would find everybody logged out.
_COOKIE: Final = f"{COOKIE}={{}}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={{}}"
NO_SESSION: Final = _COOKIE.format("", 0)
REFUSED: Final = ("Nothing was done", "The form came from another page. Open the link again.")
_LARGEST_FORM: Final = 4096
_SOMEBODY: Final = Actor(kind=ActorKind.SYSTEM, id="somebody", name="Somebody")


@dataclass(frozen=True, slots=True)
class Visit:
    request: Request
    log_fields: dict[str, Any]
    now: datetime
    deadline: Deadline
    new_id: Callable[[str, datetime], str]

    @property
    def session_hash(self) -> str | None:
        """Names the session that the browser has; it may be over, or made up."""
        secret = self.request.cookies.get(COOKIE)
        return key_hash(secret) if secret else None

    def audit(self, act: Act, user: User | None = None) -> AuditEntry:
        """The audit log's entry of what the user does, or somebody of whom it is not known."""
        actor = _SOMEBODY
        if user is not None:
            actor = Actor(kind=ActorKind.USER, id=user.id, name=user.name)
        author = Author(actor, Via.CONSOLE, self.request.source)
        return author.entry(act, self.new_id(audit_log.PREFIX, self.now), self.now)

    def form(self) -> dict[str, str]:
        """What a form of ours sent; empty for anything else."""
        body = self.request.body
        if len(body) > _LARGEST_FORM:
            return {}
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Beginning:
    """A session that is about to begin, and its secret, which only the browser will know."""

    session: Session
    secret: str

    @classmethod
    def of(
        cls, user: User, way: Way, visit: Visit, authenticated_at: datetime | None = None
    ) -> "Beginning":
        session = Session(
            id=visit.new_id("ses", visit.now),
            user_id=user.id,
            user_since=user.since,
            way=way,
            agent=visit.request.headers.get("user-agent", "")[:200],
            created_at=visit.now,
            ends_at=visit.now + SESSION_LIFE,
            authenticated_at=authenticated_at,
        )
        return cls(session, token_urlsafe(32))

    @property
    def hashed(self) -> str:
        return key_hash(self.secret)

    def answer(self, then: str, *others: str) -> Answer:
        """Leads into the console, with the cookie."""
        # Kept beyond the session's end, to show which one it was that may begin again.
        kept = RENEWABLE if self.session.way is Way.OIDC else timedelta(0)
        cookie = _COOKIE.format(self.secret, int((SESSION_LIFE + kept).total_seconds()))
        return Answer(303, "", {"Location": then}, cookies=(cookie, *others))


def is_own_form(request: Request) -> bool:
    """Whether a page of ours sent the form: a login or a logout that somebody else's page begins
    would leave people in a session that is not theirs, or in none.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    host = request.headers.get("host", "")
    return bool(host) and urlsplit(request.headers.get("origin", "")).netloc == host
