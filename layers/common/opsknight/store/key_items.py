"""The items of the keys that callers show: each lies under the hash of its secret, and a listing
finds it without.
"""

from typing import assert_never

from opsknight.directory.entries import ApiKey, IntegrationKey
from opsknight.store import items
from opsknight.store.wire import Item, attributes

type AnyKey = IntegrationKey | ApiKey


def any_key_item_key(hashed: str, key: AnyKey) -> Item:
    match key:
        case IntegrationKey():
            return items.integration_key_item_key(hashed)
        case ApiKey():
            return items.api_key_item_key(hashed)
        case _:
            assert_never(key)


def key_listing_key(key: AnyKey) -> Item:
    """The key of the listing by which a key is found without its secret, by service or user."""
    owner = key.service_id if isinstance(key, IntegrationKey) else key.user_id
    return {"pk": items.KEYS, "sk": {"S": f"{owner}#{key.id}"}}


def any_key_item(hashed: str, key: AnyKey) -> Item:
    kind = "integration_key" if isinstance(key, IntegrationKey) else "api_key"
    return any_key_item_key(hashed, key) | {"kind": {"S": kind}} | attributes(key)


def key_listing_item(hashed: str, key: AnyKey) -> Item:
    """Says where the key's item is. Everything else about the key is in that item alone."""
    return key_listing_key(key) | {
        "kind": {"S": "key_listing"},
        "item": {"M": any_key_item_key(hashed, key)},
    }
