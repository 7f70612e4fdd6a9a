"""The HTTP API of incidents: lists, one of them whole, and what can be done to it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opsknight.directory.entries import INCIDENTS_WRITE
from opsknight.http.auth import DirectoryCache, service_of
from opsknight.http.body import Issue, invalid, read
from opsknight.http.gateway import Answer, HttpError
from opsknight.incident.commands import (
    Acknowledge,
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
from opsknight.incident.model import NEVER, Action, Event, Incident, Severity, Status, Urgency
from opsknight.store.execute import Settling, perform
from opsknight.store.listings import Listings, Wanted
from opsknight.store.table import Table
from opsknight.views import answers, incident_details
from respond.contract import (
    LARGEST_BODY,
    EscalateBody,
    NewIncident,
    NoBody,
    NoteBody,
    Patch,
    ReassignBody,
    SnoozeBody,
)
from respond.request import ApiCall, Caller, Query, cursor

PAGE: Final = 50
SEVERITY: Final = {
    Urgency.HIGH: Severity.CRITICAL,
    Urgency.MEDIUM: Severity.ERROR,
    Urgency.LOW: Severity.INFO,
}
PLAIN: Final[dict[str, Callable[[Caller], Command]]] = {
    "acknowledge": lambda caller: Acknowledge(by=caller.user.id),
    "resolve": lambda _: Resolve(),
    "unsnooze": lambda _: Unsnooze(),
    "suppress": lambda _: Suppress(),
    "unsuppress": lambda _: Unsuppress(),
}
ACTIONS: Final = (*PLAIN, "snooze", "escalate", "reassign", "notes")


@dataclass(frozen=True, slots=True)
class Incidents:
    table: Table
    directory: DirectoryCache
    new_id: Callable[[str, datetime], str]

    def list(self, asked: ApiCall) -> Answer:
        query = Query(asked.request.query)
        statuses, urgencies = query.statuses(), query.urgencies()
        since, until = query.time("since"), query.time("until")
        limit, place = query.limit(PAGE), query.cursor()
        service_id, team_id = query.text("service"), query.text("team")
        if statuses == {Status.RESOLVED} and service_id is None:
            query.wrong("service", "is required for RESOLVED: they are listed service by service")
        query.check()
        wanted = Wanted(
            statuses=statuses,
            service_ids=self._services(service_id, team_id, asked),
            urgencies=urgencies,
            since=since,
            until=until,
        )
        found, following = Listings(self.table).page(
            wanted, place, limit, asked.now, asked.deadline
        )
        body: dict[str, Any] = {"incidents": [answers.listed(each) for each in found]}
        if following is not None:
            body["cursor"] = cursor(following)
        return Answer(200, body)

    def _services(
        self, service_id: str | None, team_id: str | None, asked: ApiCall
    ) -> frozenset[str] | None:
        """Those whose incidents are asked for and may be seen; None for all."""
        if service_id is not None:
            service = self.directory.any_service(service_id, asked.now, asked.deadline)
            if service is None:
                raise HttpError(404, "Service not found")
            asked.caller.require(service, "Service")
            return frozenset({service.id} if team_id in (None, service.team_id) else ())
        if team_id is None and asked.caller.sees_all:
            return None
        teams = set(asked.caller.user.team_ids) if team_id is None else {team_id}
        if not asked.caller.sees_all and not teams <= set(asked.caller.user.team_ids):
            raise HttpError(403, "Team access denied")
        services = self.directory.services(asked.now, asked.deadline)
        return frozenset(each.id for each in services if each.team_id in teams)

    def show(self, asked: ApiCall) -> Answer:
        [incident_id] = asked.ids
        incident = self._seen(incident_id, asked)
        body = incident_details.told(incident_details.read(self.table, incident, asked.deadline))
        return Answer(200, {"incident": body})

    def open(self, asked: ApiCall) -> Answer:
        wanted = read(NewIncident, asked.request.body, LARGEST_BODY)
        service = service_of(
            asked.caller.by,
            wanted.service_id,
            INCIDENTS_WRITE,
            self.directory,
            asked.now,
            asked.deadline,
        )
        dedup_key = wanted.dedup_key or self.new_id("manual", asked.now)
        severity = SEVERITY[wanted.urgency]
        payload: dict[str, Any] = {
            "summary": wanted.title,
            "source": asked.caller.user.name[:200],
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
            actor=asked.caller.actor,
        )
        current = self.table.pointer(service.id, dedup_key, asked.deadline)
        decision = Settling(self.table, self.new_id).settle(
            event, service, current, asked.now, asked.deadline
        )
        match decision:
            case Opened(incident):
                location = {"Location": f"/api/incidents/{incident.id}"}
                return Answer(201, _success("triggered", answers.pointer(incident)), location)
            case Merged(seen, _, raised):
                after = raised.after if raised else seen
                return Answer(200, _success("deduplicated", answers.pointer(after)))
            case _:
                raise AssertionError("a trigger opens or adds to an incident")

    def patch(self, asked: ApiCall) -> Answer:
        [incident_id] = asked.ids
        wanted = read(Patch, asked.request.body, LARGEST_BODY)
        commands: list[Command] = []
        if wanted.urgency is not None:
            commands.append(Prioritize(wanted.urgency))
        if wanted.assignee_id is not None:
            commands.append(self._given_to(wanted.assignee_id, "assigneeId", asked))
        done = [self._do(incident_id, each, asked) for each in commands]
        return done[-1]

    def act(self, asked: ApiCall) -> Answer:
        incident_id, action = asked.ids
        command = self._wanted(action, asked)
        return self._do(incident_id, command, asked)

    def _wanted(self, action: str, asked: ApiCall) -> Command:
        body = asked.request.body
        if action in PLAIN:
            read(NoBody, body or b"{}", LARGEST_BODY)
            return PLAIN[action](asked.caller)
        match action:
            case "snooze":
                until = read(SnoozeBody, body, LARGEST_BODY).ends(asked.now)
                if until is None:
                    message = "must be after now, and within 7 days"
                    raise invalid([Issue(path="until", message=message)])
                return Snooze(until)
            case "escalate":
                step = read(EscalateBody, body or b"{}", LARGEST_BODY).step
                return Escalate(None if step is None else step - 1)
            case "reassign":
                user_id = read(ReassignBody, body, LARGEST_BODY).user_id
                return self._given_to(user_id, "userId", asked)
            case "notes":
                note = read(NoteBody, body, LARGEST_BODY)
                return Note(note.text, note.public)
            case _:
                raise AssertionError(f"no route leads to {action}")

    def _given_to(self, user_id: str, path: str, asked: ApiCall) -> Reassign:
        if self.directory.user(user_id, asked.now, asked.deadline) is None:
            message = "must be a user who exists and is not disabled"
            raise invalid([Issue(path=path, message=message)])
        return Reassign(user_id)

    def _do(self, incident_id: str, command: Command, asked: ApiCall) -> Answer:
        seen = self._seen(incident_id, asked)
        service = self.directory.any_service(seen.service_id, asked.now, asked.deadline)
        decision = perform(
            self.table,
            incident_id,
            command,
            actor=asked.caller.actor,
            now=asked.now,
            token=self.new_id("act", asked.now),
            deadline=asked.deadline,
            timeouts=service.timeouts if service else NEVER,
        )
        if decision is None:
            raise HttpError(404, "Incident not found")
        if isinstance(decision, NotAllowed):
            raise HttpError(409, "Not possible in this status", status=decision.status)
        if isinstance(decision, Transitioned):
            return Answer(200, _success(decision.change.what, answers.pointer(decision.after)))
        return Answer(200, _success(command.past, answers.pointer(decision.before)))

    def _seen(self, incident_id: str, asked: ApiCall) -> Incident:
        """Raises HttpError when there is none, or none that the caller may see."""
        incident = self.table.incident(incident_id, asked.deadline)
        if incident is None:
            raise HttpError(404, "Incident not found")
        service = self.directory.any_service(incident.service_id, asked.now, asked.deadline)
        asked.caller.require(service, "Incident")
        return incident


def _success(action: str, incident: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "result": {"action": action, "incident": incident}}
