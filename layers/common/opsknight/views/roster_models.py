"""The answers about services with their maintenance, and schedules with their overrides; as in
`models`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from opsknight.views.wire import Absent, Shape


class ServiceAnswer(Shape):
    id: str
    name: str
    team_id: str
    team_name: str | Absent = None
    disabled: bool
    policy_id: str | Absent = None
    policy_name: str | Absent = None
    supported: Annotated[
        bool | Absent, Field(description="Whether it is within its support hours, if it has any.")
    ] = None
    maintenance_until: Annotated[
        datetime | Absent, Field(description="Absent when no window is in force.")
    ] = None
    shadow_until: Annotated[
        datetime | Absent,
        Field(description="Until then it pages nobody; absent for a service that is live."),
    ] = None


class Services(Shape):
    services: Sequence[ServiceAnswer]


class RepeatAnswer(Shape):
    days: Annotated[int, Field(description="It begins again every so many days.")]
    zone: Annotated[str, Field(description="By whose wall clock it keeps its time of day.")]
    until: Annotated[datetime | Absent, Field(description="When it begins no more.")] = None


class WindowAnswer(Shape):
    id: str
    start: datetime
    end: datetime
    repeat: Annotated[
        RepeatAnswer | Absent,
        Field(description="If it comes again: `start` and `end` are of this time, or the next."),
    ] = None
    reason: str
    keep_suppressed: bool
    by: Annotated[str | Absent, Field(description="The name of whoever made it.")] = None


class Windows(Shape):
    maintenance: Annotated[Sequence[WindowAnswer], Field(description="Those that are not over.")]


class NewWindowAnswer(Shape):
    maintenance: WindowAnswer


class EndedWindow(Shape):
    status: Literal["success"]
    incidents: Annotated[int, Field(description="How many suppressed incidents are OPEN soon.")]


class LayerAnswer(Shape):
    id: str
    users: Sequence[str]


class ScheduleAnswer(Shape):
    id: str
    name: str
    zone: str
    layers: Sequence[LayerAnswer]
    on_call: Annotated[str | None, Field(description="The user on call now; null for nobody.")]
    on_call_name: str | Absent = None


class Schedules(Shape):
    schedules: Sequence[ScheduleAnswer]


class OverrideAnswer(Shape):
    id: str
    user_id: str
    user_name: str | Absent = None
    replaces: str | Absent = None
    replaces_name: str | Absent = None
    start: datetime
    end: datetime
    created_at: datetime | Absent = None
    by: Annotated[str | Absent, Field(description="The name of whoever made it.")] = None


class Overrides(Shape):
    overrides: Annotated[Sequence[OverrideAnswer], Field(description="Those that are not over.")]


class NewOverrideAnswer(Shape):
    override: OverrideAnswer


class Removed(Shape):
    status: Literal["success"]


class ScheduleCalendar(Shape):
    schedule_id: str
    path: str


class Calendars(Shape):
    """Paths under the URL of the deployment. Whoever has one reads that calendar, without a key."""

    mine: Annotated[str, Field(description="With the shifts of the key's owner.")]
    schedules: Annotated[
        Sequence[ScheduleCalendar], Field(description="Of each schedule, with everybody's shifts.")
    ]


class CalendarsAnswer(Shape):
    calendars: Calendars


class ShiftAnswer(Shape):
    user_id: str
    user_name: str | Absent = None
    start: datetime
    end: datetime
    layer: Annotated[str | Absent, Field(description="The layer that makes it theirs.")] = None
    override: Annotated[str | Absent, Field(description="The override that makes it theirs.")] = (
        None
    )


class OnCallSchedule(Shape):
    schedule_id: str
    name: str
    at: datetime
    user_id: Annotated[str | None, Field(description="The user on call; null for nobody.")]
    user_name: str | Absent = None
    shifts: Annotated[
        Sequence[ShiftAnswer],
        Field(description="The days from `at` on, seven unless `days` says another number."),
    ]


class OnCall(Shape):
    on_call: Sequence[OnCallSchedule]
