"""The HTTP API that people's programs use (docs/http-api.md): which route does what, with which
scope. Every answer is JSON.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opsknight.directory.entries import (
    INCIDENTS_READ,
    INCIDENTS_WRITE,
    SCHEDULES_READ,
    SCHEDULES_WRITE,
    SERVICES_READ,
    SERVICES_WRITE,
)
from opsknight.http.auth import DirectoryCache, Limiter, LimitReached
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, HttpError, Request
from opsknight.store.calls import Deadline, Unavailable
from respond.incidents import ACTIONS, Incidents
from respond.request import ApiCall, caller_of, limited, over_the_limit
from respond.rosters import Rosters

PREFIX: Final = "/api/"
_ID: Final = r"([0-9A-Za-z_-]{1,100})"


type Handler = Callable[["Api", ApiCall], Answer]

ROUTES: Final[Mapping[str, Mapping[str, tuple[str, Handler]]]] = {
    "/api/incidents": {
        "GET": (INCIDENTS_READ, lambda api, asked: api.incidents.list(asked)),
        "POST": (INCIDENTS_WRITE, lambda api, asked: api.incidents.open(asked)),
    },
    "/api/incidents/{id}": {
        "GET": (INCIDENTS_READ, lambda api, asked: api.incidents.show(asked)),
        "PATCH": (INCIDENTS_WRITE, lambda api, asked: api.incidents.patch(asked)),
    },
    "/api/incidents/{id}/{action}": {
        "POST": (INCIDENTS_WRITE, lambda api, asked: api.incidents.act(asked)),
    },
    "/api/services": {
        "GET": (SERVICES_READ, lambda api, asked: api.rosters.services(asked)),
    },
    "/api/services/{id}/maintenance": {
        "GET": (SERVICES_READ, lambda api, asked: api.rosters.windows(asked)),
        "POST": (SERVICES_WRITE, lambda api, asked: api.rosters.add_window(asked)),
    },
    "/api/services/{id}/maintenance/{id}": {
        "DELETE": (SERVICES_WRITE, lambda api, asked: api.rosters.end_window(asked)),
    },
    "/api/schedules": {
        "GET": (SCHEDULES_READ, lambda api, asked: api.rosters.schedules(asked)),
    },
    "/api/schedules/{id}/overrides": {
        "GET": (SCHEDULES_READ, lambda api, asked: api.rosters.overrides(asked)),
        "POST": (SCHEDULES_WRITE, lambda api, asked: api.rosters.add_override(asked)),
    },
    "/api/schedules/{id}/overrides/{id}": {
        "DELETE": (SCHEDULES_WRITE, lambda api, asked: api.rosters.remove_override(asked)),
    },
    "/api/oncall": {
        "GET": (SCHEDULES_READ, lambda api, asked: api.rosters.on_call(asked)),
    },
}
_PATHS: Final = {
    path: re.compile(path.replace("{id}", _ID).replace("{action}", f"({'|'.join(ACTIONS)})"))
    for path in ROUTES
}


@dataclass(frozen=True, slots=True)
class Api:
    directory: DirectoryCache
    limiter: Limiter
    incidents: Incidents
    rosters: Rosters

    def answer(
        self, request: Request, told: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        try:
            return self._answer(request, told, now, deadline)
        except HttpError as refusal:
            return refusal.answer
        except LimitReached:
            return over_the_limit(now)
        except Unavailable as unavailable:
            told["cause"] = str(unavailable)
            return Answer(503, {"error": "Service unavailable"}, RETRY_UNAVAILABLE)

    def _answer(
        self, request: Request, told: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        path, ids = _route(request.path)
        methods = ROUTES[path]
        if request.method not in methods:
            return Answer(405, {"error": "Method not allowed"}, {"Allow": ", ".join(methods)})
        scope, handle = methods[request.method]
        caller = caller_of(request, scope, self.directory, now, deadline)
        told |= {"key_id": caller.by.key.id, "user_id": caller.user.id, "route": path}
        if path.startswith("/api/incidents/"):
            told["incident_id"] = ids[0]
        headers = limited(self.limiter, caller, now)
        try:
            answer = handle(self, ApiCall(request, ids, caller, now, deadline))
        except HttpError as refusal:
            # It was counted, too.
            answer = refusal.answer
        if request.method != "GET" and "result" in answer.body:
            told["result"] = answer.body["result"]["action"]  # type: ignore[index]
        return Answer(answer.status, answer.body, {**headers, **answer.headers})


def _route(path: str) -> tuple[str, tuple[str, ...]]:
    for name, pattern in _PATHS.items():
        if found := pattern.fullmatch(path):
            return name, found.groups()
    raise HttpError(404, "Not found")
