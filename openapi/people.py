"""The routes of the function `respond` for programs, from its wire models. Its pages behind links
and what Slack calls are for no program, and not described.
"""

from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from openapi import answers
from openapi.parts import LIMITS, RETRY_AFTER, answer, body, by_api_key
from opsknight.directory.entries import (
    INCIDENTS_READ,
    INCIDENTS_WRITE,
    SCHEDULES_READ,
    SCHEDULES_WRITE,
    SERVICES_READ,
    SERVICES_WRITE,
)
from opsknight.incident.model import Status, Urgency
from respond import contract
from respond.contract import LARGEST_BODY, MOST_LISTED
from respond.incidents import PAGE

MODELS: Final[list[tuple[type[BaseModel], JsonSchemaMode]]] = [
    *(
        (model, "validation")
        for model in (
            contract.NoBody,
            contract.NewIncident,
            contract.Patch,
            contract.SnoozeBody,
            contract.EscalateBody,
            contract.ReassignBody,
            contract.NoteBody,
            contract.NewOverride,
            contract.NewWindow,
        )
    ),
    *(
        (model, "serialization")
        for model in (
            answers.IncidentPage,
            answers.ShownIncident,
            answers.Done,
            answers.Services,
            answers.Windows,
            answers.NewWindowAnswer,
            answers.EndedWindow,
            answers.Schedules,
            answers.Overrides,
            answers.NewOverrideAnswer,
            answers.Removed,
            answers.OnCall,
            answers.NotPossible,
        )
    ),
]
TAGS: Final = (
    {"name": "incidents", "description": "What people do about incidents: docs/http-api.md."},
    {"name": "services", "description": "Services and their maintenance windows."},
    {"name": "schedules", "description": "Who is on call, and overrides."},
)
_ID: Final = {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,100}$"}
_TIME: Final = {"type": "string", "format": "date-time"}
_TEXT: Final = {"type": "string"}
# The action, what it does, the model of its body, an example.
_ACTIONS: Final[tuple[tuple[str, str, str, object], ...]] = (
    ("acknowledge", "Take it: the key's owner becomes the assignee.", "NoBody", {}),
    ("resolve", "End it, for ever.", "NoBody", {}),
    ("snooze", "Let it sleep, for at most 7 days.", "SnoozeBody", {"minutes": 60}),
    ("unsnooze", "Wake it: it is OPEN and pages on.", "NoBody", {}),
    ("suppress", "Page nobody about it until it is unsuppressed.", "NoBody", {}),
    ("unsuppress", "Let it page again: it is OPEN.", "NoBody", {}),
    ("escalate", "Go to the next step now, or to a given one.", "EscalateBody", {"step": 2}),
    (
        "reassign",
        "Give it to a user; an open one pages them.",
        "ReassignBody",
        {"userId": "user_ben"},
    ),
    ("notes", "Write on its timeline.", "NoteBody", {"text": "The replica is being rebuilt."}),
)
_NO_BODY_NEEDED: Final = frozenset({"NoBody", "EscalateBody"})
_LOCATION: Final = ("Location",)
_ALWAYS: Final = ("401", "403", "429", "500", "503")
_REFUSALS: Final = {
    "400": (
        "Invalid",
        answer("Invalid JSON, or Invalid request body with its issues.", headers=LIMITS),
    ),
    "401": ("Unauthorized", answer("Unauthorized: no API key that is live.")),
    "403": (
        "Denied",
        answer(
            "API key missing scope, which is not counted; access denied, as it is another team's.",
            headers=LIMITS,
        ),
    ),
    "404": ("NotFound", answer("There is none.", headers=LIMITS)),
    "409": ("Conflict", answer("Not possible now.", "NotPossible", LIMITS)),
    "413": ("TooLarge", answer(f"Payload too large: over {LARGEST_BODY} bytes.", headers=LIMITS)),
    "429": ("RateLimited", answer("Rate limit exceeded.", headers=LIMITS + RETRY_AFTER)),
    "500": ("Fault", answer("Internal Server Error: ours.")),
    "503": ("Unavailable", answer("The store is away. Send it again.", headers=RETRY_AFTER)),
}


def paths() -> dict[str, Any]:
    incident = _within("incidentId")
    return {
        "/api/incidents": {
            "get": _operation(
                "listIncidents",
                INCIDENTS_READ,
                "Incidents, newest first.",
                {"200": answer("A page of them.", "IncidentPage", LIMITS)},
                refusals=("400", "403", "404"),
                parameters=_filters(),
            ),
            "post": _operation(
                "openIncident",
                INCIDENTS_WRITE,
                "Open an incident by hand.",
                {
                    "200": answer("One more alert of an active incident.", "Done", LIMITS),
                    "201": answer("It is opened.", "Done", LIMITS + _LOCATION),
                },
                refusals=("400", "403", "404", "413"),
                wants=body(
                    "NewIncident",
                    {
                        "title": "Customers cannot pay",
                        "serviceId": "svc_checkout",
                        "urgency": "HIGH",
                        "description": "Three calls within ten minutes.",
                    },
                ),
            ),
        },
        "/api/incidents/{incidentId}": {
            "parameters": [incident],
            "get": _operation(
                "showIncident",
                INCIDENTS_READ,
                "One incident with its timeline, alerts and deliveries.",
                {"200": answer("All of it.", "ShownIncident", LIMITS)},
                refusals=("403", "404"),
            ),
            "patch": _operation(
                "changeIncident",
                INCIDENTS_WRITE,
                "Change its urgency, its assignee, or both.",
                {"200": answer("It is changed.", "Done", LIMITS)},
                refusals=("400", "403", "404", "409", "413"),
                wants=body("Patch", {"urgency": "LOW", "assigneeId": "user_ben"}),
            ),
        },
        **{
            f"/api/incidents/{{incidentId}}/{action}": {
                "parameters": [incident],
                "post": _operation(
                    "addNote" if action == "notes" else f"{action}Incident",
                    INCIDENTS_WRITE,
                    summary,
                    {"200": answer("It is done, or was so already.", "Done", LIMITS)},
                    refusals=("400", "403", "404", "409", "413"),
                    wants=body(model, example, required=model not in _NO_BODY_NEEDED),
                ),
            }
            for action, summary, model, example in _ACTIONS
        },
        **_services(),
        **_schedules(),
    }


def _services() -> dict[str, Any]:
    return {
        "/api/services": {
            "get": _operation(
                "listServices",
                SERVICES_READ,
                "Services, by id.",
                {"200": answer("All that the key's owner sees.", "Services", LIMITS)},
            )
        },
        "/api/services/{serviceId}/maintenance": {
            "parameters": [_within("serviceId")],
            "get": _operation(
                "listMaintenance",
                SERVICES_READ,
                "Maintenance windows in force and to come.",
                {"200": answer("Those that are not over.", "Windows", LIMITS)},
                refusals=("403", "404"),
            ),
            "post": _operation(
                "startMaintenance",
                SERVICES_WRITE,
                "Begin maintenance, now or later: what opens in it pages nobody.",
                {"201": answer("It is planned.", "NewWindowAnswer", LIMITS)},
                refusals=("400", "403", "404", "409", "413"),
                wants=body(
                    "NewWindow", {"end": "2026-11-23T05:00:00Z", "reason": "A new database"}
                ),
            ),
        },
        "/api/services/{serviceId}/maintenance/{windowId}": {
            "parameters": [_within("serviceId"), _within("windowId")],
            "delete": _operation(
                "endMaintenance",
                SERVICES_WRITE,
                "End it now; one that did not begin is gone.",
                {"200": answer("It is over.", "EndedWindow", LIMITS)},
                refusals=("403", "404"),
            ),
        },
    }


def _schedules() -> dict[str, Any]:
    return {
        "/api/schedules": {
            "get": _operation(
                "listSchedules",
                SCHEDULES_READ,
                "Schedules, and who is on call by each now.",
                {"200": answer("All of them.", "Schedules", LIMITS)},
            )
        },
        "/api/schedules/{scheduleId}/overrides": {
            "parameters": [_within("scheduleId")],
            "get": _operation(
                "listOverrides",
                SCHEDULES_READ,
                "Overrides in force and to come.",
                {"200": answer("Those that are not over.", "Overrides", LIMITS)},
                refusals=("404",),
            ),
            "post": _operation(
                "addOverride",
                SCHEDULES_WRITE,
                "Put a user on call for some time.",
                {"201": answer("It is added.", "NewOverrideAnswer", LIMITS)},
                refusals=("400", "403", "404", "413"),
                wants=body(
                    "NewOverride",
                    {
                        "userId": "user_ben",
                        "replaces": "user_ada",
                        "start": "2026-11-23T18:00:00+01:00",
                        "end": "2026-11-24T09:00:00+01:00",
                    },
                ),
            ),
        },
        "/api/schedules/{scheduleId}/overrides/{overrideId}": {
            "parameters": [_within("scheduleId"), _within("overrideId")],
            "delete": _operation(
                "removeOverride",
                SCHEDULES_WRITE,
                "Take it back.",
                {"200": answer("It is gone.", "Removed", LIMITS)},
                refusals=("403", "404"),
            ),
        },
        "/api/oncall": {
            "get": _operation(
                "showOnCall",
                SCHEDULES_READ,
                "Who is on call, and who is next.",
                {"200": answer("By each schedule.", "OnCall", LIMITS)},
                refusals=("400", "404"),
                parameters=[
                    _query("at", "Then, and not now.", _TIME, "2026-11-24T03:00:00Z"),
                    _query("schedule", "By this one only.", _TEXT, "sch_web"),
                ],
            )
        },
    }


def _operation(
    name: str,
    scope: str,
    summary: str,
    succeeds: dict[str, Any],
    *,
    refusals: tuple[str, ...] = (),
    parameters: list[dict[str, Any]] | None = None,
    wants: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """`refusals` are its own; those of every route are added, 403 for the scope among them."""
    told: dict[str, Any] = {
        "operationId": name,
        "tags": [scope.partition(":")[0]],
        "summary": summary,
        "description": f"Takes the scope `{scope}`.",
        "security": by_api_key(scope),
    }
    if parameters is not None:
        told["parameters"] = parameters
    if wants is not None:
        told["requestBody"] = wants
    refused = {
        status: {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}
        for status in sorted({*refusals, *_ALWAYS})
    }
    return told | {"responses": succeeds | refused}


def responses() -> dict[str, Any]:
    """Those that many operations share, by name."""
    return dict(_REFUSALS.values())


def _within(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _ID}


def _query(name: str, text: str, schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema, "example": example}


def _filters() -> list[dict[str, Any]]:
    status = "With commas between them; all active ones without it. RESOLVED stands alone, and"
    status += " takes a service."
    return [
        _query("status", status, _several(Status), "OPEN,ACKNOWLEDGED"),
        _query("urgency", "With commas between them.", _several(Urgency), "HIGH"),
        _query("service", "Of this service, by id.", _TEXT, "svc_checkout"),
        _query("team", "Of the services of this team, by id.", _TEXT, "team_web"),
        _query("since", "Opened then or later.", _TIME, "2026-11-23T00:00:00Z"),
        _query("until", "Opened before.", _TIME, "2026-11-24T00:00:00Z"),
        _query(
            "limit",
            f"The most of a page; {PAGE} without it.",
            {"type": "integer", "minimum": 1, "maximum": MOST_LISTED},
            20,
        ),
        _query("cursor", "That of the page before.", _TEXT, "YWN0aXZlIA"),
    ]


def _several(words: type[StrEnum]) -> dict[str, Any]:
    one = f"({'|'.join(words)})"
    return {"type": "string", "pattern": f"^{one}(,{one})*$"}
