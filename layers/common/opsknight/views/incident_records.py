"""One incident with all that belongs to it, read from the store for the HTTP API and the command
line.
"""

from collections.abc import Sequence
from typing import Final

from opsknight.classes import dataclass
from opsknight.escalation.pages import StepTaken
from opsknight.incident.model import Alert, Incident, Status
from opsknight.incident.rollouts import Rollout
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.message import PageReason
from opsknight.store.calls import Deadline
from opsknight.store.rollouts import Rollouts
from opsknight.store.table import Table

# The newest of each.
MOST_ALERTS: Final = 20
MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class IncidentRecords:
    incident: Incident
    first: Alert | None
    """The alert that opened it; None once it has expired."""
    changes: Sequence[Change]
    """Newest first, as are steps and alerts."""
    steps: Sequence[StepTaken]
    alerts: Sequence[Alert]
    deliveries: Sequence[Delivery]
    """In the order in which they were to leave."""
    rollouts: Sequence[Rollout] = ()
    """Those shortly before it, the last one first."""

    @property
    def opening(self) -> Alert | None:
        """The first row of the timeline; None where rows older than these are left out."""
        complete = len(self.changes) == self.incident.changes - 1
        return self.first if complete else None


def read(table: Table, incident: Incident, deadline: Deadline) -> IncidentRecords:
    deliveries = table.deliveries(incident.id, deadline)[-MOST_ROWS:]
    return IncidentRecords(
        incident=incident,
        first=table.alert(incident.id, incident.first_alert_id, deadline),
        changes=table.latest_changes(incident.id, MOST_ROWS, deadline),
        steps=table.latest_steps(incident.id, MOST_ROWS, deadline),
        alerts=table.latest_alerts(incident.id, MOST_ALERTS, deadline),
        deliveries=[as_seen(each, incident) for each in deliveries],
        rollouts=Rollouts(table).before(incident.service_id, incident.created_at, deadline),
    )


def as_seen(delivery: Delivery, incident: Incident) -> Delivery:
    """As people read it: a page of an incident that somebody has taken since will not be sent,
    which is written only when its time comes.
    """
    overtaken = incident.status is not Status.OPEN or incident.epoch != delivery.epoch
    if delivery.about is PageReason.PAGED and delivery.state is State.PENDING and overtaken:
        return delivery.model_copy(update={"state": State.CANCELLED})
    return delivery
