"""The routes about the shifts of one schedule; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import SCHEDULES_READ
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Parameter, Reply, Route
from opsknight.views import shift_models as models
from respond import shift_lists
from respond.contract import NewOverride
from respond.parameters import TIME

_SCHEDULE: Final = "/api/schedules/{scheduleId}"

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path=f"{_SCHEDULE}/shifts",
        name="listShifts",
        scope=SCHEDULES_READ,
        handler=shift_lists.list_shifts,
        summary="List the shifts of a schedule: final, by layer, with gaps and overrides.",
        parameters=(
            Parameter("from", "Now by default.", TIME, "2026-11-23T00:00:00Z"),
            Parameter(
                "until",
                f"{shift_lists.SHOWN.days} days later by default;"
                f" {shift_lists.LONGEST.days} days at most.",
                TIME,
                "2026-12-07T00:00:00Z",
            ),
        ),
        replies=(Reply(200, "As they are planned now.", models.ScheduleShifts, LIMITS),),
        errors=(400, 404),
    ),
    Route(
        method="POST",
        path=f"{_SCHEDULE}/preview",
        name="previewOverride",
        scope=SCHEDULES_READ,
        handler=shift_lists.preview_override,
        summary="Show what an override would change. Nothing is written.",
        body=NewOverride,
        example={
            "userId": "user_ben",
            "start": "2026-11-23T18:00:00+01:00",
            "end": "2026-11-24T09:00:00+01:00",
        },
        replies=(Reply(200, "Nothing has changed.", models.OverridePreview, LIMITS),),
        errors=(400, 404, 413),
    ),
)
