"""Logging in by a code that comes by e-mail, where the deployment has no identity provider.

Who asks learns nothing about an address: each gets the same answer after the same calls, and only
the owner of a known one gets a mail. The code counts in the browser that asked; the link in the
mail, which has a button, in any other.
"""

from dataclasses import field
from datetime import timedelta
from hashlib import sha256
from secrets import token_bytes, token_hex, token_urlsafe
from typing import Final

from console import devices
from console.attempts import destination
from console.pages import Field, Form, Link, page
from console.visits import LOGIN, REFUSED, Beginning, Visit, is_own_form
from opsknight.classes import dataclass
from opsknight.directory.entries import Role, User, key_hash
from opsknight.directory.sessions import CodeLogin, Login, Way
from opsknight.http.directory_cache import TtlCache
from opsknight.http.gateway import Answer
from opsknight.notification import codes
from opsknight.notification.recipients import own_address
from opsknight.notification.requested import code_delivery
from opsknight.runtime.queues import Queue
from opsknight.runtime.ssm_secrets import LinkKeys
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.audit_log import AuditLog
from opsknight.store.counters import Counters
from opsknight.store.sessions import Sessions
from opsknight.views import audited

ASK: Final = "/auth/mail"
TYPE: Final = "/auth/code"
# Anybody may ask in somebody's name, so a mailbox gets a bounded number of codes. So that no single
# stranger uses them up, one place gets few of each mailbox and of all together, and a browser in
# which its owner has logged in before has an allowance of its own (ADR 76).
MOST_OF_A_DEVICE: Final = 5
MOST_OF_A_PLACE: Final = 3
MOST_OF_A_PLACE_FOR_ALL: Final = 30
MOST_OF_STRANGERS: Final = 12
_NAME: Final = "__Host-opsknight-code"
_COOKIE: Final = f"{_NAME}={{}}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={{}}"
_OVER: Final = _COOKIE.format("", 0)
# No user has such an id.
_NOBODY: Final = User(id="", name="", email="nobody@example.invalid", role=Role.USER)
_AGAIN: Final = Link("Ask for another code", LOGIN)
_WRONG: Final = "That is not the code. "
_SENT: Final = (
    "If somebody here has this address, a mail with a code of eight digits is on its way to it."
    " The code counts for ten minutes, in this browser."
)


@dataclass(frozen=True, slots=True)
class ByMail:
    sessions: Sessions
    keys: LinkKeys
    queue: Queue
    counters: Counters
    _people: TtlCache[list[User]] = field(default_factory=TtlCache)
    """Strangers may ask, and all users are more than one read."""

    def form(self, visit: Visit, known: str = "") -> Form:
        """Asks for an address; `known` is that of whoever is logged in."""
        then = destination(visit.request.query.get("next", ""))
        hints = ' autocomplete="email" maxlength="320"'
        address = Field("email", "Your e-mail address at OpsKnight", "email", known, hints)
        return Form("Send me a code", (address, Field("next", value=then)), ASK)

    def ask(self, visit: Visit) -> Answer:
        """Sends a code, if there is anybody to send it to."""
        if not is_own_form(visit.request):
            return page(403, *REFUSED)
        form = visit.form()
        address = form.get("email", "").strip().casefold()
        if not 3 <= len(address) <= 320:
            return page(400, "Log in", "That is no e-mail address.", forms=[self.form(visit)])
        if not self._may_ask(address, visit):
            visit.log_fields["refused"] = "too many codes"
            text = (
                "Too many codes were asked for. It goes on within an hour. Whoever runs OpsKnight"
                " can make you a link: `opsknight login --user YOU`."
            )
            return page(429, "Not right now", text, headers={"Retry-After": "3600"})
        table, deadline = self.sessions.table, visit.deadline
        people = self._people.get("users", visit.now, lambda: table.all_users(deadline)) or []
        found = [each for each in people if each.email.casefold() == address]
        user = found[0] if len(found) == 1 and not found[0].disabled else None
        secret = token_urlsafe(32)
        self._offer(user, secret, destination(form.get("next", "")), visit)
        cookie = _COOKIE.format(secret, int(codes.LIFE.total_seconds()))
        return Answer(303, "", {"Location": TYPE}, cookies=(cookie,))

    def typing(self, visit: Visit, said: str = "", status: int = 200) -> Answer:
        if _NAME not in visit.request.cookies:
            return Answer(302, "", {"Location": LOGIN})
        hints = (
            ' inputmode="numeric" autocomplete="one-time-code" maxlength="12"'
            ' pattern="[0-9 \\-]*" autofocus'
        )
        form = Form("Log in", (Field("code", "The code", hints=hints),), TYPE)
        return page(status, "Type the code", said + _SENT, forms=[form], links=[_AGAIN])

    def typed(self, visit: Visit) -> Answer:
        if not is_own_form(visit.request):
            return page(403, *REFUSED)
        hashed = key_hash(visit.request.cookies.get(_NAME, ""))
        asked = self.sessions.code_login(hashed, visit.now, visit.deadline)
        # Counted before it is compared: what happens at once counts as well.
        if asked is None or not self.sessions.try_code(hashed, asked, visit.deadline):
            return self._over()
        right = codes.is_code(
            visit.form().get("code", ""),
            asked.delivery_id,
            self.keys.accepted(visit.now),
            asked.address or "",
        )
        # Asked only then: the time of an answer says nothing about whom the code is of.
        user = self.sessions.table.user(asked.user_id, visit.deadline) if right else None
        if user is None or user.disabled or asked.address not in (None, user.email):
            visit.log_fields["refused"] = "wrong code"
            if asked.tries_left > 1:
                return self.typing(visit, _WRONG, 403)
            self._note_failure(hashed, asked, visit)
            return self._over()
        visit.log_fields["user_id"] = user.id
        begun = Beginning.of(user, Way.MAIL, visit)
        if not self.sessions.begin_by_code(
            hashed,
            asked,
            begun.hashed,
            begun.session,
            visit.session_hash,
            visit.deadline,
            audit=visit.audit(audited.session_begun(user, begun.session), user),
        ):
            return self._over()
        return begun.answer(asked.then, _OVER, *self.device(user, visit))

    def device(self, user: User, visit: Visit) -> tuple[str, ...]:
        """The cookie by which this browser is known from now on."""
        keys = self.keys.accepted(visit.now)
        return (devices.cookie(user.email, token_urlsafe(16), keys[0]),) if keys else ()

    def _note_failure(self, hashed: str, asked: CodeLogin, visit: Visit) -> None:
        """Somebody guessed at somebody's code as often as they may. The same calls where nobody has
        the address: a read and a write.
        """
        user = self.sessions.table.user(asked.user_id, visit.deadline)
        if user is None:
            spent = asked.model_copy(update={"tries_left": 0})
            self.sessions.offer_code(hashed, spent, visit.deadline)
            return
        entry = visit.audit(audited.login_failed(user, "its code was typed wrong five times"))
        AuditLog(self.sessions.table).note(entry, visit.deadline)

    @staticmethod
    def _over() -> Answer:
        text = "Its ten minutes are over, or it was typed wrong five times."
        links = [Link("Ask for another code", LOGIN, first=True)]
        return page(403, "This code does not count any more", text, links=links, cookies=(_OVER,))

    def _may_ask(self, address: str, visit: Visit) -> bool:
        """Counts the same for an address that nobody has: the answer and its time tell nothing."""
        hour = visit.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        cookies, keys = visit.request.cookies, self.keys.accepted(visit.now)
        if device := devices.device(cookies, address, keys):
            return self.counters.spends(f"codes:device:{device}", MOST_OF_A_DEVICE, hour)
        named = sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        place = devices.neighbourhood(visit.request.source)
        # The mailbox's own last: what a place has too much of costs the others nothing.
        return all(
            self.counters.spends(name, most, hour)
            for name, most in (
                (f"codes:{named}:{place}", MOST_OF_A_PLACE),
                (f"codes:from:{place}", MOST_OF_A_PLACE_FOR_ALL),
                (f"codes:{named}", MOST_OF_STRANGERS),
            )
        )

    def _offer(self, user: User | None, secret: str, then: str, visit: Visit) -> None:
        """The same calls for somebody and for nobody, so that time tells nothing: a wakeup for a
        delivery that is not there wakes nobody.
        """
        now, deadline, sessions = visit.now, visit.deadline, self.sessions
        whom = user or _NOBODY
        delivery = code_delivery(visit.new_id("code", now), whom, own_address(whom), now)
        # Where there is no key yet, whoever sends the mail makes it: the code works, its link not.
        [key, *_] = self.keys.accepted(now) or (token_bytes(32),)
        link, code = key_hash(codes.login_secret(delivery.id, key)), key_hash(secret)
        asked = CodeLogin(
            user_id=whom.id,
            delivery_id=delivery.id,
            link=link,
            then=then,
            address=whom.email,
            ends_at=now + codes.LIFE,
            tries_left=codes.TRIES,
        )
        sessions.offer_code(code, asked, deadline)
        offered = Login(
            user_id=whom.id,
            user_since=whom.since,
            ends_at=asked.ends_at,
            code=code,
            address=whom.email,
        )
        if user is None:
            sessions.offer(key_hash(token_hex(32)), offered, deadline)
            sessions.offer(key_hash(token_hex(32)), offered, deadline)
        else:
            sessions.offer(link, offered, deadline)
            sessions.plan(delivery, deadline)
        self.queue.enqueue([delivery_wakeup(delivery, now)], now)
