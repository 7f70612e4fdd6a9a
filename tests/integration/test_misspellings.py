"""A slip in what a decision changes does not get past mypy, with the project's own settings."""

from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
START = """
from datetime import UTC, datetime

from opsknight.incident.changes import Changes
from opsknight.incident.decisions import Require
from opsknight.incident.model import Incident, Timer

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def due(incident: Incident) -> datetime | None:
    return incident.timers.get(Timer.STEP)


Changes(step=2, assignee_id="user_ada", round=None, timers={Timer.STEP: NOW, Timer.PAGES: None})
Require(last_alert_at=NOW)
"""
SLIPS = {
    "a misspelled attribute": ('Changes(asignee_id="user_ada")', "asignee_id"),
    "an attribute that never changes": ('Changes(service_id="svc_1")', "service_id"),
    "a misspelled timer": ("Changes(timers={Timer.STEPS: NOW})", "STEPS"),
    "a timer as text": ('Changes(timers={"step": NOW})', "dict-item"),
    "a value of another type": ('Changes(step="2")', "arg-type"),
    "a timer without a time": ("Changes(timers={Timer.STEP: 5})", "dict-item"),
    "the removal of what is always there": ("Changes(page_no=None)", "arg-type"),
    "a misspelled requirement": ("Require(last_alert=NOW)", "last_alert"),
    "a timer read by a misspelled name": (
        'def late(incident: Incident) -> object:\n    return incident.timers["stpe"]',
        "index",
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The errors in each slip. One run of mypy finds them all, with what its cache knows."""
    folder = tmp_path_factory.mktemp("slips")
    names = {name: f"slip_{number}.py" for number, name in enumerate([*SLIPS, "none"])}
    for name, file in names.items():
        slip, _ = SLIPS.get(name, ("", ""))
        (folder / file).write_text(f"{START}\n\n{slip}\n")
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--no-pretty"]
    output, trouble, _ = api.run(
        [*settings, "--cache-dir", str(ROOT / ".local/mypy"), *map(str, sorted(folder.iterdir()))]
    )
    assert not trouble
    errors = [line for line in output.splitlines() if ": error: " in line]
    return {name: [line for line in errors if file in line] for name, file in names.items()}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_refused(found: dict[str, list[str]], name: str) -> None:
    [error] = found[name]
    assert SLIPS[name][1] in error


def test_what_is_right_passes(found: dict[str, list[str]]) -> None:
    assert found["none"] == []
