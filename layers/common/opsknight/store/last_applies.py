"""Where the file that was applied last has what it names, in one item beside the configuration's
head. No function needs it to work: an item that cannot be read is none.
"""

import json
import zlib
from contextlib import suppress
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.config.last_apply import LastApply
from opsknight.config.ownership import Side
from opsknight.store import items
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item, plain, wire

# As in `ownership.owner_of`: one that was applied before there were owners is the file's.
_FILES_OWN: Final = "attribute_not_exists(#owner) OR #owner.#by = :file"
KEY: Final[Item] = items.HEAD_KEY | {"sk": {"S": "last_apply"}}


@dataclass(frozen=True, slots=True)
class LastApplies:
    table: Table

    def read(self, deadline: Deadline) -> LastApply | None:
        item = self.table.item(KEY, deadline)
        if item is None:
            return None
        stored = plain(item)
        try:
            places = json.loads(zlib.decompress(item["places"]["B"]))
            return LastApply.model_validate({**stored, **places})
        except (KeyError, TypeError, ValueError, zlib.error):
            # Of a newer version, perhaps: it says where to look, and nothing else.
            return None

    def keep(self, new: LastApply, deadline: Deadline) -> None:
        """Unless a later apply was faster, or the console owns the configuration by now: the lines
        of a file that owns nothing lead nowhere.
        """
        places = {"files": new.files, "lines": new.lines}
        item: Any = KEY | {
            "kind": {"S": "last_apply"},
            "at": wire(new.at),
            "by": wire(new.by),
            "revision": wire(new.revision),
            # A thousand lines are some kilobytes.
            "places": {"B": zlib.compress(json.dumps(places, separators=(",", ":")).encode(), 9)},
        }
        with suppress(Conflict):
            retrying(
                deadline,
                self.table.client.transact_write_items,
                TransactItems=[
                    {
                        "ConditionCheck": {
                            "TableName": self.table.name,
                            "Key": items.HEAD_KEY,
                            "ConditionExpression": _FILES_OWN,
                            "ExpressionAttributeNames": {"#owner": "owner", "#by": "by"},
                            "ExpressionAttributeValues": {":file": wire(Side.FILE)},
                        }
                    },
                    {
                        "Put": {
                            "TableName": self.table.name,
                            "Item": item,
                            "ConditionExpression": "attribute_not_exists(pk) OR revision <= :mine",
                            "ExpressionAttributeValues": {":mine": wire(new.revision)},
                        }
                    },
                ],
            )
