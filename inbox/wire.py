"""What goes over the wire, both ways, read whole. Nothing here knows a provider."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

_JSON = "application/json; charset=utf-8"
_DEEPEST = 64


class Unreadable(Exception):
    """The body is not what the provider reads; said as a person would."""


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is percent-decoded and without the query; names of headers are in small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def place(self) -> str:
        """What tells requests apart: the path, or for AWS's JSON protocol, which has but one path,
        the name of the operation.
        """
        return f"/{self.headers['x-amz-target']}" if "x-amz-target" in self.headers else self.path

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> dict[str, Any]:
        """Raises `Unreadable` for anything but an object."""
        return read_object(self.body)

    def fields(self) -> dict[str, Any]:
        """A form or a JSON object, for providers that read either."""
        if self.media_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))
        return self.json()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def read_object(body: bytes) -> dict[str, Any]:
    """Raises `Unreadable` for anything but a JSON object of sane depth."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    if _is_too_deep(value):
        raise Unreadable(f"the body is nested more than {_DEEPEST} times")
    return value


def _is_too_deep(value: Any) -> bool:
    """Whoever walks it later may do so by calling itself."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def as_json(status: int, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": _JSON, **(headers or {})})


def as_text(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
