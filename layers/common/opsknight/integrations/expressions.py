"""JMESPath expressions over what a tool sends, with a few functions that its payloads need.

An expression that fails on a payload yields nothing, and says why: an alert is not lost for it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast

import jmespath
from jmespath import exceptions, functions
from jmespath.parser import ParsedResult

from opsknight.incident.event_request import readable_float, readable_int
from opsknight.integrations.drafts import words

_ANY: Final[Mapping[str, Any]] = {"types": []}
_SEVERAL: Final[Mapping[str, Any]] = {"types": [], "variadic": True}
_TEXT: Final[Mapping[str, Any]] = {"types": ["string"]}
# What it reads is written again: NaN and Infinity, which are no JSON, are null.
_JSON: Final = json.JSONDecoder(
    parse_float=readable_float, parse_int=readable_int, parse_constant=lambda _: None
)


class Invalid(ValueError):
    """The text is no expression. Says why, in one line."""


def _takes[F](*arguments: Mapping[str, Any]) -> Callable[[F], F]:
    return cast("Callable[[F], F]", functions.signature(*arguments))


class _Functions(functions.Functions):  # type: ignore[misc]
    """`_func_NAME` is called NAME in an expression."""

    @_takes(_TEXT, _SEVERAL)
    def _func_joined(self, separator: str, *parts: object) -> str | None:
        """The texts and numbers among the parts, joined; null where there are none. Blank ones are
        left out.
        """
        written = (part if isinstance(part, str) else words(part) for part in parts if words(part))
        return separator.join(written) or None

    @_takes(_TEXT, _SEVERAL)
    def _func_key(self, tool: str, first: object, *more: object) -> str | None:
        """A dedup key: the parts joined by colons. Null without the first one, as a key that says
        only which tool it is would make one problem of all of them.
        """
        return self._func_joined(":", tool, first, *more) if words(first) else None

    @_takes(_ANY)
    def _func_lower(self, sent: object) -> str | None:
        return words(sent).lower() or None

    @_takes(_ANY)
    def _func_parsed(self, sent: object) -> Any:
        """The JSON in a text; anything else as it is."""
        if not isinstance(sent, str):
            return sent
        try:
            return _JSON.decode(sent)
        except (ValueError, RecursionError):
            return None

    @_takes(_ANY, _TEXT)
    def _func_tag(self, tags: object, name: str) -> str | None:
        """The value of a tag: of `name:value` in a list or between commas, or of a list of objects
        with `tag`, `name` or `key` and `value`.
        """
        return next((value for each, value in _tags(tags) if each == name), None)


_OPTIONS: Final = jmespath.Options(custom_functions=_Functions())
# A sender's number may be infinite, or longer than a float holds.
_FAILURES: Final = (ValueError, TypeError, ArithmeticError, RecursionError)


class Expression:
    def __init__(self, text: str) -> None:
        """Raises Invalid."""
        self.text = text
        self._parsed = _compiled(text)

    def of(self, sent: object, problem: Callable[[str], None]) -> Any:
        """Its value. None where there is none, or where it fails, which `problem` is told."""
        try:
            return self._parsed.search(sent, options=_OPTIONS)
        except (exceptions.JMESPathError, *_FAILURES) as error:
            problem(str(error).splitlines()[0] if str(error) else type(error).__name__)
            return None


def evaluated(text: str, sent: object, problem: Callable[[str], None]) -> Any:
    """The value of an expression that is stored. None, too, where a newer version has written it,
    and this one cannot read it.
    """
    try:
        found = Expression(text)
    except Invalid as error:
        problem(str(error))
        return None
    return found.of(sent, problem)


@lru_cache(maxsize=256)
def _compiled(text: str) -> ParsedResult:
    try:
        parsed = jmespath.compile(text)
        # Unknown functions, and wrong numbers of arguments, show when it is used.
        for name, count in _calls(parsed.parsed):
            known = _Functions.FUNCTION_TABLE.get(name)
            if known is None:
                raise Invalid(f"there is no function {name}()")
            wanted = known["signature"]
            several = bool(wanted and wanted[-1].get("variadic"))
            if count < len(wanted) or (count > len(wanted) and not several):
                least = " at least" if several else ""
                raise Invalid(f"{name}() takes{least} {len(wanted)} arguments, not {count}")
    except (exceptions.JMESPathError, RecursionError) as error:
        raise Invalid(str(error).splitlines()[0]) from None
    return parsed


def _calls(node: Any) -> Iterator[tuple[str, int]]:
    if node.get("type") == "function_expression":
        yield node["value"], len(node["children"])
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _calls(child)


def truth(sent: object) -> str:
    """As `words`, and `true` and `false` besides: what rules compare."""
    return str(sent).lower() if isinstance(sent, bool) else words(sent)


def _tags(sent: object) -> Iterator[tuple[str, str]]:
    parts: list[Any] = sent.split(",") if isinstance(sent, str) else []
    if isinstance(sent, list):
        parts = sent
    for part in parts:
        match part:
            case str():
                name, _, value = part.strip().partition(":")
                yield name, value.strip()
            case {"value": value, **rest}:
                named = next((rest[each] for each in ("tag", "name", "key") if each in rest), None)
                yield words(named), words(value)
            case _:
                pass
