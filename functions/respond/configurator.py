"""Woken by API Gateway for `/api/configuration/...`: the configuration, read and applied."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any, Final

from opsknight.http.gateway import json_fault, respond
from opsknight.http.routes import Router
from opsknight.runtime import clients, clock
from opsknight.runtime.addresses import Reach
from opsknight.runtime.settings import ConfigurationSettings, read_settings
from opsknight.store.calls import Deadline
from opsknight.store.counters import Counters
from opsknight.store.table import Table
from respond import part
from respond.configuring.contract import LARGEST_BODY
from respond.configuring.routes import ROUTES
from respond.part import Part

# Under the function's timeout, which is under API Gateway's. A large plan is many transactions, one
# after the other.
PATIENCE_SECONDS: Final = 13


def make(
    table: Table,
    counters: Counters,
    new_id: Callable[[str, datetime], str],
    clock: Callable[[], datetime],
    reach: Reach = Reach.PRIVATE,
) -> Part:
    """One warm function. An apply that is sent again is refused: the revision that it was planned
    from is over.
    """
    begin = partial(Deadline.after, PATIENCE_SECONDS)
    router = partial(Router, ROUTES)
    return part.make(
        table, counters, new_id, clock, begin, router, largest=LARGEST_BODY, reach=reach
    )


@cache
def configurator() -> Part:
    """Made by the first request: nothing is connected at import."""
    is_local = read_settings(ConfigurationSettings).local_inbox
    reach = Reach.LOCAL if is_local else Reach.PRIVATE
    return make(clients.audited_table(Table), clients.counters(), clock.new_id, clock.now, reach)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, configurator, json_fault)
