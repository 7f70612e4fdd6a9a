"""Handlers of the HTTP API that show and end the addresses of calendars. The calendars
themselves are in `calendars`.
"""

from opsknight.config.configuration import Kind
from opsknight.directory.audit_log import ThingKind, thing
from opsknight.http.gateway import Answer, HttpError
from opsknight.notification import calendar_link
from opsknight.store.configurations import Configurations
from opsknight.store.rosters import Rosters
from opsknight.views import audited, roster_models
from respond.request import ApiCall, Query


def list_calendars(call: ApiCall) -> Answer:
    schedules = Configurations(call.table).ids(Kind.SCHEDULE, call.deadline)
    calendars = roster_models.Calendars(
        mine=_path(call.caller.user.id, call),
        schedules=[
            roster_models.ScheduleCalendar(schedule_id=each, path=_path(each, call))
            for each in sorted(schedules)
        ],
    )
    return Answer(200, roster_models.CalendarsAnswer(calendars=calendars))


def end_calendar(call: ApiCall) -> Answer:
    """Ends the address of the caller's calendar, or of a schedule's."""
    named = Query(call.request.query).text("schedule")
    owner = audited.of_user(call.caller.user)
    if named is not None:
        if named not in Configurations(call.table).ids(Kind.SCHEDULE, call.deadline):
            raise HttpError(404, "Schedule not found")
        if not call.caller.sees_all:
            raise HttpError(403, "Schedule access denied")
        owner = thing(ThingKind.SCHEDULE, named)
    entry = call.audit(audited.calendar_ended(owner))
    Rosters(call.table).end_calendar(owner.id, call.deadline, audit=entry)
    return Answer(200, roster_models.Removed(status="success"))


def _path(owner_id: str, call: ApiCall) -> str:
    epoch = Rosters(call.table).calendar_epoch(owner_id, call.deadline)
    return calendar_link.path(owner_id, epoch, call.links.signing(call.now))
