"""Woken by API Gateway for the console's addresses: its files, and `/auth/`."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from console.files import PREFIX, Files
from console.login import HOME, LoginDoor
from console.login import PREFIX as AUTH
from console.pages import page
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, Request, respond
from opsknight.runtime import clients, clock
from opsknight.store.callers import CallerRows
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.sessions import Sessions

PATIENCE_SECONDS: Final = 8
_MOVED: Final = frozenset({"/", "/console", "/console/"})


@dataclass(frozen=True, slots=True)
class Console:
    files: Files
    login: LoginDoor
    clock: Callable[[], datetime]
    patience: float = PATIENCE_SECONDS
    origins: Set[str] = frozenset()

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        if request.path.startswith(AUTH):
            return self._auth(request, log_fields)
        if request.method not in ("GET", "HEAD"):
            return page(405, "Nothing was done", "", Allow="GET, HEAD")
        if request.path in _MOVED:
            return Answer(302, "", {"Location": HOME})
        found = self.files.answer(request) if request.path.startswith(PREFIX) else None
        return found or page(404, "There is no such page", "")

    def _auth(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        now, deadline = self.clock(), Deadline.after(self.patience)
        try:
            return self.login.answer(request, log_fields, now, deadline)
        except Unavailable as cause:
            log_fields["cause"] = str(cause)
            text = "OpsKnight cannot reach its store. Try again in a few seconds."
            return page(503, "Not right now", text, **RETRY_UNAVAILABLE)


def make(
    table: CallerRows,
    new_id: Callable[[str, datetime], str],
    clock: Callable[[], datetime],
    files: Files | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Console:
    """One warm function."""
    return Console(files or Files(), LoginDoor(Sessions(table), new_id), clock, patience)


@cache
def console() -> Console:
    """Made by the first request: nothing is connected at import."""
    return make(clients.table(CallerRows), clock.new_id, clock.now)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, console, lambda _: page(500, "That did not work", "The fault is ours."))
