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
    assert [each.sentence[:16] for each in found.problems] == ["This is too much"]


def test_merges_cannot_grow_without_end() -> None:
    """Ten merges of ten merges, and so on: a billion mappings of one key."""
    bomb = "l0: &l0 {x: 1}\n"
    for level in range(1, 10):
        sources = ", ".join([f"*l{level - 1}"] * 10)
        bomb += f"l{level}: &l{level} {{<<: [{sources}]}}\n"
    found = read({"f": bomb, "g": "users: {}"})
    assert [each.sentence[:16] for each in found.problems] == ["This is too much"]
    assert found.data == {}, "nothing is said to be missing that was not read"


def test_each_source_of_a_merge_counts() -> None:
    """Though none of them brings a key."""
    text = f"a: &a {{}}\nb: &b {{<<: [*a{', *a' * 29}]}}\nc: {{<<: [*b{', *b' * 9_999}]}}\n"
    found = read({"f": text})
    assert [each.sentence[:16] for each in found.problems] == ["This is too much"]


@pytest.mark.parametrize("inside", ["<<: *a{}", "k: {{<<: *a{}}}"])
def test_merges_of_merges_have_an_end(inside: str) -> None:
    lines = [f"a{n}: &a{n} {{{inside.format(n - 1)}}}" for n in range(1, 400)]
    found = read({"f": "\n".join(["a0: &a0 {x: 1}", *lines])})
    assert "nested too deeply" in found.problems[0].sentence


def test_what_is_wrong_in_a_merged_mapping_is_said_once() -> None:
    found = read({"f": "a: {<<: {b: 1, b: 2}}\nc: &c {d: !x 1}\ne: {<<: *c}\nf: {<<: *c}\n"})
    assert [(each.place.line, each.sentence) for each in found.problems] == [
        (1, '"b" appears twice, first in f, line 1. Remove one of them, or choose another name.'),
        (2, "Tags such as !x are not supported: remove it."),
    ]


def test_the_first_of_several_merges_counts() -> None:
    found = read(
        {"f": "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], <<: {z: 3, w: 3}}"}
    )
    assert found.data["c"] == {"x": 1, "y": 1, "z": 2, "w": 3}
    assert not found.problems


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("!!int x", "!!int"),
        ("!!float x", "!!float"),
        ("!!float .inf", "!!float"),
        ("!!bool maybe", "!!bool"),
        ("!!null x", "!!null"),
        ("!!int 0x1f", "!!int"),
    ],
)
def test_a_tag_that_is_not_true_is_a_problem(value: str, tag: str) -> None:
    [problem] = read({"f": f"a: {value}"}).problems
    said = value.removeprefix(f"{tag} ")
    assert problem.sentence == f'"{said}" is not what its tag says, {tag}: remove the tag.'
    assert (problem.place.line, problem.path) == (1, ("a",))


@pytest.mark.parametrize("value", ["!!foo x", "!!set {x}", "!!int {x: 1}", "!!str [x]", "!mine x"])
def test_tags_of_other_types_are_problems(value: str) -> None:
    [problem] = read({"f": f"a: {value}"}).problems
    assert problem.sentence == f"Tags such as {value.split()[0]} are not supported: remove it."


def test_a_tag_that_is_true_changes_nothing() -> None:
    found = read({"f": 'a: {b: !!int "5", c: !!float 1, d: !!bool true, e: !!str 5, f: !!map {}}'})
    assert found.data == {"a": {"b": 5, "c": 1.0, "d": True, "e": "5", "f": {}}}
    assert not found.problems


def test_the_reader_stops_at_the_200th_problem() -> None:
    found = read({"f": "a: 1\n" * 1000})
    assert len(found.problems) == 201
    assert found.problems[-1].sentence.startswith("These are 200 problems, and the rest was not")
    assert found.problems[-1].place.line == 201


def test_only_so_many_unknown_names_are_listed() -> None:
    sections = checked("".join(f"s{number}: {{}}\n" for number in range(1000)))
    fields = checked(f"users: {{ann: {{{', '.join(f's{n}: 1' for n in range(1000))}}}}}")
    for found in (sections, fields):
        assert len(found.errors) == 201
        assert found.errors[0].sentence.startswith("There are more problems than are listed here")


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
