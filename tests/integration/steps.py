"""Steps that many tests take."""

from collections.abc import Iterable
from datetime import timedelta
from secrets import token_hex, token_urlsafe
from typing import Any

from harness.world import World, deadline, event
from opsknight.directory.entries import EVENTS_WRITE, ApiKey, IntegrationKey, key_hash
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.escalation.policy import implicit
from opsknight.escalation.steps import Turn, proceed, take
from opsknight.incident.commands import Acknowledge, Command, Resolve, Snooze, Suppress
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Actor, ActorKind, Incident, Status
from opsknight.store import key_items
from opsknight.store.wire import Item

ADA = Actor(kind=ActorKind.USER, id="user_ada", name="Ada")
PROMETHEUS_KEY_ID = "key_int_prometheus"
"""Of the integration key that `World.send` takes by itself."""


def incident(world: World, incident_id: str) -> Incident:
    found = world.table.incident(incident_id, deadline())
    assert found is not None
    return found


def do(world: World, incident_id: str, command: Command) -> Transitioned:
    """What a person does to an incident, written."""
    moved = act(incident(world, incident_id), command, actor=ADA, now=world.clock())
    assert isinstance(moved, Transitioned)
    world.table.apply(moved, token_hex(16), deadline())
    return moved


def incident_in(world: World, status: Status | None, **more: Any) -> str:
    """Triggers an incident and brings it into the status; None is one resolved long ago."""
    incident_id: str = world.send(event(**more)).incident["id"]
    match status:
        case Status.OPEN:
            pass
        case Status.ACKNOWLEDGED:
            do(world, incident_id, Acknowledge())
        case Status.SNOOZED:
            do(world, incident_id, Snooze(world.clock() + timedelta(hours=1)))
        case Status.SUPPRESSED:
            do(world, incident_id, Suppress())
        case Status.RESOLVED | None:
            do(world, incident_id, Resolve())
    return incident_id


def paged(world: World) -> str:
    """An incident that paged Ada first, and Ben."""
    incident_id = incident_in(world, Status.OPEN)
    known, now = incident(world, incident_id), world.clock()
    turn = proceed(known, implicit("team_web"), now, lambda page_no: None)
    assert isinstance(turn, Turn)
    taken = take(turn, ["user_ada", "user_ben"], now)
    world.table.apply(taken, token_hex(8), deadline())
    return incident_id


def use_up(world: World, key_id: str = PROMETHEUS_KEY_ID, requests: int = LIMIT) -> None:
    """Takes requests of the key's window, as other functions would."""
    assert world.counters.count(key_id, Minute.of(world.clock())) == 1
    client, name = world.counters.client, world.counters.name
    for item in client.scan(TableName=name)["Items"]:
        if item["pk"]["S"].startswith(f"{key_id}#") and item["requests"]["N"] == "1":
            client.put_item(TableName=name, Item=item | {"requests": {"N": str(requests)}})


def used(world: World) -> list[int]:
    """What the rate counters hold, all keys and windows."""
    answer = world.counters.client.scan(TableName=world.counters.name)
    return [int(item["requests"]["N"]) for item in answer["Items"]]


def put(world: World, item: Item) -> None:
    """Overwrites an item of the directory, as its administration will."""
    world.table.client.put_item(TableName=world.table.name, Item=item)


def of_kind(world: World, *kinds: str) -> list[dict[str, Any]]:
    return [item for item in world.items() if item["kind"]["S"] in kinds]


def in_order(stored: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """To compare a table before and after."""
    return sorted(stored, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def new_integration_key(world: World, secret: str | None = None, **more: Any) -> str:
    secret = secret or token_hex(16)
    known = {
        "id": f"key_{token_hex(4)}",
        "name": "Alertmanager",
        "created_at": world.clock(),
        "service_id": world.service.id,
        "integration_id": "int_am",
    }
    key = IntegrationKey.model_validate(known | more)
    put(world, key_items.any_key_item(key_hash(secret), key))
    return secret


def new_api_key(world: World, secret: str | None = None, **more: Any) -> str:
    secret = secret or f"opsk_{token_urlsafe(32)}"
    known = {
        "id": f"key_{token_hex(4)}",
        "name": "CI",
        "created_at": world.clock(),
        "user_id": "user_ada",
        "scopes": (EVENTS_WRITE,),
    }
    put(world, key_items.any_key_item(key_hash(secret), ApiKey.model_validate(known | more)))
    return secret


def unmarked(world: World) -> list[Item]:
    """Everything in the table but the marks that links were asked for."""
    marks = {"opened_at", "fetched_at"}
    return in_order(
        {name: value for name, value in item.items() if name not in marks} for item in world.items()
    )
