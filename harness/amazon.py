"""Real botocore clients that reach nobody: requests are checked against the service's model and
kept, and answers come from a script.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from botocore.config import Config
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

from harness import clients

type Answer = dict[str, Any] | tuple[str, int] | Exception
"""The service's answer; an error code with its HTTP status; or an exception to raise."""


@dataclass
class Amazon:
    """`answers` in turn; the last one repeats. `calls` are (operation, parameters)."""

    service: str
    answers: list[Answer] = field(repr=False)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list, repr=False)
    reason: str | None = None

    def client(self, config: Config | None = None) -> Any:
        client = clients.client(self.service, config=config)
        events = client.meta.events
        events.register(f"provide-client-params.{self.service}", self._note)
        events.register(f"before-call.{self.service}", self._answer)
        return client

    def _note(self, params: dict[str, Any], model: OperationModel, **_: object) -> None:
        self.calls.append((model.name, params))

    def _answer(self, model: OperationModel, **_: object) -> tuple[object, dict[str, Any]]:
        # By now botocore has checked names, types and required fields, but not patterns or lengths.
        problems = list(violations(self.calls[-1][1], model.input_shape))
        assert not problems, problems
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple):
            code, status = answer
            error = {"Error": {"Code": code, "Message": "sesame"}, "Reason": self.reason}
            return SimpleNamespace(status_code=status), error | {
                "ResponseMetadata": {"HTTPStatusCode": status}
            }
        return SimpleNamespace(status_code=HTTPStatus.OK), answer


def violations(value: Any, shape: Shape | None, path: str = "") -> Iterator[str]:
    """Lengths, patterns and enum values that the service would refuse."""
    match shape:
        case StructureShape():
            for name, member in value.items():
                yield from violations(member, shape.members[name], f"{path}.{name}")
        case ListShape():
            yield from _length(len(value), shape, path)
            for number, member in enumerate(value):
                yield from violations(member, shape.member, f"{path}[{number}]")
        case MapShape():
            yield from _length(len(value), shape, path)
            for name, member in value.items():
                yield from violations(name, shape.key, f"{path} key")
                yield from violations(member, shape.value, f"{path}.{name}")
        case StringShape():
            yield from _length(len(value), shape, path)
            if shape.enum and value not in shape.enum:
                yield f"{path}: {value!r} is none of its words"
            pattern = shape.metadata.get("pattern")
            if pattern and not re.fullmatch(pattern, value):
                yield f"{path}: {value!r} does not match {pattern}"
        case _ if shape and shape.type_name == "integer":
            yield from _length(value, shape, path)


def _length(size: int, shape: Shape, path: str) -> Iterator[str]:
    if not shape.metadata.get("min", 0) <= size <= shape.metadata.get("max", size):
        yield f"{path}: {size} is out of bounds"
