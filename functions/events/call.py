"""What goes with a request from the door to the intake. Decides nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsknight.classes import dataclass
from opsknight.directory.entries import ApiKey, IntegrationKey, Service
from opsknight.http.gateway import Request
from opsknight.store.calls import Deadline
from opsknight.store.execute import Beside

if TYPE_CHECKING:
    from opsknight.directory.integrations import Integration


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and the time that it has."""

    request: Request
    now: datetime
    """When it came. All that one request does happens at this moment."""
    deadline: Deadline
    """Until when DynamoDB may be tried."""
    log_fields: dict[str, Any]
    beside: Beside | None = None
    """What is to be written in the same transaction as what its event does."""

    is_counted: bool = False
    """Whether the limit of its key counts it already."""

    def within(self, seconds: float) -> "Call":
        """The same call, for a part of it that may take at most so long."""
        return replace(self, deadline=self.deadline.within(seconds))

    def log(self, **fields: object) -> None:
        """Adds to the one line that is logged about the request, which has its id already."""
        self.log_fields.update(fields)


def _nowhere(_: str) -> None:
    """There is no other service."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A live key, and the service that the request is for."""

    hashed: str
    """The key's hash."""
    key: IntegrationKey | ApiKey
    service: Service
    integration: "Integration | None" = None
    """That of the key, if it has settings of its own."""
    services: Callable[[str], Service | None] = _nowhere
    """Any service by its id, a disabled one too."""

    def service_of(self, service_id: str, *, disabled: bool = False) -> Service | None:
        """Another service than its own, which an event is routed to."""
        found = self.services(service_id)
        return found if found and (disabled or not found.disabled) else None
