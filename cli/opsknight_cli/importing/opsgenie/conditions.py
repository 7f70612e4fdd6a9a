"""Opsgenie's conditions as JMESPath, on an event as `POST /api/events` has it. Pure.

A text compares without regard to capitals: a route takes rather too much than too little.
"""

import json
from collections.abc import Iterable
from typing import Final

from opsknight_cli.importing.expressions import ALWAYS, TEXTS, Beyond, literal
from opsknight_cli.importing.opsgenie.shapes import Condition, Filter

_TEXTS: Final = {
    "message": "payload.summary",
    "description": "payload.custom_details.description",
    "source": "payload.source",
    "alias": "dedup_key",
    "entity": "payload.entity",
}
_LISTS: Final = {
    "tags": "payload.tags",
    "actions": "payload.actions",
    "teams": "payload.responders[].name",
    "responders": "payload.responders[].name",
    "recipients": "payload.responders[].name",
}
_DETAILS: Final = frozenset({"details", "extra-properties"})
_PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
# What has no priority of Opsgenie's has a severity, and these are the same.
_SEVERITIES: Final = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "info", "P5": "info"}


def condition(given: Filter) -> str:
    """Raises Beyond."""
    if given.type == "match-all" or not given.conditions:
        return ALWAYS
    if len(given.conditions) == 1:
        return _one(given.conditions[0])
    parts = [f"({_one(each)})" for each in given.conditions]
    return (" || " if given.type == "match-any-condition" else " && ").join(parts)


def _one(each: Condition) -> str:
    found = _plain(each)
    return f"!({found})" if each.negated else found


def _plain(each: Condition) -> str:
    wanted = each.expected_value or ""
    if each.field == "priority":
        return _priority(each.operation, wanted)
    if each.field in _LISTS:
        return _in_list(_LISTS[each.field], each.operation, wanted)
    if each.field in _DETAILS:
        if each.operation == "contains-key":
            return f"payload.custom_details.{json.dumps(wanted)} != `null`"
        if not each.key:
            raise Beyond(f"{each.operation} of all details")
        return _text(f"payload.custom_details.{json.dumps(each.key)}", each.operation, wanted)
    if each.field in _TEXTS:
        return _text(_TEXTS[each.field], each.operation, wanted)
    raise Beyond(f"the field {each.field}")


def _priority(operation: str, wanted: str) -> str:
    """P1 is the highest."""
    taken = {
        "equals": [wanted],
        "greater-than": [each for each in _PRIORITIES if each < wanted],
        "less-than": [each for each in _PRIORITIES if each > wanted],
    }.get(operation)
    if taken is None or wanted not in _PRIORITIES:
        raise Beyond(f"priority {operation} {wanted}")
    if ("P4" in taken) is not ("P5" in taken):
        # Both are of severity info.
        [apart] = [each for each in taken if each in ("P4", "P5")]
        parts = [f"payload.priority == '{apart}'"]
        parts += [_severity(_SEVERITIES[each]) for each in taken if each != apart]
        return _any(parts)
    return _any(_severity(each) for each in dict.fromkeys(_SEVERITIES[one] for one in taken))


def _severity(name: str) -> str:
    return f"payload.severity == '{name}'"


def _in_list(path: str, operation: str, wanted: str) -> str:
    match operation:
        case "contains" | "equals" | "contains-value":
            # A list, or one text with commas.
            return f"contains({path} || '', {literal(wanted)})"
        case "is-empty":
            return f"!({path})"
        case _:
            raise Beyond(f"{operation} of {path}")


def _text(path: str, operation: str, wanted: str) -> str:
    lower, small = f"lower({path})", wanted.lower()
    match operation:
        case "equals":
            return f"{lower} == {literal(small)}"
        case "equals-ignore-whitespace":
            return f"{lower} == {literal(small.strip())}"
        case "contains":
            return f"contains({lower} || '', {literal(small)})"
        case "starts-with":
            return f"starts_with({lower} || '', {literal(small)})"
        case "ends-with":
            return f"ends_with({lower} || '', {literal(small)})"
        case "is-empty":
            return f"!({lower})"
        case "matches":
            texts = small.removeprefix(".*").removesuffix(".*")
            if not TEXTS.fullmatch(texts):
                raise Beyond(f"the regular expression {wanted}")
            parts = texts.split("|")
            if small == texts:
                # A whole text has to match.
                return _any(f"{lower} == {literal(each)}" for each in parts)
            if len(parts) > 1 or not small.startswith(".*") or not small.endswith(".*"):
                raise Beyond(f"the regular expression {wanted}")
            return f"contains({lower} || '', {literal(texts)})"
        case _:
            raise Beyond(f"{operation} of {path}")


def _any(parts: Iterable[str]) -> str:
    known = list(parts)
    # Nothing is higher than P1.
    return " || ".join(known) or "`false`"
