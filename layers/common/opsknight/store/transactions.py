"""A decision as the writes of one transaction. Each condition repeats what the decision was based
on, and no more.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, assert_never, cast

from opsknight.escalation.steps import Advanced
from opsknight.incident.lifecycle import Merged, Opened, Transitioned
from opsknight.incident.model import Incident, Pointer, Status
from opsknight.store import items

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write
    from types_boto3_dynamodb.type_defs import UpdateTypeDef


def writes(
    decision: Opened | Merged | Transitioned | Advanced, table: str, retention: timedelta
) -> "tuple[list[Write], list[items.Item]]":
    """The transaction, and the chunks of a large body that must be stored before it."""
    match decision:
        case Opened(incident, alert):
            item, chunks = items.alert_items(alert, retention)
            return [
                put_new(table, items.incident_item(incident)),
                # The first invariant hangs on this condition: one active incident per dedup key.
                put_new(table, items.pointer_item(incident)),
                {"Put": {"TableName": table, "Item": item}},
            ], chunks
        case Merged(seen, alert, raised):
            item, chunks = items.alert_items(alert, retention)
            sets: dict[str, object] = {"last_alert_at": alert.at}
            around: list[Write] = []
            kept: Mapping[str, object] = {}
            if raised is not None:
                sets |= told(raised)
                sets |= raised.sets
                kept = raised.unless_set
                around = [_pointer(raised, table), _timeline(raised, table, retention)]
            one: items.Item = {":one": {"N": "1"}}
            merged = _incident(seen, table, sets, kept, " ADD alert_count :one", one)
            return [merged, {"Put": {"TableName": table, "Item": item}}, *around], chunks
        case Transitioned(seen, after, change):
            sets = told(decision)
            sets |= decision.sets
            if after.status is Status.RESOLVED:
                sets["listing"] = items.listing(after, change.at)
                sets["expires_at"] = int((change.at + retention).timestamp())
            return [
                _incident(seen, table, sets, decision.unless_set, given=decision.given),
                _pointer(decision, table),
                _timeline(decision, table, retention),
            ], []
        case Advanced(incident, _, steps_to, taken, pages, noted):
            changed = update({**steps_to, **(told(noted) if noted else {})})
            condition = as_seen(incident, changed)
            key = items.incident_key(incident.id)
            steps: list[Write] = [updating(table, key, condition, changed)]
            if taken is not None:
                steps.append(put_new(table, items.taken_item(taken, retention)))
            steps += (put(table, items.page_item(page, retention)) for page in pages)
            if noted is not None:
                steps += [_pointer(noted, table), _timeline(noted, table, retention)]
            return steps, []
        case _:
            assert_never(decision)


def as_seen(incident: Incident, arguments: dict[str, Any]) -> str:
    """The condition that nothing has happened to the incident that its escalation depends on.

    Names and values are added to `arguments`. Alerts may come in between: they change none of it.
    """
    names = arguments["ExpressionAttributeNames"]
    # What only removes has none yet.
    values = arguments.setdefault("ExpressionAttributeValues", {})
    facts = ("status", "changes", "page_no", "paged", "due_at", "timers")
    return still({name: getattr(incident, name) for name in facts}, names, values)


def still(seen: Mapping[str, object], names: dict[str, str], values: dict[str, Any]) -> str:
    terms = []
    for name, value in seen.items():
        names[f"#was_{name}"] = name
        if value is None:
            terms.append(f"attribute_not_exists(#was_{name})")
            continue
        values[f":was_{name}"] = items.wire(value)
        same = f"#was_{name} = :was_{name}"
        # A version of the code that does not know the number leaves it out.
        terms.append(f"(attribute_not_exists(#was_{name}) OR {same})" if value == 0 else same)
    return " AND ".join(terms)


def put(table: str, item: items.Item) -> "Write":
    return {"Put": {"TableName": table, "Item": item}}


def put_new(table: str, item: items.Item) -> "Write":
    condition = "attribute_not_exists(pk)"
    return {"Put": {"TableName": table, "Item": item, "ConditionExpression": condition}}


def exists(table: str, key: items.Item) -> "Write":
    condition = "attribute_exists(pk)"
    check: Any = {"TableName": table, "Key": key, "ConditionExpression": condition}
    return {"ConditionCheck": check}


def told(moved: Transitioned) -> dict[str, object]:
    """What the pointer repeats of its incident, so that an answer needs no second read."""
    after = moved.after
    return {
        "status": after.status,
        "urgency": after.urgency,
        "epoch": after.epoch,
        "changes": after.changes,
    }


def update(
    sets: Mapping[str, object], unless_set: Mapping[str, object] = MappingProxyType({})
) -> dict[str, Any]:
    """The arguments of an update that sets fields, and removes those that are None; `unless_set`
    only fills what is empty.

    A field inside a map is named with a dot, so that the map's other entries stay as they are.
    """
    kept = {name: value for name, value in sets.items() if value is not None}
    gone = [_path(name) for name, value in sets.items() if value is None]
    terms = [f"{_path(name)} = {_value(name)}" for name in kept]
    terms += (f"{_path(it)} = if_not_exists({_path(it)}, {_value(it)})" for it in unless_set)
    actions = [f"SET {', '.join(terms)}"] if terms else []
    if gone:
        actions.append(f"REMOVE {', '.join(gone)}")
    values = {_value(name): items.wire(it) for name, it in {**kept, **unless_set}.items()}
    parts = {part for name in {**sets, **unless_set} for part in name.split(".")}
    return {
        "UpdateExpression": " ".join(actions),
        "ExpressionAttributeNames": {f"#{part}": part for part in parts},
        # DynamoDB refuses an empty map.
        **({"ExpressionAttributeValues": values} if values else {}),
    }


def _path(name: str) -> str:
    return ".".join(f"#{part}" for part in name.split("."))


def _value(name: str) -> str:
    return ":" + name.replace(".", "_")


def _incident(
    seen: Pointer,
    table: str,
    sets: Mapping[str, object],
    unless_set: Mapping[str, object] = MappingProxyType({}),
    addition: str = "",
    values: items.Item | None = None,
    given: Mapping[str, object] | None = None,
) -> "Write":
    changed = update(sets, unless_set)
    changed["UpdateExpression"] += addition
    changed["ExpressionAttributeNames"]["#seen"] = "status"
    changed["ExpressionAttributeValues"] |= {":seen": {"S": str(seen.status)}} | (values or {})
    # The decision depends on the status alone: alerts of one incident never refuse each other.
    condition = "#seen = :seen"
    if given:
        names = changed["ExpressionAttributeNames"]
        condition += " AND " + still(given, names, changed["ExpressionAttributeValues"])
    return updating(table, items.incident_key(seen.id), condition, changed)


def _pointer(moved: Transitioned, table: str) -> "Write":
    key = items.pointer_key(moved.seen.service_id, moved.seen.dedup_key)
    mine: items.Item = {":mine": {"S": moved.seen.id}}
    if moved.after.status is Status.RESOLVED:
        return {
            "Delete": {
                "TableName": table,
                "Key": key,
                "ConditionExpression": "id = :mine",
                "ExpressionAttributeValues": mine,
            }
        }
    changed = update(told(moved))
    changed["ExpressionAttributeValues"] |= mine
    return updating(table, key, "id = :mine", changed)


def updating(table: str, key: items.Item, condition: str, changed: dict[str, Any]) -> "Write":
    arguments = {"TableName": table, "Key": key, "ConditionExpression": condition, **changed}
    return {"Update": cast("UpdateTypeDef", arguments)}


def _timeline(moved: Transitioned, table: str, retention: timedelta) -> "Write":
    # New: its number is the change's place in the order of all changes of the incident.
    return put_new(table, items.change_item(moved.change, retention))
