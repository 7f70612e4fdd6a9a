"""The answers about a simulated night; as in `models`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from opsknight.incident.model import Urgency
from opsknight.views.wire import Absent, Shape


class SimulatedRow(Shape):
    """What reaches one person or place at one time."""

    at: datetime
    after_seconds: int
    kind: Annotated[
        str,
        Field(
            json_schema_extra={
                "enum": ["page", "nobody", "receiver", "status page", "fallback", "change"]
            }
        ),
    ]
    who: str
    how: Annotated[Sequence[str], Field(description="By which channels.")]
    why: str
    failing: Annotated[
        Sequence[str] | Absent,
        Field(description="Those of its channels that have failed last, and since when."),
    ] = None


class Simulated(Shape):
    service_id: str
    at: datetime
    urgency: Urgency
    opens: Annotated[
        bool, Field(description="False where nobody is paged: maintenance, or a disabled service.")
    ]
    policy_name: Annotated[str | Absent, Field(description="Absent for all of the team.")] = None
    timeline: Annotated[Sequence[SimulatedRow], Field(description="If nobody acts.")]
    ends: Annotated[bool, Field(description="If not, it goes on, and the rest is not shown.")]


class SimulatedAnswer(Shape):
    simulation: Simulated
