"""What a request costs that is refused: somebody without a key may send any number of them.

Processor time of the whole function, with the largest body where there is one, and calls to
DynamoDB and SSM, for each of many such requests to a warm function.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from bench.calls import CallLog
from bench.figures import Figure
from bench.stage import new_world
from harness.desk import Desk
from harness.strangers import SecretCalls, large_body, to_events, to_people
from harness.world import event
from opsknight.http.gateway import respond

_REQUESTS: Final = 200
# 0.5 ms is what a line of the log and its metric cost; a key that may be one is looked up.
_MOST_MS: Final = 5.0
_LOOKED_UP: Final = frozenset(
    {
        "event with an unknown integration key",
        "event with an unknown API key",
        "API call with an unknown key",
    }
)


def measure_refused(endpoint: str, quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    desk = Desk(world, endpoint)
    opened = world.send(event()).incident["id"]
    desk.ask(desk.link(opened))
    desk.slack({"type": "block_actions", "user": {"id": "U1"}})
    log = CallLog(world.table.client, world.counters.client)
    secrets = SecretCalls(desk)
    number = _REQUESTS // 10 if quick else _REQUESTS
    figures = []
    for name, request in {**to_events(large_body()), **to_people(world)}.items():
        door = world.apis[0] if name.startswith("event") else desk.function
        _refused(request, door)
        log.drain()
        secrets.number = 0
        began = time.process_time()
        for _ in range(number):
            _refused(request, door)
        ms = (time.process_time() - began) / number * 1000
        calls = (len(log.drain()) + secrets.number) / number
        most = 1.0 if name in _LOOKED_UP else 0.0
        figures += [
            Figure("a refused request", f"{name}: processor time", ms, "ms", _MOST_MS),
            Figure("a refused request", f"{name}: calls", calls, "calls", most, "exactly"),
        ]
    return figures


def _refused(request: Mapping[str, Any], door: Any) -> None:
    status = respond(request, lambda: door)["statusCode"]
    if status not in (401, 403, 404):
        raise RuntimeError(f"answered {status}")
