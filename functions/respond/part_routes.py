"""The routes about parts of one incident; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import INCIDENTS_READ
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import part_models as models
from respond import incident_parts
from respond.parameters import BATCH

_INCIDENT: Final = "/api/incidents/{incidentId}"

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path=f"{_INCIDENT}/alerts",
        name="listAlerts",
        scope=INCIDENTS_READ,
        handler=incident_parts.list_alerts,
        summary="List its alerts, newest first.",
        parameters=BATCH,
        replies=(Reply(200, "Some of them.", models.Alerts, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="GET",
        path=f"{_INCIDENT}/alerts/{{alertId}}",
        name="showAlert",
        scope=INCIDENTS_READ,
        handler=incident_parts.show_alert,
        summary="Show one alert, with its event as it was received.",
        replies=(Reply(200, "All of it.", models.ShownAlert, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="GET",
        path=f"{_INCIDENT}/timeline",
        name="listTimeline",
        scope=INCIDENTS_READ,
        handler=incident_parts.list_timeline,
        summary="List its changes and steps, newest first.",
        parameters=BATCH,
        replies=(Reply(200, "Some of them.", models.TimelineBatch, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="GET",
        path=f"{_INCIDENT}/deliveries",
        name="listDeliveries",
        scope=INCIDENTS_READ,
        handler=incident_parts.list_deliveries,
        summary="List its deliveries.",
        parameters=BATCH,
        replies=(Reply(200, "Some of them.", models.Deliveries, LIMITS),),
        errors=(400, 403, 404),
    ),
)
