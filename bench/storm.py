"""Many requests at once, each handled by a warm function of its own, as in Lambda."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final

from bench.figures import Figure
from bench.stage import body, new_key, new_world
from harness.conflicts import Conflicts
from harness.crowd import at_once
from harness.world import Clock, Response, World
from opsknight.directory.rate_limit import LIMIT

CLIENTS: Final = 16
ACTIONS: Final = ("trigger", "trigger", "acknowledge", "resolve")


def measure_storm(endpoint: str, quick: bool) -> list[Figure]:
    return [
        *_first_triggers(new_world(endpoint), "64 simultaneous first triggers"),
        *_first_triggers_in_conflict(new_world(endpoint)),
        *_one_too_many(new_world(endpoint)),
        *_clients(new_world(endpoint), seconds=10 if quick else 60),
    ]


def _first_triggers(world: World, group: str) -> list[Figure]:
    answers = _send(world, world.integration_key, ["same"] * 64)
    actions = Counter(each.action for each in answers if each.status == 202)
    kinds = Counter(item["kind"]["S"] for item in world.items())
    return [
        Figure(group, "answered triggered", actions["triggered"], "", 1, "exactly"),
        Figure(group, "answered deduplicated", actions["deduplicated"], "", 63, "exactly"),
        Figure(group, "incidents", kinds["incident"], "", 1, "exactly"),
        Figure(group, "alerts", kinds["alert"], "", 64, "exactly"),
        _failures(group, answers),
    ]


def _first_triggers_in_conflict(world: World) -> list[Figure]:
    conflicts = Conflicts()
    conflicts.watch(world.table.client)
    group = "The same, when transactions conflict as on AWS"
    figures = _first_triggers(world, group)
    return [*figures, Figure(group, "errors raised", conflicts.raised.total(), "")]


def _one_too_many(world: World) -> list[Figure]:
    answers = _send(world, new_key(world), [f"cpu-{number}" for number in range(LIMIT + 1)])
    statuses = Counter(each.status for each in answers)
    group = "121 simultaneous requests of a fresh key in one window"
    return [
        Figure(group, "accepted (202)", statuses[202], "", LIMIT, "exactly"),
        Figure(group, "refused (429)", statuses[429], "", 1, "exactly"),
        _failures(group, answers),
    ]


def _send(world: World, key: str, dedup_keys: list[str]) -> list[Response]:
    """Sends simultaneous triggers, each to a function of its own, and returns the answers."""
    sends = []
    for dedup_key in dedup_keys:
        api = world.api()
        # A first request caches the key, so that the triggers meet at the write.
        world.send("not an event", key=key, api=api)
        sends.append(partial(world.send, body("trigger", dedup_key), key=key, api=api))
    return at_once(sends)


def _clients(world: World, seconds: float) -> list[Figure]:
    keys = [new_key(world) for _ in range(CLIENTS)]
    began = time.monotonic()

    def client(which: int) -> Counter[int]:
        # Each client has its own clock, so that the rate limit does not end the storm.
        own = replace(world, clock=Clock(), apis=[])
        statuses: Counter[int] = Counter()
        for number in count():
            if time.monotonic() > began + seconds:
                break
            if number % 100 == 0:
                own.clock.advance(minutes=1)
            event = body(ACTIONS[number % 4], f"client-{which}-{number // 4}")
            statuses[own.send(event, key=keys[which]).status] += 1
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = sum(pool.map(client, range(CLIENTS)), Counter[int]())
    took = time.monotonic() - began
    group = f"{CLIENTS} clients with keys of their own, {took:.0f} s"
    failed = sum(number for status, number in statuses.items() if status >= 500)
    return [
        Figure(group, "accepted (202)", statuses[202], ""),
        Figure(group, "answered otherwise than 202", statuses.total() - statuses[202], ""),
        Figure(group, "answered 5xx", failed, "", 0, "exactly"),
        Figure(group, "throughput", statuses[202] / took, "events/s"),
    ]


def _failures(group: str, answers: list[Response]) -> Figure:
    failed = sum(each.status >= 500 for each in answers)
    return Figure(group, "answered 5xx", failed, "", 0, "exactly")
