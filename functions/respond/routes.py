"""The routes that people's programs call: one entry each, from which the function routes and the
OpenAPI description is made. Pages behind links and the buttons in Slack are not among them.
"""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import (
    INCIDENTS_READ,
    INCIDENTS_WRITE,
    SCHEDULES_READ,
    SCHEDULES_WRITE,
    SERVICES_READ,
    SERVICES_WRITE,
)
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import integration_models, models, roster_models
from respond import (
    analytics_routes,
    audit_routes,
    calendar_routes,
    contract,
    directory_routes,
    incidents,
    my_routes,
    one_service,
    parameters,
    part_routes,
    pulse_routes,
    rosters,
    shift_routes,
    status_routes,
)

# Called with the ApiCall, and with the body where the route has one.
type Handler = Callable[..., Answer]
type PeopleRoute = Route[Handler]

_INCIDENT: Final = "/api/incidents/{incidentId}"
_WINDOWS: Final = "/api/services/{serviceId}/maintenance"
_OVERRIDES: Final = "/api/schedules/{scheduleId}/overrides"
_ACTION_ERRORS: Final = (400, 403, 404, 409, 413)


def _action(
    path: str,
    handler: Handler,
    summary: str,
    body: type[contract.Body] = contract.NoBody,
    example: object = None,
    *,
    body_required: bool = True,
    name: str | None = None,
) -> PeopleRoute:
    return Route(
        method="POST",
        path=f"{_INCIDENT}/{path}",
        name=name or f"{path}Incident",
        scope=INCIDENTS_WRITE,
        handler=handler,
        summary=summary,
        body=body,
        body_required=body_required and body is not contract.NoBody,
        example=example or {},
        replies=(Reply(200, "It is done, or was so already.", models.Done, LIMITS),),
        errors=_ACTION_ERRORS,
    )


_INCIDENTS: Final[tuple[PeopleRoute, ...]] = (
    Route(
        method="GET",
        path="/api/incidents",
        name="listIncidents",
        scope=INCIDENTS_READ,
        handler=incidents.list_incidents,
        summary="List incidents, newest first.",
        parameters=parameters.FILTERS,
        replies=(Reply(200, "Some of them.", models.IncidentPage, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="POST",
        path="/api/incidents",
        name="openIncident",
        scope=INCIDENTS_WRITE,
        handler=incidents.open_incident,
        summary="Open an incident by hand.",
        body=contract.NewIncident,
        example={
            "title": "Customers cannot pay",
            "serviceId": "svc_checkout",
            "urgency": "HIGH",
            "description": "Three calls within ten minutes.",
        },
        replies=(
            Reply(200, "One more alert of an active incident.", models.Done, LIMITS),
            Reply(201, "The incident is open.", models.Done, (*LIMITS, "Location")),
        ),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="GET",
        path=_INCIDENT,
        name="showIncident",
        scope=INCIDENTS_READ,
        handler=incidents.show_incident,
        summary="Show one incident with its timeline, alerts and deliveries.",
        replies=(Reply(200, "All of it.", models.ShownIncident, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="PATCH",
        path=_INCIDENT,
        name="changeIncident",
        scope=INCIDENTS_WRITE,
        handler=incidents.change_incident,
        summary="Change its urgency, its assignee, or both.",
        body=contract.Patch,
        example={"urgency": "LOW", "assigneeId": "user_ben"},
        replies=(Reply(200, "It is changed.", models.Done, LIMITS),),
        errors=_ACTION_ERRORS,
    ),
    _action("acknowledge", incidents.acknowledge, "Acknowledge it: the key's owner gets it."),
    _action("resolve", incidents.resolve, "Resolve it, for good."),
    _action(
        "snooze",
        incidents.snooze,
        "Snooze it, for at most 7 days.",
        contract.SnoozeBody,
        {"minutes": 60},
    ),
    _action("unsnooze", incidents.unsnooze, "End its snooze: it is OPEN and pages again."),
    _action("suppress", incidents.suppress, "Page nobody about it until it is unsuppressed."),
    _action("unsuppress", incidents.unsuppress, "End its suppression: it is OPEN and pages again."),
    _action(
        "escalate",
        incidents.escalate,
        "Go to the next step now, or to a given one.",
        contract.EscalateBody,
        {"step": 2},
        body_required=False,
    ),
    _action(
        "reassign",
        incidents.reassign,
        "Assign it to a user; while it is OPEN, that pages them.",
        contract.ReassignBody,
        {"userId": "user_ben"},
    ),
    _action(
        "also-page",
        incidents.also_page,
        "Page somebody else beside whoever has it: a user, a team or a schedule.",
        contract.AlsoPageBody,
        {"scheduleId": "sch_web"},
        name="alsoPageIncident",
    ),
    _action(
        "notes",
        incidents.add_note,
        "Write a note on its timeline.",
        contract.NoteBody,
        {"text": "The replica is being rebuilt."},
        name="addNote",
    ),
)
_SERVICES: Final[tuple[PeopleRoute, ...]] = (
    Route(
        method="GET",
        path="/api/services",
        name="listServices",
        scope=SERVICES_READ,
        handler=rosters.list_services,
        summary="List services, by id.",
        replies=(Reply(200, "All that the key's owner may see.", roster_models.Services, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="GET",
        path="/api/services/{serviceId}",
        name="showService",
        scope=SERVICES_READ,
        handler=one_service.show_service,
        summary="Show one service with its integrations, their keys, and its receivers.",
        replies=(Reply(200, "Without secrets.", integration_models.ShownService, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="GET",
        path=_WINDOWS,
        name="listMaintenance",
        scope=SERVICES_READ,
        handler=rosters.list_windows,
        summary="List maintenance windows in force and to come.",
        replies=(Reply(200, "Those that are not over.", roster_models.Windows, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="POST",
        path=_WINDOWS,
        name="startMaintenance",
        scope=SERVICES_WRITE,
        handler=rosters.add_window,
        summary="Begin maintenance, now or later: incidents opened in it page nobody.",
        body=contract.NewWindow,
        example={"end": "2026-11-23T05:00:00Z", "reason": "A new database"},
        replies=(Reply(201, "It is planned.", roster_models.NewWindowAnswer, LIMITS),),
        errors=(400, 403, 404, 409, 413),
    ),
    Route(
        method="DELETE",
        path=f"{_WINDOWS}/{{windowId}}",
        name="endMaintenance",
        scope=SERVICES_WRITE,
        handler=rosters.end_window,
        summary="End a window now; one that has not begun is removed.",
        parameters=(parameters.ONLY,),
        replies=(Reply(200, "It is over.", roster_models.EndedWindow, LIMITS),),
        errors=(400, 403, 404),
    ),
)
_SCHEDULES: Final[tuple[PeopleRoute, ...]] = (
    Route(
        method="GET",
        path="/api/schedules",
        name="listSchedules",
        scope=SCHEDULES_READ,
        handler=rosters.list_schedules,
        summary="List schedules, and who is on call by each now.",
        replies=(Reply(200, "All of them.", roster_models.Schedules, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="GET",
        path=_OVERRIDES,
        name="listOverrides",
        scope=SCHEDULES_READ,
        handler=rosters.list_overrides,
        summary="List overrides in force and to come.",
        replies=(Reply(200, "Those that are not over.", roster_models.Overrides, LIMITS),),
        errors=(400, 404),
    ),
    Route(
        method="POST",
        path=_OVERRIDES,
        name="addOverride",
        scope=SCHEDULES_WRITE,
        handler=rosters.add_override,
        summary="Put a user on call for some time.",
        body=contract.NewOverride,
        example={
            "userId": "user_ben",
            "replaces": "user_ada",
            "start": "2026-11-23T18:00:00+01:00",
            "end": "2026-11-24T09:00:00+01:00",
        },
        replies=(Reply(201, "It is added.", roster_models.NewOverrideAnswer, LIMITS),),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="DELETE",
        path=f"{_OVERRIDES}/{{overrideId}}",
        name="removeOverride",
        scope=SCHEDULES_WRITE,
        handler=rosters.remove_override,
        summary="Remove an override.",
        replies=(Reply(200, "It is gone.", roster_models.Removed, LIMITS),),
        errors=(403, 404),
    ),
    Route(
        method="GET",
        path="/api/oncall",
        name="showOnCall",
        scope=SCHEDULES_READ,
        handler=rosters.show_on_call,
        summary="Show who is on call, and who is next.",
        parameters=parameters.ON_CALL,
        replies=(Reply(200, "By each schedule.", roster_models.OnCall, LIMITS),),
        errors=(400, 404),
    ),
)
ROUTES: Final = (
    *_INCIDENTS,
    *pulse_routes.ROUTES,
    *part_routes.ROUTES,
    *_SERVICES,
    *_SCHEDULES,
    *shift_routes.ROUTES,
    *calendar_routes.ROUTES,
    *my_routes.ROUTES,
    *directory_routes.ROUTES,
    *status_routes.ROUTES,
    *analytics_routes.ROUTES,
    *audit_routes.ROUTES,
)
