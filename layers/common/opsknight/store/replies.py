"""What replies by text message need: the codes that a number was shown, what came from it, and
whether it takes messages at all.

What a reply means is in `opsknight.notification.replies`.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from opsknight.classes import dataclass
from opsknight.notification.replies import ALL_WITHIN, MOST_WRONG, WORKS_FOR, OpenCode, code_of
from opsknight.store import items
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item, attributes, expiry, plain, wire

_TRIES: Final = 5
_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Replies:
    table: Table

    def show(self, number: str, shown: OpenCode, key: bytes, deadline: Deadline) -> str | None:
        """The code to show for the incident, once it is stored. `shown` lacks it still. None where
        too many codes are taken.
        """
        for attempt in range(_TRIES):
            code = code_of(shown.incident_id, number, key, attempt)
            mine = shown.model_copy(update={"code": code})
            with suppress(Conflict):
                retrying(
                    deadline,
                    self.table.client.put_item,
                    TableName=self.table.name,
                    Item=items.reply_code_key(number, code)
                    | {"kind": {"S": "reply_code"}, "expires_at": expiry(shown.at, _KEPT)}
                    | attributes(mine),
                    # It is free, over, or shows the same incident again.
                    ConditionExpression=(
                        "attribute_not_exists(pk) OR incident_id = :mine OR #at <= :over"
                    ),
                    ExpressionAttributeNames={"#at": "at"},
                    ExpressionAttributeValues={
                        ":mine": {"S": shown.incident_id},
                        ":over": wire(shown.at - WORKS_FOR),
                    },
                )
                return code
        return None

    def open(self, number: str, now: datetime, deadline: Deadline) -> list[OpenCode]:
        """The codes that work, the one shown last first."""
        pk = items.reply_code_key(number, "")["pk"]
        found = [
            OpenCode.model_validate(plain(item)) for item in self.table.under(pk, "code#", deadline)
        ]
        live = [each for each in found if now - WORKS_FOR < each.at <= now + timedelta(minutes=1)]
        return sorted(live, key=lambda each: each.at, reverse=True)

    def recent(self, codes: Iterable[OpenCode], now: datetime) -> list[OpenCode]:
        return [each for each in codes if now - each.at < ALL_WITHIN]

    def begin(self, message_id: str, now: datetime, deadline: Deadline) -> bool:
        """Whether the inbound message still has to be acted on."""
        key = items.inbound_key(message_id)
        try:
            retrying(
                deadline,
                self.table.client.put_item,
                TableName=self.table.name,
                Item=key | {"kind": {"S": "inbound"}, "expires_at": expiry(now, timedelta(days=7))},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except Conflict:
            # Whoever began may have died: only what is done is not done again.
            return "done" not in (self.table.item(key, deadline) or {})
        return True

    def done(self, message_id: str, deadline: Deadline) -> None:
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.inbound_key(message_id),
            UpdateExpression="SET done = :yes",
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )

    def is_silenced(self, number: str, now: datetime, deadline: Deadline) -> bool:
        """Whether so many wrong codes came in this hour that nothing is answered."""
        found = self.table.item(items.wrong_codes_key(number, now), deadline) or {}
        return int(found.get("wrong", {"N": "0"})["N"]) >= MOST_WRONG

    def count_wrong(self, number: str, now: datetime, deadline: Deadline) -> None:
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.wrong_codes_key(number, now),
            UpdateExpression="SET expires_at = :end ADD wrong :one",
            ExpressionAttributeValues={":one": {"N": "1"}, ":end": expiry(now, _KEPT)},
        )

    def opt_out(self, number: str, message_id: str, now: datetime, deadline: Deadline) -> bool:
        """False when another message has done it already."""
        mine: Item = {"kind": {"S": "opt_out"}, "at": wire(now), "inbound_id": {"S": message_id}}
        try:
            retrying(
                deadline,
                self.table.client.put_item,
                TableName=self.table.name,
                Item=items.opt_out_key(number) | mine,
                ConditionExpression="attribute_not_exists(pk) OR inbound_id = :mine",
                ExpressionAttributeValues={":mine": mine["inbound_id"]},
            )
        except Conflict:
            return False
        return True

    def opt_in(self, number: str, deadline: Deadline) -> None:
        retrying(
            deadline,
            self.table.client.delete_item,
            TableName=self.table.name,
            Key=items.opt_out_key(number),
        )

    def opted_out(self, numbers: Iterable[str], deadline: Deadline) -> frozenset[str]:
        """Those that replied STOP."""
        keys = {items.opt_out_key(each)["pk"]["S"]: each for each in numbers}
        found = self.table.batch([items.opt_out_key(each) for each in keys.values()], deadline)
        return frozenset(keys[item["pk"]["S"]] for item in found)
