"""Woken by API Gateway for the console's addresses: its files, and `/auth/`."""

from collections.abc import Callable, Mapping, Set
from datetime import datetime
from functools import cache
from typing import Any, Final

from console.attempts import HOME
from console.by_mail import ByMail
from console.by_provider import ByProvider
from console.fetching import Fetching
from console.files import PREFIX, Files
from console.login import LoginDoor
from console.pages import page
from console.visits import PREFIX as AUTH
from opsknight.classes import dataclass
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, Request, respond
from opsknight.runtime import clients, clock
from opsknight.runtime.addresses import Reach
from opsknight.runtime.queues import Queue
from opsknight.runtime.settings import ConsoleSettings, read_settings
from opsknight.runtime.ssm_secrets import LinkKeys, Secret, SecretReader, SecretsUnavailable
from opsknight.store.callers import CallerRows
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.counters import Counters
from opsknight.store.sessions import Sessions

PATIENCE_SECONDS: Final = 8
_MOVED: Final = frozenset({"/", "/console", "/console/"})


def begin() -> Deadline:
    """The time of a request that begins now."""
    return Deadline.after(PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True)
class Console:
    files: Files
    login: LoginDoor
    clock: Callable[[], datetime]
    begin: Callable[[], Deadline]
    origins: Set[str] = frozenset()

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        if request.path.startswith(AUTH):
            return self._auth(request, log_fields)
        if request.method not in ("GET", "HEAD"):
            return page(405, "Nothing was done", "", headers={"Allow": "GET, HEAD"})
        if request.path in _MOVED:
            return Answer(302, "", {"Location": HOME})
        found = self.files.answer(request) if request.path.startswith(PREFIX) else None
        return found or page(404, "There is no such page", "")

    def _auth(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        now, deadline = self.clock(), self.begin()
        try:
            return self.login.answer(request, log_fields, now, deadline)
        except (Unavailable, SecretsUnavailable) as cause:
            log_fields["cause"] = str(cause)
            text = "OpsKnight cannot reach its store. Try again in a few seconds."
            return page(503, "Not right now", text, headers=RETRY_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Mailing:
    """What a code by e-mail needs."""

    keys: LinkKeys
    queue: Queue
    counters: Counters


def make(
    table: CallerRows,
    secrets: SecretReader,
    new_id: Callable[[str, datetime], str],
    clock: Callable[[], datetime],
    files: Files | None = None,
    begin: Callable[[], Deadline] = begin,
    provider_name: str = "",
    by_mail: Mailing | None = None,
    reach: Reach = Reach.PUBLIC,
) -> Console:
    """One warm function."""
    sessions = Sessions(table)
    mail = None
    if by_mail is not None:
        mail = ByMail(sessions, by_mail.keys, by_mail.queue, by_mail.counters)
    by_provider = ByProvider(sessions, secrets, provider_name, Fetching(reach))
    return Console(files or Files(), LoginDoor(sessions, by_provider, mail, new_id), clock, begin)


@cache
def console() -> Console:
    """Made by the first request: nothing is connected at import."""
    settings = read_settings(ConsoleSettings)
    secrets = SecretReader(clients.ssm())
    mailing = Mailing(
        LinkKeys(Secret(secrets, settings.link_key_name)),
        Queue(clients.sqs(), settings.pages_high_url),
        clients.counters(),
    )
    return make(
        clients.audited_table(CallerRows),
        secrets,
        clock.new_id,
        clock.now,
        provider_name=settings.oidc_name,
        by_mail=mailing if settings.sends_email else None,
        reach=Reach.LOCAL if settings.local_inbox else Reach.PUBLIC,
    )


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, console, lambda _: page(500, "That did not work", "The fault is ours."))
