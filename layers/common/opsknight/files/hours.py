"""The shape of times of the week in a configuration file: restrictions, support and quiet hours."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from opsknight.files.values import FieldError, Shape
from opsknight.incident.model import Urgency
from opsknight.oncall.hours import WeeklyHours
from opsknight.oncall.schedules import Zone
from opsknight.oncall.wall_clock import EPOCH, Restriction


class HoursShape(Restriction):
    model_config = ConfigDict(extra="forbid")


class WeeklyShape(Shape):
    times: Annotated[tuple[HoursShape, ...], Field(min_length=1)] = Field(
        description="The times of the week, each from `start` to `end`, on all `days` or some."
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if WeeklyHours(zone="UTC", times=self.times).end_after(EPOCH) is None:
            raise FieldError("times", "these hours last all week: leave some of it out")
        return self


class QuietHoursShape(WeeklyShape):
    """When what is LOW can wait. What is more urgent never does."""

    zone: Zone | None = Field(None, description="Their time zone; by default that of the user.")


class SupportHoursShape(WeeklyShape):
    """When people look after the service. Outside, some incidents are less urgent."""

    zone: Zone = Field(description="The time zone of the hours, such as Europe/Berlin.")
    outside: dict[Urgency, Urgency] = Field(
        {Urgency.MEDIUM: Urgency.LOW},
        min_length=1,
        description="What an urgency is until the hours begin; by default `{MEDIUM: LOW}`.",
    )

    @model_validator(mode="after")
    def _lowers(self) -> Self:
        for urgency, less in self.outside.items():
            if not urgency.exceeds(less):
                said = f"outside the hours {urgency} can only be less urgent, and {less} is not"
                raise FieldError("outside", said)
        return self
