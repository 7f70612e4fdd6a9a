"""How people log in and out.

By the identity provider, where the deployment has one; else by a code that comes by e-mail, where
it sends any. By a one-time link that an operator made
with AWS credentials (`opsknight login`): its GET shows a button, as scanners and previews follow
links; the press logs in, once.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from console.attempts import HOME, Kind, destination
from console.by_mail import ASK, TYPE, ByMail
from console.by_provider import BEGIN, ByProvider
from console.pages import Form, Link, page
from console.provider import Provider
from console.visits import LOGIN, NO_SESSION, PREFIX, REFUSED, Beginning, Visit, is_own_form
from opsknight.classes import dataclass
from opsknight.directory.audit_log import ThingKind, thing
from opsknight.directory.entries import User, key_hash
from opsknight.directory.sessions import Login, Session, Way
from opsknight.http.gateway import Answer, Request
from opsknight.store.calls import Deadline
from opsknight.store.sessions import Sessions
from opsknight.views import audited

LOGOUT: Final = "/auth/logout"
RENEW: Final = "/auth/renew"
ANEW: Final = "/auth/again"
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{43}")
# A link in a page needs none of this, and somebody may be here because of one.
_PAGES_WORK: Final = "The link in your page works without login."
_ASK: Final = "Ask whoever runs OpsKnight for a link: `opsknight login --user YOU` makes one."
_NEW: Final = (
    "On a new deployment, `opsknight login --first YOUR-EMAIL` makes the first administrator."
)
_RECENT: Final = "Keys and the configuration ask for a login that is an hour old at most."
SPENT: Final = (
    "This link does not work",
    "It worked once, or its ten minutes are over. `opsknight login` makes a new one.",
)


@dataclass(frozen=True, slots=True)
class LoginDoor:
    sessions: Sessions
    by_provider: ByProvider
    by_mail: ByMail | None
    """None where the deployment sends no e-mail."""
    new_id: Callable[[str, datetime], str]

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        visit = Visit(request, log_fields, now, deadline, self.new_id)
        if request.path == LOGOUT and request.method == "POST":
            return self._log_out(visit)
        if request.method not in ("GET", "HEAD", "POST"):
            return page(405, *REFUSED, headers={"Allow": "GET, HEAD, POST"})
        if _TOKEN.fullmatch(request.path.removeprefix(PREFIX)):
            return self._link(visit)
        if request.method == "POST":
            return self._post(visit)
        match request.path:
            case "/auth/code" if self.by_mail is not None:
                return self.by_mail.typing(visit)
            case "/auth/login":
                return self._ways(visit)
            case "/auth/oidc" | "/auth/renew" | "/auth/again" | "/auth/callback":
                provider = self.by_provider.provider(visit)
                if provider is not None:
                    return self._provider(provider, visit)
                return self._anew(visit) if request.path == ANEW else _to_login(visit)
            case _:
                return page(404, "There is no such page", "")

    def _provider(self, provider: Provider, visit: Visit) -> Answer:
        match visit.request.path:
            case "/auth/callback":
                return self.by_provider.finish(provider, visit)
            case "/auth/renew":
                if not self._is_renewable(visit):
                    return _to_login(visit)
                return self.by_provider.begin(provider, Kind.RENEWAL, visit)
            case "/auth/again":
                return self.by_provider.begin(provider, Kind.ANEW, visit)
            case _:
                return self.by_provider.begin(provider, Kind.LOGIN, visit)

    def _ways(self, visit: Visit) -> Answer:
        """How one logs in here."""
        provider = self.by_provider.provider(visit)
        if provider is None and self.by_mail is not None:
            return page(200, "Log in", _PAGES_WORK, forms=[self.by_mail.form(visit)])
        if provider is None:
            return page(200, "Log in", f"{_ASK}\n\n{_NEW}\n\n{_PAGES_WORK}")
        then = destination(visit.request.query.get("next", ""))
        where = BEGIN if then == HOME else f"{BEGIN}?{urlencode({'next': then})}"
        return page(
            200,
            "Log in",
            _PAGES_WORK,
            links=[Link(f"Log in with {provider.host}", where, first=True)],
        )

    def _post(self, visit: Visit) -> Answer:
        """A provider's second factor is not for a mailbox to pass by."""
        path = visit.request.path
        if self.by_mail is None or path not in (ASK, TYPE):
            return page(404, *REFUSED)
        if self.by_provider.provider(visit) is not None:
            return page(404, *REFUSED)
        return self.by_mail.ask(visit) if path == ASK else self.by_mail.typed(visit)

    def _anew(self, visit: Visit) -> Answer:
        """Without a provider, by a fresh code, or by a fresh link."""
        if self.by_mail is None:
            return page(200, "Log in again", f"{_RECENT}\n\n{_ASK}")
        session = self._session(visit)
        user = None
        if session is not None and session.live_at(visit.now):
            user = self.sessions.table.user(session.user_id, visit.deadline)
        known = session is not None and user is not None and session.is_of(user)
        form = self.by_mail.form(visit, user.email if user and known else "")
        return page(200, "Log in again", _RECENT, forms=[form])

    def _is_renewable(self, visit: Visit) -> bool:
        """A session that its person ended, here or elsewhere, is not there any more."""
        session = self._session(visit)
        return session is not None and session.renewable_at(visit.now)

    def _session(self, visit: Visit) -> Session | None:
        hashed = visit.session_hash
        return self.sessions.find(hashed, visit.deadline) if hashed else None

    def _link(self, visit: Visit) -> Answer:
        hashed = key_hash(visit.request.path.removeprefix(PREFIX))
        login = self.sessions.login(hashed, visit.now, visit.deadline)
        user = self._offered_to(login, visit) if login else None
        if login is None or user is None:
            return page(404, *SPENT)
        visit.log_fields["user_id"] = user.id
        if visit.request.method != "POST":
            return page(200, f"Log in as {user.name}", "", forms=[Form("Log in")])
        if not is_own_form(visit.request):
            return page(403, *REFUSED)
        begun = Beginning.of(user, Way.MAIL if login.code else Way.LINK, visit)
        session = begun.session
        entry = visit.audit(audited.session_begun(user, session), user)
        if not self.sessions.begin(
            hashed, begun.hashed, session, session.id, visit.deadline, login.code, audit=entry
        ):
            return page(404, *SPENT)
        return begun.answer(HOME, *(self.by_mail.device(user, visit) if self.by_mail else ()))

    def _offered_to(self, login: Login, visit: Visit) -> User | None:
        user = self.sessions.table.user(login.user_id, visit.deadline)
        if user is None or user.disabled or login.address not in (None, user.email):
            return None
        return user if self.sessions.is_of(login, user, visit.deadline) else None

    def _log_out(self, visit: Visit) -> Answer:
        if not is_own_form(visit.request):
            return page(403, *REFUSED)
        session = self._session(visit)
        if session is not None:
            # One that is over, too: it could be renewed.
            user = self.sessions.table.user(session.user_id, visit.deadline)
            owner = audited.of_user(user) if user else thing(ThingKind.USER, session.user_id)
            entry = visit.audit(audited.session_ended(owner, session.id), user)
            self.sessions.end(session.user_id, session.id, visit.deadline, audit=entry)
        headers = {"Location": LOGIN, "Clear-Site-Data": '"cache", "storage"'}
        return Answer(303, "", headers, cookies=(NO_SESSION,))


def _to_login(visit: Visit) -> Answer:
    then = destination(visit.request.query.get("next", ""))
    where = LOGIN if then == HOME else f"{LOGIN}?{urlencode({'next': then})}"
    return Answer(302, "", {"Location": where})
