"""A part of the HTTP API that a function of its own answers, because its role may do what
RespondFunction's must not. Which paths and rights those are, `keeper` and `configurator` say.
"""

from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from secrets import token_hex
from typing import Any

from opsknight.classes import dataclass
from opsknight.http.gateway import Answer, Request
from opsknight.http.rate_limiter import Limiter
from opsknight.http.routes import Router
from opsknight.runtime.addresses import Reach
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.store.calls import Deadline
from opsknight.store.counters import Counters
from opsknight.store.sessions import Sessions
from opsknight.store.table import Table
from respond.api import Api, Handler
from respond.body import LARGEST_BODY
from respond.callers import Callers
from respond.names import NameCache
from respond.whole_directory import WholeDirectory


@dataclass(frozen=True, slots=True)
class Part:
    api: Api
    clock: Callable[[], datetime]
    begin: Callable[[], Deadline]
    """The time of a request that begins now."""
    origins: Set[str] = frozenset()

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        return self.api.answer(request, log_fields, self.clock(), self.begin())


def make(
    table: Table,
    counters: Counters,
    new_id: Callable[[str, datetime], str],
    clock: Callable[[], datetime],
    begin: Callable[[], Deadline],
    router: Callable[[], Router[Handler]],
    *,
    new_secret: Callable[[], str] = lambda: token_hex(16),
    largest: int = LARGEST_BODY,
    reach: Reach = Reach.PRIVATE,
) -> Part:
    """One warm function. It signs no links and sends nothing. An `Idempotency-Key` has no record:
    an answer here may show a key, which must not rest in one.
    """
    background = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
    directory = WholeDirectory(table, background)
    api = Api(
        table,
        directory,
        NameCache(table),
        background,
        Callers(directory, Sessions(table), Limiter(counters)),
        new_id,
        None,
        None,
        counters,
        HoldMemory(table, clock),
        router=router,
        new_secret=new_secret,
        remembers=False,
        largest=largest,
        reach=reach,
    )
    return Part(api, clock, begin)
