"""The items of an incident: itself, its pointer, its alerts and its timeline.

Their keys are in `items`.
"""

import zlib
from datetime import timedelta
from typing import Final

from opsknight.incident.canary import is_canary, kept
from opsknight.incident.model import Alert, Incident, Pointer
from opsknight.incident.timeline import Change
from opsknight.store import items
from opsknight.store.rows import validated
from opsknight.store.wire import Item, attributes, expiry, inflated, plain

# A body up to here stays readable text; above it, deflating saves write units.
PLAIN_BYTES: Final = 600

# Above this the incident's partition would be burdened, where people acknowledge, so the body gets
# a partition of its own.
INLINE_BYTES: Final = 4 * 1024

# DynamoDB deletes expired items in any order, within some days: chunks outlive their alert.
CHUNKS_OUTLIVE: Final = timedelta(days=7)

CHUNK_BYTES: Final = 256 * 1024

# Stands for a body whose chunks are gone: an event that says nothing.
LOST: Final = '{"payload": {}}'


# What only the pointer has: it changes with an occurrence, and decides about the next event.
_POINTERS_OWN: Final = {"seen_content", "seen_started_at", "seen_at"}


def incident_item(incident: Incident) -> Item:
    # No list shows a canary.
    listed: Item = (
        {} if is_canary(incident.id) else {"listing": {"S": items.listing(incident, None)}}
    )
    return (
        items.incident_key(incident.id)
        | {"kind": {"S": "incident"}, "due_shard": {"S": items.due_shard(incident.id)}}
        | listed
        | attributes(incident, Incident.model_fields.keys() - _POINTERS_OWN)
    )


def pointer_item(incident: Pointer) -> Item:
    repeated = attributes(incident, Pointer.model_fields)
    return (
        items.dedup_pointer_key(incident.service_id, incident.dedup_key, internal=incident.internal)
        | {"kind": {"S": "pointer"}}
        | repeated
    )


def change_item(change: Change, retention: timedelta) -> Item:
    return (
        items.change_key(change.incident_id, change.number)
        | {
            "kind": {"S": "change"},
            "expires_at": expiry(change.at, kept(change.incident_id, retention)),
        }
        | attributes(change)
    )


def alert_items(alert: Alert, retention: timedelta) -> tuple[Item, list[Item]]:
    """The alert, and the chunks of its body that must be there before it."""
    retention = kept(alert.incident_id, retention)
    expires = {"expires_at": expiry(alert.at, retention)}
    item = (
        items.alert_key(alert.incident_id, alert.id)
        | {"kind": {"S": "alert"}}
        | expires
        | attributes(alert, {"id", "incident_id", "at", "actor"})
    )
    body = alert.body.encode()
    if len(body) <= PLAIN_BYTES:
        return item | {"body": {"S": alert.body}}, []
    packed = zlib.compress(body)
    if len(packed) <= INLINE_BYTES:
        return item | {"body": {"B": packed}}, []
    chunks: list[Item] = [
        items.chunk_key(alert.id, number)
        | {"kind": {"S": "chunk"}, "body": {"B": packed[start : start + CHUNK_BYTES]}}
        | {"expires_at": expiry(alert.at, retention + CHUNKS_OUTLIVE)}
        for number, start in enumerate(range(0, len(packed), CHUNK_BYTES))
    ]
    return item | {"chunks": {"N": str(len(chunks))}}, chunks


def alert(item: Item, chunks: list[bytes]) -> Alert:
    """With LOST for a body that is not whole any more: whom it pages matters more. Raises
    ValidationError.
    """
    stored = plain(item).get("body", b"".join(chunks))
    body = stored if isinstance(stored, str) else inflated(stored) or LOST
    return validated(Alert, {**item, "body": {"S": body}})
