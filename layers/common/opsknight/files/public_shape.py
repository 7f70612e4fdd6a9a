"""The shape of a status page that the deployment serves itself; as in `shape`."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from opsknight.files.values import Duration, Shape, Slug, Title, between


class PublicShape(Shape):
    names: dict[Slug, Title] = Field(
        {}, description="What the page calls its services; the others by their own names."
    )
    automatic: Annotated[Duration, between(timedelta(minutes=1), timedelta(days=1))] | None = Field(
        None,
        description="Post by itself what lasts for this long: HIGH is down, MEDIUM is degraded. "
        "By default only people post.",
    )
