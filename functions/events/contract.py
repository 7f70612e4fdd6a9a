"""The wire contract of POST /api/events: what a body may be, what an answer is
(docs/events-api.md).

The one place where our names differ inside and out: snake_case comes in, camelCase goes out, as the
owner's document has it. What an event does is decided elsewhere.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

from opsknight.bodies import Issue
from opsknight.incidents import LONE_SURROGATES, Action, Pointer, Severity, Status, Urgency

LARGEST_BODY: Final = 512 * 1024
DEEPEST_DETAILS: Final = 100


def _storable(value: Any) -> Any:
    # UTF-8 has no half of a pair. In a text for people it may be replaced; in a dedup key that
    # would merge two keys.
    if isinstance(value, str) and not value.isascii():
        return LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def _shallow(details: dict[Any, Any] | None) -> dict[Any, Any] | None:
    level: list[Any] = [] if details is None else [details]
    for _ in range(DEEPEST_DETAILS + 1):
        if not level:
            return details
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    raise ValueError(f"nested over {DEEPEST_DETAILS} levels deep")


class Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    summary: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        BeforeValidator(_storable),
        Field(description="What is wrong, in a sentence. It becomes the title of the incident."),
    ]
    source: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
        BeforeValidator(_storable),
        Field(description="The system that noticed."),
    ]
    severity: Annotated[
        Severity,
        Field(
            strict=False,
            description="critical is HIGH urgency, error and warning MEDIUM, info LOW.",
        ),
    ]
    custom_details: Annotated[
        dict[Any, Any] | None,
        AfterValidator(_shallow),
        Field(
            description="Anything that helps. Nested at most 100 levels deep.",
            json_schema_extra={"default": None},
        ),
    ] = None


class EventRequest(BaseModel):
    """An event, as a monitoring tool sends it. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=True)

    event_action: Annotated[Action, Field(strict=False)]
    dedup_key: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
        Field(
            description="Names the problem: events with the same key and service are one incident."
        ),
    ]
    payload: Payload
    service_id: Annotated[
        Any,
        Field(
            validation_alias=AliasChoices("service_id", "serviceId"),
            description="With an API key: whom it is for. Ignored with an integration key.",
            json_schema_extra={"type": "string"},
        ),
    ] = None


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
