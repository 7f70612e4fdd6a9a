"""Describes one route as an OpenAPI operation: its keys, parameters, body and answers. All that it
says about a route stands in the route.
"""

import re
from typing import Any, Final

from opsknight.http.routes import ID_PATTERN, LIMITS, RETRY_AFTER, Reply, Route
from opsknight.views.models import NotPossible
from respond.body import LARGEST_BODY

API_KEYS: Final = ("apiKey", "apiKeyScheme", "apiKeyHeader")
# Errors that many operations share, by their name in the components.
ERRORS: Final = {
    "Invalid": Reply(400, "Invalid JSON, or Invalid request body with its issues.", headers=LIMITS),
    "Unauthorized": Reply(401, "Unauthorized: no live API key.", headers=("WWW-Authenticate",)),
    "Denied": Reply(
        403,
        "API key missing scope, which is not counted; or access denied: it is another team's.",
        headers=LIMITS,
    ),
    "NotFound": Reply(404, "There is none.", headers=LIMITS),
    "Conflict": Reply(409, "Not possible now.", NotPossible, LIMITS),
    "Reused": Reply(
        422, "Idempotency-Key reused: it came with another body before.", headers=LIMITS
    ),
    "TooLarge": Reply(413, f"Payload too large: over {LARGEST_BODY} bytes.", headers=LIMITS),
    "RateLimited": Reply(429, "Rate limit exceeded.", headers=LIMITS + RETRY_AFTER),
    "Fault": Reply(500, "Internal Server Error: our fault."),
    "Unavailable": Reply(
        503,
        "The store does not answer, or the first request with this Idempotency-Key is under way."
        " Send it again.",
        headers=RETRY_AFTER,
    ),
}
_NAMES: Final = {reply.status: name for name, reply in ERRORS.items()}
# Every route with a scope has these.
_ALWAYS: Final = (401, 403, 429, 500, 503)


def operation(route: Route[Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.scope.partition(":")[0] or "deployment"],
        "summary": route.summary,
    }
    if route.scope and not route.integration_key:
        described["description"] = f"Needs the scope `{route.scope}`."
        if route.scope_with is not None:
            given, other = route.scope_with
            described["description"] = (
                f"Needs the scope `{route.scope}`, or `{other}` with `{given}`."
            )
    described["security"] = _security(route)
    parameters = [
        {
            "name": each.name,
            "in": "query",
            "description": each.text,
            "schema": each.schema,
            "example": each.example,
        }
        for each in route.parameters
    ]
    if _has_record(route):
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if parameters:
        described["parameters"] = parameters
    if route.body is not None:
        content = {"schema": _schema(route.body), "example": route.example}
        described["requestBody"] = {
            "required": route.body_required,
            "content": {"application/json": content},
        }
    return described | {"responses": _responses(route)}


def _has_record(route: Route[Any]) -> bool:
    """Whether it can be sent again with an Idempotency-Key."""
    return route.method == "POST" and bool(route.scope)


def path_parameters(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def response(reply: Reply) -> dict[str, Any]:
    schema = {"type": "object"} if reply.model is None else _schema(reply.model)
    return {
        "description": reply.text,
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"}
            for name in ("X-Request-Id", *reply.headers)
        },
        "content": {"application/json": {"schema": schema}},
    }


def _security(route: Route[Any]) -> list[dict[str, list[str]]]:
    by_api_key = [{name: [route.scope]} for name in API_KEYS] if route.scope else []
    return [{"integrationKey": []}, *by_api_key] if route.integration_key else by_api_key


def _responses(route: Route[Any]) -> dict[str, Any]:
    own = {reply.status: response(reply) for reply in route.replies}
    always = (*(_ALWAYS if route.scope else ()), *((422,) if _has_record(route) else ()))
    shared = {*route.errors, *always} - set(own)
    refs = {status: {"$ref": f"#/components/responses/{_NAMES[status]}"} for status in shared}
    return {str(status): each for status, each in sorted((own | refs).items())}


def _schema(model: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
