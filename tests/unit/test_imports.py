"""What the function that takes events imports: its cold start, and so a sender, waits for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Escalating, notifying and configuring are other functions' work; so is all that only they store.
NOT_FOR_EVENTS = (
    "opsknight.config",
    # What some integrations have, and what waits for other systems: for the event that needs it.
    "opsknight.directory.aws",
    "opsknight.directory.heartbeats",
    "opsknight.directory.integrations",
    "opsknight.directory.passing_on",
    "opsknight.directory.routing",
    "opsknight.directory.status_pages",
    "opsknight.escalation",
    "opsknight.notification",
    "opsknight.oncall.cron",
    "opsknight.oncall.rotations",
    "opsknight.oncall.schedules",
    "opsknight.simulation",
    "opsknight.store.configurations",
    "opsknight.store.directory",
    "opsknight.store.table",
    # Clients are botocore's: see `runtime/aws.py`.
    "boto3",
    "multiprocessing",
    "s3transfer",
)


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return f"{module}.".startswith(tuple(f"{each}." for each in packages))


@pytest.fixture(scope="module")
def modules() -> list[str]:
    return fresh("import sys, events.handler; print(*sys.modules)").split()


def fresh(program: str) -> str:
    """What a new process prints that runs the program as a function does."""
    paths = [str(ROOT / "functions"), str(ROOT / "layers/common")]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=clean | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_rubbish_is_not_looked_for_while_the_function_starts() -> None:
    collections = "print(sum(each['collections'] for each in gc.get_stats()))"
    ours = "import boto3, gc, events.handler"
    assert int(fresh(f"{ours}; {collections}")) - int(fresh(f"import boto3, gc; {collections}")) < 8


def test_classes_of_functions_have_methods_when_they_are_called() -> None:
    at_once = re.compile(r"^(from dataclasses import .*\bdataclass\b|import dataclasses)", re.M)
    sources = [*ROOT.glob("functions/**/*.py"), *ROOT.glob("layers/common/opsknight/**/*.py")]
    found = [each.name for each in sources if at_once.search(each.read_text())]
    assert found == ["classes.py"]


def test_the_function_that_takes_events_imports_no_escalation(modules: list[str]) -> None:
    assert "opsknight.store.incidents" in modules
    assert [each for each in modules if is_within(each, NOT_FOR_EVENTS)] == []


@pytest.mark.parametrize("function", ["keeper", "configurator"])
def test_what_people_do_seldom_imports_no_routes_of_others(function: str) -> None:
    imported = fresh(f"import sys, respond.{function}; print(*sys.modules)").split()
    assert "respond.request" in imported
    others = ("respond.routes", "respond.incidents", "opsknight.analytics", "opsknight.simulation")
    assert [each for each in imported if is_within(each, others)] == []


def test_the_configuration_is_shown_without_the_shapes_that_check_a_file() -> None:
    """They are imported by the first text that comes."""
    imported = fresh("import sys, respond.configurator; print(*sys.modules)").split()
    assert "opsknight.files.describing" in imported
    checks = ("opsknight.files.shape", "opsknight.files.checking", "respond.contract")
    assert [each for each in imported if is_within(each, checks)] == []


def test_a_protocol_is_imported_by_its_first_request(modules: list[str]) -> None:
    assert "events.integrations.wires" in modules
    assert "events.integrations.pagerduty" not in modules
