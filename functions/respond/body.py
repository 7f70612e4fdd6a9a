"""What all bodies of the HTTP API have in common. Apart from `contract`, which has each of them: a
function that takes a few needs no others.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

from opsknight.oncall.wall_clock import FIRST, LAST

LARGEST_BODY: Final = 64 * 1024
MOST_LISTED: Final = 100


def _no_number(value: object) -> object:
    # Pydantic takes one for seconds since 1970, and a wrong guess is a snooze into the past.
    if isinstance(value, int | float):
        raise ValueError("A time is a text such as 2026-11-23T03:00:00Z.")
    return value


def _in_range(at: datetime) -> datetime:
    # Who is on call is known between these two only.
    if not FIRST <= at < LAST:
        raise ValueError(f"A time must be between {FIRST.year} and {LAST.year}.")
    return at.astimezone(UTC)


type Id = Annotated[str, StringConstraints(strip_whitespace=True, pattern="^[0-9A-Za-z_-]{1,100}$")]
type Time = Annotated[
    AwareDatetime,
    BeforeValidator(_no_number),
    AfterValidator(_in_range),
    Field(description="ISO 8601, with an offset or Z."),
]


class Body(BaseModel):
    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class NoBody(Body):
    """Nothing is required; all fields are ignored."""
