"""Configuration files there and back: what is written reads as what it was written from."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given

from harness.configurations import files
from opsknight.config.finding import Severity
from opsknight.config.lint import dangling
from opsknight.files.checking import Checked, check
from opsknight.files.describing import described
from opsknight.files.reading import read
from opsknight.files.writing import written
from opsknight_cli.files.schema import PUBLISHED, schema

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def checked(text: str) -> Checked:
    return check(read({"opsknight.yaml": text}), NOW)


def dumped(data: dict[str, Any]) -> str:
    """JSON is YAML, but for its escapes."""
    return json.dumps(data, ensure_ascii=False)


def faults(found: Checked) -> list[str]:
    """Errors of the text; that nobody is paged by it may well be generated."""
    return [each.sentence for each in found.errors if "never page" not in each.sentence]


@given(files())
def test_what_is_written_reads_as_what_it_was(data: dict[str, Any]) -> None:
    first = checked(dumped(data))
    assert faults(first) == []
    text = written(described(first.configuration))
    again = checked(text)
    assert faults(again) == []
    assert again.configuration == first.configuration
    assert written(described(again.configuration)) == text


@given(files())
def test_the_version_of_yaml_before_reads_the_same(data: dict[str, Any]) -> None:
    """Other tools may well speak YAML 1.1."""
    document = described(checked(dumped(data)).configuration)
    assert yaml.safe_load(written(document)) == json.loads(json.dumps(document))


@given(files())
def test_a_generated_file_has_no_dangling_reference(data: dict[str, Any]) -> None:
    found = checked(dumped(data)).configuration
    assert list(dangling(found)) == []


def test_yaml_of_one_version_for_all() -> None:
    """By YAML 1.1, these were False, 1320 seconds, and a date."""
    found = read({"f": "a: {no: no, at: 22:00, on: 2026-01-05, yes: 0o17, n: 012}"})
    assert found.data == {
        "a": {"no": "no", "at": "22:00", "on": "2026-01-05", "yes": "0o17", "n": 12}
    }


def test_sections_may_be_spread_over_files_and_names_may_not() -> None:
    texts = {
        "a.yaml": "users:\n  ada: {email: a@x.org, role: ADMIN}\nteams: {}\n",
        "b.yaml": "users:\n  ben: {email: b@x.org, role: USER}\n  ada: {}\n",
    }
    found = read(texts)
    assert sorted(found.data["users"]) == ["ada", "ben"]
    [problem] = found.problems
    assert (problem.place.file, problem.place.line) == ("b.yaml", 3)
    assert problem.sentence == (
        '"ada" appears twice, first in a.yaml, line 2. Remove one of them, or choose another name.'
    )


def test_the_published_schema_is_this_one() -> None:
    assert json.loads(PUBLISHED.read_text()) == schema()


def test_aliases_cannot_grow_without_end() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    found = read({"f": bomb})
    assert found.problems
    assert len(found.problems) < 1000


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("start", ["9999-12-31", "0001-01-01", '"9999-12-31 23:59"'])
def test_a_layer_at_the_ends_of_the_calendar_is_an_error(start: str, zone: str) -> None:
    found = checked(f"""
        users: {{ada: {{email: a@x.org, role: ADMIN}}}}
        schedules:
          s:
            zone: {zone}
            layers: {{a: {{users: [ada], turn: 1w, handoff: "23:59", start: {start}}}}}
    """)
    assert [each.sentence for each in found.errors] == ["Must be in the years 1970 to 2199."]


def test_a_warning_is_no_error() -> None:
    found = checked("users: {ada: {email: a@x.org, role: USER}}")
    assert [each.severity for each in found.problems] == [Severity.WARNING]
    assert not found.errors


@pytest.mark.parametrize("depth", [60, 3000, 60_000])
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ("{a: ", "}")])
def test_what_is_nested_deeply_gets_a_sentence(depth: int, opens: str, closes: str) -> None:
    document = read({"deep.yaml": "users: " + opens * depth + closes * depth})
    assert ["nested too deeply" in each.sentence for each in document.problems] == [True]


def test_aliases_that_nest_get_one_too() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100))]
    problems = read({"deep.yaml": "\n".join(lines)}).problems
    assert problems
    assert all("nested too deeply" in each.sentence for each in problems)
