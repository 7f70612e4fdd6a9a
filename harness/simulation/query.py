"""DynamoDB's Query, of a table and of its indexes."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any, Final

from harness.simulation import expressions
from harness.simulation.capacity import size
from harness.simulation.expressions import Invalid
from harness.simulation.storage import Partition, TableState

LARGEST_PAGE: Final = 1024 * 1024
_HASH: Final = r"(?:^|AND)\s*({name})\s*=\s*(:\w+)"


def query(
    table: TableState, asked: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...], int]:
    """The answer, the partition that was read, and how many bytes of it."""
    index_name = asked.get("IndexName")
    names = asked.get("ExpressionAttributeNames", {})
    values = asked.get("ExpressionAttributeValues", {})
    text = asked["KeyConditionExpression"]
    if index_name is None:
        hash_key, place = table.shape.keys[0], asked["TableName"]
        sort_keys = table.shape.keys[1:]
        partitions = table.partitions
    else:
        if asked.get("ConsistentRead"):
            raise Invalid("Consistent reads are not supported on global secondary indexes")
        index = table.indexes[index_name]
        hash_key, place = index.shape.hash, f"{asked['TableName']}/{index_name}"
        sort_keys = (index.shape.range, *table.shape.keys)
        partitions = index.partitions
    texts = [text, *([asked["FilterExpression"]] if "FilterExpression" in asked else [])]
    needed_names, needed_values = expressions.used(*texts)
    if set(names) != needed_names or set(values) != needed_values:
        raise Invalid("What is given for an expression is unused or missing")
    aliases = [hash_key, *(alias for alias, name in names.items() if name == hash_key)]
    found = re.search(_HASH.format(name="|".join(map(re.escape, aliases))), text)
    if found is None:
        raise Invalid("Query condition missed key schema element")
    partition_value = values[found[2]]["S"]
    partition = partitions.get(partition_value, Partition())
    order = partition.order
    forward = asked.get("ScanIndexForward", True)
    start = asked.get("ExclusiveStartKey")
    if start is not None:
        last = _place(start, sort_keys, in_index=index_name is not None)
        order = order[bisect_right(order, last) :] if forward else order[: bisect_left(order, last)]
    fits = expressions.condition(text)
    passes = expressions.condition(asked["FilterExpression"]) if len(texts) > 1 else None
    items, read, evaluated, limit = [], 0, 0, asked.get("Limit")
    last_seen: Any = None
    is_cut = False
    for each in order if forward else reversed(order):
        item = partition.items[each]
        if not fits(item, names, values):
            continue
        if evaluated == limit or read > LARGEST_PAGE:
            is_cut = True
            break
        read += size(item)
        evaluated += 1
        last_seen = item
        if passes is None or passes(item, names, values):
            items.append(dict(item))
    answer: dict[str, Any] = {"Items": items, "Count": len(items), "ScannedCount": evaluated}
    # At its limit it stops, and does not look whether there is more.
    if is_cut or (evaluated and evaluated == limit):
        shown = dict.fromkeys((*table.shape.keys, hash_key, *sort_keys))
        answer["LastEvaluatedKey"] = {name: last_seen[name] for name in shown}
    return answer, (place, partition_value), read


def scan(table: TableState, asked: Mapping[str, Any]) -> dict[str, Any]:
    """All of a table, in one answer: only operators read a copy so."""
    passes = expressions.condition(asked["FilterExpression"])
    values = asked["ExpressionAttributeValues"]
    return {"Items": [dict(item) for item in table.items() if passes(item, {}, values)]}


def _place(start: Mapping[str, Any], sort_keys: tuple[str, ...], *, in_index: bool) -> Any:
    parts = tuple(start[name]["S"] for name in sort_keys)
    return (parts[0], parts[1:]) if in_index else parts
