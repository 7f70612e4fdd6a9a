"""Routes of the addresses of calendars."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import SCHEDULES_READ, SCHEDULES_WRITE
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Parameter, Reply, Route
from opsknight.notification.calendar_link import PATH
from opsknight.views import roster_models
from respond import calendar_addresses, parameters

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path=PATH,
        name="listCalendars",
        scope=SCHEDULES_READ,
        handler=calendar_addresses.list_calendars,
        summary="Tell the addresses of calendars (.ics) of the key's owner and of each schedule.",
        replies=(Reply(200, "Paths to subscribe to.", roster_models.CalendarsAnswer, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="DELETE",
        path=PATH,
        name="endCalendar",
        scope=SCHEDULES_READ,
        scope_with=("schedule", SCHEDULES_WRITE),
        handler=calendar_addresses.end_calendar,
        summary="End the address of one's own calendar, or of a schedule's, and all its readers'.",
        parameters=(
            Parameter(
                "schedule",
                "The calendar of this schedule, by id, instead of one's own.",
                parameters.TEXT,
                "sch_web",
            ),
        ),
        replies=(Reply(200, "It works no more.", roster_models.Removed, LIMITS),),
        errors=(403, 404),
    ),
)
