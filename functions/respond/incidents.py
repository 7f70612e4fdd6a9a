"""Handlers of the HTTP API for incidents: lists, one of them in full, and what people do about
them. Each gets the call and, where its route has one, the body.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, assert_never

from opsknight.escalation.policy import Target, TargetKind
from opsknight.http.auth import service_for
from opsknight.http.body import invalid
from opsknight.http.gateway import Answer, HttpError, Issue
from opsknight.http.idempotency import Once
from opsknight.incident.commands import (
    Acknowledge,
    AlsoPage,
    Command,
    Escalate,
    Note,
    Prioritize,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.decisions import Merged, NotAllowed, Opened, Transitioned
from opsknight.incident.members import GroupDecision
from opsknight.incident.model import NEVER, Action, Event, Incident, Severity, Urgency
from opsknight.store.called import called, just_called
from opsknight.store.execute import Beside, Settling, perform
from opsknight.store.listings import Listings, Wanted
from opsknight.views import answers, incident_records
from opsknight.views.models import Done, IncidentPage, NotPossible, ShownIncident
from opsknight.views.names import of_incident, of_listed
from respond.body import NoBody
from respond.contract import (
    AlsoPageBody,
    EscalateBody,
    NewIncident,
    NoteBody,
    Patch,
    ReassignBody,
    SnoozeBody,
)
from respond.request import ApiCall, Query, cursor
from respond.searching import ByResolution, of_key, searched

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

SEVERITY: Final = {
    Urgency.HIGH: Severity.CRITICAL,
    Urgency.MEDIUM: Severity.ERROR,
    Urgency.LOW: Severity.INFO,
}


def list_incidents(call: ApiCall) -> Answer:
    query = Query(call.request.query)
    statuses, urgencies = query.statuses(), query.urgencies()
    since, until = query.time("since"), query.time("until")
    limit, detailed, text = query.limit(), query.flag("details"), query.text("q")
    assignee_id, dedup_key = query.text("assignee"), query.text("dedupKey")
    service_id, team_id = query.text("service"), query.text("team")
    by_resolution = ByResolution.read(query, statuses, service_id)
    place = query.cursor() if by_resolution is None else None
    query.check()
    wanted = Wanted(
        statuses=statuses,
        service_ids=services_of(service_id, team_id, call),
        urgencies=urgencies,
        since=since,
        until=until,
        words=searched(text, call) if text else (),
        assignee_id=assignee_id,
    )
    if by_resolution is None:
        found, next_place = Listings(call.table).page(wanted, place, limit, call.now, call.deadline)
        following = None if next_place is None else cursor(next_place)
    else:
        found, following = by_resolution.page(wanted, limit, call)
    found = of_key(found, dedup_key, call)
    names = call.names(of_listed(found))
    listed = [answers.listed(each, names) for each in found]
    if detailed and listed:
        whole = call.table.incidents((each.id for each in listed), call.deadline)
        listed = [answers.detailed(each, whole.get(each.id)) for each in listed]
    return Answer(200, IncidentPage(incidents=listed, cursor=following))


def services_of(
    service_id: str | None, team_id: str | None, call: ApiCall
) -> frozenset[str] | None:
    """The services to list: those that the query names and the caller may see. None for all."""
    if service_id is not None:
        service = call.directory.any_service(service_id, call.now, call.deadline)
        call.caller.require(service, "Service")
        if service is None:
            raise HttpError(404, "Service not found")
        return frozenset({service.id} if team_id in (None, service.team_id) else ())
    if team_id is None and call.caller.sees_all:
        return None
    teams = set(call.caller.user.team_ids) if team_id is None else {team_id}
    if not call.caller.sees_all and not teams <= set(call.caller.user.team_ids):
        raise HttpError(403, "Team access denied")
    services = call.directory.services(call.now, call.deadline)
    return frozenset(each.id for each in services if each.team_id in teams)


def show_incident(call: ApiCall) -> Answer:
    [incident_id] = call.ids
    records = incident_records.read(call.table, visible(incident_id, call), call.deadline)
    names = call.names(of_incident(records))
    return Answer(
        200, ShownIncident(incident=answers.incident(records, names, call.caller.user.clock))
    )


def open_incident(call: ApiCall, wanted: NewIncident) -> Answer:
    service = service_for(
        call.caller.user, wanted.service_id, call.directory, call.now, call.deadline
    )
    dedup_key = wanted.dedup_key or call.new_id("manual")
    severity = SEVERITY[wanted.urgency]
    payload: dict[str, Any] = {
        "summary": wanted.title,
        "source": call.caller.user.name[:200],
        "severity": severity,
    }
    if wanted.description is not None:
        payload["custom_details"] = {"description": wanted.description}
    body = {"event_action": "trigger", "dedup_key": dedup_key, "payload": payload}
    event = Event(
        action=Action.TRIGGER,
        service_id=service.id,
        dedup_key=dedup_key,
        summary=wanted.title,
        severity=severity,
        body=json.dumps(body, ensure_ascii=False),
        actor=call.caller.actor,
    )
    current = call.table.pointer(service.id, dedup_key, call.deadline)
    # Whoever opens it by hand says how urgent it is at this hour.
    service = service.model_copy(update={"support_hours": None})
    decision = Settling(call.table, call.make_id).settle(
        event, service, current, call.now, call.deadline, beside=_beside(call.once)
    )
    if not isinstance(decision, Opened | Merged):
        raise AssertionError("a trigger opens or adds to an incident")
    return _opened(decision)


def _opened(decision: Opened | Merged) -> Answer:
    match decision:
        case Opened(incident):
            location = {"Location": f"/api/incidents/{incident.id}"}
            return Answer(201, answers.done("triggered", incident), location)
        case Merged(seen, _, raised):
            return Answer(200, answers.done("deduplicated", raised.after if raised else seen))
        case _:
            assert_never(decision)


def change_incident(call: ApiCall, wanted: Patch) -> Answer:
    commands: list[Command] = []
    if wanted.urgency is not None:
        commands.append(Prioritize(wanted.urgency))
    if wanted.assignee_id is not None:
        commands.append(_reassign(wanted.assignee_id, "assigneeId", call))
    return [_executed(call, each) for each in commands][-1]


def acknowledge(call: ApiCall, _: NoBody) -> Answer:
    return _executed(call, Acknowledge(by=call.caller.user.id))


def resolve(call: ApiCall, _: NoBody) -> Answer:
    return _executed(call, Resolve())


def snooze(call: ApiCall, wanted: SnoozeBody) -> Answer:
    until = wanted.ends(call.now)
    if until is None:
        raise invalid(Issue(path="until", message="must be after now, and within 7 days"))
    return _executed(call, Snooze(until))


def unsnooze(call: ApiCall, _: NoBody) -> Answer:
    return _executed(call, Unsnooze())


def suppress(call: ApiCall, _: NoBody) -> Answer:
    return _executed(call, Suppress())


def unsuppress(call: ApiCall, _: NoBody) -> Answer:
    return _executed(call, Unsuppress())


def escalate(call: ApiCall, wanted: EscalateBody) -> Answer:
    return _executed(call, Escalate(None if wanted.step is None else wanted.step - 1))


def reassign(call: ApiCall, wanted: ReassignBody) -> Answer:
    return _executed(call, _reassign(wanted.user_id, "userId", call))


def also_page(call: ApiCall, wanted: AlsoPageBody) -> Answer:
    # Whoever may not see the incident learns nothing about people either.
    seen = visible(call.ids[0], call)
    kinds = {
        "userId": (TargetKind.USER, wanted.user_id),
        "teamId": (TargetKind.TEAM, wanted.team_id),
        "scheduleId": (TargetKind.SCHEDULE, wanted.schedule_id),
    }
    path, (kind, name) = next((path, each) for path, each in kinds.items() if each[1])
    found = called(call.table, Target(kind=kind, id=name or ""), call.now, call.deadline)
    if found is None:
        raise invalid(Issue(path=path, message=f"must be a {kind} that exists"))
    if not found.user_ids:
        raise invalid(Issue(path=path, message="reaches nobody who takes pages just now"))
    if just_called(call.table, seen.id, found.user_ids, call.now, call.deadline):
        return Answer(200, answers.done(AlsoPage.past, seen))
    return _executed(call, AlsoPage(found.name, found.user_ids))


def add_note(call: ApiCall, wanted: NoteBody) -> Answer:
    return _executed(call, Note(wanted.text, wanted.public))


def _reassign(user_id: str, path: str, call: ApiCall) -> Reassign:
    # Whoever may not see the incident learns nothing about users either.
    visible(call.ids[0], call)
    if issues := call.user_issues(user_id, path):
        raise invalid(*issues)
    return Reassign(user_id)


def _executed(call: ApiCall, command: Command) -> Answer:
    return Answer(200, execute(call, command))


def execute(call: ApiCall, command: Command) -> Done:
    """Carries it out on the incident in the path. Raises HttpError."""
    [incident_id] = call.ids
    seen = visible(incident_id, call)
    service = call.directory.any_service(seen.service_id, call.now, call.deadline)
    decision = perform(
        call.table,
        incident_id,
        command,
        actor=call.caller.actor,
        now=call.now,
        token=call.new_id("act"),
        deadline=call.deadline,
        timeouts=service.timeouts if service else NEVER,
        beside=_beside(call.once),
    )
    if decision is None:
        raise HttpError(404, "Incident not found")
    if isinstance(decision, NotAllowed):
        raise HttpError(
            409, NotPossible(error="Not possible in this status", status=decision.status)
        )
    if isinstance(decision, Transitioned):
        return answers.done(decision.change.what, decision.after)
    return answers.done(command.past, decision.before)


def _beside(once: Once | None) -> Beside | None:
    """The record of the request gets its answer with what it answers."""
    if once is None:
        return None

    def beside(decision: GroupDecision | NotAllowed) -> "Sequence[Write]":
        match decision:
            case Transitioned(_, after, change):
                return once.beside(Answer(200, answers.done(change.what, after)))
            case Opened() | Merged():
                return once.beside(_opened(decision))
            case _:
                return once.beside(None)

    return beside


def visible(incident_id: str, call: ApiCall) -> Incident:
    """Raises HttpError where there is no such incident, or the caller may not see it."""
    incident = call.table.incident(incident_id, call.deadline)
    if incident is None:
        call.caller.require(None, "Incident")
        raise HttpError(404, "Incident not found")
    service = call.directory.any_service(incident.service_id, call.now, call.deadline)
    call.caller.require(service, "Incident")
    return incident
