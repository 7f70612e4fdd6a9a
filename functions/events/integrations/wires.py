"""Which protocol a path belongs to. In every process: what a protocol needs it imports itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Final

from events.reception import Reception
from opsknight.http.gateway import Answer, HttpError, Request

type Handler = Callable[[Request, Reception, datetime, float, dict[str, Any]], Answer]


@dataclass(frozen=True, slots=True)
class Wire:
    """One address that another system's senders know."""

    path: str
    protocol: str
    """The module; `name` is the function in it."""
    name: str

    def answer(
        self,
        request: Request,
        reception: Reception,
        now: datetime,
        patience: float,
        log_fields: dict[str, Any],
    ) -> Answer:
        """`patience`: for how many seconds DynamoDB may be tried. Raises HttpError, Unavailable."""
        if request.method != "POST":
            raise HttpError(405, "Method not allowed", Allow="POST")
        module = import_module(f"events.integrations.{self.protocol}")
        handler: Handler = getattr(module, self.name)
        return handler(request, reception, now, patience, log_fields)


WIRES: Final = (
    Wire("/v2/enqueue", "pagerduty", "enqueue"),
    Wire("/generic/2010-04-15/create_event.json", "pagerduty", "create_event"),
)
_BY_PATH: Final = {wire.path: wire for wire in WIRES}


def find(request: Request) -> Wire | None:
    """None for every other path. With and without a slash at the end."""
    return _BY_PATH.get(request.path.removesuffix("/"))
