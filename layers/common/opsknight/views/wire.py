"""How an answer becomes JSON. An answer is a frozen dataclass: the function returns it, the OpenAPI
description is made from it, and this module writes it. No rule and no shape of its own.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

type Json = dict[str, Any]

# `str | Absent = None` is a text that is left out when there is none; `str | None` without a
# default is always there, and may be null.
Absent = SkipJsonSchema[None]


class CamelCase:
    """Base of the answers whose fields are written in camelCase."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel)


def to_json(answer: "DataclassInstance") -> Json:
    """Times in UTC, in ISO 8601 with a Z; a field whose default is None is absent when it is None.

    Nothing is validated: a stored value that this version does not know must not fail an answer.
    """
    written: Json = {}
    for attribute, name, optional in _layout(type(answer)):
        value = getattr(answer, attribute)
        if value is not None or not optional:
            written[name] = _plain(value)
    return written


def time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    match value:
        case None | str() | int() | float():
            return value
        case datetime():
            return time(value)
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return to_json(value)


@cache
def _layout(kind: "type[DataclassInstance]") -> tuple[tuple[str, str, bool], ...]:
    """For each field: its attribute, its name in JSON, and whether it may be absent."""
    camel = issubclass(kind, CamelCase)
    return tuple(
        (each.name, to_camel(each.name) if camel else each.name, each.default is None)
        for each in fields(kind)
    )
