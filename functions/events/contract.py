"""The wire contract of POST /api/events: what an answer is (docs/events-api.md). What a body may be
is in `opsknight.incident.event_request`.

With that the one place where our names differ inside and out: snake_case comes in, camelCase goes
out, as the owner's document has it. What an event does is decided elsewhere.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from opsknight.http.body import Issue
from opsknight.incident.event_request import LARGEST_BODY
from opsknight.incident.model import Pointer, Status, Urgency


class IncidentAnswer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: str
    title: str
    status: Status
    urgency: Urgency
    service_id: str
    dedup_key: str
    created_at: datetime


class Result(BaseModel):
    action: Literal["triggered", "deduplicated", "acknowledged", "resolved", "ignored"]
    incident: IncidentAnswer | None = Field(None, description="Absent when ignored.")
    reason: str = Field("", description="Why the event was ignored.")


class Accepted(BaseModel):
    status: Literal["success"] = "success"
    result: Result


class Failure(BaseModel):
    error: str
    message: Annotated[str, Field(description="What was expected, or where the JSON ends.")] = ""
    maximum_bytes: Annotated[int, Field(description="Of a body, with a 413.")] = LARGEST_BODY
    issues: Annotated[list[Issue], Field(description="What is wrong, field by field.")] = []


def accepted(action: str, incident: Pointer | None, reason: str | None = None) -> dict[str, Any]:
    """The body of a 202."""
    result: dict[str, Any] = {"action": action}
    if incident is not None:
        # By hand, what IncidentAnswer describes: a model would cost as much as the decision itself.
        result["incident"] = {
            "id": incident.id,
            "title": incident.title,
            "status": incident.status,
            "urgency": incident.urgency,
            "serviceId": incident.service_id,
            "dedupKey": incident.dedup_key,
            "createdAt": incident.created_at.isoformat().replace("+00:00", "Z"),
        }
    if reason is not None:
        result["reason"] = reason
    return {"status": "success", "result": result}
