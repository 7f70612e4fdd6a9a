"""The timeline of an incident: an entry for each change, numbered. Pure.

What a decision changes of the incident itself is in `changes`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, NewType

from pydantic import Field

from opsknight.incident.model import Actor, Model, Status


class ChangeKind(StrEnum):
    """What happened to the incident, as the timeline calls it."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    AUTO_RESOLVED = "auto-resolved"
    """Resolved because no alert came for the time that its service sets."""
    SNOOZED = "snoozed"
    UNSNOOZED = "unsnoozed"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    REOPENED = "reopened"
    """Acknowledged for too long, or taken back by hand."""
    ESCALATED = "escalated"
    REASSIGNED = "reassigned"
    ALSO_PAGED = "also-paged"
    """Somebody asked others to help whoever has it."""
    RAISED = "raised"
    LOWERED = "lowered"
    JOINED = "joined"
    """One more alert of its group fires, while somebody has it."""
    NOTED = "noted"
    AMENDED = "amended"
    """Its monitor describes it anew."""
    UNREACHED = "unreached"
    DELAYED = "delayed"
    """The next step waits: by our own fault nobody has tried to send the page before it."""
    EXHAUSTED = "exhausted"
    WAITED = "waited"
    """Nobody heard of it so far, as it might have resolved itself; now it pages."""


UnknownKind = NewType("UnknownKind", str)
"""A kind of change that only a newer version of the code knows."""


VIA: Final = "delivery_id"


class Change(Model):
    """An entry of the timeline. The opening has none: the first change is number 2."""

    incident_id: str
    number: int
    at: datetime
    what: Annotated[ChangeKind | UnknownKind, Field(union_mode="left_to_right")]
    actor: Actor
    status: Status
    """The incident's status after the change."""
    epoch: int
    detail: dict[str, str] = Field(default_factory=dict)

    def acted_on(self, delivery_id: str) -> "Change":
        """The same, made by the link, a button or the number of this delivery."""
        return self.model_copy(update={"detail": {**self.detail, VIA: delivery_id}})

    @property
    def via(self) -> str | None:
        """The delivery by which it was made, if it says so."""
        return self.detail.get(VIA)
