"""The description of the API: valid OpenAPI 3.1, true to the code, and its examples true to it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from events.handler import OPENAPI
from harness.described import DESCRIBED, fits, resolved
from openapi.__main__ import main
from openapi.document import description
from opsknight.directory.entries import EVENTS_WRITE
from opsknight.http.body import InvalidBody, parse
from opsknight.http.gateway import Answer
from opsknight.http.routes import Route
from opsknight.incident.event_request import EventRequest
from respond.configuring.routes import ROUTES as CONFIGURING
from respond.keeping.routes import ROUTES as KEEPING
from respond.request import ApiCall
from respond.routes import ROUTES as OTHERS

SEND = DESCRIBED["paths"]["/api/events"]["post"]
EXAMPLE = SEND["requestBody"]["content"]["application/json"]["example"]


def changed(**fields: Any) -> dict[str, Any]:
    payload = EXAMPLE["payload"] | {k: v for k, v in fields.items() if k in EXAMPLE["payload"]}
    rest = {k: v for k, v in fields.items() if k not in EXAMPLE["payload"]}
    return {**EXAMPLE, "payload": payload, **rest}


def test_it_is_valid_openapi() -> None:
    assert DESCRIBED["openapi"].startswith("3.1.")
    validate(DESCRIBED, cls=OpenAPIV31SpecValidator)


def test_the_file_that_is_served_is_what_the_code_describes() -> None:
    assert json.loads(OPENAPI.read_text(encoding="utf-8")) == description()


def test_the_example_is_taken_and_fits() -> None:
    assert parse(EventRequest, json.dumps(EXAMPLE).encode()).dedup_key == EXAMPLE["dedup_key"]
    assert fits(EXAMPLE, "EventRequest")


# Bounds that hold before and after trimming: a schema cannot trim.
@pytest.mark.parametrize(
    ("wanted", "valid"),
    [
        (changed(dedup_key="x" * 200), True),
        (changed(dedup_key="x" * 201), False),
        (changed(dedup_key=""), False),
        (changed(dedup_key=7), False),
        (changed(summary="\N{GRINNING FACE}" * 500), True),
        (changed(summary="\N{GRINNING FACE}" * 501), False),
        (changed(source="x" * 201), False),
        (changed(severity="fatal"), False),
        (changed(severity="info"), True),
        (changed(event_action="Trigger"), False),
        (changed(event_action="resolve"), True),
        (changed(payload=None), False),
        (changed(custom_details=None), True),
        (changed(custom_details=[]), False),
        (changed(unknown=1), True),
        (changed(service_id="svc_1"), True),
        ({}, False),
    ],
    ids=lambda value: ascii(value)[:60] if isinstance(value, dict) else str(value),
)
def test_schema_and_code_agree(wanted: dict[str, Any], valid: bool) -> None:
    assert fits(wanted, "EventRequest") is valid
    if valid:
        parse(EventRequest, json.dumps(wanted).encode())
    else:
        with pytest.raises(InvalidBody):
            parse(EventRequest, json.dumps(wanted).encode())


def test_every_status_of_the_contract_is_described() -> None:
    described = {"202", "400", "401", "403", "404", "413", "422", "429", "500", "503"}
    assert set(SEND["responses"]) == described
    assert all("X-Request-Id" in answer["headers"] for answer in SEND["responses"].values())
    for status in ("429", "503"):
        assert "Retry-After" in SEND["responses"][status]["headers"]


def test_the_ways_to_say_who_one_is() -> None:
    schemes = DESCRIBED["components"]["securitySchemes"]
    named = [name for way in SEND["security"] for name in way]
    assert sorted(named) == sorted(schemes)
    assert SEND["security"][1] == {"apiKey": [EVENTS_WRITE]}
    assert {scheme.get("name", scheme.get("scheme")) for scheme in schemes.values()} == {
        "Authorization",
        "bearer",
        "X-API-Key",
    }


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_what_needs_no_key(path: str) -> None:
    assert DESCRIBED["paths"][path]["get"]["security"] == []


def test_drift_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drifted = tmp_path / OPENAPI.name
    written = OPENAPI.read_text(encoding="utf-8")
    drifted.write_text(written.replace("trigger", "tigger"), encoding="utf-8")
    assert main(["--check"], drifted) == 1
    assert "run `python -m openapi`" in capsys.readouterr().err
    assert main([], drifted) == 0
    assert drifted.read_text(encoding="utf-8") == written
    assert main(["--check"], drifted) == 0
    assert main(["--chekc"], drifted) == 1


# The HTTP API of people.

METHODS = ("get", "post", "patch", "delete")
OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    (method.upper(), path): operation
    for path, item in DESCRIBED["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
PEOPLE = {
    of: operation
    for of, operation in OPERATIONS.items()
    if operation["tags"][0] not in ("events", "deployment")
}


ROUTES = (*OTHERS, *KEEPING, *CONFIGURING)
BODIES = {(route.method, route.path): route.body for route in ROUTES if route.body is not None}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_handler_takes_the_body_of_its_route(route: Route[Any]) -> None:
    hints = get_type_hints(route.handler)
    assert hints.pop("return") is Answer
    assert list(hints.values()) == [ApiCall, *([route.body] if route.body else [])]


def test_no_two_routes_are_one() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_what_generators_of_clients_need() -> None:
    """Each operation becomes a function, and each object a class: they need names of their own."""
    names = [each["operationId"] for each in OPERATIONS.values()]
    assert len({each.lower() for each in names}) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z]*", each) for each in names)
    assert not [*anonymous(DESCRIBED["paths"], "paths"), *anonymous(DESCRIBED["components"], "")]


def anonymous(part: Any, place: str) -> Iterator[str]:
    """Objects that are described where they are used, and have no name."""
    if isinstance(part, dict):
        if "properties" in part and not re.fullmatch(r"/schemas/\w+", place):
            yield place
        part = {key: each for key, each in part.items() if key not in ("example", "examples")}
    entries = part.items() if isinstance(part, dict) else enumerate(part)
    for key, each in entries:
        if isinstance(each, dict | list):
            yield from anonymous(each, f"{place}/{key}")


@pytest.mark.parametrize("of", PEOPLE, ids=" ".join)
def test_what_every_operation_has(of: tuple[str, str]) -> None:
    operation, item = PEOPLE[of], DESCRIBED["paths"][of[1]]
    assert {"401", "403", "429", "500", "503"} < set(operation["responses"])
    for status, answer in operation["responses"].items():
        told = resolved(answer)
        assert "X-Request-Id" in told["headers"]
        assert ("RateLimit-Limit" in told["headers"]) is (status not in ("401", "500", "503"))
    placed = {each["name"] for each in item.get("parameters", [])}
    assert placed == set(re.findall(r"\{(\w+)\}", of[1]))
    assert ("requestBody" in operation) is (of[0] in ("POST", "PATCH"))
    ids = [each["operationId"] for each in OPERATIONS.values()]
    assert ids.count(operation["operationId"]) == 1


@pytest.mark.parametrize(
    "of", [of for of, each in PEOPLE.items() if "requestBody" in each], ids=" ".join
)
def test_the_examples_of_bodies_are_taken_and_fit(of: tuple[str, str]) -> None:
    content = PEOPLE[of]["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    parse(BODIES[of], json.dumps(content["example"]).encode())
    assert fits(content["example"], name)
