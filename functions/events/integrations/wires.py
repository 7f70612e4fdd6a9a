"""Which protocol a path belongs to. In every process: what a protocol needs it imports itself."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from events.call import Call
from events.reception import Reception
from opsknight.http.gateway import Answer, HttpError, Request

type Handler = Callable[[Call, Reception], Answer]


@dataclass(frozen=True, slots=True)
class Wire:
    """One address that another system's senders know."""

    path: str
    protocol: str
    """The module; `name` is the function in it."""
    name: str

    def answer(self, call: Call, reception: Reception) -> Answer:
        """Raises HttpError, Unavailable."""
        if call.request.method != "POST":
            raise HttpError(405, "Method not allowed", Allow="POST")
        module = import_module(f"events.integrations.{self.protocol}")
        handler: Handler = getattr(module, self.name)
        return handler(call, reception)


WIRES: Final = (
    Wire("/v2/enqueue", "pagerduty", "enqueue"),
    Wire("/generic/2010-04-15/create_event.json", "pagerduty", "create_event"),
)
_BY_PATH: Final = {wire.path: wire for wire in WIRES}


def find(request: Request) -> Wire | None:
    """None for every other path. With and without a slash at the end."""
    return _BY_PATH.get(request.path.removesuffix("/"))
