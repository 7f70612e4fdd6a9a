"""What a service passes on to another system, as long as a team uses both: the settings alone. What
waits, and how it goes on, is in `passing_on`.
"""

from enum import StrEnum
from typing import Final

from opsknight.incident.model import Model

MARK: Final = "opsknight-mirror"
"""Stands in all that is passed on. What holds it is never passed on again."""


class System(StrEnum):
    """The other side, by the dialect that it understands."""

    PAGERDUTY = "pagerduty"
    OPSGENIE = "opsgenie"
    WEBHOOK = "webhook"


class Mirror(Model):
    to: System
    url: str | None = None
    """Instead of the system's own address; a webhook has no other."""
    secret: str | None = None
    """Name of the SSM parameter with the other system's key; a webhook signs with it."""
    actions: bool = False
    """Whether acknowledgements and resolves by people are passed on, too."""

    def is_heard_at(self, name: str) -> bool:
        """Whether the integration of this name takes the other side's webhooks. What has no name
        tells us nothing: events of any tool come by `webhook`, and page.
        """
        return self.to is not System.WEBHOOK and name == self.to


def is_marked(body: str) -> bool:
    """Whether we have passed it on before. Wherever the mark stands: a loop has no end."""
    return MARK in body
