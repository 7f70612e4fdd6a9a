"""Status pages: those that the deployment serves, and those elsewhere that hear of incidents.

Pure models. What a page says is in `opsknight.publishing`.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from opsknight.directory.receivers import Receiver
from opsknight.incident.model import Model


class StatusPageEvent(StrEnum):
    """The events of an incident that a status page's webhook can subscribe to."""

    CREATED = "incident.created"
    ACKNOWLEDGED = "incident.acknowledged"
    RESOLVED = "incident.resolved"
    UPDATED = "incident.updated"


class StatusPageWebhook(Receiver):
    events: tuple[StatusPageEvent, ...] = tuple(StatusPageEvent)


class PublicPage(Model):
    """A status page that the deployment serves itself, to anybody."""

    names: dict[str, str] = Field(default_factory=dict)
    """What it calls its services, by their ids; the others by their own names."""
    automatic_after: (
        Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(hours=24))] | None
    ) = None
    """How long an incident lasts until the page posts it by itself; None for never."""


class StatusPage(Model):
    id: str
    name: str
    service_ids: tuple[str, ...] = ()
    """The services that it lists; it hears of no others."""
    webhooks: tuple[StatusPageWebhook, ...] = ()
    shows_details: bool = False
    """Whether its messages hold the custom details of alerts."""
    public: PublicPage | None = None
    """None for a page that is elsewhere, and only hears of incidents."""

    @property
    def path(self) -> str:
        """The last part of its address, `/status/<path>`: its name in the configuration file."""
        return self.id.partition("_")[2]
