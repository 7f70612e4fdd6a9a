"""The answers about the shifts of one schedule; as in `models`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from opsknight.views.roster_models import OverrideAnswer, ShiftAnswer
from opsknight.views.wire import Absent, Shape


class LayerShifts(Shape):
    id: str
    name: str
    priority: int
    shifts: Annotated[
        Sequence[ShiftAnswer], Field(description="By this layer alone, whoever is disabled.")
    ]


class GapAnswer(Shape):
    """Nobody is on call."""

    start: datetime
    end: datetime


class ScheduleShifts(Shape):
    schedule_id: str
    name: str
    zone: Annotated[str, Field(description="Handoffs keep their time of day by its wall clock.")]
    start: datetime
    end: datetime
    final: Annotated[Sequence[ShiftAnswer], Field(description="Who is on call, after overrides.")]
    layers: Annotated[Sequence[LayerShifts], Field(description="The one that comes first, first.")]
    gaps: Sequence[GapAnswer]
    overrides: Annotated[Sequence[OverrideAnswer], Field(description="Those that are in it.")]


class ShiftChange(Shape):
    start: datetime
    end: datetime
    was_id: Annotated[str | Absent, Field(description="Absent for nobody.")] = None
    was_name: str | Absent = None
    user_id: Annotated[str | Absent, Field(description="Absent for nobody.")] = None
    user_name: str | Absent = None


class OverridePreview(Shape):
    changes: Annotated[Sequence[ShiftChange], Field(description="From now on, in order.")]
    gaps: Annotated[Sequence[GapAnswer], Field(description="Nobody would be on call then.")]
