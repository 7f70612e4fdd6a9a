"""Defines a route. Each function has one table of routes: it routes by the table, and the OpenAPI
description is made from it. No route and no handler stands here.
"""

import re
from collections.abc import Sequence
from dataclasses import field
from typing import Any, Final

from pydantic import BaseModel

from opsknight.classes import dataclass
from opsknight.http.gateway import Failure, HttpError, Request

LIMITS: Final = (
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "RateLimit",
    "RateLimit-Policy",
)
RETRY_AFTER: Final = ("Retry-After",)
ID_PATTERN: Final = "[0-9A-Za-z_-]{1,100}"
_ID: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Reply:
    """One status that a route answers with."""

    status: int
    text: str
    model: type | None = Failure
    """The shape of the body; None for any object."""
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query."""

    name: str
    text: str
    schema: dict[str, Any]
    example: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Route[H]:
    """A method and a path, with the keys that may call it, its handler, and what its reader needs.

    A `{name}` in the path is an id. `H` is the type of the function's handlers.
    """

    method: str
    path: str
    name: str
    """The operation's name in generated clients."""
    scope: str = ""
    """The scope that an API key needs; empty for a route that needs no key."""
    scope_with: tuple[str, str] | None = None
    """A parameter of the query, and the scope that a key needs instead where it is given."""
    integration_key: bool = False
    """Whether it takes integration keys too, which have no scopes."""
    handler: H
    summary: str
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    body_required: bool = True
    example: object = None
    """A body that is accepted."""
    replies: tuple[Reply, ...]
    errors: tuple[int, ...] = ()
    """Statuses that mean the same as with other routes."""

    def scope_of(self, request: Request) -> str:
        if self.scope_with is not None and request.query.get(self.scope_with[0], "").strip():
            return self.scope_with[1]
        return self.scope


@dataclass(frozen=True, slots=True)
class Router[H]:
    routes: Sequence[Route[H]]
    _parts: list[tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parts", [tuple(each.path.split("/")) for each in self.routes])

    def find(self, request: Request) -> tuple[Route[H], tuple[str, ...]]:
        """The route, and the ids in the path. Raises HttpError: 404 or 405."""
        sent = request.path.split("/")
        found = [
            (route, ids)
            for route, parts in zip(self.routes, self._parts, strict=True)
            if (ids := _ids(parts, sent)) is not None
        ]
        # A path that is spelled out is no id: what is allowed there is not what is allowed here.
        fewest = min((len(ids) for _, ids in found), default=0)
        found = [(route, ids) for route, ids in found if len(ids) == fewest]
        # Uptime monitors ask so; API Gateway leaves the body out.
        method = "GET" if request.method == "HEAD" else request.method
        for route, ids in found:
            if route.method == method:
                return route, ids
        if found:
            allowed = ", ".join(route.method for route, _ in found)
            raise HttpError(405, "Method not allowed", Allow=allowed)
        raise HttpError(404, "Not found")


def _ids(parts: Sequence[str], sent: Sequence[str]) -> tuple[str, ...] | None:
    """None where the path is another one."""
    if len(parts) != len(sent):
        return None
    ids = []
    for part, each in zip(parts, sent, strict=True):
        if part.startswith("{"):
            if not _ID.fullmatch(each):
                return None
            ids.append(each)
        elif part != each:
            return None
    return tuple(ids)
