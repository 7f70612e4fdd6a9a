"""DynamoDB: what each operation does at the instant at which it arrives.

Checked against a real server's answers by tests/nights/test_dynamodb.py. How calls travel, and what
gets lost, is in `clients.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from harness.simulation import template
from harness.simulation.capacity import Capacity, Stored, read_units, size, write_units
from harness.simulation.expressions import Invalid, Item
from harness.simulation.hub import Hub
from harness.simulation.query import query, scan
from harness.simulation.storage import Key, TableState
from harness.simulation.weather import Weather
from harness.simulation.writes import (
    LARGEST_PUTS,
    LARGEST_TRANSACTION,
    after,
    cancelled,
    changed_by,
    check_size,
    check_used,
    failure,
    holds,
)

MOST_WRITES: Final = 100
MOST_READS: Final = 100
MOST_PUTS: Final = 25
# So long a token is known: docs.aws.amazon.com/amazondynamodb/latest/APIReference
TOKEN_SECONDS: Final = 600
type Changed = Callable[[str, str, Key, Item], None]
"""Table, INSERT or MODIFY or REMOVE, key, and the item as it is (or was)."""


@dataclass(repr=False)
class DynamoDB:
    hub: Hub
    weather: Weather
    shapes: Mapping[str, template.Table]
    changed: Changed = lambda *_: None
    tables: dict[str, TableState] = field(init=False)
    capacity: Capacity = field(init=False)
    conflicts: int = 0
    _version: int = 0
    _tokens: dict[str, tuple[float, float, Any]] = field(
        default_factory=dict[str, tuple[float, float, Any]]
    )

    def __post_init__(self) -> None:
        self.tables = {name: TableState(shape) for name, shape in self.shapes.items()}
        self.capacity = Capacity(lambda: self.hub.now, self.weather.throttles)

    def copy(self, name: str) -> None:
        """The table as it is at this moment, under another name."""
        self.tables[name] = TableState(self.shapes["Table"])
        self.load(list(self.tables["Table"].items()), name)

    def load(self, items: Iterable[Item], table: str = "Table") -> None:
        """Items that have been there for long."""
        state = self.tables[table]
        for item in items:
            state.put(state.key(item), Stored(item))

    def perform(self, operation: str, asked: Mapping[str, Any], stamp: float) -> dict[str, Any]:
        """`stamp` is when the request set out. Raises ClientError."""
        try:
            match operation:
                case "get_item":
                    return self._get(asked)
                case "query":
                    return self._query(asked)
                case "scan":
                    return scan(self.tables[asked["TableName"]], asked)
                case "batch_get_item":
                    return self._get_many(asked)
                case "put_item" | "update_item" | "delete_item":
                    return self._write(operation, asked)
                case "transact_write_items":
                    return self._transact(asked, stamp)
                case "batch_write_item":
                    return self._write_many(asked)
                case _:
                    raise NotImplementedError(operation)
        except Invalid as invalid:
            raise failure("ValidationException", str(invalid)) from None

    # Reads.

    def _get(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables[asked["TableName"]]
        key = table.key(asked["Key"])
        item = table.get(key)
        consistent = bool(asked.get("ConsistentRead"))
        self._read({(asked["TableName"], key[0]): self._units(table, key, consistent=consistent)})
        return {} if item is None else {"Item": dict(item)}

    def _query(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables[asked["TableName"]]
        answer, place, read = query(table, asked)
        units = read_units(read, consistent=bool(asked.get("ConsistentRead")))
        self._read({place: units})
        return answer

    def _get_many(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, list[dict[str, Any]]] = {}
        left: dict[str, dict[str, Any]] = {}
        if sum(len(each["Keys"]) for each in asked["RequestItems"].values()) > MOST_READS:
            raise Invalid("Too many items requested")
        for name, wanted in asked["RequestItems"].items():
            table = self.tables[name]
            keys = [table.key(each) for each in wanted["Keys"]]
            if len(set(keys)) < len(keys):
                raise Invalid("Provided list of item keys contains duplicates")
            found[name] = []
            for key, plain in zip(keys, wanted["Keys"], strict=True):
                item = table.get(key)
                units = self._units(table, key, consistent=bool(wanted.get("ConsistentRead")))
                if not self.capacity.read({(name, key[0]): units}):
                    left.setdefault(name, {**wanted, "Keys": []})["Keys"].append(plain)
                elif item is not None:
                    found[name].append(dict(item))
        if left and not any(found.values()):
            raise failure("ProvisionedThroughputExceededException")
        return {"Responses": found, "UnprocessedKeys": left}

    def _read(self, costs: Mapping[tuple[str, ...], float]) -> None:
        if not self.capacity.read(costs):
            raise failure("ProvisionedThroughputExceededException")

    @staticmethod
    def _units(table: TableState, key: Key, *, consistent: bool) -> float:
        return read_units(table.size(key), consistent=consistent)

    # Writes.

    def _write(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        name = asked["TableName"]
        table = self.tables[name]
        key = table.key(asked["Item"] if operation == "put_item" else asked["Key"])
        before = table.get(key)
        becomes = after(operation, asked, before)
        self._spend([(name, key, before, becomes)])
        if self.weather.refuses_plain_writes and self._is_held(table, key):
            self.conflicts += 1
            raise failure("TransactionConflictException", "Transaction is ongoing for the item")
        if not holds(asked, before):
            raise failure("ConditionalCheckFailedException", "The conditional request failed")
        self._keep(name, key, before, becomes)
        match asked.get("ReturnValues", "NONE"):
            case "NONE":
                return {}
            case "ALL_NEW" if becomes is not None:
                return {"Attributes": dict(becomes)}
            case "UPDATED_NEW" if becomes is not None:
                return {"Attributes": changed_by(asked, becomes)}
            case other:
                raise Invalid(f"no such values are returned here: {other}")

    def _is_held(self, table: TableState, key: Key) -> bool:
        return table.held_until.get(key, -1.0) > self.hub.now

    def _transact(self, asked: Mapping[str, Any], stamp: float) -> dict[str, Any]:
        now, token = self.hub.now, asked.get("ClientRequestToken")
        wanted = asked["TransactItems"]
        if not 0 < len(wanted) <= MOST_WRITES:
            raise Invalid("Member must have length less than or equal to 100")
        if token is not None and token in self._tokens:
            held_until, known_until, same = self._tokens[token]
            if now < held_until:
                raise failure("TransactionInProgressException")
            if now < known_until:
                if same != wanted:
                    raise failure("IdempotentParameterMismatchException")
                return {}
        todo = [self._action(each) for each in wanted]
        if len({(name, key) for _, name, key, *_ in todo}) < len(todo):
            raise Invalid("Transaction request cannot include multiple operations on one item")
        check_size(wanted, LARGEST_TRANSACTION)
        reasons = [self._reason(name, key, action, stamp) for _, name, key, action, *_ in todo]
        if any(reasons):
            self.conflicts += "TransactionConflict" in reasons
            raise cancelled(reasons)
        writes = [
            (name, key, before, after(operation, action, before))
            for operation, name, key, action, before in todo
            if operation != "condition_check"
        ]
        self._spend(writes, twice=True)
        # Before the night begins no time passes, and nothing can be in the way of anything.
        hold = self.hub.chance.uniform(*self.weather.hold) if self.hub.life() else 0.0
        until = now + hold
        for name, key, before, becomes in writes:
            self._keep(name, key, before, becomes)
        for _, name, key, *_ in todo:
            self.tables[name].held_until[key] = until
        if token is not None:
            self._tokens[token] = (until, now + TOKEN_SECONDS, wanted)
        return {}

    def _action(
        self, wanted: Mapping[str, Any]
    ) -> tuple[str, str, Key, Mapping[str, Any], Item | None]:
        [(verb, action)] = wanted.items()
        operation = {
            "Put": "put_item",
            "Update": "update_item",
            "Delete": "delete_item",
            "ConditionCheck": "condition_check",
        }[verb]
        table = self.tables[action["TableName"]]
        key = table.key(action["Item"] if verb == "Put" else action["Key"])
        before = table.get(key)
        return operation, action["TableName"], key, action, before

    def _reason(self, name: str, key: Key, action: Mapping[str, Any], stamp: float) -> str | None:
        table = self.tables[name]
        if self._is_held(table, key):
            return "TransactionConflict"
        if self.weather.refuses_old_stamps and table.written_at.get(key, -1.0) > stamp:
            return "TransactionConflict"
        check_used(action)
        return None if holds(action, table.get(key)) else "ConditionalCheckFailed"

    def _write_many(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        left: dict[str, list[Any]] = {}
        requests = [(n, each) for n, many in asked["RequestItems"].items() for each in many]
        if not 0 < len(requests) <= MOST_PUTS:
            raise Invalid("Too many items requested")
        check_size((each for _, each in requests), LARGEST_PUTS)
        keys = {
            (name, self.tables[name].key(action.get("Item") or action["Key"]))
            for name, request in requests
            for action in request.values()
        }
        if len(keys) < len(requests):
            raise Invalid("Provided list of item keys contains duplicates")
        for name, request in requests:
            [(verb, action)] = request.items()
            operation = {"PutRequest": "put_item", "DeleteRequest": "delete_item"}[verb]
            try:
                self._write(operation, {"TableName": name, **action})
            except ClientError:
                left.setdefault(name, []).append(request)
        if sum(map(len, left.values())) == len(requests):
            raise failure("ProvisionedThroughputExceededException")
        return {"UnprocessedItems": left}

    def _spend(
        self,
        writes: Iterable[tuple[str, Key, Item | None, Item | None]],
        *,
        twice: bool = False,
    ) -> None:
        costs: dict[tuple[str, ...], float] = {}
        for name, key, before, becomes in writes:
            larger = max(size(before) if before else 0, size(becomes) if becomes else 0)
            place = (name, key[0])
            costs[place] = costs.get(place, 0.0) + write_units(larger) * (2 if twice else 1)
            for index in self.tables[name].indexes.values():
                for entry in index.written(index.entry(before), index.entry(becomes)):
                    place = (f"{name}/{index.shape.name}", entry[index.shape.hash]["S"])
                    costs[place] = costs.get(place, 0.0) + write_units(size(entry))
        if self.capacity.write(costs):
            return
        if twice:
            raise cancelled(["ThrottlingError"])
        raise failure("ProvisionedThroughputExceededException")

    def _keep(self, name: str, key: Key, before: Item | None, becomes: Stored | None) -> None:
        table, self._version = self.tables[name], self._version + 1
        table.written_at[key] = self.hub.now
        if becomes is None:
            table.drop(key)
        else:
            table.put(key, becomes)
        for index in table.indexes.values():
            was, entry = index.entry(before), index.entry(becomes)
            if was != entry:
                self._tell_index(index.catch_up, key, self._version, entry)
        kind = "REMOVE" if becomes is None else "INSERT" if before is None else "MODIFY"
        item = before if becomes is None else becomes
        if item is not None:
            self.changed(name, kind, key, item)

    def _tell_index(self, catch_up: Callable[..., None], *change: Any) -> None:
        chance = self.hub.chance
        lag = chance.uniform(*self.weather.index_lag)
        if self.weather.long_index_lag and chance.random() < self.weather.long_index_lag:
            lag = chance.uniform(0, 20)
        self.hub.later(lag, lambda: catch_up(*change))
