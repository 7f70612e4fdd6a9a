"""Woken by API Gateway (payload format 2.0) when somebody acts: opens the page behind a link, or
presses a button there.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from opsknight import runtime
from opsknight.answers import Answer, Request, json_fault, respond
from opsknight.callers import Directory
from opsknight.linking import LinkKeys, Secret
from opsknight.store.calls import Deadline
from respond.linked import FAULT, PREFIX, Linked
from respond.pages import sentence_page

# Under the function's timeout, which is under API Gateway's.
PATIENCE_SECONDS: Final = 8


@dataclass(frozen=True, slots=True)
class Responder:
    linked: Linked
    clock: Callable[[], datetime]
    patience: float = PATIENCE_SECONDS

    def answer(self, request: Request, told: dict[str, Any]) -> Answer:
        now, deadline = self.clock(), Deadline.after(self.patience)
        if request.path.startswith(PREFIX):
            return self.linked.answer(request, told, now, deadline)
        return Answer(404, {"error": "Not found"})


@cache
def responder() -> Responder:
    """Made by the first request: nothing is connected at import."""
    table = runtime.table()
    beside = ThreadPoolExecutor(max_workers=2, thread_name_prefix="beside")
    directory = Directory(table, beside)
    keys = LinkKeys(
        Secret(runtime.ssm(), runtime.read_settings(runtime.LinkSettings).link_key_name)
    )
    return Responder(Linked(table, directory, keys, runtime.new_id), runtime.now)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, responder, fault)


def fault(request: Request) -> Answer:
    if request.path.startswith(PREFIX):
        return sentence_page(500, *FAULT)
    return json_fault(request)
