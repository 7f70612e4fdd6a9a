"""Which protocol a path belongs to. In every process: what a protocol needs it imports itself."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from events.call import Call
from events.reception import Reception
from opsknight.classes import dataclass
from opsknight.http.gateway import Answer, HttpError, Request

type Handler = Callable[[Call, Reception], Answer]


@dataclass(frozen=True, slots=True)
class Wire:
    """One address that another system's senders know; with a slash at its end, all below it."""

    path: str
    protocol: str
    """The module; `name` is the function in it."""
    name: str
    methods: tuple[str, ...] = ("POST",)

    def answer(self, call: Call, reception: Reception) -> Answer:
        """Raises HttpError, Unavailable."""
        if call.request.method not in self.methods:
            raise HttpError(405, "Method not allowed", Allow=", ".join(self.methods))
        module = import_module(f"events.integrations.{self.protocol}")
        handler: Handler = getattr(module, self.name)
        return handler(call, reception)


# Each path allows some of them, which its protocol knows.
_READ_TOO: Final = ("GET", "HEAD", "POST", "PUT", "DELETE")
_PINGS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH")

WIRES: Final = (
    Wire("/v2/enqueue", "pagerduty", "enqueue"),
    Wire("/v2/change/enqueue", "pagerduty", "change"),
    Wire("/generic/2010-04-15/create_event.json", "pagerduty", "create_event"),
    # Grafana can be told to PUT.
    Wire("/api/integrations/", "own", "answer", ("POST", "PUT")),
    Wire("/k/", "own", "answer", ("POST", "PUT")),
    # Tools differ in how they fetch an address.
    Wire("/heartbeat/", "heartbeat", "answer", _PINGS),
    Wire("/v2/alerts", "opsgenie.protocol", "answer", _READ_TOO),
    Wire("/v2/alerts/", "opsgenie.protocol", "answer", _READ_TOO),
    Wire("/v2/schedules/", "opsgenie.protocol", "answer", ("GET", "HEAD")),
    Wire("/v2/heartbeats/", "opsgenie.protocol", "answer", _PINGS),
    Wire("/jsm/ops/integration/v2/", "opsgenie.protocol", "answer", (*_READ_TOO, "PATCH")),
)
_BY_PATH: Final = {wire.path: wire for wire in WIRES}
_BELOW: Final = tuple(wire for wire in WIRES if wire.path.endswith("/"))


def find(request: Request) -> Wire | None:
    """None for every other path. With and without a slash at the end."""
    path = request.path
    exact = _BY_PATH.get(path.removesuffix("/"))
    return exact or next((wire for wire in _BELOW if path.startswith(wire.path)), None)
