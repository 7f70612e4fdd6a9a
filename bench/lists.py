"""The cost of `GET /api/incidents` in DynamoDB, beside few and many resolved incidents.

Counts requests, including the one for the rate limit, and the items that queries read. Units would
say nothing: MiniStack counts 0.5 for any query.
"""

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from bench.calls import CallLog
from bench.figures import Figure
from bench.stage import new_world
from harness.desk import Desk
from harness.world import World, event
from opsknight.directory.entries import SCOPES

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import WriteRequestTypeDef

FEW: Final = 10
MANY: Final = 10_000
ACTIVE: Final = 60
PAGE: Final = 50

# A name, the user, the query, and the most items that may be read. Filters read items that they
# leave out, but only among active incidents.
_LISTS: Final = (
    ("of all", "ada", "", PAGE),
    ("of one urgency", "ada", "&urgency=HIGH", ACTIVE),
    ("of a user's teams", "ben", "", ACTIVE),
    ("of one service", "ada", "&service=svc_checkout", ACTIVE),
)
_RESOLVED: Final = ("of resolved ones", "ada", "&status=RESOLVED&service=svc_checkout", PAGE)


def measure_lists(endpoint: str, _quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    desk = Desk(world, endpoint)
    desk.configured(services=["svc_checkout", "svc_reports"])
    keys = {name: desk.key(name, *SCOPES) for name in ("ada", "ben")}
    log = CallLog(world.table.client, world.counters.client)
    for number in range(ACTIVE):
        _open(world, f"active {number}")
        world.clock.advance(seconds=1)
    resolved = _resolve(world)
    figures = []
    there = 1
    for wanted in (FEW, MANY):
        _copy(world, resolved, range(there, wanted))
        there = wanted
        lists = _LISTS if wanted == FEW else (*_LISTS, _RESOLVED)
        for name, user, query, most in lists:
            path = f"/api/incidents?limit={PAGE}{query}"
            desk.call("GET", path, key=keys[user])
            log.drain()
            answer = desk.call("GET", path, key=keys[user])
            if len(answer.body["incidents"]) != PAGE:
                raise RuntimeError(f"no page of {PAGE}: {answer}")
            calls = log.drain()
            group = f"A page of {PAGE} incidents, {wanted} resolved beside {ACTIVE} active ones"
            figures += [
                Figure(group, f"{name}, requests", len(calls), "", 2),
                Figure(group, f"{name}, read", sum(c.scanned for c in calls), "items", most),
            ]
    return figures


def _open(world: World, dedup_key: str, action: str = "trigger") -> str:
    answer = world.send(event(action, dedup_key))
    if answer.status != 202:
        raise RuntimeError(f"the handler answered {answer}")
    incident_id: str = answer.incident["id"]
    return incident_id


def _resolve(world: World) -> dict[str, Any]:
    """The item of an incident that was opened and resolved."""
    incident_id = _open(world, "resolved")
    _open(world, "resolved", "resolve")
    key = {"pk": {"S": f"incident#{incident_id}"}, "sk": {"S": "incident"}}
    item: dict[str, Any] = world.table.client.get_item(
        TableName=world.table.name, Key=key, ConsistentRead=True
    )["Item"]
    return item


def _copy(world: World, item: dict[str, Any], numbers: Iterable[int]) -> None:
    """Stores copies of the item. To open and resolve each incident would take minutes, and store
    the same.
    """

    def copies() -> Iterator["WriteRequestTypeDef"]:
        for number in numbers:
            incident_id = f"{item['id']['S'][:-8]}{number:08x}"
            changed = {"id": {"S": incident_id}, "pk": {"S": f"incident#{incident_id}"}}
            yield {"PutRequest": {"Item": item | changed}}

    for some in batched(copies(), 25, strict=False):
        world.table.client.batch_write_item(RequestItems={world.table.name: list(some)})
