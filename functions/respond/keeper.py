"""Woken by API Gateway for `/api/keeping/...`: people and programs make, rotate and revoke keys."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial
from secrets import token_hex
from typing import Any, Final

from opsknight.http.gateway import json_fault, respond
from opsknight.http.routes import Router
from opsknight.runtime import clients, clock
from opsknight.store.calls import Deadline
from opsknight.store.counters import Counters
from opsknight.store.table import Table
from respond import part
from respond.keeping.routes import ROUTES
from respond.part import Part

# Under the function's timeout, which is under API Gateway's.
PATIENCE_SECONDS: Final = 8


def make(
    table: Table,
    counters: Counters,
    new_id: Callable[[str, datetime], str],
    clock: Callable[[], datetime],
    new_secret: Callable[[], str] = lambda: token_hex(16),
) -> Part:
    """One warm function. A request that is sent again makes a key again."""
    begin = partial(Deadline.after, PATIENCE_SECONDS)
    router = partial(Router, ROUTES)
    return part.make(table, counters, new_id, clock, begin, router, new_secret=new_secret)


@cache
def keeper() -> Part:
    """Made by the first request: nothing is connected at import."""
    return make(clients.audited_table(Table), clients.counters(), clock.new_id, clock.now)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, keeper, json_fault)
