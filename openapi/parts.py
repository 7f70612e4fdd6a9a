"""What the routes of all functions have in common: headers, keys, answers."""

from typing import Any, Final

from opsknight.directory.rate_limit import LIMIT


def _header(kind: str, text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


HEADERS: Final = {
    "X-Request-Id": _header(
        "string", "Names this request in our log; the one you sent, if you sent one."
    ),
    "RateLimit-Limit": _header("integer", f"Requests a minute: {LIMIT}."),
    "RateLimit-Remaining": _header(
        "integer", "Requests left in this minute; absent when the limiter could not tell."
    ),
    "RateLimit-Reset": _header("integer", "Seconds until the minute ends."),
    "Retry-After": _header("integer", "Whole seconds to wait."),
    "Location": _header("string", "The path of what was made."),
}
LIMITS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
RETRY_AFTER: Final = ("Retry-After",)
API_KEYS: Final = ("apiKey", "apiKeyScheme", "apiKeyHeader")


def by_api_key(scope: str) -> list[dict[str, list[str]]]:
    return [{name: [scope]} for name in API_KEYS]


def schema(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}


def body(model: str, example: object, *, required: bool = True) -> dict[str, Any]:
    return {
        "required": required,
        "content": {"application/json": {"schema": schema(model), "example": example}},
    }


def answer(text: str, model: str = "Failure", headers: tuple[str, ...] = ()) -> dict[str, Any]:
    return answer_with(schema(model), text, headers)


def answer_with(wanted: dict[str, str], text: str, headers: tuple[str, ...] = ()) -> dict[str, Any]:
    named = ("X-Request-Id", *headers)
    return {
        "description": text,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in named},
        "content": {"application/json": {"schema": wanted}},
    }
