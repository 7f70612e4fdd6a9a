"""What the command line imports before it can answer: a Tab waits for it, and so does `--help`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsknight_cli import known_names, outline
from opsknight_cli.everything import command
from opsknight_cli.everything import outline as described

ROOT = Path(__file__).parents[2]
AWS = {"boto3", "botocore", "urllib3"}
MODELS = {"pydantic", "yaml", "opsknight.incident", "opsknight.config", "opsknight.store"}
PROGRAM = """
import sys
from opsknight_cli import main
sys.argv = ["opsknight", *sys.argv[1:]]
try:
    main.main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def imported(*words: str, **variables: str) -> tuple[set[str], str]:
    """The modules of a run, and what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env=clean | {"COLUMNS": "80"} | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stderr.split()), done.stdout


def completed(words: str, **variables: str) -> tuple[set[str], list[str]]:
    number = str(len(words.split(" ")) - 1)
    asked = {"_OPSKNIGHT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": number}
    modules, said = imported(**asked, **variables)
    return modules, said.split()


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], ["--version"], ["plan", "-h"], ["incidents", "list", "--help"]]
)
def test_help_needs_no_models(words: list[str]) -> None:
    modules, said = imported(*words)
    assert not modules & (AWS | MODELS)
    assert said
    assert "<bool>" not in said


@pytest.mark.parametrize("words", [["validate", "examples/small.yaml"], ["schema"]])
def test_what_needs_no_deployment_needs_no_aws(words: list[str]) -> None:
    modules, _ = imported(*words)
    assert not modules & AWS


@pytest.mark.parametrize("system", ["pagerduty", "opsgenie"])
def test_an_import_needs_no_aws(system: str, tmp_path: Path) -> None:
    words = ["import", system, "--from", f"tests/exports/{system}", "--into", str(tmp_path / "a")]
    modules, _ = imported(*words)
    assert not modules & AWS


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("opsknight inci", ["incidents"]),
        ("opsknight incidents sho", ["show"]),
        ("opsknight incidents list --st", ["--status", "--stack"]),
        ("opsknight incidents list --urgency h", ["HIGH"]),
    ],
)
def test_a_tab_needs_no_models(words: str, expected: list[str]) -> None:
    modules, said = completed(words)
    assert said == expected
    assert not modules & (AWS | MODELS)


def test_names_of_the_deployment_are_completed(tmp_path: Path) -> None:
    place = tmp_path / "opsknight" / "default.json"
    place.parent.mkdir()
    place.write_text(json.dumps({"services": ["checkout", "search"], "users": ["ada"]}))
    # Nothing of the shell decides where to look.
    cache = {"XDG_CACHE_HOME": str(tmp_path), "OPSKNIGHT_STACK": ""}
    modules, said = completed("opsknight maintenance start che", **cache)
    assert said == ["checkout"]
    assert not modules & (AWS | MODELS)
    assert completed("opsknight incidents ack --as a", **cache)[1] == ["ada"]
    long_ago = place.stat().st_mtime - known_names.SECONDS - 60
    os.utime(place, (long_ago, long_ago))
    assert completed("opsknight maintenance start che", **cache)[1] == []


def test_names_are_kept_for_their_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    known_names.keep("shop/../x", {"services": ["b", "a"]})
    assert known_names.of("service", "shop/../x") == ["a", "b"]
    assert known_names.of("service", "another") == []
    assert known_names.of("reason", "shop/../x") == []


def leaves(described: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in described["commands"].items():
        if "commands" in inner:
            yield from leaves(inner, (*words, name))
        else:
            yield (*words, name), inner


STORED = json.loads(outline.STORED.read_text())


def test_the_outline_is_that_of_the_commands() -> None:
    assert described(command()) == STORED


@pytest.mark.parametrize(("words", "leaf"), [*leaves(STORED)], ids=lambda each: str(each)[:40])
def test_each_command_is_found_where_the_outline_says(words: tuple[str, ...], leaf: Any) -> None:
    real = outline.loaded(leaf["module"], words[-1])
    assert [each.name for each in real.params] == [each["name"] for each in leaf["parameters"]]
