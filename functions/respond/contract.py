"""The wire contract of the HTTP API that people's programs use: what bodies and queries may be
(docs/http-api.md). Like the Events API, it takes camelCase, and snake_case as well.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from opsknight.incident.commands import LONGEST_NOTE, LONGEST_SNOOZE
from opsknight.incident.model import LONE_SURROGATES, Urgency
from opsknight.oncall.rotations import Instant

LARGEST_BODY: Final = 64 * 1024
MOST_LISTED: Final = 100


def _storable(value: object) -> object:
    # UTF-8 has no half of a pair.
    if isinstance(value, str) and not value.isascii():
        return LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def _text(longest: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


def _no_number(value: object) -> object:
    # Pydantic takes one for seconds since 1970, and a wrong guess is a snooze into the past.
    if isinstance(value, int | float):
        raise ValueError("a number, but a time such as 2026-11-23T03:00:00Z")
    return value


type Title = Annotated[str, _text(500), BeforeValidator(_storable)]
type Id = Annotated[str, StringConstraints(strip_whitespace=True, pattern="^[0-9A-Za-z_-]{1,100}$")]
type Time = Annotated[
    Instant, BeforeValidator(_no_number), Field(description="ISO 8601, with an offset or Z.")
]


class Body(BaseModel):
    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class NoBody(Body):
    """Nothing is asked for; whatever is sent is ignored."""


class NewIncident(Body):
    """An incident opened by a person."""

    title: Title
    service_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    urgency: Urgency = Urgency.HIGH
    description: Annotated[str, _text(10_000), BeforeValidator(_storable)] | None = None
    dedup_key: Annotated[
        Annotated[str, _text(200)] | None,
        Field(description="Of an active incident with the same key it becomes one more alert."),
    ] = None


class Patch(Body):
    """What is there is changed: one of them, or both, the urgency first."""

    urgency: Urgency | None = None
    assignee_id: Id | None = None

    @model_validator(mode="after")
    def _something(self) -> "Patch":
        if self.urgency is None and self.assignee_id is None:
            raise ValueError("empty: urgency, assigneeId or both")
        return self


class SnoozeBody(Body):
    """Until a time, or for some minutes; at most 7 days."""

    until: Time | None = None
    minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "SnoozeBody":
        if (self.until is None) == (self.minutes is None):
            raise ValueError("both or neither: until or minutes")
        return self

    def ends(self, now: datetime) -> datetime | None:
        """None for an end that is not after `now`, or over 7 days away."""
        until = self.until or now + timedelta(minutes=self.minutes or 0)
        return until if now < until <= now + LONGEST_SNOOZE else None


class EscalateBody(Body):
    step: Annotated[
        int | None, Field(ge=1, le=50, description="From 1; absent for the next one.")
    ] = None


class ReassignBody(Body):
    user_id: Id


class NoteBody(Body):
    text: Annotated[str, _text(LONGEST_NOTE), BeforeValidator(_storable)]
    public: Annotated[bool, Field(strict=True, description="Status pages are told.")] = False


class NewOverride(Body):
    """`userId` is on call from `start` until `end`: always, or in the place of one user."""

    user_id: Id
    replaces: Id | None = None
    start: Time
    end: Time

    @model_validator(mode="after")
    def _makes_sense(self) -> "NewOverride":
        if self.end <= self.start:
            raise ValueError("an override that ends before it starts")
        if self.end - self.start > timedelta(days=366):
            raise ValueError("an override of more than a year")
        if self.replaces == self.user_id:
            raise ValueError("an override of a user by the same one")
        return self


class NewWindow(Body):
    """What the service opens in it is suppressed and pages nobody."""

    start: Annotated[Time | None, Field(description="Absent for now.")] = None
    end: Time
    reason: Annotated[str, _text(500), BeforeValidator(_storable)]
    keep_suppressed: Annotated[
        bool, Field(strict=True, description="What it suppressed stays so when it ends.")
    ] = False
