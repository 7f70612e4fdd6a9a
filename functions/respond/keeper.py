"""Woken by API Gateway for `/api/keeping/...`: people and programs make, rotate and revoke keys."""

from collections.abc import Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from secrets import token_hex
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.http.gateway import Answer, Request, json_fault, respond
from opsknight.http.rate_limiter import Limiter
from opsknight.http.routes import Router
from opsknight.runtime import clients, clock
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.store.calls import Deadline
from opsknight.store.counters import Counters
from opsknight.store.sessions import Sessions
from opsknight.store.table import Table
from respond.api import Api
from respond.callers import Callers
from respond.keeping.routes import ROUTES
from respond.names import NameCache
from respond.whole_directory import WholeDirectory

# Under the function's timeout, which is under API Gateway's.
PATIENCE_SECONDS: Final = 8


@dataclass(frozen=True, slots=True)
class Keeper:
    api: Api
    clock: Callable[[], datetime]
    patience: float = PATIENCE_SECONDS
    origins: Set[str] = frozenset()

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        deadline = Deadline.after(self.patience)
        return self.api.answer(request, log_fields, self.clock(), deadline)


def make(
    table: Table,
    counters: Counters,
    new_id: Callable[[str, datetime], str],
    clock: Callable[[], datetime],
    new_secret: Callable[[], str] = lambda: token_hex(16),
) -> Keeper:
    """One warm function."""
    background = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
    directory = WholeDirectory(table, background)
    callers = Callers(directory, Sessions(table), Limiter(counters))
    names = NameCache(table)
    # An answer that shows a key must not rest in the record of a request: it is made once, or
    # made again.
    api = Api(
        table,
        directory,
        names,
        background,
        callers,
        new_id,
        None,
        None,
        counters,
        HoldMemory(table, clock),
        router=lambda: Router(ROUTES),
        new_secret=new_secret,
        remembers=False,
    )
    return Keeper(api, clock)


@cache
def keeper() -> Keeper:
    """Made by the first request: nothing is connected at import."""
    return make(clients.audited_table(Table), clients.counters(), clock.new_id, clock.now)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, keeper, json_fault)
