"""The OpenAPI description, asked whether real answers are as it says."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from openapi_schema_validator import OAS31Validator

from openapi.document import description

DESCRIBED: Final[dict[str, Any]] = description()


def resolved(part: Any) -> Any:
    """What a `$ref` points to."""
    if "$ref" not in part:
        return part
    found: Any = DESCRIBED
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found)


def fits(value: object, model: str) -> bool:
    return bool(_validator(model).is_valid(value))


def operation(method: str, path: str) -> dict[str, Any] | None:
    """That of a request, if the description has it."""
    for pattern, item in _items():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = item.get(method.lower())
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
    """Raises what says where the answer is not as the operation describes that status."""
    answer = resolved(operation["responses"][str(status)])
    model = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    _validator(model).validate(body)
    _nothing_else(body, {"$ref": f"#/components/schemas/{model}"})
    # Who may not ask at all is not counted, nor what no id can be.
    uncounted = ("API key missing scope", "Not found")
    counted = not isinstance(body, dict) or body.get("error") not in uncounted
    for name in answer["headers"]:
        optional = name == "RateLimit-Remaining" or (name.startswith("RateLimit") and not counted)
        if optional and name not in headers:
            continue
        kind = resolved(answer["headers"][name])["schema"]["type"]
        assert name in headers, f"{status} has no {name}"
        assert kind == "string" or headers[name].isdigit(), f"{name}: {headers[name]}"
    told = {name for name in headers if name.startswith(("RateLimit", "Retry", "Location"))}
    assert told <= set(answer["headers"]), f"{status} tells {told}"


@cache
def _validator(model: str) -> Any:
    return OAS31Validator(
        {
            "$ref": f"#/components/schemas/{model}",
            "components": {"schemas": DESCRIBED["components"]["schemas"]},
        }
    )


def _nothing_else(value: object, schema: Any) -> None:
    """A description may leave room for fields to come; what there is today has to be in it."""
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
