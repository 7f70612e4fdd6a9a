"""The body that a monitor posts: the fields of an event and their bounds (docs/events-api.md), and
the part of its details that people read.

Pure. The names are those of the owner's document, in snake_case. The answer to an event is in
`events.contract`.
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from opsknight.incident.model import Action, Actor, Event, Severity
from opsknight.incident.text import Text, without_lone_surrogates

LARGEST_BODY: Final = 512 * 1024
DEEPEST_DETAILS: Final = 100
LONGEST_SUMMARY: Final = 500
LONGEST_SOURCE: Final = 200
LONGEST_DEDUP_KEY: Final = 200
LONGEST_DESCRIPTION: Final = 10_000


def is_shallow(details: object) -> bool:
    """Whether it nests no deeper than is stored."""
    level: list[Any] = [details] if isinstance(details, dict | list) else []
    for _ in range(DEEPEST_DETAILS + 1):
        if not level:
            return True
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return False


def _shallow(details: dict[Any, Any] | None) -> dict[Any, Any] | None:
    if is_shallow(details):
        return details
    raise ValueError(f"Custom details must not nest over {DEEPEST_DETAILS} levels deep.")


class Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    summary: Annotated[
        str,
        Text(LONGEST_SUMMARY),
        Field(description="What is wrong, in a sentence. It becomes the title of the incident."),
    ]
    source: Annotated[
        str,
        Text(LONGEST_SOURCE),
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
        Text(LONGEST_DEDUP_KEY, exact=True),
        Field(
            description="Names the problem: events with the same key and service are one incident."
        ),
    ]
    payload: Payload
    service_id: Annotated[
        Any,
        Field(
            validation_alias=AliasChoices("service_id", "serviceId"),
            description="With an API key: the service. Ignored with an integration key.",
            json_schema_extra={"type": "string"},
        ),
    ] = None

    def event(self, service_id: str, body: str, actor: Actor) -> Event:
        """The event for this service; `body` is the request as received."""
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
    return describe_details(payload_of(body))


def payload_of(body: str) -> dict[str, Any]:
    """The payload in the body of an event, with all its numbers readable; empty if it has none."""
    payload: dict[str, Any] = parsed(body).get("payload", {})
    return payload


def parsed(body: str) -> dict[str, Any]:
    """The body of an event, with all its numbers readable."""
    found: dict[str, Any] = json.loads(body, parse_float=readable_float, parse_int=readable_int)
    return found


def describe_details(payload: Mapping[str, Any]) -> str | None:
    """As `describe`, from the payload."""
    details = payload.get("custom_details")
    if details is None:
        return None
    text = without_lone_surrogates(_laid_out(details))
    return text if len(text) <= LONGEST_DESCRIPTION else text[:LONGEST_DESCRIPTION] + "..."


def _laid_out(details: object) -> str:
    """Indented JSON, or somewhat more of its beginning than is shown: 512 KB nested 98 deep would
    be laid out as 100 MB.
    """
    parts: list[str] = []
    length = 0
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(details):
        parts.append(part)
        length += len(part)
        if length > LONGEST_DESCRIPTION:
            break
    return "".join(parts)


def readable_float(text: str) -> float | str:
    number = float(text)
    return number if isfinite(number) else text


def readable_int(text: str) -> int | str:
    # Python refuses to convert longer ones, as the time it takes grows with the square of the
    # length.
    return int(text) if len(text) <= 1000 else text
