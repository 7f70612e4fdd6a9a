"""The whole description: the routes of both functions that answer programs, and what they share."""

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from openapi import events, people
from openapi.parts import HEADERS

_SECURITY: Final = {
    "integrationKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token token=<32 hex>`: the key names the service.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "It acts for its owner, and takes the scope that each operation names.",
    },
    "apiKeyScheme": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Api-Key <key>`: the same as bearer.",
    },
    "apiKeyHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same; looked at only without `Authorization`.",
    },
}


def description() -> dict[str, Any]:
    _, schemas = models_json_schema(
        [*events.MODELS, *people.MODELS], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpsKnight Serverless API",
            "version": "1",
            "description": "Send events; see incidents and act on them; say who is on call.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        # The description is served by the deployment that it describes.
        "servers": [{"url": "/"}],
        "tags": [*events.TAGS, *people.TAGS],
        "paths": events.paths() | people.paths(),
        "components": {
            "schemas": _told(schemas["$defs"]),
            "responses": people.responses(),
            "headers": HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _told(schema: Any) -> Any:
    """Without what pydantic adds for itself: titles made of names, defaults of absent fields."""
    match schema:
        case {"anyOf": [{"type": wanted, **more}, {"type": "null"}], **rest}:
            return _told(more | rest | {"type": [wanted, "null"]})
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
