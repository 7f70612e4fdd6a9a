"""Keys as operators handle them: listed by owner, created, rotated and revoked.

A key is stored under the hash of its secret, and nothing scans the table: a listing for each key,
all in one partition, says where it is.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.entries import ApiKey, IntegrationKey
from opsknight.directory.integrations import Integration
from opsknight.store import directory_items, items, key_items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Deadline
from opsknight.store.rows import validated
from opsknight.store.table import Table
from opsknight.store.wire import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


@dataclass(frozen=True, slots=True)
class Held:
    """A key, and the hash of its secret, under which it is stored."""

    hashed: str
    key: key_items.AnyKey


@dataclass(frozen=True, slots=True)
class Keys:
    table: Table

    def held(self, deadline: Deadline, owner_id: str | None = None) -> list[Held]:
        """The keys of a service or a user, or all keys; by owner, then by age."""
        prefix = "" if owner_id is None else f"{owner_id}#"
        found = self.table.under(items.KEYS, prefix or None, deadline)
        places = [entry["item"]["M"] for entry in found]
        stored = self.table.batch([dict(place) for place in places], deadline)
        by_place = {_place(item): item for item in stored}
        return [_held(by_place[_place(place)]) for place in places if _place(place) in by_place]

    def add(
        self,
        hashed: str,
        key: key_items.AnyKey,
        token: str,
        deadline: Deadline,
        *,
        audit: AuditEntry,
    ) -> None:
        """Creates a key; Conflict when its integration or user is gone.

        This is a revision of the configuration: otherwise an older plan, which removes the
        integration or user, would not know about the key.
        """
        self._write([*self._new(hashed, key)], audit, token, deadline)

    def add_integration(
        self,
        integration: Integration,
        hashed: str,
        key: IntegrationKey,
        token: str,
        deadline: Deadline,
        *,
        audit: AuditEntry,
    ) -> None:
        """Adds an integration to a service, with its first key; Conflict when there is one of that
        id, or the service is gone. It is a revision, too, and listed as what a file has is.
        """
        name = self.table.name
        listed = {"L": [{"S": f"{integration.service_id}/{integration.id}"}]}
        writes: list[Write] = [
            transactions.put_new(name, directory_items.directory_item(integration)),
            transactions.put_new(name, key_items.any_key_item(hashed, key)),
            transactions.put_new(name, key_items.key_listing_item(hashed, key)),
            transactions.exists(name, items.service_key(integration.service_id)),
            {
                "Update": {
                    "TableName": name,
                    "Key": items.HEAD_KEY,
                    "ConditionExpression": "attribute_exists(pk)",
                    "UpdateExpression": "SET integrations = list_append("
                    "if_not_exists(integrations, :none), :new) ADD revision :one",
                    "ExpressionAttributeValues": {
                        ":none": {"L": []},
                        ":new": listed,
                        ":one": {"N": "1"},
                    },
                }
            },
        ]
        self._write(writes, audit, token, deadline)

    def replace(
        self,
        old: Held,
        hashed: str,
        key: key_items.AnyKey,
        until: datetime,
        token: str,
        deadline: Deadline,
        *,
        audit: AuditEntry,
    ) -> None:
        """Creates a key, and ends the old one at `until`; Conflict when that has ended already."""
        writes = [*self._new(hashed, key), self._ending(old, until)]
        self._write(writes, audit, token, deadline)

    def end(self, held: Held, at: datetime, deadline: Deadline, *, audit: AuditEntry) -> None:
        """Ends the key at `at`; Conflict when it ends by then anyway."""
        self._write([self._ending(held, at)], audit, audit.id, deadline)

    def _new(self, hashed: str, key: key_items.AnyKey) -> "Iterable[Write]":
        name = self.table.name
        yield transactions.put_new(name, key_items.any_key_item(hashed, key))
        yield transactions.put_new(name, key_items.key_listing_item(hashed, key))
        match key:
            case IntegrationKey():
                needed = items.integration_item_key(key.service_id, key.integration_id)
            case ApiKey():
                needed = items.user_key(key.user_id)
            case _:
                assert_never(key)
        yield transactions.exists(name, needed)
        yield {
            "Update": {
                "TableName": name,
                "Key": items.HEAD_KEY,
                "UpdateExpression": "ADD revision :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        }

    def _ending(self, held: Held, at: datetime) -> "Write":
        changed = transactions.update({"ends_at": at})
        changed["ExpressionAttributeNames"]["#key"] = "pk"
        condition = (
            "attribute_exists(#key) AND (attribute_not_exists(#ends_at) OR #ends_at > :ends_at)"
        )
        key = key_items.any_key_item_key(held.hashed, held.key)
        return transactions.updating(self.table.name, key, condition, changed)

    def _write(
        self, writes: "list[Write]", audit: AuditEntry, token: str, deadline: Deadline
    ) -> None:
        self.table.transact(
            [*writes, AuditLog(self.table).writing(audit)], token, deadline, yields=False
        )


def _place(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _held(item: Item) -> Held:
    pk, sk = _place(item)
    model: type[IntegrationKey] | type[ApiKey] = IntegrationKey if sk == "integration" else ApiKey
    # Left out, nobody could end it.
    return Held(pk.removeprefix("key#"), validated(model, item))
