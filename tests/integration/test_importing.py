"""From an export of another system to a deployment: import, validate, plan, apply, and the rest.

The exports are written by hand, after the public descriptions of the two APIs.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.dynamodb import make_table
from harness.shell import Shell
from harness.world import build
from opsknight.directory.entries import key_hash
from opsknight.store.calls import Deadline
from opsknight.store.keys import Keys

EXPORTS = Path(__file__).parents[1] / "exports"
CHANGES = 2
FAILED = 1
USAGE = 64


@pytest.fixture
def shell(dynamodb: str) -> Shell:
    """On a deployment without a configuration."""
    world = build(dynamodb)
    empty = replace(world.table, name=make_table(world.table.client, "Table"))
    return Shell(replace(world, table=empty))


def imported(shell: Shell, system: str, into: Path) -> dict[str, Any]:
    said = shell.opsknight("import", system, "--from", EXPORTS / system, "--into", into, "--json")
    assert said.code == 0, said.all
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_pagerduty_from_its_files_to_a_deployment(shell: Shell, tmp_path: Path) -> None:
    into = tmp_path / "imported"
    found = imported(shell, "pagerduty", into)
    assert (found["compared"], found["differences"], found["problems"]) == (2, 0, [])
    assert shell.opsknight("validate", "--strict", into).code == 0
    assert shell.opsknight("plan", into).code == CHANGES
    applied = shell.opsknight("apply", into, "--yes")
    assert applied.code == 0, applied.all
    assert shell.opsknight("plan", into).code == 0
    oncall = json.loads(shell.opsknight("oncall", "--json").out)
    assert {each["schedule"]: each["onCall"]["user"] for each in oncall["schedules"]} == {
        "platform": "cem-yilmaz",
        "shop-primary": "ben-boole",
    }


def test_opsgenie_from_its_files_to_a_deployment(shell: Shell, tmp_path: Path) -> None:
    into = tmp_path / "imported"
    found = imported(shell, "opsgenie", into)
    assert (found["compared"], found["differences"], found["problems"]) == (1, 0, [])
    assert shell.opsknight("validate", "--strict", into).code == 0
    assert shell.opsknight("plan", into).code == CHANGES
    assert shell.opsknight("apply", into, "--yes").code == 0
    assert shell.opsknight("plan", into).code == 0
    done = json.loads(shell.opsknight("import", "finish", into, "--json").out)
    assert (done["overrides"], done["windows"], done["missing"]) == (3, 1, [])
    oncall = json.loads(shell.opsknight("oncall", "--json").out)
    assert {each["schedule"]: each["onCall"]["user"] for each in oncall["schedules"]} == {
        "platform": "ben-boole",
        "shop-backup": "cem-kaya",
        "shop-primary": "ben-boole",
    }


def test_finish_makes_overrides_windows_and_keys_once(shell: Shell, tmp_path: Path) -> None:
    into = tmp_path / "imported"
    imported(shell, "pagerduty", into)
    # Whoever may name things there knows no key here.
    guessed, planned = "a" * 32, into / "afterwards.json"
    named = f"Checkout `{guessed}` | `{guessed}`: Prometheus"
    planned.write_text(planned.read_text().replace("Checkout: Prometheus", named))
    (into / ".gitignore").write_text("*.bak")
    early = shell.opsknight("import", "finish", into)
    assert early.code == FAILED
    assert "Not made: the override of shop-primary by ben-boole" in early.out
    assert "Made 0 overrides, 0 maintenance windows, 0 keys." in early.out
    written = (into / "keys.md").read_text()
    assert shell.opsknight("apply", into, "--yes").code == 0

    done = json.loads(shell.opsknight("import", "finish", into, "--json").out)
    assert (done["overrides"], done["windows"], len(done["keys"])) == (1, 2, 5)
    assert done["missing"] == []
    # What an interrupted run has written down is what is made.
    assert (into / "keys.md").read_text() == written
    assert (into / "keys.md").stat().st_mode & 0o077 == 0
    assert (into / ".gitignore").read_text() == "*.bak\nkeys.md\n"
    [row] = [line for line in written.splitlines() if line.startswith("| checkout / prometheus ")]
    _, _, was, secret, where, _ = (cell.strip() for cell in row.split("|"))
    assert was == named.replace("|", " ")
    assert where == "address https://api.example.com/v2/enqueue, routing_key"
    held = Keys(shell.world.table).held(Deadline.after(10), "svc_checkout")
    hashes = {each.hashed for each in held}
    assert key_hash(secret.strip("`")) in hashes and key_hash(guessed) not in hashes

    again = json.loads(shell.opsknight("import", "finish", into, "--json").out)
    assert again == {"overrides": 0, "windows": 0, "keys": [], "missing": []}
    assert len(json.loads(shell.opsknight("override", "list", "--json").out)["overrides"]) == 1


def test_nothing_that_somebody_may_have_edited_is_replaced(shell: Shell, tmp_path: Path) -> None:
    words = ("import", "pagerduty", "--from", EXPORTS / "pagerduty", "--into", tmp_path / "a")
    assert shell.opsknight(*words).code == 0
    assert (tmp_path / "a" / "people.yaml").stat().st_mode & 0o777 == 0o600
    (tmp_path / "a" / "people.yaml").write_text("mine")
    refused = shell.opsknight(*words)
    assert refused.code == FAILED
    assert "exists: choose another folder" in " ".join(refused.err.split())
    assert (tmp_path / "a" / "people.yaml").read_text() == "mine"
    assert shell.opsknight(*words, "--overwrite").code == 0
    assert (tmp_path / "a" / "people.yaml").read_text() != "mine"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", "a.json is not JSON"),
        ("a.json", '{"incidents": []}', "a.json has none of"),
        ("a.txt", "", "There are no .json files"),
    ],
)
def test_a_folder_that_is_no_export(
    name: str, content: str, said: str, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    refused = shell.opsknight("import", "pagerduty", "--from", tmp_path, "--into", tmp_path / "x")
    assert refused.code == FAILED
    assert said in " ".join(refused.err.split())


def test_all_services_can_begin_in_shadow(shell: Shell, tmp_path: Path) -> None:
    words = ("import", "pagerduty", "--from", EXPORTS / "pagerduty", "--into", tmp_path / "a")
    assert shell.opsknight(*words, "--shadow-until", "2026-12-24").code == 0
    assert shell.opsknight("validate", "--strict", tmp_path / "a").code == 0
    assert shell.opsknight("apply", tmp_path / "a", "--yes").code == 0
    services = shell.world.table
    for name in ("batch", "checkout", "search"):
        service = services.service(f"svc_{name}", Deadline.after(10))
        assert service is not None
        assert service.shadow_until == datetime(2026, 12, 24, tzinfo=UTC)


@pytest.mark.parametrize("until", ["2027-02-01", "2026-11-01", "soon"])
def test_a_shadow_ends_within_sixty_days(until: str, shell: Shell, tmp_path: Path) -> None:
    words = ("import", "pagerduty", "--from", EXPORTS / "pagerduty", "--into", tmp_path / "a")
    assert shell.opsknight(*words, "--shadow-until", until).code == USAGE
    assert not (tmp_path / "a").exists()


def test_files_and_the_api_are_two_sources(shell: Shell, tmp_path: Path) -> None:
    words = ("import", "opsgenie", "--from", EXPORTS / "opsgenie", "--save", tmp_path / "a")
    assert shell.opsknight(*words).code == USAGE
