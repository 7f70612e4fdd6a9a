"""Answers to POST /api/events (docs/events-api.md). The body of a request is in
`opsknight.incident.event_request`; `opsknight.incident.lifecycle` decides what an event does.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from opsknight.incident.model import Pointer
from opsknight.views.summary import IncidentAnswer, summary
from opsknight.views.wire import Absent, Shape

ACTIONS: Final = ["triggered", "deduplicated", "acknowledged", "resolved", "ignored"]
NOT_ACTIVE: Final = "No active incident of this service has this dedup_key."


class Result(Shape):
    action: Annotated[str, Field(json_schema_extra={"enum": list[Any](ACTIONS)})]
    incident: Annotated[IncidentAnswer | Absent, Field(description="Absent when ignored.")] = None
    reason: Annotated[str | Absent, Field(description="Why the event was ignored.")] = None


class Accepted(Shape):
    status: Literal["success"] = "success"
    result: Result


def accepted(action: str, incident: Pointer | None, dropped_by: str | None = None) -> Accepted:
    """The body of a 202."""
    if incident is None:
        why = NOT_ACTIVE if dropped_by is None else f"Dropped by the route {dropped_by}."
        return Accepted(result=Result(action=action, reason=why))
    return Accepted(result=Result(action=action, incident=summary(incident)))
