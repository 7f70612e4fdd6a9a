"""Dataclasses whose methods are written when they are first called behave as any others."""

import copy
import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, replace
from typing import Any

import pytest

from opsknight.classes import dataclass


def defined(decorator: Any) -> tuple[Any, Any, Any, Any, Any]:
    @decorator(frozen=True, slots=True)
    class Frozen:
        a: int
        b: str = "b"
        c: list[int] = field(default_factory=list)
        secret: str = field(default="", repr=False, compare=False)

    @decorator(frozen=True, slots=True)
    class Child(Frozen):
        d: int = 4

    @decorator(frozen=True, slots=True, kw_only=True)
    class Named:
        a: int = 1
        b: int
        both: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "both", self.a + self.b)

    @decorator(frozen=True, order=True)
    class Ordered:
        a: int
        b: str = ""

    @decorator(slots=True)
    class Mutable:
        a: int = 0
        seen: list[int] = field(default_factory=list)
        asked: bool = field(default=False, init=False)

        def __repr__(self) -> str:
            return "mine"

    return Frozen, Child, Named, Mutable, Ordered


def seen(decorator: Any) -> list[object]:
    """What can be seen of classes that a decorator makes."""
    frozen, child, named, mutable, ordered = defined(decorator)
    a = frozen(1, c=(2,), secret="s")

    def outcome(call: Callable[[], object]) -> object:
        try:
            return call()
        except (TypeError, FrozenInstanceError, AttributeError) as error:
            return type(error).__name__, str(error).rpartition(".")[2]

    def set_a(of: Any) -> object:
        of.a = 5
        return of.a

    def delete_a(of: Any) -> None:
        del of.a

    return [
        repr(a).rpartition(".")[2],
        repr(child(1, "x", [])).rpartition(".")[2],
        repr(mutable()),
        mutable().asked,
        a == frozen(1, c=(2,), secret="t"),
        a == frozen(2, c=(2,)),
        a == child(1, c=(2,)),
        a == 1,
        hash(a) == hash(frozen(1, c=(2,))),
        len({child(1, c=(), d=5), child(1, c=(), d=5)}),
        replace(a, a=7).a,
        named(b=2).both,
        frozen(1).c is frozen(1).c,
        outcome(frozen),
        outcome(lambda: frozen(1, e=2)),
        outcome(lambda: named(1)),
        outcome(lambda: set_a(a)),
        outcome(lambda: delete_a(a)),
        outcome(lambda: set_a(mutable())),
        outcome(lambda: hash(mutable())),
        outcome(lambda: hash(frozen(1))),
        mutable() == mutable(),
        [each.name for each in dataclasses.fields(child)],
        sorted([ordered(2), ordered(1, "b"), ordered(1)])
        == [ordered(1), ordered(1, "b"), ordered(2)],
        [ordered(1) <= ordered(1), ordered(1) > ordered(0), ordered(1) >= ordered(2)],
        dataclasses.asdict(child(1)),
        child.__match_args__,
        copy.deepcopy(child(1, c=[3])).c,
        hasattr(a, "__dict__"),
    ]


def test_they_are_as_those_of_the_standard_library() -> None:
    assert seen(dataclass) == seen(dataclasses.dataclass)


def test_a_method_is_written_when_it_is_first_called() -> None:
    frozen, *_ = defined(dataclass)
    at_first = frozen.__init__
    frozen(1)
    written = frozen.__init__
    frozen(2)
    assert written is not at_first
    assert frozen.__init__ is written


@pytest.mark.parametrize("_turn", range(5))
def test_threads_that_come_first_at_once_all_get_theirs(_turn: int) -> None:
    _, child, *_ = defined(dataclass)
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: child(number, d=number), range(64)))
    assert [(each.a, each.d) for each in made] == [(number, number) for number in range(64)]
