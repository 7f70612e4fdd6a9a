"""What entries of the directory are called, read by kind and id.

A list of incidents shows the names of services and people, so many are read at once.
"""

from collections.abc import Iterable
from typing import assert_never

from opsknight.config.configuration import Kind
from opsknight.store import items
from opsknight.store.calls import Deadline
from opsknight.store.rows import Rows
from opsknight.store.wire import Item


def read_names(
    table: Rows, wanted: Iterable[tuple[Kind, str]], deadline: Deadline
) -> dict[tuple[Kind, str], str]:
    """The names of those that exist, also of entries that no configuration lists any more."""
    named = {}
    for kind, key in wanted:
        at = entry_key(kind, key)
        named[at["pk"]["S"], at["sk"]["S"]] = (kind, key)
    keys: list[Item] = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in named]
    return {
        named[item["pk"]["S"], item["sk"]["S"]]: item["name"]["S"]
        for item in table.batch(keys, deadline, consistent=False)
    }


def entry_key(kind: Kind, key: str) -> Item:
    match kind:
        case Kind.USER:
            return items.user_key(key)
        case Kind.SCHEDULE:
            return items.schedule_key(key)
        case Kind.TEAM:
            return items.team_key(key)
        case Kind.POLICY:
            return items.policy_key(key)
        case Kind.SERVICE:
            return items.service_key(key)
        case Kind.INTEGRATION:
            return items.integration_item_key(*key.split("/"))
        case Kind.RECEIVER:
            return items.receiver_key(*key.split("/"))
        case Kind.STATUS_PAGE:
            return items.status_page_key(key)
        case Kind.PRESET:
            return items.preset_key(key)
        case Kind.AWS:
            return items.AWS_RULES_KEY
        case Kind.REPORT:
            return items.report_key(key)
        case _:
            assert_never(kind)
