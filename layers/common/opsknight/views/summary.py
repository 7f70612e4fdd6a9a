"""An incident in brief, as it is answered to an event and to an action. Shared by the function that
takes events and the one that people's programs call, so it imports next to nothing.
"""

from datetime import datetime

from opsknight.incident.model import Pointer, Status, Urgency
from opsknight.views.wire import Shape


class IncidentAnswer(Shape):
    id: str
    title: str
    status: Status
    urgency: Urgency
    service_id: str
    dedup_key: str
    created_at: datetime


def summary(pointer: Pointer) -> IncidentAnswer:
    return IncidentAnswer(
        id=pointer.id,
        title=pointer.title,
        status=pointer.status,
        urgency=pointer.urgency,
        service_id=pointer.service_id,
        dedup_key=pointer.dedup_key,
        created_at=pointer.created_at,
    )
