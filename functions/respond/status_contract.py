"""Bodies of the HTTP API about posts on status pages; as in `contract`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from opsknight.incident.text import Text
from opsknight.publishing.posts import LONGEST_TEXT, LONGEST_TITLE, Phase, State
from respond.body import Body, Id, Time

type States = Annotated[
    dict[Id, State], Field(max_length=100, description="How services are for their users, by id.")
]


class NewPost(Body):
    """Trouble, unless it has an end: then it is planned maintenance."""

    title: Annotated[str, Text(LONGEST_TITLE)]
    text: Annotated[str, Text(LONGEST_TEXT)]
    services: Annotated[States, Field(min_length=1)]
    phase: Annotated[Phase, Field(description="Not of maintenance.")] = Phase.INVESTIGATING
    incident_id: Annotated[
        Id | None, Field(description="The incident that it is about: its public notes are added.")
    ] = None
    starts_at: Annotated[
        Time | None, Field(description="By default now; only of maintenance it may be to come.")
    ] = None
    ends_at: Annotated[Time | None, Field(description="The end of planned maintenance.")] = None

    @model_validator(mode="after")
    def _begins_as_it_can(self) -> Self:
        if self.ends_at is None and self.phase is Phase.RESOLVED:
            raise ValueError("A post begins with trouble: it cannot be resolved.")
        return self


class PostUpdate(Body):
    text: Annotated[str, Text(LONGEST_TEXT)]
    phase: Annotated[
        Phase | None, Field(description="`resolved` ends it, for all of its services.")
    ] = None
    services: Annotated[States, Field(default_factory=dict)]
