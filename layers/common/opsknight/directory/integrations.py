"""The integrations of services, and the settings that some of them have.

Apart from `entries`, which the function that takes events needs for its first event: most senders
have a key and no settings. Pure. No secret is ever here, only names of parameters.
"""

from pydantic import Field

from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.routing import PageAfter, Routing
from opsknight.incident.model import Model


class Integration(Model):
    """A named way into a service, such as "Prometheus Alerts"."""

    id: str
    service_id: str
    name: str
    secret: str | None = None
    """Name of an SSM SecureString parameter: unsigned requests are refused."""
    next_secret: str | None = None
    """Name of a second one during a rotation: either will do."""
    routing: Routing | None = None
    remembers: bool | None = None
    """Whether it has, or ever had, routes: incidents may be elsewhere (`routing.Routed`)."""
    page_after: PageAfter | None = None
    heartbeat: Heartbeat | None = None
    """How often its sender says that it lives (`/heartbeat/KEY`); None for never."""
    topics: tuple[str, ...] | None = None
    """ARNs of the topics of SNS whose signed messages it takes."""
    made_by: str | None = None
    """The name of whoever added it in the console, which owns it then; None for the file's."""
    unread: tuple[str, ...] = Field(default=(), exclude=True)
    """Settings that are there, and that only a newer version understands. Never stored."""

    @property
    def beats(self) -> bool:
        """Whether it has a heartbeat, if only a newer version's."""
        return self.heartbeat is not None or "heartbeat" in self.unread

    @property
    def is_plain(self) -> bool:
        """Whether its events need nothing but its key."""
        settings = (self.secret, self.routing, self.remembers, self.page_after, self.heartbeat)
        return not any((*settings, self.topics))
