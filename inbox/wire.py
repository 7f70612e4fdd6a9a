"""HTTP requests and answers, read and written whole. Nothing here knows a provider."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

_JSON = "application/json; charset=utf-8"
_DEEPEST = 64


class Unreadable(Exception):
    """The body does not have the form that a provider reads. The text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is percent-decoded and has no query; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def place(self) -> str:
        """The name that scripts give it: the path or, in AWS's JSON protocol with its single path,
        the operation.
        """
        return f"/{self.headers['x-amz-target']}" if "x-amz-target" in self.headers else self.path

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> dict[str, Any]:
        """The body. Raises `Unreadable` for anything but a JSON object."""
        return read_object(self.body)

    def fields(self) -> dict[str, Any]:
        """The body, a form or a JSON object, for providers that read both. Raises `Unreadable`."""
        if self.media_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))
        return self.json()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def read_object(body: bytes) -> dict[str, Any]:
    """Raises `Unreadable` for anything but a JSON object of at most 64 levels."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    if _is_too_deep(value):
        raise Unreadable(f"the body is nested more than {_DEEPEST} levels deep")
    return value


def _is_too_deep(value: Any) -> bool:
    """Code that walks the value later may recurse."""
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
