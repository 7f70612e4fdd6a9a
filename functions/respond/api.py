"""Answers the HTTP API that people's programs use (docs/http-api.md): finds the route, checks key,
scope and limit, reads the body. It imports no routes: each function has its own.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from secrets import token_hex
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.escalation.hold import Hold
from opsknight.http.body import invalid, read
from opsknight.http.gateway import Answer, HttpError, Issue, Request, unavailable
from opsknight.http.idempotency import StillRunning, once
from opsknight.http.rate_limiter import LimitReached
from opsknight.http.routes import Route, Router
from opsknight.runtime.addresses import Reach
from opsknight.runtime.queues import Queue
from opsknight.runtime.renders import Renders
from opsknight.runtime.ssm_secrets import LinkKeys, SecretsUnavailable
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.counters import Counters
from opsknight.store.table import Table
from opsknight.views.models import Done
from respond.body import LARGEST_BODY
from respond.callers import READS, Callers
from respond.names import NameCache
from respond.request import ApiCall, over_the_limit
from respond.whole_directory import WholeDirectory

INCIDENT_PATHS: Final = "/api/incidents/"


# Called with the ApiCall, and with the body where the route has one.
type Handler = Callable[..., Answer]
type PeopleRoute = Route[Handler]


@dataclass(frozen=True, slots=True)
class Api:
    table: Table
    directory: WholeDirectory
    names: NameCache
    workers: Executor
    callers: Callers
    new_id: Callable[[str, datetime], str]
    link_keys: LinkKeys | None
    """None where nothing signs links."""
    pages: Queue | None
    """None where nothing is sent."""
    counters: Counters
    hold: Callable[[], Hold]
    router: Callable[[], Router[Handler]]
    renders: Renders | None = None
    new_secret: Callable[[], str] = lambda: token_hex(16)
    remembers: bool = True
    """Whether a request with an Idempotency-Key has a record, which keeps its answer."""
    largest: int = LARGEST_BODY
    reach: Reach = Reach.PRIVATE

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        try:
            return self._answer(request, log_fields, now, deadline)
        except HttpError as error:
            return error.answer
        except LimitReached:
            return over_the_limit(now)
        except (Unavailable, SecretsUnavailable) as cause:
            return unavailable(log_fields, cause)

    def _answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        route, ids = self.router().find(request)
        caller = self.callers.of(request, route.scope_of(request), now, deadline)
        log_fields |= {"key_id": caller.id, "user_id": caller.user.id, "route": route.path}
        if ids and route.path.startswith(INCIDENT_PATHS):
            log_fields["incident_id"] = ids[0]
        headers = self.callers.count(caller, now, writes=request.method not in READS)
        call = ApiCall(
            request,
            ids,
            caller,
            now,
            deadline,
            self.table,
            self.directory,
            self.names,
            self.workers,
            self.new_id,
            self.link_keys,
            self.pages,
            self.counters,
            self.hold,
            self.renders,
            self.new_secret,
            reach=self.reach,
        )
        try:
            answer = self._once(route, call)
        except StillRunning:
            raise
        except HttpError as error:
            # The request was counted, too.
            answer = error.answer
        if isinstance(answer.body, Done):
            log_fields["result"] = answer.body.result.action
        return Answer(answer.status, answer.body, {**headers, **answer.headers})

    def _once(self, route: PeopleRoute, call: ApiCall) -> Answer:
        """Raises HttpError, Unavailable."""
        if not self.remembers:
            return self._handled(route, call)
        key_id, token = call.caller.id, call.new_id("req")
        found = once(call.request, key_id, token, self.table, call.now, call.deadline)
        if found is None:
            return self._handled(route, call)
        if isinstance(found, Answer):
            return found
        begun = replace(call, once=found)
        return found.carry_out(lambda: self._handled(route, begun))

    def _handled(self, route: PeopleRoute, call: ApiCall) -> Answer:
        if route.method == "GET":
            _check_names(route, call.request)
        if route.body is None:
            return route.handler(call)
        sent = call.request.body if route.body_required else call.request.body or b"{}"
        return route.handler(call, read(route.body, sent, self.largest))


def _check_names(route: PeopleRoute, request: Request) -> None:
    """A misspelt filter would list everything. Raises HttpError."""
    known = [each.name for each in route.parameters]
    expected = f"there are {', '.join(known)}" if known else "this route has none"
    unknown = sorted(request.query.keys() - set(known))
    if unknown:
        raise invalid(
            *(Issue(path=name[:100], message=f"unknown parameter: {expected}") for name in unknown)
        )
