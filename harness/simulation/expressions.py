"""DynamoDB's expressions, as far as the product writes them: conditions, filters and keys.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
Each text is read once; what comes out are functions of an item and the names and values given.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

type Item = Mapping[str, Any]
type Path = tuple[str, ...]
type Names = Mapping[str, str]
type Condition = Callable[[Item, Names, Item], bool]
type Operand = Callable[[Item, Names, Item], Any]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<word>[#:]?[A-Za-z_][A-Za-z0-9_]*(?:\.[#A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<sign><=|>=|<>|[=<>(),+-]))"
)


class Invalid(Exception):
    """DynamoDB would answer ValidationException; the text says why."""


def get(item: Item, path: Path) -> Any:
    """The value at a path, in wire form; None where there is none."""
    found: Any = item.get(path[0])
    for part in path[1:]:
        if found is None or "M" not in found:
            return None
        found = found["M"].get(part)
    return found


def same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    [(kind, value)], [(other_kind, other_value)] = one.items(), other.items()
    if kind != other_kind:
        return False
    match kind:
        case "N":
            return Decimal(value) == Decimal(other_value)
        case "M":
            return value.keys() == other_value.keys() and all(
                same(value[name], other_value[name]) for name in value
            )
        case "L":
            return len(value) == len(other_value) and all(map(same, value, other_value))
        case _:
            return bool(value == other_value)


def _order(one: Any, other: Any) -> int | None:
    """-1, 0 or 1; None for what cannot be compared."""
    if one is None or other is None:
        return None
    [(kind, value)], [(other_kind, other_value)] = one.items(), other.items()
    if kind != other_kind or kind not in ("S", "N", "B"):
        return None
    if kind == "N":
        value, other_value = Decimal(value), Decimal(other_value)
    elif kind == "S":
        # By bytes: Python's order of characters is the same for UTF-8.
        pass
    return int(value > other_value) - int(value < other_value)


_COMPARE: Final[Mapping[str, Callable[[int], bool]]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


class Reader:
    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.place = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.next
        if not token or (wanted and token.upper() != wanted):
            raise Invalid(f"Syntax error: {token!r} where {wanted or 'more'} was expected")
        self.place += 1
        return token

    def end(self) -> None:
        if self.next:
            raise Invalid(f"Syntax error: {self.next!r} at the end")

    def operand(self) -> Operand:
        token = self.take()
        if token.startswith(":"):
            return lambda _item, _names, values: _value(values, token)
        parts = tuple(token.split("."))
        return lambda item, names, _values: get(item, path(parts, names))

    def either(self) -> Condition:
        found = self.both()
        while self.next.upper() == "OR":
            self.take()
            found = _or(found, self.both())
        return found

    def both(self) -> Condition:
        found = self.term()
        while self.next.upper() == "AND":
            self.take()
            found = _and(found, self.term())
        return found

    def term(self) -> Condition:
        if self.next.upper() == "NOT":
            self.take()
            inner = self.term()
            return lambda *it: not inner(*it)
        if self.next == "(":
            self.take()
            found = self.either()
            self.take(")")
            return found
        if self.tokens[self.place + 1 : self.place + 2] == ["("]:
            return self.function()
        return self.comparison(self.operand())

    def function(self) -> Condition:
        name = self.take()
        self.take("(")
        first = self.operand()
        second = None
        if self.next == ",":
            self.take()
            second = self.operand()
        self.take(")")
        if name == "begins_with" and second is not None:
            prefix = second
            return lambda *it: _begins(first(*it), prefix(*it))
        match name, second:
            case "attribute_exists", None:
                return lambda *it: first(*it) is not None
            case "attribute_not_exists", None:
                return lambda *it: first(*it) is None
            case _:
                raise Invalid(f"no such function here: {name}")

    def comparison(self, left: Operand) -> Condition:
        sign = self.take().upper()
        if sign == "BETWEEN":
            low = self.operand()
            self.take("AND")
            return _between(left, low, self.operand())
        if sign == "IN":
            self.take("(")
            choices = [self.operand()]
            while self.next == ",":
                self.take()
                choices.append(self.operand())
            self.take(")")
            return lambda *it: any(same(left(*it), choice(*it)) for choice in choices)
        right = self.operand()
        if sign == "=":
            return lambda *it: same(left(*it), right(*it))
        if sign == "<>":
            # An attribute that is absent differs from every value.
            return lambda *it: not same(left(*it), right(*it))
        if sign not in _COMPARE:
            raise Invalid(f"Syntax error: {sign!r}")
        fits = _COMPARE[sign]
        return lambda *it: (order := _order(left(*it), right(*it))) is not None and fits(order)


def _tokens(text: str) -> Iterator[str]:
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise Invalid(f"Syntax error at {text[place : place + 20]!r}")
        place = found.end()
        yield found["word"] or found["sign"]


def _or(one: Condition, other: Condition) -> Condition:
    return lambda *it: one(*it) or other(*it)


def _and(one: Condition, other: Condition) -> Condition:
    return lambda *it: one(*it) and other(*it)


def _between(left: Operand, low: Operand, high: Operand) -> Condition:
    def holds(*it: Any) -> bool:
        value = left(*it)
        above, below = _order(value, low(*it)), _order(value, high(*it))
        return above is not None and below is not None and above >= 0 >= below

    return holds


def _begins(value: Any, prefix: Any) -> bool:
    if value is None:
        return False
    [(kind, text)], [(other, beginning)] = value.items(), prefix.items()
    return bool(kind == other and text.startswith(beginning))


def _value(values: Item, token: str) -> Any:
    if token not in values:
        raise Invalid(f"An expression attribute value used is not defined: {token}")
    return values[token]


def path(parts: Path, names: Names) -> Path:
    try:
        return tuple(names[part] if part.startswith("#") else part for part in parts)
    except KeyError as missing:
        raise Invalid(f"An expression attribute name used is not defined: {missing}") from None


@cache
def condition(text: str) -> Condition:
    reader = Reader(text)
    found = reader.either()
    reader.end()
    return found


@cache
def used(*texts: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names and values that expressions speak of: what is given and not used is refused."""
    words = {part for text in texts for token in _tokens(text) for part in token.split(".")}
    return (
        frozenset(word for word in words if word.startswith("#")),
        frozenset(word for word in words if word.startswith(":")),
    )
