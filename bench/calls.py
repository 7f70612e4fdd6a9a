"""The cost of a request in DynamoDB: round trips, and units of capacity.

MiniStack counts units as AWS bills them. A transaction doubles its writes to the table, but not
those to the indexes. An index costs nothing when no projected attribute changes, one write to add,
change or remove an entry, and two writes when the entry moves to another key. Sources: the
developer guide ("Write considerations for global secondary indexes", "Capacity management for
transactions") and measurements on AWS itself (github.com/nubo-db/dynoxide, pull request 188).
"""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.figures import Figure
from bench.stage import body, new_world
from events.handler import Api
from harness.processes import announce
from harness.world import World, deadline

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Long enough that parallel calls overlap, however quick the server is.
NETWORK_SECONDS: Final = 0.02

# A name, the earlier actions on the incident, the action that is measured, and the most write units
# that it may cost. "plan" is the work of the function notify, which clears `due_at`. It is usually
# done before the next event comes. A resolve writes into the index of what is resolved (ADR 63).
_CASES: Final = (
    ("new trigger", "", "trigger", 9),
    ("deduplicated", "trigger plan", "trigger", 3),
    ("deduplicated, due_at still set", "trigger", "trigger", 3),
    ("acknowledge", "trigger plan", "acknowledge", 11),
    ("acknowledge, due_at still set", "trigger", "acknowledge", 11),
    ("resolve", "trigger plan", "resolve", 12),
    ("resolve, due_at still set", "trigger", "resolve", 12),
    ("resolve after acknowledge", "trigger plan acknowledge plan", "resolve", 12),
    ("resolve after acknowledge, due_at still set", "trigger acknowledge", "resolve", 12),
)


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    began: float
    ended: float
    units: float
    """Read units of a GetItem, or else write units."""
    scanned: int = 0
    """Items that a query read, before it filtered them."""


class CallLog:
    """Records the calls that clients make, from any thread, with the capacity that they consume."""

    def __init__(self, *clients: "DynamoDBClient", network: float = 0) -> None:
        self._network = network
        self._began: dict[int, float] = {}
        self._calls: list[Call] = []
        for client in clients:
            on = client.meta.events.register
            on("before-parameter-build.dynamodb", self._ask)
            on("before-send.dynamodb", self._sent)
            on("response-received.dynamodb", self._answered)

    def drain(self) -> list[Call]:
        """Returns the calls since the last drain."""
        calls, self._calls = self._calls, []
        return calls

    def _ask(self, params: dict[str, Any], **_: object) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"

    def _sent(self, **_: object) -> None:
        self._began[threading.get_ident()] = time.perf_counter()
        time.sleep(self._network)

    def _answered(
        self, parsed_response: dict[str, Any] | None, event_name: str, **_: object
    ) -> None:
        consumed = (parsed_response or {}).get("ConsumedCapacity", [])
        tables = consumed if isinstance(consumed, list) else [consumed]
        call = Call(
            operation=event_name.rpartition(".")[2],
            began=self._began.pop(threading.get_ident()),
            ended=time.perf_counter(),
            units=sum(each["CapacityUnits"] for each in tables),
            scanned=(parsed_response or {}).get("ScannedCount", 0),
        )
        self._calls.append(call)


def round_trips(calls: Iterable[Call]) -> int:
    """Counts calls that overlap in time as one."""
    trips, until = 0, 0.0
    for call in sorted(calls, key=lambda call: call.began):
        trips += call.began >= until
        until = max(until, call.ended)
    return trips


def measure_round_trips(endpoint: str, _quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    log = CallLog(world.table.client, world.counters.client, network=NETWORK_SECONDS)
    warm, cold = [], []
    _send(world, body("trigger", "warm-up"))
    for name, before, action, _ in _CASES:
        _prepare(world, name, before)
        log.drain()
        _send(world, body(action, name))
        warm.append(Figure("Round trips of a warm request", name, round_trips(log.drain()), "", 2))
    owners = {
        "integration key": world.integration_key,
        "API key of a responder": world.api_key,
        "API key of a team member": world.user_api_key,
    }
    for owner, key in owners.items():
        # With an API key the event must name its service; with an integration key that is ignored.
        event = json.loads(body("trigger", owner)) | {"service_id": world.service.id}
        _send(world, json.dumps(event), key=key, api=world.api())
        group = "Round trips of a new trigger when nothing is cached"
        cold.append(Figure(group, owner, round_trips(log.drain()), "", 4))
    return warm + cold


def measure_units(endpoint: str, _quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    log = CallLog(world.table.client, world.counters.client)
    _send(world, body("trigger", "warm-up"))
    writes, reads = [], []
    for details in (True, False):
        most_of_it = "details" if details else "its summary"
        group = f"Write units as AWS bills them, 500-byte event, most of it in {most_of_it}"
        for name, before, action, most in _CASES:
            key = f"{name} {details:d}"
            _prepare(world, key, before, details=details)
            log.drain()
            _send(world, body(action, key, details=details))
            calls = log.drain()
            read = sum(call.units for call in calls if call.operation == "GetItem")
            written = sum(call.units for call in calls) - read
            writes.append(Figure(group, name, written, "units", most))
            reads.append(read)
    return [*writes, Figure("Read units", "each of the above, at most", max(reads), "units", 1)]


def _prepare(world: World, dedup_key: str, before: str, *, details: bool = True) -> None:
    for step in before.split():
        if step == "plan":
            pointer = world.table.pointer(world.service.id, dedup_key, deadline())
            if pointer is None:
                raise RuntimeError(f"no incident for {dedup_key!r}")
            announce(pointer.id, world)
        else:
            _send(world, body(step, dedup_key, details=details))
        # Without any time passing, `due_at` would stay the same. After much, cached keys expire.
        world.clock.advance(milliseconds=100)


def _send(world: World, text: str, *, key: str | None = None, api: Api | None = None) -> None:
    """Raises unless the answer is a 202: nothing else is worth measuring."""
    answer = world.send(text, key=key, api=api)
    if answer.status != 202:
        raise RuntimeError(f"the handler answered {answer}")
