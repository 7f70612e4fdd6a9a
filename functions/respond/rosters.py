"""Handlers of the HTTP API for services with their maintenance windows, for schedules with their
overrides, and for who is on call. Each gets the call and, where its route has one, the body.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from opsknight.directory.audit_log import PREFIX, Act
from opsknight.directory.entries import Service
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.policy import Rota
from opsknight.http.body import invalid
from opsknight.http.gateway import Answer, HttpError, Issue
from opsknight.oncall.schedules import Override, on_call_at, shifts
from opsknight.oncall.wall_clock import LAST
from opsknight.store.calls import Conflict, decide_again
from opsknight.store.configurations import Configurations
from opsknight.store.operations import KEPT, Operations
from opsknight.views import audited, models, roster_answers, roster_models
from opsknight.views.names import of_service, of_users
from respond.changed_shifts import tell_changes
from respond.contract import NewOverride, NewWindow
from respond.parameters import DAYS_AHEAD, MOST_DAYS_AHEAD
from respond.request import ApiCall, Query

MOST_WINDOWS: Final = 50
LONGEST_WINDOW: Final = timedelta(days=366)
LONGEST_WINDOW_OF_A_USER: Final = timedelta(days=31)


def list_services(call: ApiCall) -> Answer:
    found = [
        each
        for each in Configurations(call.table).services(call.deadline)
        if call.caller.sees_all or each.team_id in call.caller.user.team_ids
    ]
    names = call.names(named for each in found for named in of_service(each))
    shown = [roster_answers.service(each, names, call.now) for each in found]
    return Answer(200, roster_models.Services(services=shown))


def list_schedules(call: ApiCall) -> Answer:
    holders = {}
    rotas = _rotas(None, call)
    for rota in rotas:
        holders[rota.schedule.id] = on_call_at(
            rota.schedule, rota.overrides, call.now, disabled=absent_users(rota, call)
        )
    names = call.names(of_users(holders.values()))
    found = [
        roster_answers.schedule(each.schedule, holders[each.schedule.id], names) for each in rotas
    ]
    return Answer(200, roster_models.Schedules(schedules=found))


def show_on_call(call: ApiCall) -> Answer:
    query = Query(call.request.query)
    at = query.time("at") or call.now
    named = query.text("schedule")
    end = at + timedelta(days=query.number("days", DAYS_AHEAD, MOST_DAYS_AHEAD))
    query.check()
    found = []
    rotas = _rotas(named, call)
    names = call.names(of_users(each for rota in rotas for each in rota.user_ids))
    for rota in rotas:
        absent = absent_users(rota, call)
        ahead = shifts(rota.schedule, rota.overrides, at, end, disabled=absent)
        holder = on_call_at(rota.schedule, rota.overrides, at, disabled=absent)
        found.append(
            roster_models.OnCallSchedule(
                schedule_id=rota.schedule.id,
                name=rota.schedule.name,
                at=at,
                user_id=holder,
                user_name=names.user(holder),
                shifts=[roster_answers.shift(each, names) for each in ahead],
            )
        )
    return Answer(200, roster_models.OnCall(on_call=found))


def list_overrides(call: ApiCall) -> Answer:
    [schedule_id] = call.ids
    rota = rota_of(schedule_id, call)
    found = sorted(rota.overrides, key=lambda each: (each.start, each.id))
    replaced = {each.replaces for each in found}
    names = call.names(of_users(rota.user_ids | replaced))
    current = [roster_answers.override(each, names) for each in found if each.end > call.now]
    return Answer(200, roster_models.Overrides(overrides=current))


def add_override(call: ApiCall, wanted: NewOverride) -> Answer:
    [schedule_id] = call.ids
    rota = rota_of(schedule_id, call)
    # Before anything is said about other users.
    _may_hand_over(rota, wanted.replaces, call)
    issues = call.user_issues(wanted.user_id, "userId")
    issues += call.user_issues(wanted.replaces, "replaces")
    if wanted.end <= call.now:
        issues.append(Issue(path="end", message="must not be over yet"))
    if issues:
        raise invalid(*issues)
    override = Override(
        id=call.new_id("ovr"),
        user_id=wanted.user_id,
        replaces=wanted.replaces,
        start=wanted.start,
        end=wanted.end,
        created_at=call.now,
        by=call.caller.user.name,
    )
    names = call.names(of_users((override.user_id, override.replaces)))
    shown = roster_answers.override(override, names)
    answer = Answer(201, roster_models.NewOverrideAnswer(override=shown))
    try:
        beside = call.once.beside(answer) if call.once else ()
        entry = call.audit(audited.override_added(rota.schedule, override, names.user))
        Operations(call.table).add_override(
            rota.schedule.id, override, call.new_id("new"), call.deadline, beside, audit=entry
        )
    except Conflict:
        raise HttpError(404, "Schedule not found") from None
    tell_changes(rota, Rota(rota.schedule, (*rota.overrides, override)), call)
    return answer


def remove_override(call: ApiCall) -> Answer:
    schedule_id, override_id = call.ids
    rota = rota_of(schedule_id, call)
    known = next((each for each in rota.overrides if each.id == override_id), None)
    _may_hand_over(rota, known.replaces if known else None, call)
    try:
        names = call.names(of_users((known.user_id, known.replaces) if known else ()))
        gone = audited.override_removed(rota.schedule, override_id, known, names.user)
        Operations(call.table).remove_override(
            schedule_id, override_id, call.deadline, audit=call.audit(gone)
        )
    except Conflict:
        raise HttpError(404, "Override not found") from None
    left = tuple(each for each in rota.overrides if each.id != override_id)
    tell_changes(rota, Rota(rota.schedule, left), call)
    return Answer(200, roster_models.Removed(status="success"))


def list_windows(call: ApiCall) -> Answer:
    [service_id] = call.ids
    service = service_of(service_id, call)
    found = sorted(
        (following.start, each.id, each)
        for each in service.windows
        if (following := each.next(call.now))
    )
    current = [roster_answers.window(each, call.now) for _, _, each in found]
    return Answer(200, roster_models.Windows(maintenance=current))


def add_window(call: ApiCall, wanted: NewWindow) -> Answer:
    [service_id] = call.ids
    start, repeat = wanted.start or call.now, wanted.repeat
    if wanted.end <= max(start, call.now):
        raise invalid(Issue(path="end", message="must be after its start, and not over yet"))
    if repeat is not None and wanted.end - start > repeat.longest:
        raise invalid(Issue(path="repeat", message="must not begin again before it is over"))
    window = MaintenanceWindow(
        id=call.new_id("mw"),
        start=start,
        end=wanted.end,
        reason=wanted.reason,
        keep_suppressed=wanted.keep_suppressed,
        repeats=None if repeat is None else repeat.repetition,
        by=call.caller.user.name,
    )
    # Nobody is paged in it: whoever forgets one must not silence a service for good.
    longest = LONGEST_WINDOW if call.caller.sees_all else LONGEST_WINDOW_OF_A_USER
    latest, message = call.now + longest, f"must be within {longest.days} days from now"
    if window.end > latest:
        raise invalid(Issue(path="end", message=message))
    if repeat is not None and not call.caller.sees_all and (repeat.until or LAST) > latest:
        raise invalid(Issue(path="repeat.until", message=message))

    def added(service: Service) -> list[MaintenanceWindow]:
        kept = [each for each in service.windows if each.next(call.now - KEPT)]
        if len(kept) >= MOST_WINDOWS:
            raise HttpError(
                409,
                models.NotPossible(error="Too many maintenance windows", maximum=MOST_WINDOWS),
            )
        # An attempt whose answer was lost may have written it: then it is there already.
        return kept if window in kept else [*kept, window]

    shown = roster_answers.window(window, call.now)
    answer = Answer(201, roster_models.NewWindowAnswer(maintenance=shown))
    planned = partial(audited.maintenance_planned, window)
    _change_windows(service_id, added, call, planned, answer)
    return answer


def end_window(call: ApiCall) -> Answer:
    """Ends a window that has begun, and removes one that has not; one that is repeated does not
    come again, unless only the one in force is to end.
    """
    service_id, window_id = call.ids
    query = Query(call.request.query)
    only = query.text("only")
    if only not in (None, "current"):
        query.wrong("only", "must be current")
    query.check()

    def ended(service: Service) -> list[MaintenanceWindow]:
        known = [each for each in service.windows if each.id == window_id]
        if not any(each.in_force(call.now) if only else each.next(call.now) for each in known):
            raise HttpError(404, "Maintenance window not found")
        changed = (
            each
            if each.id != window_id
            else each.without_current(call.now)
            if only
            else each.ended(call.now)
            for each in service.windows
        )
        return [each for each in changed if each]

    _change_windows(service_id, ended, call, audited.maintenance_ended)
    token = call.new_id("end")[:24]
    freed = Operations(call.table).end_suppression(service_id, call.now, token, call.deadline)
    return Answer(200, roster_models.EndedWindow(status="success", incidents=freed))


def _change_windows(
    service_id: str,
    change: Callable[[Service], list[MaintenanceWindow]],
    call: ApiCall,
    act: Callable[[Service, list[MaintenanceWindow]], Act],
    answer: Answer | None = None,
) -> None:
    """`act` is done to the service as it was. A request that is sent again gets the `answer`."""
    token = call.new_id(PREFIX)

    def attempt(number: int) -> None:
        service = service_of(service_id, call)
        try:
            windows = change(service)
        except HttpError as error:
            if number and error.answer.status == 404:
                # An earlier attempt ended it, or somebody else did.
                return
            raise
        # After a conflict, somebody else's change is kept and ours is added to it.
        beside = call.once.beside(answer) if call.once and answer else ()
        entry, name = call.audit(act(service, windows), token), f"{token}-{number}"
        Operations(call.table).set_windows(
            service, windows, call.deadline, audit=entry, token=name, beside=beside
        )

    decide_again(call.deadline, attempt)


def service_of(service_id: str, call: ApiCall) -> Service:
    """Read from the table: the directory cache may lack somebody's window."""
    service = call.table.service(service_id, call.deadline)
    if service is None:
        # Who may not see all learns no name here.
        call.caller.require(None, "Service")
        raise HttpError(404, "Service not found")
    call.caller.require(service, "Service")
    return service


def _may_hand_over(rota: Rota, whose: str | None, call: ApiCall) -> None:
    """A USER of the schedule may hand over their own shifts, and take them back; more needs a role:
    one who takes over another's could keep a page from everybody.
    """
    mine = call.caller.user.id
    if not call.caller.sees_all and not (mine in rota.user_ids and whose == mine):
        raise HttpError(403, "Schedule access denied")


def rota_of(schedule_id: str, call: ApiCall) -> Rota:
    rota = call.table.rota(schedule_id, call.deadline)
    if rota is None:
        raise HttpError(404, "Schedule not found")
    return rota


def _rotas(named: str | None, call: ApiCall) -> list[Rota]:
    if named is not None:
        return [rota_of(named, call)]
    schedules = Configurations(call.table).schedules(call.deadline)
    found = (call.table.rota(each.id, call.deadline) for each in schedules)
    return [rota for rota in found if rota]


def absent_users(rota: Rota, call: ApiCall) -> set[str]:
    """Users of the schedule who are disabled or gone."""
    users = call.table.users(rota.user_ids, call.deadline)
    return {user_id for user_id in rota.user_ids if user_id not in users or users[user_id].disabled}
