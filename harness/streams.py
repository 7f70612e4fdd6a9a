"""Records of the table's stream, and the functions that they wake by the template's filters."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from harness.dynamodb import template


def record(item: Mapping[str, Any]) -> dict[str, Any]:
    """The stream's record of a new item, given in wire form."""
    return {
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"pk": item["pk"], "sk": item["sk"]},
            "NewImage": dict(item),
            "SequenceNumber": "1",
            "StreamViewType": "NEW_IMAGE",
        },
    }


@cache
def filters() -> dict[str, list[Mapping[str, Any]]]:
    """Function to the patterns of its stream mapping."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for name, resource in template()["Resources"].items():
        for source in resource.get("Properties", {}).get("Events", {}).values():
            if isinstance(source, Mapping) and source["Type"] == "DynamoDB":
                patterns = source["Properties"]["FilterCriteria"]["Filters"]
                found[name] = [json.loads(each["Pattern"]) for each in patterns]
    return found


def woken_by(stream_record: Mapping[str, Any]) -> set[str]:
    return {
        function
        for function, patterns in filters().items()
        if any(fits(pattern, stream_record) for pattern in patterns)
    }


def fits(pattern: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Lambda's filter rules, as far as the template uses them: a list names the allowed values, or
    what they may begin with.
    """
    return all(
        name in value
        and (
            fits(wanted, value[name])
            if isinstance(wanted, Mapping)
            else any(_allows(each, value[name]) for each in wanted)
        )
        for name, wanted in pattern.items()
    )


def _allows(rule: Any, value: Any) -> bool:
    match rule:
        case {"prefix": str(beginning)}:
            return isinstance(value, str) and value.startswith(beginning)
        case str():
            return bool(value == rule)
        case _:
            raise AssertionError(f"no rule that is read here: {rule}")
