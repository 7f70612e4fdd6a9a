"""A decision as the writes of one transaction, or of a merge as two plain writes. Each condition
repeats what the decision was based on, and no more. Those of an escalation's step are in
`advances`.

Here `Changes` become expressions; what they should be is for the rules to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, assert_never, cast

from opsknight.incident.canary import is_canary, kept
from opsknight.incident.changes import KEEP, Changes
from opsknight.incident.decisions import NO_REQUIREMENT, Merged, Opened, Require, Transitioned
from opsknight.incident.model import ACTIVE, Alert, Incident, Pointer, Status
from opsknight.store import incident_items, items
from opsknight.store.wire import Item, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write
    from types_boto3_dynamodb.type_defs import UpdateTypeDef


_ACTIVE: Final = {f":active_{n}": wire(status) for n, status in enumerate(sorted(ACTIVE))}
_IS_ACTIVE: Final = f"#status IN ({', '.join(_ACTIVE)})"


def writes(
    decision: Opened | Merged | Transitioned, table: str, retention: timedelta
) -> "tuple[list[Write], list[Item]]":
    """The transaction, and the chunks of a large body that must be stored before it."""
    match decision:
        case Opened(incident, alert):
            item, chunks = incident_items.alert_items(alert, retention)
            return [
                put_new(table, incident_items.incident_item(incident)),
                # The first invariant hangs on this condition: one active incident per dedup key.
                put_new(table, incident_items.pointer_item(incident)),
                {"Put": {"TableName": table, "Item": item}},
            ], chunks
        case Merged(before, alert, Transitioned() as raised):
            item, chunks = incident_items.alert_items(alert, retention)
            sets = expanded(Changes(last_alert_at=alert.at))
            sets |= repeated(raised.after) | expanded(raised.changes)
            changed = counted(update(sets, expanded(raised.set_if_absent)))
            return [
                of_incident(before, table, changed),
                put(table, item),
                pointer(raised, table),
                timeline(raised, table, retention),
            ], chunks
        case Merged():
            raise ValueError("a merge that raises nothing is no transaction")
        case Transitioned(before, after, change, changes, require):
            sets = repeated(after) | expanded(changes)
            if after.status is Status.RESOLVED:
                if not is_canary(after.id):
                    sets["listing"] = items.listing(after, change.at)
                sets["expires_at"] = int((change.at + kept(after.id, retention)).timestamp())
            changed = update(sets, expanded(decision.set_if_absent))
            return [
                of_incident(before, table, changed, require),
                pointer(decision, table),
                timeline(decision, table, retention),
            ], []
        case _:
            assert_never(decision)


def merge(alert: Alert, table: str, retention: timedelta) -> "tuple[list[Write], list[Item]]":
    """A merge that raises nothing, as a transaction, and the chunks that must be stored before."""
    item, chunks = incident_items.alert_items(alert, retention)
    return [{"Update": count(alert, table)}, put(table, item)], chunks


def count(alert: Alert, table: str) -> "UpdateTypeDef":
    """One more alert of an active incident, as a plain update that touches nothing else.

    It means the same in all four active statuses, so it asks for any of them. It must name them:
    `<> RESOLVED` is true of an incident that does not exist, and would make a ghost of it.
    """
    return _of_active(alert.incident_id, counted(update({"last_alert_at": alert.at})), table)


def seen(pointer: Pointer, now: datetime, table: str) -> "UpdateTypeDef":
    """An active incident was heard of, by no alert of its own."""
    return _of_active(pointer.id, update({"last_alert_at": now, "seen_at": now}), table)


def _of_active(incident_id: str, changed: dict[str, Any], table: str) -> "UpdateTypeDef":
    changed["ExpressionAttributeNames"]["#status"] = "status"
    changed["ExpressionAttributeValues"] |= _ACTIVE
    return updating(table, items.incident_key(incident_id), _IS_ACTIVE, changed)["Update"]


def noted(pointer: Pointer, sets: Mapping[str, object], table: str) -> "UpdateTypeDef":
    """What the pointer alone knows, as long as it is that of this incident."""
    changed = update(sets)
    changed["ExpressionAttributeValues"][":mine"] = {"S": pointer.id}
    key = items.dedup_pointer_key(pointer.service_id, pointer.dedup_key, internal=pointer.internal)
    return updating(table, key, "id = :mine", changed)["Update"]


def expanded(changes: Changes) -> dict[str, object]:
    """The attributes to set, or (None) to remove, by name; a timer is one of the map `timers`."""
    return changes.values() | {f"timers.{timer}": at for timer, at in changes.timers.items()}


def repeated(incident: Pointer) -> dict[str, object]:
    """What the pointer repeats of its incident, so that an answer needs no second read."""
    return {name: getattr(incident, name) for name in ("status", "urgency", "epoch", "changes")}


def _in_hours(decision: Transitioned) -> dict[str, object]:
    """Repeated only when it changes, as few services have support hours."""
    value = decision.changes.urgency_in_hours
    return {} if value is KEEP else {"urgency_in_hours": value}


def as_seen(incident: Incident, arguments: dict[str, Any]) -> str:
    """The condition that nothing has happened to the incident that its escalation depends on.

    Names and values are added to `arguments`. Alerts may come in between: they change none of it.
    """
    facts = ("status", "changes", "page_no", "paged", "due_at", "timers")
    values = {name: getattr(incident, name) for name in facts}
    return still(
        values, arguments["ExpressionAttributeNames"], arguments["ExpressionAttributeValues"]
    )


def still(seen: Mapping[str, object], names: dict[str, str], values: dict[str, Any]) -> str:
    """The condition that attributes still have these values; None stands for an absent attribute.

    Adds to the `names` and `values` of the expression.
    """
    terms = []
    for name, value in seen.items():
        names[f"#was_{name}"] = name
        if value is None:
            terms.append(f"attribute_not_exists(#was_{name})")
            continue
        values[f":was_{name}"] = wire(value)
        same = f"#was_{name} = :was_{name}"
        # A version of the code that does not know the number leaves it out.
        terms.append(f"(attribute_not_exists(#was_{name}) OR {same})" if value == 0 else same)
    return " AND ".join(terms)


def put(table: str, item: Item) -> "Write":
    return {"Put": {"TableName": table, "Item": item}}


def put_new(table: str, item: Item) -> "Write":
    condition = "attribute_not_exists(pk)"
    return {"Put": {"TableName": table, "Item": item, "ConditionExpression": condition}}


def exists(table: str, key: Item) -> "Write":
    condition = "attribute_exists(pk)"
    check: Any = {"TableName": table, "Key": key, "ConditionExpression": condition}
    return {"ConditionCheck": check}


def ending_calendar(owner_id: str, table: str) -> "Write":
    """Ends all addresses of the calendar that there are. `owner_id`: of a user or a schedule."""
    names, values = {"#kind": "kind"}, {":kind": {"S": "calendar"}, ":one": {"N": "1"}}
    return {
        "Update": {
            "TableName": table,
            "Key": items.calendar_key(owner_id),
            "UpdateExpression": "SET #kind = :kind ADD epoch :one",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    }


def packed(groups: Sequence[Sequence["Write"]], most: int) -> Iterator[int]:
    """How many steps go into each transaction. There is at least one, if only for the head."""
    count = size = 0
    for group in groups:
        if count and size + len(group) > most:
            yield count
            count = size = 0
        count += 1
        size += len(group)
    yield count


def update(
    sets: Mapping[str, object], if_absent: Mapping[str, object] = MappingProxyType({})
) -> dict[str, Any]:
    """The arguments of an update that sets attributes, and removes those that are None; `if_absent`
    sets only attributes that are not there.

    An entry of a map is named with a dot, so that the map's other entries stay as they are.
    """
    kept = {name: value for name, value in sets.items() if value is not None}
    gone = [_path(name) for name, value in sets.items() if value is None]
    terms = [f"{_path(name)} = {_value(name)}" for name in kept]
    terms += (f"{_path(it)} = if_not_exists({_path(it)}, {_value(it)})" for it in if_absent)
    actions = [f"SET {', '.join(terms)}"] if terms else []
    if gone:
        actions.append(f"REMOVE {', '.join(gone)}")
    names: dict[str, str] = {}
    for name in {**sets, **if_absent}:
        names |= _names(name)
    return {
        "UpdateExpression": " ".join(actions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {
            _value(name): wire(value) for name, value in {**kept, **if_absent}.items()
        },
    }


# The names of attributes are few, and every write needs many of them.
@cache
def _names(name: str) -> dict[str, str]:
    return {f"#{part}": part for part in name.split(".")}


@cache
def _path(name: str) -> str:
    return ".".join(f"#{part}" for part in name.split("."))


@cache
def _value(name: str) -> str:
    return ":" + name.replace(".", "_")


def counted(changed: dict[str, Any]) -> dict[str, Any]:
    changed["UpdateExpression"] += " ADD alert_count :one"
    changed["ExpressionAttributeValues"][":one"] = {"N": "1"}
    return changed


def of_incident(
    before: Pointer, table: str, changed: dict[str, Any], require: Require = NO_REQUIREMENT
) -> "Write":
    names, values = changed["ExpressionAttributeNames"], changed["ExpressionAttributeValues"]
    names["#seen"] = "status"
    values[":seen"] = {"S": str(before.status)}
    # The decision depends on the status alone: alerts that raise never refuse each other.
    condition = "#seen = :seen"
    required = {
        "last_alert_at": require.last_alert_at,
        "page_no": require.page_no,
        "firing": require.firing,
    }
    required = {name: value for name, value in required.items() if value is not None}
    if required:
        condition += " AND " + still(required, names, values)
    return updating(table, items.incident_key(before.id), condition, changed)


def pointer(decision: Transitioned, table: str) -> "Write":
    """What the pointer learns of a transition; a resolved incident has none."""
    before = decision.before
    key = items.dedup_pointer_key(before.service_id, before.dedup_key, internal=before.internal)
    mine: Item = {":mine": {"S": before.id}}
    if decision.after.status is Status.RESOLVED:
        return {
            "Delete": {
                "TableName": table,
                "Key": key,
                "ConditionExpression": "id = :mine",
                "ExpressionAttributeValues": mine,
            }
        }
    changed = update(repeated(decision.after) | _in_hours(decision))
    changed["ExpressionAttributeValues"] |= mine
    return updating(table, key, "id = :mine", changed)


def updating(table: str, key: Item, condition: str, changed: dict[str, Any]) -> "Write":
    arguments = {"TableName": table, "Key": key, "ConditionExpression": condition, **changed}
    if not changed["ExpressionAttributeValues"]:
        # DynamoDB refuses an empty map.
        del arguments["ExpressionAttributeValues"]
    return {"Update": cast("UpdateTypeDef", arguments)}


def timeline(decision: Transitioned, table: str, retention: timedelta) -> "Write":
    """The transition's entry."""
    # New: its number is the change's place in the order of all changes of the incident.
    return put_new(table, incident_items.change_item(decision.change, retention))
