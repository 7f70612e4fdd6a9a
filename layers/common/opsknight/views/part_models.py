"""The answers about parts of one incident, batch by batch; as in `models`."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from opsknight.views.models import AlertAnswer, DeliveryAnswer, TimelineEntry
from opsknight.views.wire import Absent, Shape

NEXT: Final = "For the next ones; absent on the last answer."


class Alerts(Shape):
    alerts: Annotated[Sequence[AlertAnswer], Field(description="Newest first.")]
    cursor: Annotated[str | Absent, Field(description=NEXT)] = None


class ShownAlert(Shape):
    alert: AlertAnswer
    event: Annotated[str, Field(description="The event as it was received: JSON, as a text.")]


class Deliveries(Shape):
    deliveries: Annotated[
        Sequence[DeliveryAnswer],
        Field(description="In the order of their ids, which say nothing about time."),
    ]
    cursor: Annotated[str | Absent, Field(description=NEXT)] = None


class TimelineBatch(Shape):
    timeline: Annotated[
        Sequence[TimelineEntry],
        Field(description="Changes and steps, newest first; how messages ended is in deliveries."),
    ]
    cursor: Annotated[str | Absent, Field(description=NEXT)] = None
