"""Where the events of an integration go: its routes, and how long paging waits. The conditions are
only texts here; `opsknight.integrations.routes` evaluates them.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field

from opsknight.incident.model import Model, Severity

type Expression = Annotated[str, Field(min_length=1, max_length=1000)]


class PageAfter(Model):
    """An incident is OPEN at once, and nobody hears of it before one of these has come."""

    time: timedelta
    alerts: int | None = None
    """So many alerts of the incident; None waits for the time alone."""
    high: bool = False
    """Whether an incident of HIGH urgency waits, too."""


class Route(Model):
    """What becomes of the events that it matches. The first route that matches counts."""

    name: str
    when: Expression
    service_id: str | None = None
    service_label: Expression | None = None
    """What in the event names the service by its key."""
    severity: Severity | None = None
    """Instead of the event's own."""
    suppress: bool = False
    """Its incidents open SUPPRESSED: nobody hears of them."""
    drop: bool = False
    """A trigger opens nothing. It is counted."""
    group: Expression | None = None
    """The dedup key instead of the event's own: events with the same one share an incident."""
    page_after: PageAfter | None = None


class Routing(Model):
    """`routes` of an integration, and where the events go that none of them matches."""

    routes: tuple[Route, ...] = ()
    default_service_id: str | None = None
    """None for the integration's own service."""


class Routed(Model):
    """Where the events of one of a sender's dedup keys go while this incident is active."""

    incident_id: str
    service_id: str
    dedup_key: str
    """Ours: the sender's own, or that of a group."""
    at: AwareDatetime
    """When this was written, or confirmed."""
