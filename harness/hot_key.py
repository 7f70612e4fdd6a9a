"""Many events for one dedup key, in a model of DynamoDB: the real store on virtual time.

MiniStack (in this process) says what a call answers, and `conflicts` who is in whose way. The model
assumes what was never measured here on AWS: a call takes 15 ms, a transaction holds its items for 8
to 25 ms and is stamped 5 ms before; both kinds of conflict with plain writes are on.
"""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Any, Final

from harness import embedded
from harness.conflicts import Conflicts, answer
from harness.dynamodb import connect
from harness.people import ADA
from harness.virtual_time import Network, VirtualTime
from harness.world import World, build, event
from opsknight.classes import dataclass
from opsknight.escalation.steps import Advanced
from opsknight.incident.commands import Command
from opsknight.incident.decisions import Decision, Merged, Opened, Transitioned
from opsknight.incident.model import Action, Alert, Event, Pointer, Severity
from opsknight.runtime.clock import new_id
from opsknight.store import incident_items, transactions
from opsknight.store.calls import TABLE_CONFIG, Deadline, Unavailable, retrying
from opsknight.store.execute import Settling, perform
from opsknight.store.table import Table

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

LATENCY: Final = 0.015
SETS_OUT: Final = 0.005
PATIENCE: Final = 8.0
PARTITION_UNITS: Final = 1000


@dataclass
class HotKey:
    """A world in virtual time, with one incident that all events are about. `before`: each merge is
    one transaction, and pauses always grow; `growing`: only the latter.
    """

    before: bool = False
    growing: bool = False
    partition: bool = False
    body: str = "x" * 500
    time: VirtualTime = field(default_factory=VirtualTime)
    chance: Random = field(default_factory=lambda: Random(20261128))
    sent: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    world: World = field(init=False)
    outside: World = field(init=False)
    """The same without any time, for looking at it."""
    pointer: Pointer = field(init=False)

    def __post_init__(self) -> None:
        endpoint = embedded.endpoint()
        self.world = build(client=connect(endpoint, TABLE_CONFIG))
        table = replace(self.world.table, client=connect(endpoint, TABLE_CONFIG))
        self.outside = replace(self.world, table=table)
        self.world.send(event())
        found = self.world.table.pointer("svc_checkout", "cpu-high", Deadline.after(9))
        if found is None:
            raise RuntimeError("the incident was not opened")
        self.pointer = found

    def connected(self) -> None:
        """From now on calls take time, and get in each other's way."""
        client = self.world.table.client
        Network(self.time, LATENCY, self.sent).watch(client)
        if self.partition:
            refuse: Any = Partitions(self.time).before
            for operation in ("PutItem", "UpdateItem", "TransactWriteItems"):
                client.meta.events.register(f"before-call.dynamodb.{operation}", refuse)
        Conflicts(
            hold=lambda: self.chance.uniform(0.008, 0.025),
            sets_out=SETS_OUT,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
        ).watch(client)

    def deadline(self) -> Deadline:
        kind = Growing if self.before or self.growing else Deadline
        until = self.time.now + PATIENCE
        return kind(until, self.time.monotonic, self.time.sleep, self.chance.random)

    def timed(self, call: Callable[[], object]) -> float | None:
        """The seconds that it took; None if it was given up."""
        began = self.time.now
        try:
            call()
        except Unavailable:
            self.failed += 1
            return None
        return self.time.now - began

    def trigger(self, dedup_key: str | None = None) -> Decision:
        """Of the one incident, or of another key."""
        deadline = self.deadline()
        found = self.pointer
        about = replace(_event(found, self.body), dedup_key=dedup_key or found.dedup_key)
        current = self.world.table.pointer(about.service_id, about.dedup_key, deadline)
        table = self.world.table
        if self.before:
            settling: Settling = InTransactions(
                Repeating(table.client, table.name, table.retention), new_id, self.time
            )
        else:
            settling = Settling(table, new_id, self.time)
        now = self.world.clock()
        return settling.settle(about, self.world.service, current, now, deadline)

    def act(self, command: Command) -> None:
        perform(
            self.world.table,
            self.pointer.id,
            command,
            actor=ADA,
            now=self.world.clock(),
            token=new_id("act", self.world.clock()),
            deadline=self.deadline(),
        )


def _event(about: Pointer, body: str) -> Event:
    return Event(
        action=Action.TRIGGER,
        service_id=about.service_id,
        dedup_key=about.dedup_key,
        summary="CPU",
        severity=Severity.CRITICAL,
        body=body,
        actor=ADA,
    )


class Repeating(Table):
    """As it was before: a transaction in conflict is tried again as it is."""

    def apply(
        self,
        decision: Opened | Merged | Transitioned | Advanced,
        token: str,
        deadline: Deadline,
        *,
        yields: bool = False,
        beside: "Sequence[Write]" = (),
    ) -> None:
        Table.apply(self, decision, token, deadline, beside=beside)


class InTransactions(Settling):
    """As it was before: one transaction for both writes."""

    def _merge(self, alert: Alert, _strays: object, deadline: Deadline) -> None:
        table = self.table
        item, _ = incident_items.alert_items(alert, table.retention)
        retrying(
            deadline,
            table.client.transact_write_items,
            TransactItems=[
                {"Update": transactions.count(alert, table.name)},
                transactions.put(table.name, item),
            ],
            ClientRequestToken=alert.id,
        )


@dataclass(frozen=True)
class Growing(Deadline):
    """As it was before: pauses grow whatever the cause."""

    causes: list[Exception] = field(default_factory=list)

    def pause(self, attempt: int, cause: Exception) -> None:
        Deadline.pause(self, len(self.causes), cause)
        self.causes.append(cause)

    def pause_for_conflict(self, cause: Exception) -> None:
        self.pause(0, cause)


@dataclass
class Partitions:
    """Each takes 1,000 write units a second, with no more saved up than those."""

    time: VirtualTime
    units: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """What each has left, and as of when."""

    def before(self, model: Any, params: Mapping[str, Any], **_: object) -> Any:
        asked = json.loads(params["body"])
        writes = [each for it in asked.get("TransactItems", ()) for each in it.values()]
        needed: Counter[str] = Counter()
        for each in writes or [asked]:
            item = each.get("Item") or each["Key"]
            size = sum(len(name) + _size(it) for name, it in item.items())
            needed[item["pk"]["S"]] += max(ceil(size / 1024), 1) * (2 if writes else 1)
        free = {pk: self._free(pk) for pk in needed}
        is_hot = any(free[pk] < units for pk, units in needed.items())
        for pk, units in needed.items():
            self.units[pk] = free[pk] - (0 if is_hot else units), self.time.now
        return answer(model, "ThrottlingException", "a partition is hot") if is_hot else None

    def _free(self, pk: str) -> float:
        left, at = self.units.get(pk, (PARTITION_UNITS, 0.0))
        return min(PARTITION_UNITS, left + (self.time.now - at) * PARTITION_UNITS)


def _size(value: Mapping[str, Any]) -> int:
    [(kind, stored)] = value.items()
    return len(b64decode(stored)) if kind == "B" else len(str(stored))
