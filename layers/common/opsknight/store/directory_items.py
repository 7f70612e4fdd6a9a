"""The items of the directory: who and what exists, and the keys that callers show.

Their keys in the table are in `items`.
"""

from typing import assert_never

from opsknight.directory.entries import ApiKey, Integration, IntegrationKey, Service, Team, User
from opsknight.directory.receivers import ServiceReceiver, StatusPage
from opsknight.escalation.policy import Policy
from opsknight.oncall.schedules import Override, Schedule
from opsknight.store import items
from opsknight.store.wire import Item, attributes

type Entry = Team | User | Service | Integration | Schedule | ServiceReceiver | StatusPage


def directory_item(entry: Entry) -> Item:
    match entry:
        case Team():
            return items.team_key(entry.id) | {"kind": {"S": "team"}} | attributes(entry)
        case User():
            return items.user_key(entry.id) | {"kind": {"S": "user"}} | attributes(entry)
        case Service():
            return items.service_key(entry.id) | {"kind": {"S": "service"}} | attributes(entry)
        case Integration():
            key = items.integration_item_key(entry.service_id, entry.id)
            return key | {"kind": {"S": "integration"}} | attributes(entry)
        case Schedule():
            return items.schedule_key(entry.id) | {"kind": {"S": "schedule"}} | attributes(entry)
        case ServiceReceiver():
            key = items.receiver_key(entry.service_id, entry.id)
            return key | {"kind": {"S": "receiver"}} | attributes(entry)
        case StatusPage():
            return (
                items.status_page_key(entry.id) | {"kind": {"S": "status_page"}} | attributes(entry)
            )
        case _:
            assert_never(entry)


def override_item(schedule_id: str, override: Override) -> Item:
    key = items.override_key(schedule_id, override.id)
    return key | {"kind": {"S": "override"}} | attributes(override)


def policy_items(policy: Policy) -> tuple[Item, Item]:
    """The item by which new escalations begin, and the version that those under way keep to."""
    rest: Item = {"kind": {"S": "policy"}, **attributes(policy)}
    return items.policy_key(policy.id) | rest, items.policy_key(policy.id, policy.version) | rest


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
