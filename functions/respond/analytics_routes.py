"""The routes about figures and heartbeats; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.analytics.figures import By
from opsknight.directory.entries import INCIDENTS_READ, SERVICES_READ
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Parameter, Reply, Route
from opsknight.views import analytics_models as models
from opsknight.views import heartbeat_models
from respond import analytics, heartbeats
from respond.parameters import SERVICE, TEAM

_DAY: Final = {"type": "string", "format": "date"}

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path="/api/analytics",
        name="showAnalytics",
        scope=INCIDENTS_READ,
        handler=analytics.show_analytics,
        summary="Show how soon incidents were acknowledged and resolved, and whom they paged when.",
        parameters=(
            Parameter(
                "from",
                f"The first day, by UTC; {analytics.BY_DEFAULT} days by default.",
                _DAY,
                "2026-11-01",
            ),
            Parameter("to", "The last day; yesterday by default.", _DAY, "2026-11-28"),
            Parameter(
                "by",
                "A row for each of these; `service` by default.",
                {"type": "string", "enum": list(By)},
                "person",
            ),
            Parameter(
                "format",
                "`csv` for the rows as text, with times in seconds.",
                {"type": "string", "enum": list(analytics.FORMATS)},
                "json",
            ),
            SERVICE,
            TEAM,
        ),
        replies=(Reply(200, "Of what was resolved on these days.", models.Figures, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="GET",
        path="/api/heartbeats",
        name="listHeartbeats",
        scope=SERVICES_READ,
        handler=heartbeats.list_heartbeats,
        summary="List what is expected to beat, and whether it does.",
        replies=(Reply(200, "All that the caller may see.", heartbeat_models.Heartbeats, LIMITS),),
        errors=(400,),
    ),
)
