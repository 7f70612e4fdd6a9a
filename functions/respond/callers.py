"""Who calls the HTTP API: the owner of an API key, or a person in the console by their session.

A cookie comes with every request of a browser, whoever's page made it. So what changes anything by
a session must come from the console's own page: its browser says so, and it has a header that no
other page can send, as CORS never allows it.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from opsknight.classes import dataclass
from opsknight.directory.audit_log import Author, Via
from opsknight.directory.entries import SCOPES, Role, Service, User, has_access, key_hash
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.directory.sessions import COOKIE, Session
from opsknight.http.auth import ByUser, authenticate
from opsknight.http.directory_cache import DirectoryCache, TtlCache
from opsknight.http.gateway import Failure, HttpError, Request
from opsknight.http.rate_limiter import Limiter, LimitReached
from opsknight.incident.model import Actor, ActorKind
from opsknight.store.calls import Deadline
from opsknight.store.sessions import Sessions

CONSOLE_HEADER: Final = "x-opsknight-console"
# A page polls twelve times a minute, and somebody has several open. It is counted here, as a poll
# must not cost a write; several warm functions let through more.
SESSION_LIMIT: Final = 240
MOST_COUNTED: Final = 1000
READS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Caller:
    user: User
    actor: Actor
    scopes: tuple[str, ...]
    id: str
    """The id of the key or the session."""
    session: Session | None = None

    @property
    def sees_all(self) -> bool:
        return self.user.role in (Role.ADMIN, Role.RESPONDER)

    def author(self, source: str) -> Author:
        """`source`: the IP address of the request."""
        if self.session is not None:
            return Author(self.actor, Via.CONSOLE, source)
        return Author(self.actor, Via.API, source, user_id=self.user.id)

    def require(self, service: Service | None, what: str) -> None:
        """Raises HttpError when the service is none of the caller's teams'."""
        allowed = self.sees_all if service is None else has_access(self.user, service)
        if not allowed:
            raise HttpError(403, f"{what} access denied")


@dataclass(frozen=True, slots=True)
class Callers:
    directory: DirectoryCache
    sessions: Sessions
    limiter: Limiter
    _known: TtlCache[Session] = field(default_factory=TtlCache)
    _counts: dict[tuple[str, Minute], int] = field(default_factory=dict)

    def of(self, request: Request, scope: str, now: datetime, deadline: Deadline) -> Caller:
        """Raises HttpError: 401, or 403 without the scope or from another page."""
        # A program that sends a key means it, whatever cookies its browser adds.
        by_key = {"authorization", "x-api-key"} & request.headers.keys()
        secret = request.cookies.get(COOKIE)
        if secret and not by_key:
            return self._by_session(request, secret, now, deadline)
        return self._by_key(request.headers, scope, now, deadline)

    def count(self, caller: Caller, now: datetime, *, writes: bool) -> dict[str, str]:
        """Counts the call, and returns the headers about the limit. Raises LimitReached.

        Events of the same key are counted apart: listing incidents must not cost a page. So are
        reads: a dashboard must not keep anybody from acknowledging.
        """
        minute = Minute.of(now)
        if caller.session is not None:
            # An act is never refused: a person presses few buttons.
            self._count_session(caller.id, minute, free=writes)
            return {}
        name = f"{caller.id}:{'api' if writes else 'reads'}"
        if self.limiter.is_full(name, minute):
            raise LimitReached
        left = self.limiter.count(name, minute)
        headers = {"RateLimit-Limit": str(LIMIT), "RateLimit-Reset": str(minute.seconds_left(now))}
        return headers if left is None else headers | {"RateLimit-Remaining": str(left)}

    def _by_key(
        self, headers: Mapping[str, str], scope: str, now: datetime, deadline: Deadline
    ) -> Caller:
        try:
            found = authenticate(headers, lambda: None, self.directory, now, deadline)
        except HttpError:
            found = None
        if not isinstance(found, ByUser):
            # An integration key sends events; nobody stands behind it who could act.
            expected = "Expected a live API key, as `Authorization: Bearer <API key>`."
            raise HttpError(401, Failure(error="Unauthorized", message=expected))
        if scope not in found.key.scopes:
            missing = f"This route needs {scope}."
            raise HttpError(403, Failure(error="API key missing scope", message=missing))
        self.directory.note_use(found.hashed, found.key, now, deadline)
        key, user = found.key, found.user
        # The key acts, in its owner's name.
        actor = Actor(kind=ActorKind.API_KEY, id=key.id, name=f"{user.name} ({key.name})")
        return Caller(user=user, actor=actor, scopes=key.scopes, id=key.id)

    def _by_session(
        self, request: Request, secret: str, now: datetime, deadline: Deadline
    ) -> Caller:
        hashed = key_hash(secret)
        # Ended elsewhere, it is dead here within 30 seconds.
        session = self._known.get(hashed, now, lambda: self.sessions.find(hashed, deadline))
        user = None
        if session is not None and session.live_at(now):
            user = self.directory.user(session.user_id, now, deadline)
        if session is None or user is None or not session.is_of(user):
            raise HttpError(401, Failure(error="Unauthorized", message="Log in again."))
        if request.method not in READS:
            check_page(request.headers)
        actor = Actor(kind=ActorKind.USER, id=user.id, name=user.name)
        return Caller(user=user, actor=actor, scopes=SCOPES, id=session.id, session=session)

    def _count_session(self, session_id: str, minute: Minute, *, free: bool) -> None:
        if len(self._counts) >= MOST_COUNTED:
            self._counts.clear()
        counted = self._counts.get((session_id, minute), 0) + 1
        self._counts[session_id, minute] = counted
        if counted > SESSION_LIMIT and not free:
            raise LimitReached


def check_page(headers: Mapping[str, str]) -> None:
    """Raises HttpError unless the console's own page sent the request.

    The browser compares the page with the address that it called, which behind a proxy is not the
    one that came here. A browser that is too old for that sends the page's origin alone.
    """
    site, host = headers.get("sec-fetch-site"), headers.get("host", "")
    if site is None:
        from_here = bool(host) and urlsplit(headers.get("origin", "")).netloc == host
    else:
        from_here = site == "same-origin"
    if not from_here or headers.get(CONSOLE_HEADER) != "1":
        expected = "A session acts from the console's own page only."
        raise HttpError(403, Failure(error="Not from the console", message=expected))
