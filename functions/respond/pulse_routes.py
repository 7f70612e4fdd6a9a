"""The routes about many incidents at once; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import INCIDENTS_READ, INCIDENTS_WRITE
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import pulse_models as models
from respond import bulk, pulse
from respond.contract import MOST_AT_ONCE, BulkBody
from respond.parameters import SERVICE, TEAM, URGENCY

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path="/api/pulse",
        name="showPulse",
        scope=INCIDENTS_READ,
        handler=pulse.show_pulse,
        summary="Show what is active now, for a page that asks every few seconds.",
        parameters=(URGENCY, SERVICE, TEAM),
        replies=(
            Reply(200, "At most 50, and counts.", models.Pulse, (*LIMITS, "ETag")),
            Reply(304, "As it was at `If-None-Match`.", None, (*LIMITS, "ETag")),
        ),
        errors=(400, 403, 404),
    ),
    Route(
        method="POST",
        path="/api/incidents/actions",
        name="actOnIncidents",
        scope=INCIDENTS_WRITE,
        handler=bulk.act_on_many,
        summary=f"Do one thing to up to {MOST_AT_ONCE} incidents, each by itself.",
        body=BulkBody,
        example={"action": "acknowledge", "incidentIds": ["inc_1"], "note": "All one outage."},
        replies=(Reply(200, "One result for each.", models.BulkResults, LIMITS),),
        errors=(400, 413),
    ),
)
