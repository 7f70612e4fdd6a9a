"""The answers about one service with its integrations, keys and receivers; as in `models`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from opsknight.directory.receivers import Channel, IncidentEvent
from opsknight.views.roster_models import ServiceAnswer
from opsknight.views.wire import Absent, Shape


class KeyAnswer(Shape):
    """A key of an integration, without its secret."""

    id: str
    created_at: datetime
    used_on: Annotated[
        date | Absent, Field(description="The last day (UTC) with an accepted event.")
    ] = None
    ends_at: datetime | Absent = None
    live: bool


class NewKey(Shape):
    key: KeyAnswer
    secret: Annotated[str, Field(description="32 hexadecimal characters, shown this one time.")]


class IntegrationAnswer(Shape):
    id: str
    name: str
    made_by: Annotated[
        str | Absent,
        Field(description="Who added it in the console; absent for one of the file's."),
    ] = None
    keys: Annotated[Sequence[KeyAnswer], Field(description="Oldest first; ended ones, too.")]


class ReceiverAnswer(Shape):
    id: str
    name: str
    channel: Channel
    events: Annotated[Sequence[IncidentEvent], Field(description="What it hears of.")]
    failing_since: Annotated[
        datetime | Absent, Field(description="Absent while it takes what is sent.")
    ] = None
    failures: int
    closed_until: Annotated[
        datetime | Absent, Field(description="Until then it is tried no more.")
    ] = None


class ServiceDetails(ServiceAnswer):
    integrations: Sequence[IntegrationAnswer]
    receivers: Sequence[ReceiverAnswer]


class ShownService(Shape):
    service: ServiceDetails
