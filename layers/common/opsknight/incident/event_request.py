"""The event that a monitor posts: its fields and their bounds (docs/events-api.md), and what people
read of its details.

Pure. The field names are part of the contract, in snake_case. Answers are in `events.contract`.
"""

import json
from math import isfinite
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from opsknight.incident.model import LONE_SURROGATES, Action, Actor, Event, Severity

LARGEST_BODY: Final = 512 * 1024
DEEPEST_DETAILS: Final = 100
LONGEST_DESCRIPTION: Final = 10_000


def _storable(value: Any) -> Any:
    # UTF-8 has no half of a pair. Texts for people get a replacement character, which would merge
    # two dedup keys.
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

    def event(self, service_id: str, body: str, actor: Actor) -> Event:
        """The event, for a service that the caller has access to; `body` is the request as sent."""
        return Event(
            action=self.event_action,
            service_id=service_id,
            dedup_key=self.dedup_key,
            summary=self.payload.summary,
            severity=self.payload.severity,
            body=body,
            actor=actor,
        )


def describe(body: str) -> str | None:
    """The description of an incident, from the body of its first alert: `custom_details` as
    indented JSON, or None.

    At most 10,000 characters, then `...`. Numbers that fit neither a double nor a short integer
    appear as text, as they were sent.
    """
    details = json.loads(body, parse_float=_readable_float, parse_int=_readable_int)["payload"].get(
        "custom_details"
    )
    if details is None:
        return None
    text = json.dumps(details, indent=2, ensure_ascii=False)
    text = LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= LONGEST_DESCRIPTION else text[:LONGEST_DESCRIPTION] + "..."


def _readable_float(text: str) -> float | str:
    number = float(text)
    return number if isfinite(number) else text


def _readable_int(text: str) -> int | str:
    # Python refuses to convert longer ones, as the time it takes grows with the square of the
    # length.
    return int(text) if len(text) <= 1000 else text
