"""The whole description: all routes that answer programs, and what they share."""

from collections.abc import Iterable
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from events import handler
from openapi.operations import ERRORS, operation, path_parameters, response
from opsknight.directory.rate_limit import LIMIT
from opsknight.http.idempotency import LONGEST
from opsknight.http.routes import Route
from respond import routes
from respond.configuring import routes as configuring
from respond.keeping import routes as keeping

ROUTES: Final[tuple[Route[Any], ...]] = (
    *handler.ROUTES,
    *routes.ROUTES,
    *keeping.ROUTES,
    *configuring.ROUTES,
)
_TAGS: Final = {
    "events": "Events from monitors: docs/events-api.md.",
    "deployment": "Needs no key.",
    "incidents": "See incidents, and act on them: docs/http-api.md.",
    "services": "Services and their maintenance windows.",
    "schedules": "Who is on call, and overrides.",
    "users": "The caller, people and teams.",
    "policies": "Escalation policies.",
    "keys": "Integrations that people add, and keys.",
    "configuration": "The configuration as a file: docs/configuration.md.",
}
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
        "description": "Acts for its owner, and needs the scope that each operation names.",
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
        "description": "The same; read only without `Authorization`.",
    },
}


def _header(kind: str, text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


_PARAMETERS: Final = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A name of your own for this request, to send it again by: within a day,"
        " the same body gets the first answer, with `Idempotency-Replayed: true`, and nothing is"
        " done twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    }
}
_HEADERS: Final = {
    "X-Request-Id": _header(
        "string", "Names this request in our log; the one you sent, if you sent one."
    ),
    "RateLimit-Limit": _header("integer", f"Requests a minute: {LIMIT}."),
    "RateLimit-Remaining": _header(
        "integer", "Requests left in this minute; absent when the limiter cannot tell."
    ),
    "RateLimit-Reset": _header("integer", "Seconds until the minute ends."),
    "RateLimit": _header("string", 'The same in the form of the current draft: `"minute";r=;t=`.'),
    "RateLimit-Policy": _header("string", "Requests and seconds, in that form."),
    "WWW-Authenticate": _header("string", "Which keys are taken."),
    "Retry-After": _header("integer", "Whole seconds to wait."),
    "Location": _header("string", "The path of the new incident."),
    "ETag": _header("string", "Send it as `If-None-Match` for a 304 while nothing has changed."),
}


def description() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "opsknight",
            "version": "1",
            "description": "Send events; see incidents and act on them; say who is on call. Times"
            " of answers are RFC 3339 in UTC, with milliseconds: `2026-11-23T03:00:00.250Z`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        # The description is served by the deployment that it describes.
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": {name: response(reply) for name, reply in ERRORS.items()},
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        parameters = path_parameters(route.path)
        item = paths.setdefault(route.path, {"parameters": parameters} if parameters else {})
        item[route.method.lower()] = operation(route)
    return paths


class _Schemas(GenerateJsonSchema):
    """Takes docstrings of dataclasses as descriptions, as pydantic does for its own models."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        described = super().dataclass_schema(schema)
        text = schema["cls"].__doc__ or ""
        # Without a docstring a dataclass has its signature there.
        if text.startswith(f"{schema['cls'].__name__}("):
            return described
        return described | {"description": " ".join(text.split())}


def _schemas() -> dict[str, Any]:
    replies = [*(reply for route in ROUTES for reply in route.replies), *ERRORS.values()]
    bodies = [route.body for route in ROUTES if route.body is not None]
    answers = [reply.model for reply in replies if reply.model is not None]
    wanted = [*_adapters(bodies, "validation"), *_adapters(answers, "serialization")]
    _, schemas = TypeAdapter.json_schemas(
        wanted, ref_template="#/components/schemas/{model}", schema_generator=_Schemas
    )
    named: dict[str, Any] = _plain(schemas["$defs"])
    return named


def _adapters(
    kinds: Iterable[type], mode: JsonSchemaMode
) -> list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]]:
    return [(kind.__name__, mode, TypeAdapter(kind)) for kind in dict.fromkeys(kinds)]


def _plain(schema: Any) -> Any:
    """Leaves out what pydantic adds: titles made of names, and defaults of absent fields."""
    match schema:
        case {"anyOf": [{"type": wanted, **more}, {"type": "null"}], **rest}:
            return _plain(more | rest | {"type": [wanted, "null"]})
        case {"anyOf": [wanted, {"type": "null"}], **rest}:
            return _plain(rest | wanted)
        case dict():
            kept = {name: _plain(value) for name, value in schema.items() if name != "default"}
            return {
                name: value for name, value in kept.items() if (name, type(value)) != ("title", str)
            }
        case list():
            return [_plain(each) for each in schema]
        case _:
            return schema
