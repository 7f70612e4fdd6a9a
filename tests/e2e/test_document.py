"""Every example of the owner's document, run against the deployed template as it is written: only
address and key are put in. And what the document says of answers, errors and limits.
"""

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.world import event
from local.stack import Running
from opsknight.incident.model import Escalation, Incident, Status, Urgency
from tests.e2e.customer import Customer, settle
from tests.e2e.document import (
    COPY,
    FOLDER,
    HEADINGS,
    SHA256,
    Document,
    Missing,
    filled,
    fingerprint,
)
from tests.e2e.programs import node_with_axios, run

pytestmark = pytest.mark.system

DOCUMENT = Document.read()
ADDRESS = "https://your-opsknight.com"
BODIES = ["Request Body", "trigger", "acknowledge", "resolve"]
ANSWERS = ["Success Response", "Rate Limit Response"]


@pytest.fixture(scope="module")
def customer(deployed: Running) -> Customer:
    return settle(deployed, DOCUMENT)


def test_the_copy_is_the_owners_document() -> None:
    assert fingerprint(COPY) == SHA256


def test_no_example_of_the_document_is_left_out() -> None:
    assert sorted(DOCUMENT.json_headings()) == sorted(BODIES + ANSWERS)
    programs = [f"cURL - {each} Incident" for each in ("Trigger", "Resolve")]
    programs += [f"{language} Example" for language in ("Python", "Node.js")]
    # The address stands in the programs and nowhere else.
    assert DOCUMENT.text.count(ADDRESS) == len(programs)
    assert all(ADDRESS in DOCUMENT.section(program) for program in programs)


def test_what_disappears_from_the_document_is_missed() -> None:
    for heading in HEADINGS:
        with pytest.raises(Missing, match=re.escape(heading)):
            Document(DOCUMENT.text.replace(f"\n{heading}\n", "\n"))
    for heading in BODIES + ANSWERS:
        shortened = Document(DOCUMENT.text.replace(DOCUMENT.json(heading), ""))
        with pytest.raises(Missing, match=heading):
            shortened.json(heading)
    with pytest.raises(Missing, match=ADDRESS):
        filled(DOCUMENT.section("trigger"), {ADDRESS: "http://127.0.0.1"})


def test_the_curl_commands(customer: Customer, tmp_path: Path) -> None:
    def answer(heading: str) -> dict[str, Any]:
        command = filled(
            DOCUMENT.section(heading),
            {ADDRESS: customer.url, "YOUR_INTEGRATION_KEY": customer.integration_key},
        )
        result: dict[str, Any] = json.loads(run(["bash", "-c", command], tmp_path))["result"]
        return result

    triggered = answer("cURL - Trigger Incident")
    assert triggered["action"] == "triggered"
    incident_id = triggered["incident"]["id"]
    opened = customer.incident(incident_id)
    assert (opened.status, opened.urgency) == (Status.OPEN, Urgency.HIGH)
    assert opened.title == "Database connection timeout on primary"
    assert opened.dedup_key == "database-connection-timeout"
    assert customer.details(incident_id) == {"database": "postgres-primary", "timeout_ms": 30000}

    resolved = answer("cURL - Resolve Incident")
    assert (resolved["action"], resolved["incident"]["id"]) == ("resolved", incident_id)
    _assert_resolved(customer.incident(incident_id))


def test_the_python_program(customer: Customer, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    values = {ADDRESS: customer.url, "your-integration-key": customer.integration_key}
    program.write_text(filled(DOCUMENT.section("Python Example"), values), encoding="utf-8")
    printed = run([sys.executable, str(program)], tmp_path)

    triggered, resolved = (ast.literal_eval(line) for line in printed.splitlines())
    assert (triggered["status"], triggered["result"]["action"]) == ("success", "triggered")
    assert (resolved["status"], resolved["result"]["action"]) == ("success", "resolved")
    incident_id = triggered["result"]["incident"]["id"]
    assert resolved["result"]["incident"]["id"] == incident_id
    kept = customer.incident(incident_id)
    assert (kept.title, kept.urgency) == ("API error rate above 5%", Urgency.MEDIUM)
    assert customer.details(incident_id) == {"error_rate": 7.5, "threshold": 5.0}
    _assert_resolved(kept)


@pytest.mark.timeout(400)
def test_the_node_program(customer: Customer, tmp_path: Path) -> None:
    node, modules = node_with_axios()
    program = tmp_path / "example.js"
    values = {ADDRESS: customer.url, "your-integration-key": customer.integration_key}
    program.write_text(filled(DOCUMENT.section("Node.js Example"), values), encoding="utf-8")
    printed = run([node, str(program)], tmp_path, NODE_PATH=str(modules))

    # It prints an object as Node shows objects, not as JSON.
    said = dict(re.findall(r"(\w+): '([^']*)'", printed))
    assert (said["action"], said["title"]) == ("triggered", "Memory usage above 95%")
    kept = customer.incident(said["id"])
    assert (kept.status, kept.urgency) == (Status.OPEN, Urgency.HIGH)
    assert (kept.title, kept.dedup_key) == (said["title"], "memory-usage-critical")
    assert customer.details(kept.id) == {"memory_percent": 97.5, "host": "app-server-01"}


def test_the_lock_of_the_node_program_names_no_host() -> None:
    lock = (FOLDER / "package-lock.json").read_text(encoding="utf-8")
    assert not re.search(r'://|"resolved"', lock)
    packages = [each for name, each in json.loads(lock)["packages"].items() if name]
    assert packages
    assert all(each["integrity"].startswith("sha512-") for each in packages)


def test_the_bodies_by_integration_key(customer: Customer) -> None:
    triggered = customer.by_integration(DOCUMENT.json("trigger"))
    documented = DOCUMENT.json_object("Success Response")
    status = int(DOCUMENT.find("Success Response", r"HTTP Status: (\d+) .+"))
    assert triggered.status_code == status
    incident_id = triggered.json()["result"]["incident"]["id"]
    documented["result"]["incident"]["id"] = incident_id
    assert _within(documented, triggered.json())
    assert customer.details(incident_id) == {"cpu_percent": 95.5, "host": "web-01"}

    again = customer.by_integration(DOCUMENT.json("trigger")).json()["result"]
    assert (again["action"], again["incident"]["id"]) == ("deduplicated", incident_id)
    assert customer.incident(incident_id).alert_count == 2

    acknowledged = customer.by_integration(DOCUMENT.json("acknowledge"))
    assert acknowledged.status_code == status
    assert acknowledged.json()["result"]["action"] == "acknowledged"
    kept = customer.incident(incident_id)
    assert (kept.status, kept.escalation) == (Status.ACKNOWLEDGED, Escalation.COMPLETED)
    assert kept.acknowledged_at is not None

    resolved = customer.by_integration(DOCUMENT.json("resolve"))
    assert resolved.status_code == status
    assert resolved.json()["result"]["action"] == "resolved"
    _assert_resolved(customer.incident(incident_id))

    # "No effect if no matching incident exists": both say so.
    for heading in ("acknowledge", "resolve"):
        ignored = customer.by_integration(DOCUMENT.json(heading))
        assert ignored.status_code == status
        assert ignored.json()["result"]["action"] == "ignored"


def test_the_body_with_a_service_id_by_either_key(customer: Customer) -> None:
    body = DOCUMENT.json("Request Body")
    triggered = customer.by_api_key(body)
    assert triggered.status_code == 202
    result = triggered.json()["result"]
    assert (result["action"], result["incident"]["urgency"]) == ("triggered", "HIGH")
    kept = customer.incident(result["incident"]["id"])
    assert (kept.service_id, kept.title) == (customer.service_id, "Brief description of the issue")
    assert customer.details(kept.id) == {"metric": "cpu_usage", "value": 95.5}
    same = customer.by_integration(body).json()["result"]
    assert (same["action"], same["incident"]["id"]) == ("deduplicated", kept.id)


def test_the_events_of_how_deduplication_works(customer: Customer) -> None:
    actions = {
        "New incident created": "triggered",
        "Alert added to same incident": "deduplicated",
    }
    opened: dict[str, str] = {}
    rows = DOCUMENT.rows("How It Works", r'Event \d: dedup_key="(.+)" → (.+)')
    assert len(rows) == 4
    for dedup_key, outcome in rows:
        result = customer.by_integration(_event(dedup_key=dedup_key)).json()["result"]
        assert result["action"] == actions[outcome]
        incident_id = result["incident"]["id"]
        assert opened.setdefault(dedup_key, incident_id) == incident_id


@pytest.mark.parametrize(
    ("severity", "urgency"),
    DOCUMENT.rows("Severity to Urgency Mapping", "(critical|error|warning|info) ([A-Z]+)"),
)
def test_the_urgency_of_a_severity(customer: Customer, severity: str, urgency: str) -> None:
    sent = _event(severity=severity, dedup_key=f"severity-{severity}")
    assert customer.by_integration(sent).json()["result"]["incident"]["urgency"] == urgency


def test_every_documented_error(customer: Customer) -> None:
    """But 429, which has a test of its own, and 500, which no request may provoke."""
    mine = _event(service_id=customer.service_id)
    answers = [
        customer.by_integration("{"),
        customer.by_integration("{}"),
        customer.post(mine, {}),
        customer.by_integration(mine, "0" * 32),
        customer.by_api_key(mine, customer.scopeless_key),
        customer.by_api_key(mine, customer.stranger_key),
        customer.by_api_key(_event(service_id="svc_nowhere")),
    ]
    rows = DOCUMENT.rows("Error Responses", r"(\d{3}) (.+)")
    others = [row for row in rows if row[0] not in {"429", "500"}]
    assert len(rows) == len(others) + 2
    for (status, row), answer in zip(others, answers, strict=True):
        assert answer.status_code == int(status), row
        assert row.startswith(answer.json()["error"] + " ")
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.timeout(400)
def test_the_rate_limit(customer: Customer) -> None:
    limit = int(DOCUMENT.find("Rate Limiting", r"Requests per minute (\d+)"))
    sent = _event("resolve", dedup_key="nothing")
    answers = [customer.by_integration(sent, customer.busy_key)]
    # A window of the clock: the first one may already be under way, the second is whole.
    while answers[-1].status_code == 202 and len(answers) <= 2 * limit:
        answers.append(customer.by_integration(sent, customer.busy_key))
    refused = answers.pop()
    assert len(answers) >= limit
    assert refused.headers["RateLimit-Limit"] == str(limit)
    status = int(DOCUMENT.find("Rate Limit Response", r"HTTP Status: (\d+) .+"))
    assert refused.status_code == status
    # Beside the members of the document it has those of RFC 9457.
    assert DOCUMENT.json_object("Rate Limit Response").items() <= refused.json().items()
    header_name = DOCUMENT.find("Rate Limit Response", "Header: (.+): <seconds>")
    window = int(DOCUMENT.find("Rate Limiting", r"Window (\d+) seconds"))
    assert 1 <= int(refused.headers[header_name]) <= window


def test_the_format_of_an_integration_key(deployed: Running) -> None:
    length = DOCUMENT.find(
        "Integration Key Format", r"Integration keys are (\d+)-character hexadecimal strings.+"
    )
    assert re.fullmatch(rf"[0-9a-f]{{{length}}}", deployed.service.integration_key)


def _event(action: str = "trigger", **more: Any) -> str:
    return json.dumps(event(action, **more))


def _assert_resolved(incident: Incident) -> None:
    assert (incident.status, incident.escalation) == (Status.RESOLVED, Escalation.COMPLETED)
    assert incident.resolved_at is not None


def _within(documented: object, answered: object) -> bool:
    """Whether the answer says all of it; it may say more."""
    if isinstance(documented, dict) and isinstance(answered, dict):
        return all(
            name in answered and _within(value, answered[name])
            for name, value in documented.items()
        )
    return documented == answered
