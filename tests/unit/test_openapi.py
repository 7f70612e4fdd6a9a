"""The description of the API: valid OpenAPI 3.1, true to the code, and its examples true to it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from events.openapi import FILE, description
from opsknight.bodies import InvalidBody, parse
from opsknight.posted import EventRequest

DESCRIBED: dict[str, Any] = description()
SEND = DESCRIBED["paths"]["/api/events"]["post"]
EXAMPLE = SEND["requestBody"]["content"]["application/json"]["example"]


def fits(value: object, model: str) -> bool:
    schema = {"$ref": f"#/components/schemas/{model}", "components": DESCRIBED["components"]}
    return bool(OAS31Validator(schema).is_valid(value))


def changed(**fields: Any) -> dict[str, Any]:
    payload = EXAMPLE["payload"] | {k: v for k, v in fields.items() if k in EXAMPLE["payload"]}
    rest = {k: v for k, v in fields.items() if k not in EXAMPLE["payload"]}
    return {**EXAMPLE, "payload": payload, **rest}


def test_it_is_valid_openapi() -> None:
    assert DESCRIBED["openapi"].startswith("3.1.")
    validate(DESCRIBED, cls=OpenAPIV31SpecValidator)


def test_the_file_that_is_served_is_what_the_code_describes() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == DESCRIBED


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
    described = {"202", "400", "401", "403", "404", "413", "429", "500", "503"}
    assert set(SEND["responses"]) == described
    assert all("X-Request-Id" in answer["headers"] for answer in SEND["responses"].values())
    for status in ("429", "503"):
        assert "Retry-After" in SEND["responses"][status]["headers"]


def test_the_three_ways_to_say_who_one_is() -> None:
    schemes = DESCRIBED["components"]["securitySchemes"]
    named = [name for way in SEND["security"] for name in way]
    assert sorted(named) == sorted(schemes)
    assert {scheme.get("name", scheme.get("scheme")) for scheme in schemes.values()} == {
        "Authorization",
        "bearer",
        "X-API-Key",
    }


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_what_needs_no_key(path: str) -> None:
    assert DESCRIBED["paths"][path]["get"]["security"] == []


def test_drift_is_noticed(tmp_path: Path) -> None:
    copied = tmp_path / "events"
    shutil.copytree(FILE.parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    layer = FILE.parents[2] / "layers/common"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "events.openapi", *arguments],
            env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{layer}"},
            capture_output=True,
            text=True,
            check=False,
        )

    written = copied / FILE.name
    written.write_text(written.read_text(encoding="utf-8").replace("trigger", "tigger"))
    drifted = run("--check")
    assert drifted.returncode == 1
    assert "run `python -m events.openapi`" in drifted.stderr
    assert run().returncode == 0
    assert json.loads(written.read_text(encoding="utf-8")) == DESCRIBED
    assert run("--check").returncode == 0
