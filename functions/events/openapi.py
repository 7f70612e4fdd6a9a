"""The OpenAPI description of the API, made from the wire models. `python -m events.openapi` writes
the file that `GET /openapi.json` serves; with `--check` it says whether that file is what the code
describes.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from events.contract import Accepted, Failure
from opsknight.posted import LARGEST_BODY, EventRequest
from opsknight.rates import LIMIT

FILE: Final = Path(__file__).with_name("openapi.json")

_REQUEST_ID: Final = {
    "X-Request-Id": {
        "description": "Names this request in our log; the one you sent, if you sent one.",
        "schema": {"type": "string"},
    }
}
_LIMITS: Final = {
    "RateLimit-Limit": {
        "description": f"Requests a minute: {LIMIT}.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Remaining": {
        "description": "Requests left in this minute; absent when the limiter could not tell.",
        "schema": {"type": "integer"},
    },
    "RateLimit-Reset": {
        "description": "Seconds until the minute ends.",
        "schema": {"type": "integer"},
    },
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Whole seconds to wait.", "schema": {"type": "integer"}}
}
_KEYS: Final = ("integrationKey", "apiKey", "apiKeyScheme", "apiKeyHeader")
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


def description() -> dict[str, Any]:
    _, schemas = models_json_schema(
        [(EventRequest, "validation"), (Accepted, "serialization"), (Failure, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpsKnight Serverless Events API",
            "version": "1",
            "description": "Trigger, acknowledge and resolve incidents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        # The description is served by the deployment that it describes.
        "servers": [{"url": "/"}],
        "paths": {
            "/api/events": {"post": _events()},
            "/health": {"get": _open("health", "Answers when the API does.", {"type": "object"})},
            "/openapi.json": {"get": _open("openapi", "This description.", {"type": "object"})},
        },
        "components": {
            "schemas": _told(schemas["$defs"]),
            "securitySchemes": {
                "integrationKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token token=<32 hex>`: the key names the service.",
                },
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "With the scope events:write; the body names the service.",
                },
                "apiKeyScheme": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Api-Key <key>`: the same as bearer.",
                },
                "apiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _told(schema: Any) -> Any:
    """Without what pydantic adds for itself: titles made of names, defaults of absent fields."""
    match schema:
        case {"anyOf": [{"type": wanted, **more}, {"type": "null"}], **rest}:
            return _told(rest | more | {"type": [wanted, "null"]})
        case {"anyOf": [wanted, {"type": "null"}], **rest}:
            return _told(rest | wanted)
        case dict():
            kept = {name: _told(value) for name, value in schema.items() if name != "default"}
            return {
                name: value for name, value in kept.items() if (name, type(value)) != ("title", str)
            }
        case list():
            return [_told(each) for each in schema]
        case _:
            return schema


def _events() -> dict[str, Any]:
    too_large = f"Payload too large: over {LARGEST_BODY} bytes."
    return {
        "operationId": "sendEvent",
        "summary": "Send an event.",
        "security": [{name: []} for name in _KEYS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/EventRequest"},
                    "example": _EXAMPLE,
                }
            },
        },
        "responses": {
            "202": _answer("The event is taken.", "Accepted", _LIMITS),
            "400": _answer("Invalid JSON, or Invalid request body with its issues."),
            "401": _answer("Unauthorized: no API key that is live."),
            "403": _answer(
                "Invalid Integration Key; API key missing scope; Service access denied."
            ),
            "404": _answer("Service not found."),
            "413": _answer(too_large),
            "429": _answer("Rate limit exceeded.", headers=_LIMITS | _RETRY_AFTER),
            "500": _answer("Internal Server Error: ours. Send it again."),
            "503": _answer("The store is away. Send it again.", headers=_RETRY_AFTER),
        },
    }


def _answer(
    text: str, model: str = "Failure", headers: dict[str, Any] | None = None
) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {
        "description": text,
        "headers": _REQUEST_ID | (headers or {}),
        "content": {"application/json": {"schema": schema}},
    }


def _open(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "description": text,
        "headers": _REQUEST_ID,
        "content": {"application/json": {"schema": schema}},
    }
    return {"operationId": name, "summary": text, "security": [], "responses": {"200": answer}}


def main(arguments: list[str]) -> int:
    text = json.dumps(description(), indent=2) + "\n"
    match arguments:
        case []:
            FILE.write_text(text)
            return 0
        case ["--check"] if FILE.read_text() == text:
            return 0
        case ["--check"]:
            said = f"{FILE.name} is not what the code describes: run `python -m events.openapi`."
        case _:
            said = "usage: python -m events.openapi [--check]"
    sys.stderr.write(f"{said}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
