"""Checks real answers against the OpenAPI description that `GET /openapi.json` serves. A test
compares it with what the code describes, which takes half a second to find out.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from openapi_schema_validator import OAS31Validator

ROOT: Final = Path(__file__).resolve().parents[1]
DESCRIBED: Final[dict[str, Any]] = json.loads(
    (ROOT / "functions/events/openapi.json").read_text(encoding="utf-8")
)


def resolved(part: Any) -> Any:
    """The part that a `$ref` points to."""
    if "$ref" not in part:
        return part
    found: Any = DESCRIBED
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found)


def fits(value: object, model: str) -> bool:
    return bool(_validator(model).is_valid(value))


def operation(method: str, path: str) -> dict[str, Any] | None:
    """The operation of a request, if the description has it."""
    for pattern, item in _items():
        if pattern.fullmatch(path) and method.lower() in item:
            found: dict[str, Any] = item[method.lower()]
            return found
    return None


@cache
def _items() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), item)
        for path, item in DESCRIBED["paths"].items()
    ]


def check(
    operation: Mapping[str, Any], status: int, headers: Mapping[str, str], body: object
) -> None:
    """Raises an error that names the first difference from what the operation describes."""
    answer = resolved(operation["responses"][str(status)])
    model = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    _validator(model).validate(body)
    _nothing_else(body, {"$ref": f"#/components/schemas/{model}"})
    # A request without the scope is not counted, nor one whose path has no route.
    uncounted = ("API key missing scope", "Not found")
    counted = not isinstance(body, dict) or body.get("error") not in uncounted
    for name in answer["headers"]:
        # How many are left is not known where counting failed.
        left = name in ("RateLimit", "RateLimit-Remaining")
        optional = left or (name.startswith("RateLimit") and not counted)
        if optional and name not in headers:
            continue
        kind = resolved(answer["headers"][name])["schema"]["type"]
        assert name in headers, f"{status} has no {name}"
        assert kind == "string" or headers[name].isdigit(), f"{name}: {headers[name]}"
    sent = {name for name in headers if name.startswith(("RateLimit", "Retry", "Location"))}
    assert sent <= set(answer["headers"]), f"{status} has {sent}"


@cache
def _validator(model: str) -> Any:
    return OAS31Validator(
        {
            "$ref": f"#/components/schemas/{model}",
            "components": {"schemas": DESCRIBED["components"]["schemas"]},
        }
    )


def _nothing_else(value: object, schema: Any) -> None:
    """Clients must bear new fields, so the schema allows them; today's must all be described."""
    wanted = resolved(schema)
    match value:
        case dict() if "properties" in wanted:
            unknown = set(value) - set(wanted["properties"])
            assert not unknown, f"not described: {unknown}"
            for name, each in value.items():
                _nothing_else(each, wanted["properties"][name])
        case list() if "items" in wanted:
            for each in value:
                _nothing_else(each, wanted["items"])
