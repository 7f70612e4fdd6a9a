"""The wire form of values: how models become DynamoDB's items, and items become plain values.

Times are text of fixed width, so that they sort; only TTL attributes are epoch seconds, because
DynamoDB requires that. Knows nothing of which items there are.
"""

import zlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Wire = AttributeValueTypeDef
type Item = dict[str, Wire]


def expiry(at: datetime, retention: timedelta) -> Wire:
    return {"N": str(int((at + retention).timestamp()))}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def attributes(model: BaseModel, names: "Mapping[str, object] | set[str] | None" = None) -> Item:
    """The fields that have a value, in wire form; without those that are never stored, which are
    declared with `exclude`.
    """
    fields = _stored(type(model)) if names is None else names
    values = ((name, getattr(model, name)) for name in fields)
    return {name: wire(value) for name, value in values if value is not None}


@cache
def _stored(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if not field.exclude)


def wire(value: object) -> Wire:
    match value:
        case str():
            # The value of an enumeration, too: DynamoDB wants a plain string.
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case datetime():
            return {"S": stamp(value)}
        case date():
            return {"S": value.isoformat()}
        case timedelta():
            return {"N": str(int(value.total_seconds()))}
        case time():
            return {"S": value.isoformat(timespec="minutes")}
        case BaseModel():
            return {"M": attributes(value)}
        case dict():
            return {"M": {str(name): wire(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [wire(each) for each in value]}
        case _:
            raise TypeError(f"no wire form for {type(value).__name__}")


def inflated(stored: object) -> str | None:
    """The text that was deflated; None for what is not whole, or no such thing: whoever reads it
    says what stands for it, as it must not take down what is read beside it.
    """
    if not isinstance(stored, bytes):
        return None
    try:
        return zlib.decompress(stored).decode()
    except (zlib.error, UnicodeDecodeError):
        return None


def plain(item: Mapping[str, Wire]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: Any) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            # Nearly all there is.
            return content
        case "N":
            try:
                return int(content)
            except ValueError:
                # We write none, so it is somebody's slip: for the model to refuse, with its name.
                return content
        case "M":
            return plain(content)
        case "L":
            return [_plain(each) for each in content]
        case _:
            return content
