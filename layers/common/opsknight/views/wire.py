"""How an answer becomes JSON. An answer is a `Shape`: the function returns it, the OpenAPI
description is made from it, and this module writes it. The shapes themselves are in `models`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from datetime import UTC, date, datetime
from typing import Any, ClassVar, dataclass_transform

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from opsknight.classes import dataclass

type Json = dict[str, Any]

# `str | Absent = None` is a text that is left out when there is none; `str | None` without a
# default is always there, and may be null.
Absent = SkipJsonSchema[None]


@dataclass_transform(eq_default=False, frozen_default=True, kw_only_default=True)
class Shape:
    """Base of all answers: makes a subclass a frozen dataclass, which is written in camelCase.

    Not a pydantic model: nothing is validated on the way out, as a stored value that this version
    does not know must not fail an answer. The configuration is for the OpenAPI description.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel)
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    layout: ClassVar[Sequence[tuple[str, str, bool]]]
    """For each field: its attribute, its name in JSON, and whether it may be absent."""

    def __init_subclass__(cls) -> None:
        # Parts that no answer needs would make each function start later.
        dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)
        camel = "alias_generator" in cls.__pydantic_config__
        cls.layout = [
            (each.name, to_camel(each.name) if camel else each.name, each.default is None)
            for each in fields(cls)
        ]


def to_json(answer: Shape) -> Json:
    """Times as `time` writes them. A field whose default is None is absent while it is."""
    written: Json = {}
    for attribute, name, optional in answer.layout:
        value = getattr(answer, attribute)
        if value is not None or not optional:
            written[name] = _plain(value)
    return written


def time(at: datetime) -> str:
    """RFC 3339 in UTC: always three digits and a `Z`, so that texts sort as times do. What is
    stored is finer; the rest is cut off, never rounded into the future.
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    match value:
        case None | str() | int() | float():
            return value
        case datetime():
            return time(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return to_json(value)
