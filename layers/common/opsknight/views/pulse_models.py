"""The answers about many incidents at once; as in `models`."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from opsknight.incident.model import Status
from opsknight.views.models import ListedIncident
from opsknight.views.wire import Absent, Shape


class BulkResult(Shape):
    id: str
    status: Annotated[
        int, Field(description="What the action on this incident alone would have been answered.")
    ]
    action: Annotated[str | Absent, Field(description="What was done, or was so already.")] = None
    error: Annotated[str | Absent, Field(description="Why it was refused.")] = None
    incident_status: Annotated[Status | Absent, Field(description="The incident's, now.")] = None


class BulkResults(Shape):
    results: Annotated[Sequence[BulkResult], Field(description="In the order of the ids.")]


class PulseCounts(Shape):
    active: int
    open: int
    high: Annotated[int, Field(description="OPEN ones of urgency HIGH.")]
    mine: Annotated[int, Field(description="Assigned to the caller.")]
    complete: Annotated[bool, Field(description="If not, there may be more of each.")]


class Pulse(Shape):
    incidents: Annotated[
        Sequence[ListedIncident],
        Field(description="At most 50 active ones: mine, then open, then the most urgent."),
    ]
    counts: PulseCounts
