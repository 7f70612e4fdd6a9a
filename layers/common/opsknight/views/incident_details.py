"""One incident with all that belongs to it, as the HTTP API and the command line show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from opsknight.escalation.pages import StepTaken
from opsknight.incident.model import Alert, Change, Incident
from opsknight.notification.delivery import Delivery
from opsknight.store.calls import Deadline
from opsknight.store.table import Table
from opsknight.views import answers

# The newest so many of each.
MOST_ALERTS: Final = 20
MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class IncidentDetails:
    incident: Incident
    first: Alert | None
    """The alert that opened it; None once it has expired."""
    changes: Sequence[Change]
    """Newest first, as are steps and alerts."""
    steps: Sequence[StepTaken]
    alerts: Sequence[Alert]
    deliveries: Sequence[Delivery]
    """In the order in which they were to leave."""

    @property
    def opening(self) -> Alert | None:
        """The first row of the timeline; None where older rows than these are left out."""
        complete = len(self.changes) == self.incident.changes - 1
        return self.first if complete else None


def read(table: Table, incident: Incident, deadline: Deadline) -> IncidentDetails:
    return IncidentDetails(
        incident=incident,
        first=table.alert(incident.id, incident.first_alert_id, deadline),
        changes=table.latest_changes(incident.id, MOST_ROWS, deadline),
        steps=table.latest_steps(incident.id, MOST_ROWS, deadline),
        alerts=table.latest_alerts(incident.id, MOST_ALERTS, deadline),
        deliveries=table.deliveries(incident.id, deadline)[-MOST_ROWS:],
    )


def told(each: IncidentDetails) -> dict[str, Any]:
    return answers.incident(each.incident, each.first) | {
        "timeline": answers.timeline(each.opening, each.changes, each.steps, each.deliveries),
        "alerts": [answers.alert(alert) for alert in each.alerts],
        "deliveries": [answers.delivery(delivery) for delivery in each.deliveries],
    }
