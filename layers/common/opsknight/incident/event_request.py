"""What a monitor posts: the fields of an event, and what each may be (docs/events-api.md).

Pure. Their names are the owner's, in snake_case. How an event is answered is in `events.contract`.
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

    def event(self, service_id: str, body: str, actor: Actor) -> Event:
        """For the service that it is for; `body` is the request as received."""
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
    """An incident's description: the `custom_details` of its first alert as indented JSON; None
    without any.

    At most 10,000 characters, then `...`. A number that no double or short integer holds is shown
    as sent, as text.
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
