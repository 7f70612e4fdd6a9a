"""Expressions of presets and routes: our functions, what fails, and what is refused beforehand."""

from typing import Any

import pytest

from opsknight.directory.presets import ActionRule, Preset, SeverityRule
from opsknight.incident.model import Action
from opsknight.integrations.drafts import Draft
from opsknight.integrations.expressions import Expression, Invalid
from opsknight.integrations.reading import Meaningless, Passed, read


def value(text: str, sent: object) -> Any:
    problems: list[str] = []
    found = Expression(text).of(sent, problems.append)
    assert not problems, problems
    return found


@pytest.mark.parametrize(
    ("text", "sent", "found"),
    [
        ("joined(' on ', a, b)", {"a": "disk", "b": 7}, "disk on 7"),
        ("joined('', a, ' is down')", {"a": "API"}, "API is down"),
        ("joined(':', a, b)", {"a": "", "b": None}, None),
        ("lower(a)", {"a": "P1"}, "p1"),
        ("lower(a)", {"a": []}, None),
        ("parsed(a).b", {"a": '{"b": 1}'}, 1),
        ("parsed(a).b", {"a": {"b": 1}}, 1),
        ("parsed(a)", {"a": "{"}, None),
        ("parsed(a)", {"a": '{"b": NaN, "c": 1e999}'}, {"b": None, "c": "1e999"}),
        ("tag(a, 'env')", {"a": "host:web, env:prod"}, "prod"),
        ("tag(a, 'env')", {"a": ["env:a:b"]}, "a:b"),
        ("tag(a, 'env')", {"a": [{"tag": "env", "value": "prod"}]}, "prod"),
        ("tag(a, 'env')", {"a": [{"key": "env", "value": 1}, 7]}, "1"),
        ("tag(a, 'env')", {"a": 7}, None),
    ],
)
def test_a_function_finds(text: str, sent: object, found: object) -> None:
    assert value(text, sent) == found


@pytest.mark.parametrize("first", [None, "", " ", {}, []])
def test_a_key_without_its_first_part_is_none(first: object) -> None:
    assert value("key('tool', a, b)", {"a": first, "b": "host"}) is None
    assert value("key('tool', b, a)", {"a": first, "b": "host"}) == "tool:host"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a.", "expression"),
        ("a = 'b'", "Unknown token"),
        ("unheard(a)", "there is no function unheard()"),
        ("length()", "length() takes 1 arguments, not 0"),
        ("a[?b(c)]", "there is no function b()"),
        ("key('a')", "key() takes at least 2 arguments, not 1"),
    ],
)
def test_a_misspelt_expression_is_refused_before_any_alert_needs_it(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=r".") as refused:
        Expression(text)
    assert why in str(refused.value)


def test_an_expression_that_fails_yields_nothing_and_says_why() -> None:
    problems: list[str] = []
    assert Expression("length(a)").of({"a": 7}, problems.append) is None
    assert len(problems) == 1


@pytest.mark.parametrize("text", ["ceil(a)", "floor(to_number(b))", "avg([c])"])
def test_a_number_that_is_no_number_yields_nothing(text: str) -> None:
    sent = {"a": float("inf"), "b": "1e999", "c": 10**400}
    problems: list[str] = []
    assert Expression(text).of(sent, problems.append) is None
    assert len(problems) == 1


def preset(**more: Any) -> Preset:
    rules = {"action": ActionRule(value="item.state", resolve=("resolved",), ignore=("test",))}
    fields = rules | {"dedup_key": "item.id", "summary": "item.title"} | more
    return Preset(id="preset_tool", name="Tool", **fields)


def one(sent: object, **more: Any) -> object:
    [found] = read(preset(**more), sent, {})
    return found


def test_words_are_compared_as_a_whole() -> None:
    for state, action in {
        "Resolved": Action.RESOLVE,
        "not resolved": Action.TRIGGER,
        "resolve": Action.TRIGGER,
    }.items():
        found = one({"state": state, "id": "1", "title": "T"})
        assert isinstance(found, Draft)
        assert found.action is action
    assert isinstance(one({"state": "TEST", "id": "1"}), Passed)
    assert isinstance(one({"state": "tests", "id": "1"}), Draft)


def test_a_summary_that_fails_loses_no_alert() -> None:
    found = one({"id": 7, "title": 7}, summary="length(item.title)")
    assert isinstance(found, Draft)
    assert (found.dedup_key, found.summary) == ("7", "7")
    assert [name for name, _ in found.problems] == ["summary"]


def test_what_names_no_problem_is_refused() -> None:
    assert isinstance(one({}), Meaningless)
    assert isinstance(one({"state": "resolved", "title": "T"}), Meaningless)
    assert isinstance(one([]), Meaningless)
    assert isinstance(one(7), Meaningless)


def test_a_severity_that_is_not_listed_is_the_senders_word() -> None:
    rule = SeverityRule(value="item.level", error=("high",))
    for level, severity in {"HIGH": "error", "P3": "P3", None: None}.items():
        found = one({"id": 1, "level": level}, severity=rule)
        assert isinstance(found, Draft)
        assert found.severity == severity
