"""The answers about public status pages and their posts; as in `models`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from opsknight.publishing.posts import Phase, PostKind, State
from opsknight.views.wire import Absent, Shape


class ShownServiceAnswer(Shape):
    id: str
    name: Annotated[str, Field(description="What the page calls it.")]
    state: State


class StatusPageAnswer(Shape):
    id: str
    name: str
    path: Annotated[str, Field(description="Where it is served: `/status/` and its key.")]
    services: Sequence[ShownServiceAnswer]
    automatic_minutes: Annotated[
        int | Absent, Field(description="After how long it posts by itself; absent for never.")
    ] = None
    rendered_at: Annotated[
        datetime | Absent, Field(description="Absent for one that was never rendered.")
    ] = None


class StatusPages(Shape):
    status_pages: Annotated[Sequence[StatusPageAnswer], Field(description="The public ones.")]


class PostServiceAnswer(Shape):
    service_id: str
    state: State


class PostUpdateAnswer(Shape):
    at: datetime
    text: str
    phase: Annotated[Phase | Absent, Field(description="Absent where it stayed as it was.")] = None


class PostAnswer(Shape):
    id: str
    kind: PostKind
    title: str
    phase: Annotated[Phase | Absent, Field(description="Absent of maintenance.")] = None
    services: Annotated[
        Sequence[PostServiceAnswer],
        Field(description="As they are; of what is over, as they were."),
    ]
    starts_at: datetime
    ends_at: Annotated[datetime | Absent, Field(description="Absent while it lasts.")] = None
    over: bool
    automatic: Annotated[bool, Field(description="Whether the page posted it by itself.")]
    incident_id: str | Absent = None
    by: Annotated[str, Field(description="Who posted it. The page does not say so.")]
    updates: Annotated[Sequence[PostUpdateAnswer], Field(description="Oldest first.")]


class Posts(Shape):
    posts: Annotated[
        Sequence[PostAnswer], Field(description="Newest first, without withdrawn ones.")
    ]


class ShownPost(Shape):
    post: PostAnswer
