"""Woken by API Gateway for `/api/configuration/...`: the configuration, read and applied."""

from collections.abc import Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.http.gateway import Answer, Request, json_fault, respond
from opsknight.http.rate_limiter import Limiter
from opsknight.http.routes import Router
from opsknight.runtime import clients, clock
from opsknight.runtime.addresses import Reach
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.settings import ConfigurationSettings, read_settings
from opsknight.store.calls import Deadline
from opsknight.store.counters import Counters
from opsknight.store.sessions import Sessions
from opsknight.store.table import Table
from respond.api import Api
from respond.callers import Callers
from respond.configuring.contract import LARGEST_BODY
from respond.configuring.routes import ROUTES
from respond.names import NameCache
from respond.whole_directory import WholeDirectory

# Under the function's timeout, which is under API Gateway's. A large plan is many transactions, one
# after the other.
PATIENCE_SECONDS: Final = 13


@dataclass(frozen=True, slots=True)
class Configurator:
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
    reach: Reach = Reach.PRIVATE,
) -> Configurator:
    """One warm function."""
    background = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
    directory = WholeDirectory(table, background)
    callers = Callers(directory, Sessions(table), Limiter(counters))
    # Sent again, an apply is refused: the revision that it was planned from is over.
    api = Api(
        table,
        directory,
        NameCache(table),
        background,
        callers,
        new_id,
        None,
        None,
        counters,
        HoldMemory(table, clock),
        router=lambda: Router(ROUTES),
        remembers=False,
        largest=LARGEST_BODY,
        reach=reach,
    )
    return Configurator(api, clock)


@cache
def configurator() -> Configurator:
    """Made by the first request: nothing is connected at import."""
    is_local = read_settings(ConfigurationSettings).local_inbox
    reach = Reach.LOCAL if is_local else Reach.PRIVATE
    return make(clients.audited_table(Table), clients.counters(), clock.new_id, clock.now, reach)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, configurator, json_fault)
