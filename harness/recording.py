"""Calls of DynamoDB, held against the role of the function that made them.

MiniStack and moto let everything pass. So a call is judged here before it leaves, by what
`harness.policies` reads in the template. The watched entry points and the nights' stand-ins call
`judge`, and each call of any other test is judged as well: who made it, its stack tells.
"""

import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import Any, Final

import pytest
from botocore.client import BaseClient

from harness.policies import allows

_IN_TRANSACTION: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# By the part of the tree that is nearest to the call. Of two functions with the same code, one has
# to be allowed it: which it was, the watched entry points and the nights know.
_MAKERS: Final = {
    "canary": ("CanaryFunction",),
    "console": ("ConsoleFunction",),
    "events": ("EventsFunction",),
    "respond/keep": ("KeepingFunction",),
    "respond/configur": ("ConfigurationFunction",),
    "respond": ("RespondFunction",),
    "status": ("PublishFunction",),
    "notify": ("NotifyFunction", "SendFunction"),
    "escalation": ("EscalationFunction", "TimerFunction", "TickFunction"),
}


@dataclass(frozen=True)
class Touched:
    """What one call does to one table or index."""

    action: str
    resource: str
    keys: tuple[str, ...]
    """The partitions. Of a transaction all, for each of its actions: AWS does not say whether it
    looks at them one by one.
    """
    attributes: tuple[str, ...] = ()
    """What a write names: attributes of items, keys, those that it changes and that its condition
    looks at. Of a transaction all, too. Nobody is held to what they may read.
    """


DENIED: Final = set[str]()
_ON_BEHALF: Final = ContextVar[tuple[str, ...]]("_ON_BEHALF", default=())
"""The functions for which a thread of a pool works: its own stack does not know who asked it."""


class Denied(AssertionError):
    """On AWS this call would have been refused."""


def judge(functions: Collection[str], operation: str, params: Mapping[str, Any]) -> None:
    """Raises Denied for a call that the roles of all these functions refuse."""
    for each in touched(operation, params):
        action = f"dynamodb:{each.action}"
        asked = each.resource, each.keys, each.attributes
        if not any(allows(name, action, *asked) for name in functions):
            found = f"{functions} may not {each.action} {each.resource}: {asked[1:]}"
            DENIED.add(found)
            raise Denied(found)


def touched(operation: str, params: Mapping[str, Any]) -> Iterator[Touched]:
    match operation:
        case "TransactWriteItems":
            writes = [next(iter(each.items())) for each in params["TransactItems"]]
            keys = tuple(_partition(each) for _, each in writes)
            named = tuple(sorted({name for _, each in writes for name in attributes(each)}))
            for kind, each in writes:
                yield Touched(_IN_TRANSACTION[kind], _table(each["TableName"]), keys, named)
        case "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                found = tuple(each["pk"]["S"] for each in asked["Keys"])
                yield Touched(operation, _table(table), found)
        case "BatchWriteItem":
            for table, asked in params["RequestItems"].items():
                requests = [next(iter(each.values())) for each in asked]
                named = tuple(sorted({name for each in requests for name in attributes(each)}))
                yield Touched(operation, _table(table), tuple(map(_partition, requests)), named)
        case "Query":
            name = params["KeyConditionExpression"].partition(" = ")[2].split()[0]
            key = params["ExpressionAttributeValues"][name]["S"]
            table = _table(params["TableName"])
            index = params.get("IndexName")
            yield Touched(operation, f"{table}/index/{index}" if index else table, (key,))
        case "GetItem":
            yield Touched(operation, _table(params["TableName"]), (_partition(params),))
        case "PutItem" | "UpdateItem" | "DeleteItem":
            named = tuple(sorted(attributes(params)))
            yield Touched(operation, _table(params["TableName"]), (_partition(params),), named)
        case _:
            raise Denied(f"no function may {operation}")


# Names in an expression: those with a colon in front are values, those after a dot lie below one.
_NAMES: Final = re.compile(r"(?<![:.#\w])#?[A-Za-z_]\w*(?!\w*\s*\()")
_WORDS: Final = frozenset(["SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "IN", "BETWEEN"])


def attributes(asked: Mapping[str, Any]) -> Iterator[str]:
    """The attributes that one write names."""
    yield from asked.get("Item", {})
    yield from asked.get("Key", {})
    aliases = asked.get("ExpressionAttributeNames", {})
    for part in ("UpdateExpression", "ConditionExpression"):
        for name in _named(asked.get(part, "")):
            yield aliases.get(name, name)


@cache
def _named(expression: str) -> tuple[str, ...]:
    return tuple(name for name in _NAMES.findall(expression) if name not in _WORDS)


def _partition(asked: Mapping[str, Any]) -> str:
    found: str = (asked.get("Key") or asked["Item"])["pk"]["S"]
    return found


def _table(name: str) -> str:
    return "RatesTable" if name.lower().startswith("ratestable") else "Table"


@cache
def owners(file: str) -> tuple[str, ...]:
    """The functions whose code a file is; none for what several share, and for other programs."""
    _, root, place = file.rpartition("/functions/")
    return next((_MAKERS[each] for each in _MAKERS if root and place.startswith(each)), ())


def makers(frame: FrameType | None) -> tuple[str, ...]:
    """The functions in whose name the code of this stack runs; none for the command line, for a
    test itself, and for a thread beside a request.
    """
    while frame is not None:
        if found := owners(frame.f_code.co_filename):
            return found
        if "/tests/" in frame.f_code.co_filename:
            # What a test does in the middle of a call is its own.
            return ()
        frame = frame.f_back
    return ()


@pytest.fixture(scope="session", autouse=True)
def calls_are_judged() -> Iterator[None]:
    make: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]
    submit: Callable[..., Any] = ThreadPoolExecutor.submit

    def submitted(self: Any, call: Callable[..., Any], /, *args: Any, **more: Any) -> Any:
        functions = makers(sys._getframe(1)) or _ON_BEHALF.get()

        def on_behalf() -> Any:
            _ON_BEHALF.set(functions)
            return call(*args, **more)

        return submit(self, on_behalf)

    def judged(self: Any, operation: str, params: dict[str, Any]) -> Any:
        is_dynamodb = self.meta.service_model.service_name == "dynamodb"
        if is_dynamodb and (functions := makers(sys._getframe(1)) or _ON_BEHALF.get()):
            judge(functions, operation, params)
        return make(self, operation, params)

    BaseClient._make_api_call = judged  # type: ignore[attr-defined]
    ThreadPoolExecutor.submit = submitted  # type: ignore[method-assign]
    yield
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
    BaseClient._make_api_call = make  # type: ignore[attr-defined]
    # Code under test may have caught it.
    assert not DENIED
