"""The items of messages: deliveries, and the rows by which they are found.

Their keys are in `items`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from opsknight.incident.canary import kept
from opsknight.incident.model import Urgency
from opsknight.notification.bundle import Bundled, SentBundle
from opsknight.notification.delivery import Delivery
from opsknight.store import items
from opsknight.store.wire import Item, attributes, expiry, wire

# Carriers report for three days at most.
REPORTED_WITHIN: Final = timedelta(days=7)


def delivery_item(delivery: Delivery, retention: timedelta) -> Item:
    return (
        items.delivery_key(delivery.incident_id, delivery.id)
        | {"kind": {"S": "delivery"}, "due_shard": {"S": items.due_shard(delivery.incident_id)}}
        # A rule may page weeks after the incident began.
        | {"expires_at": expiry(delivery.not_before, kept(delivery.incident_id, retention))}
        | attributes(delivery)
    )


def held_delivery_item(
    delivery: Delivery, urgency: Urgency, holds: int, retention: timedelta
) -> Item:
    """Holds the delivery for its receiver's next turn. `holds`: `HeldRow.holds`."""
    row = Bundled(incident_id=delivery.incident_id, delivery_id=delivery.id)
    rank = list(Urgency).index(urgency)
    return (
        items.held_delivery_key(delivery.destination, rank, delivery.at, delivery.id)
        | {"kind": {"S": "held_delivery"}, "expires_at": expiry(delivery.not_before, retention)}
        | attributes(row)
        | {"holds": wire(holds)}
    )


def sent_bundle_item(bundle: str, sent: SentBundle, retention: timedelta) -> Item:
    return (
        items.sent_bundle_key(bundle)
        | {"kind": {"S": "bundle"}, "expires_at": expiry(sent.attempt.at, retention)}
        | attributes(sent)
    )


def provider_item(provider_id: str, delivery: Delivery, at: datetime) -> Item:
    """Finds the delivery by what its provider calls it."""
    row = Bundled(incident_id=delivery.incident_id, delivery_id=delivery.id)
    return (
        items.provider_key(provider_id)
        | {"kind": {"S": "provider"}, "expires_at": expiry(at, REPORTED_WITHIN)}
        | attributes(row)
    )


def bundle_items(
    bundle: str, bundled: Iterable[Bundled], at: datetime, retention: timedelta
) -> list[Item]:
    """What one message, that of delivery `bundle`, said at `at`."""
    return [
        items.bundled_key(bundle, each.incident_id)
        | {"kind": {"S": "bundled"}, "expires_at": expiry(at, retention)}
        | attributes(each)
        for each in bundled
    ]
