"""What one alert of a large group costs: that does not depend on how many there are beside it."""

import json
import time
from datetime import timedelta
from typing import Any, Final

from bench.calls import CallLog
from bench.figures import Figure
from bench.stage import new_world
from events.handler import PATIENCE_SECONDS
from events.integrations.batch import MOST_PARTS
from harness.world import World, deadline, http_event
from opsknight.incident.commands import Acknowledge
from opsknight.incident.model import OPSKNIGHT
from opsknight.store.execute import perform

GROUP: Final = "Write units for an alert of a group, the others only repeated"
# Lambda gives a whole processor at 1,769 MB, and this share of one at 1,024 MB.
SHARE: Final = 1024 / 1769
READS: Final = frozenset({"BatchGetItem", "GetItem", "Query"})


def flush(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"alerts": list(alerts), "groupKey": '{}:{alertname="DiskFull"}', "status": "firing"}


def alert(number: int, status: str = "firing", summary: str = "Disk full") -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "DiskFull", "instance": f"web-{number:03}", "severity": "critical"},
        "annotations": {"summary": summary, "description": f"Over 90 % on web-{number:03}"},
        "startsAt": "2026-11-23T02:17:38Z",
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-23T03:17:38Z",
        "fingerprint": f"{number:016x}",
    }


def send(world: World, *alerts: dict[str, Any]) -> None:
    path = f"/k/{world.integration_key}/alertmanager"
    answer = world.request(
        http_event(json.dumps(flush(*alerts)), path=path, query={"per": "group"})
    )
    if answer.status != 202:
        raise RuntimeError(f"the handler answered {answer}")


def measure(world: World, log: CallLog, *alerts: dict[str, Any]) -> float:
    log.drain()
    send(world, *alerts)
    return sum(call.units for call in log.drain() if call.operation not in READS)


def measure_groups(endpoint: str, quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    log = CallLog(world.table.client, world.counters.client)
    others = [alert(number) for number in range(29 if quick else 299)]
    send(world, *others)
    last = len(others)
    size = f"{last + 1}th"
    found = [
        (f"the {size} joins", measure(world, log, *others, alert(last)), 20.0),
        ("nothing is new", measure(world, log, *others, alert(last)), 1.0),
        ("one says something else", measure(world, log, *others, alert(last, summary="x")), 20.0),
        ("one is resolved", measure(world, log, *others, alert(last, "resolved")), 20.0),
    ]
    world.clock.at += timedelta(minutes=10)
    found.append(("nothing is new for ten minutes", measure(world, log, *others), 12.0))
    pointer = world.table.pointer(world.service.id, flush()["groupKey"], deadline())
    if pointer is None:
        raise RuntimeError("the group has no incident")
    perform(
        world.table,
        pointer.id,
        Acknowledge(by="user_ada"),
        actor=OPSKNIGHT,
        now=world.clock.at,
        token="t",  # noqa: S106
        deadline=deadline(),
    )
    joins = measure(world, log, *others, alert(last + 1))
    found.append(("one joins what somebody has acknowledged", joins, 20.0))
    return [
        *(Figure(GROUP, name, units, "units", most) for name, units, most in found),
        *measure_largest(endpoint, quick),
    ]


def measure_largest(endpoint: str, quick: bool) -> list[Figure]:
    """The most events that a request may have, each of which opens an incident."""
    world = new_world(endpoint)
    number = MOST_PARTS // 20 if quick else MOST_PARTS
    body = json.dumps(flush(*(alert(each) for each in range(number))))
    sent = http_event(body, path=f"/k/{world.integration_key}/alertmanager")
    # A server in Python takes its time.
    api = world.api(patience=600)
    began = time.process_time()
    answer = world.request(sent, api)
    if answer.status != 202:
        raise RuntimeError(f"the handler answered {answer.status}")
    took = time.process_time() - began
    group = f"A request of {number} events, each of which opens an incident"
    return [Figure(group, "processor time of the handler", took, "s", PATIENCE_SECONDS * SHARE)]
