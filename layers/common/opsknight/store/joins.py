"""What joins a group and leaves it, as the writes of one transaction each, whatever the size of the
group. What an event does to it is for the rules to say.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_never

from opsknight.incident.changes import NOTHING, Changes
from opsknight.incident.decisions import NO_REQUIREMENT, Require
from opsknight.incident.members import (
    Joined,
    LastLeft,
    Left,
    Member,
    MemberChange,
    OpenedGroup,
)
from opsknight.store import incident_items, items, transactions
from opsknight.store.wire import Item, attributes, expiry

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


def writes(
    decision: OpenedGroup | Joined | Left | LastLeft, table: str, retention: timedelta
) -> "tuple[list[Write], list[Item]]":
    """The transaction, and the chunks of a large body that must be stored before it."""
    match decision:
        case OpenedGroup(opened, member):
            first, chunks = transactions.writes(opened, table, retention)
            mine = opened.incident.service_id
            return [*first, *_member(member, mine, table, retention)], chunks
        case LastLeft(resolved, member):
            first, _ = transactions.writes(resolved, table, retention)
            return [*first, *_member(member, resolved.before.service_id, table, retention)], []
        case Joined(before, alert, member, transition):
            item, chunks = incident_items.alert_items(alert, retention)
            sets = transactions.expanded(Changes(last_alert_at=alert.at))
            further: list[Write] = []
            if transition is not None:
                sets |= transactions.repeated(transition.after)
                sets |= transactions.expanded(transition.changes)
                further.append(transactions.pointer(transition, table))
                further.append(transactions.timeline(transition, table, retention))
            if_absent = transition.set_if_absent if transition else NOTHING
            changed = transactions.update(sets, transactions.expanded(if_absent))
            changed = transactions.counted(changed)
            if decision.joins:
                _add(changed, "firing", 1)
            if decision.is_new:
                _add(changed, "members", 1)
            return [
                transactions.of_incident(before, table, changed),
                transactions.put(table, item),
                *_member(member, before.service_id, table, retention),
                *further,
            ], chunks
        case Left(before, member):
            changed = {
                "UpdateExpression": "",
                "ExpressionAttributeNames": {},
                "ExpressionAttributeValues": {},
            }
            _add(changed, "firing", -1)
            # The last one resolves the incident: it must not leave like any other.
            require = NO_REQUIREMENT if before.untracked else Require(firing=before.firing)
            return [
                transactions.of_incident(before, table, changed, require),
                *_member(member, before.service_id, table, retention),
            ], []
        case _:
            assert_never(decision)


def _add(changed: dict[str, Any], name: str, number: int) -> None:
    """Adds to a count, whatever else is changed."""
    written = changed["UpdateExpression"]
    joined = ", " if " ADD " in f" {written}" else " ADD "
    changed["UpdateExpression"] = f"{written}{joined}#{name} :add_{name}".strip()
    changed["ExpressionAttributeNames"][f"#{name}"] = name
    changed["ExpressionAttributeValues"][f":add_{name}"] = {"N": str(number)}


def _member(
    change: MemberChange, service_id: str, table: str, retention: timedelta
) -> "list[Write]":
    """The member, and whether it fires in this incident, for the day when its groups are others."""
    before, after = change.before, change.after
    put = _put(change, table, retention)
    if after.overflow or (after.fires and before is not None and before.fires):
        return [put]
    key = items.membership_key(service_id, after.key, after.incident_id)
    if not after.fires:
        return [put, {"Delete": {"TableName": table, "Key": key}}]
    kind: Item = {"kind": {"S": "membership"}, "incident_id": {"S": after.incident_id}}
    return [put, transactions.put(table, key | kind | {"expires_at": expiry(after.at, retention)})]


def _put(change: MemberChange, table: str, retention: timedelta) -> "Write":
    """Two requests about one member count it once."""
    item = member_item(change.after, retention)
    if change.before is None:
        return transactions.put_new(table, item)
    names: dict[str, str] = {}
    values: Item = {}
    seen = {"state": change.before.state, "at": change.before.at}
    condition = transactions.still(seen, names, values)
    written: Any = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    return {"Put": written}


def member_item(member: Member, retention: timedelta) -> Item:
    return (
        items.member_key(member.incident_id, member.key)
        | {"kind": {"S": "member"}, "expires_at": expiry(member.at, retention)}
        | attributes(member)
    )
