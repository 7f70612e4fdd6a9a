"""The routes of the function `events`, from its wire models."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from events.contract import Accepted, Failure
from openapi.parts import LIMITS, RETRY_AFTER, answer, answer_with, body, by_api_key
from opsknight.directory.entries import EVENTS_WRITE
from opsknight.incident.event_request import LARGEST_BODY, EventRequest

MODELS: Final[list[tuple[type[BaseModel], JsonSchemaMode]]] = [
    (EventRequest, "validation"),
    (Accepted, "serialization"),
    (Failure, "serialization"),
]
TAGS: Final = (
    {"name": "events", "description": "What monitors send: docs/events-api.md."},
    {"name": "deployment", "description": "Needs no key."},
)
_EXAMPLE: Final = {
    "event_action": "trigger",
    "dedup_key": "server-cpu-high-web01",
    "payload": {
        "summary": "CPU usage above 90% on web-01",
        "source": "prometheus",
        "severity": "critical",
        "custom_details": {"cpu_percent": 95.5, "host": "web-01"},
    },
}


def paths() -> dict[str, Any]:
    return {
        "/api/events": {"post": _events()},
        "/health": {"get": _open("health", "Answers when the API does.")},
        "/openapi.json": {"get": _open("openapi", "This description.")},
    }


def _events() -> dict[str, Any]:
    too_large = f"Payload too large: over {LARGEST_BODY} bytes."
    return {
        "operationId": "sendEvent",
        "tags": ["events"],
        "summary": "Send an event.",
        "security": [{"integrationKey": []}, *by_api_key(EVENTS_WRITE)],
        "requestBody": body("EventRequest", _EXAMPLE),
        "responses": {
            "202": answer("The event is taken.", "Accepted", LIMITS),
            "400": answer("Invalid JSON, or Invalid request body with its issues."),
            "401": answer("Unauthorized: no API key that is live."),
            "403": answer("Invalid Integration Key; API key missing scope; Service access denied."),
            "404": answer("Service not found."),
            "413": answer(too_large),
            "429": answer("Rate limit exceeded.", headers=LIMITS + RETRY_AFTER),
            "500": answer("Internal Server Error: ours. Send it again."),
            "503": answer("The store is away. Send it again.", headers=RETRY_AFTER),
        },
    }


def _open(name: str, text: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": ["deployment"],
        "summary": text,
        "security": [],
        "responses": {"200": answer_with({"type": "object"}, text)},
    }
