"""The shape of an escalation policy in a configuration file."""

from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from opsknight.files.values import Duration, Number, Shape, Slug, Title, between

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


class TargetShape(Shape):
    """Exactly one of the four fields."""

    user: Slug | None = Field(None, description="This user.")
    team: Slug | None = Field(None, description="The members of this team whom pages reach.")
    team_leads: Slug | None = Field(None, description="The leads of this team.")
    schedule: Slug | None = Field(None, description="Whoever is on call when the step is taken.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1 or None in self.model_dump(exclude_unset=True).values():
            given = self.model_dump(exclude_none=True)
            apart = " and ".join(f"`- {kind}: {name}`" for kind, name in given.items())
            hint = f": write {apart}" if len(given) > 1 else ""
            raise ValueError(
                "a target is one of `user: NAME`, `team: NAME`, `team_leads: NAME` and "
                f"`schedule: NAME`, each on its own line with a hyphen{hint}"
            )
        return self


class StepShape(Shape):
    after: Annotated[Duration, between(timedelta(0), 7 * DAY)] = Field(
        timedelta(0), description="The wait before this step; at most 7d."
    )
    targets: Annotated[tuple[TargetShape, ...], Field(min_length=1)] = Field(
        description="Whom to page, all at once."
    )


class PolicyShape(Shape):
    name: Title | None = Field(None, description="The name that people read; by default the key.")
    steps: Annotated[tuple[StepShape, ...], Field(min_length=1, max_length=50)] = Field(
        description="Whom to page, one step after the other until somebody acts."
    )
    repeat: Annotated[Number, Field(ge=0, le=9)] = Field(
        0, description="How many more times to take all steps; 0 to 9."
    )
    repeat_after: Annotated[Duration, between(MINUTE, 7 * DAY)] | None = Field(
        None, description="The wait after the last step; by default the longest wait between steps."
    )
