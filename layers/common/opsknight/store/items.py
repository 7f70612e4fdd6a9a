"""The keys and shapes of all items (the table of docs/architecture.md), and their wire form.

Times are text of fixed width, so that they sort; only TTL attributes are epoch seconds, as DynamoDB
wants them.
"""

import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, assert_never

from pydantic import BaseModel

from opsknight.directory.entries import ApiKey, Integration, IntegrationKey, Service, Team, User
from opsknight.directory.receivers import ServiceReceiver, StatusPage
from opsknight.escalation.policy import Policy
from opsknight.escalation.steps import Page, StepTaken
from opsknight.incident.model import Alert, Change, Incident, Pointer, Status
from opsknight.notification.delivery import Bundled, Delivery
from opsknight.oncall.schedules import Override, Schedule

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef as Wire
else:
    Wire = Any

type Item = dict[str, Wire]

# All keys in one partition: they are listed together, and seldom.
KEYS: Final[Wire] = {"S": "keys"}
DUE_SHARDS: Final = 16
# Carriers report for three days at most.
REPORTED_WITHIN: Final = timedelta(days=7)
# A body up to here stays readable text; above it, deflating saves write units.
PLAIN_BYTES: Final = 600
# Above this the incident's partition would be burdened, so the body gets items of its own.
INLINE_BYTES: Final = 64 * 1024
CHUNK_BYTES: Final = 256 * 1024


def incident_key(incident_id: str) -> Item:
    return _key(f"incident#{incident_id}", "incident")


def pointer_key(service_id: str, dedup_key: str) -> Item:
    return _key(f"{service_id}#{dedup_key}", "pointer")


def alert_key(incident_id: str, alert_id: str) -> Item:
    return _key(f"incident#{incident_id}", f"alert#{alert_id}")


def change_key(incident_id: str, number: int) -> Item:
    return _key(f"incident#{incident_id}", f"change#{number:06}")


def chunk_key(alert_id: str, number: int) -> Item:
    return _key(f"alert#{alert_id}", f"chunk#{number}")


def delivery_key(incident_id: str, delivery_id: str) -> Item:
    return _key(f"incident#{incident_id}", f"delivery#{delivery_id}")


def bundled_key(bundle: str, incident_id: str) -> Item:
    """`bundle` is the id of the delivery whose message tells of the incident as well."""
    return _key(f"bundle#{bundle}", f"incident#{incident_id}")


def receiver_state_key(destination: str) -> Item:
    """The partition of a receiver (`<owner>#<its id>`) holds all that concerns it."""
    return _key(f"receiver#{destination}", "state")


def pace_exemption_key(destination: str, service_id: str) -> Item:
    return _key(f"receiver#{destination}", f"pace_exemption#{service_id}")


def held_delivery_key(destination: str, delivery_id: str) -> Item:
    return _key(f"receiver#{destination}", f"held#{delivery_id}")


def remembered_key(incident_id: str, destination: str) -> Item:
    return _key(f"incident#{incident_id}", f"remembered#{destination}")


def provider_key(provider_id: str) -> Item:
    return _key(f"provider#{provider_id}", "delivery")


def service_key(service_id: str) -> Item:
    return _key(f"service#{service_id}", "service")


def team_key(team_id: str) -> Item:
    return _key(f"team#{team_id}", "team")


def user_key(user_id: str) -> Item:
    return _key(f"user#{user_id}", "user")


def receiver_key(service_id: str, receiver_id: str) -> Item:
    return _key(f"service#{service_id}", f"receiver#{receiver_id}")


def status_page_key(page_id: str) -> Item:
    # All in one partition: every announcement asks for all of them, and there are few.
    return _key("statuspages", f"status_page#{page_id}")


def policy_key(policy_id: str, version: int | None = None) -> Item:
    """Of the version that begins new escalations, or of the one given."""
    sk = "policy" if version is None else f"version#{version:06}"
    return _key(f"policy#{policy_id}", sk)


def schedule_key(schedule_id: str) -> Item:
    """Its overrides lie in the same partition."""
    return _key(f"schedule#{schedule_id}", "schedule")


def page_key(incident_id: str, page_no: int, user_id: str) -> Item:
    return _key(f"incident#{incident_id}", f"page#{page_no:06}#{user_id}")


def taken_key(incident_id: str, page_no: int) -> Item:
    return _key(f"incident#{incident_id}", f"step#{page_no:06}")


# How far the auditor came.
AUDIT_KEY: Final[Item] = {"pk": {"S": "audit"}, "sk": {"S": "audit"}}


def integration_key(service_id: str, integration_id: str) -> Item:
    return _key(f"service#{service_id}", f"integration#{integration_id}")


# What there is of the configuration, and its revision.
HEAD_KEY: Final[Item] = {"pk": {"S": "configuration"}, "sk": {"S": "head"}}


def integration_secret_key(hashed: str) -> Item:
    return _key(f"key#{hashed}", "integration")


def api_secret_key(hashed: str) -> Item:
    return _key(f"key#{hashed}", "api")


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


type Entry = Team | User | Service | Integration | Schedule | ServiceReceiver | StatusPage


def directory_item(entry: Entry) -> Item:
    match entry:
        case Team():
            return team_key(entry.id) | {"kind": {"S": "team"}} | attributes(entry)
        case User():
            return user_key(entry.id) | {"kind": {"S": "user"}} | attributes(entry)
        case Service():
            return service_key(entry.id) | {"kind": {"S": "service"}} | attributes(entry)
        case Integration():
            key = integration_key(entry.service_id, entry.id)
            return key | {"kind": {"S": "integration"}} | attributes(entry)
        case Schedule():
            return schedule_key(entry.id) | {"kind": {"S": "schedule"}} | attributes(entry)
        case ServiceReceiver():
            key = receiver_key(entry.service_id, entry.id)
            return key | {"kind": {"S": "receiver"}} | attributes(entry)
        case StatusPage():
            return status_page_key(entry.id) | {"kind": {"S": "status_page"}} | attributes(entry)
        case _:
            assert_never(entry)


def override_key(schedule_id: str, override_id: str) -> Item:
    return _key(f"schedule#{schedule_id}", f"override#{override_id}")


def override_item(schedule_id: str, override: Override) -> Item:
    key = override_key(schedule_id, override.id)
    return key | {"kind": {"S": "override"}} | attributes(override)


def policy_items(policy: Policy) -> tuple[Item, Item]:
    """The one that begins new escalations, and the version that those under way keep to."""
    told: Item = {"kind": {"S": "policy"}, **attributes(policy)}
    return policy_key(policy.id) | told, policy_key(policy.id, policy.version) | told


def page_item(page: Page, retention: timedelta) -> Item:
    return (
        page_key(page.incident_id, page.page_no, page.user_id)
        | {"kind": {"S": "page"}, "due_shard": {"S": due_shard(page.incident_id)}}
        | {"expires_at": expiry(page.at, retention)}
        | attributes(page)
    )


def taken_item(taken: StepTaken, retention: timedelta) -> Item:
    return (
        taken_key(taken.incident_id, taken.page_no)
        | {"kind": {"S": "step"}, "expires_at": expiry(taken.at, retention)}
        | attributes(taken)
    )


type Secret = IntegrationKey | ApiKey


def secret_key(hashed: str, key: Secret) -> Item:
    match key:
        case IntegrationKey():
            return integration_secret_key(hashed)
        case ApiKey():
            return api_secret_key(hashed)
        case _:
            assert_never(key)


def held_key(key: Secret) -> Item:
    """Of the entry by which a key is found without its secret, under its service or user."""
    owner = key.service_id if isinstance(key, IntegrationKey) else key.user_id
    return {"pk": KEYS, "sk": {"S": f"{owner}#{key.id}"}}


def secret_item(hashed: str, key: Secret) -> Item:
    kind = "integration_key" if isinstance(key, IntegrationKey) else "api_key"
    return secret_key(hashed, key) | {"kind": {"S": kind}} | attributes(key)


def held_item(hashed: str, key: Secret) -> Item:
    """Where the key is. What is told of it, and changes, stands in the key alone."""
    return held_key(key) | {"kind": {"S": "held_key"}, "secret": {"M": secret_key(hashed, key)}}


def incident_item(incident: Incident) -> Item:
    return (
        incident_key(incident.id)
        | {"kind": {"S": "incident"}, "due_shard": {"S": due_shard(incident.id)}}
        | {"listing": {"S": listing(incident, None)}}
        | attributes(incident)
    )


def pointer_item(incident: Pointer) -> Item:
    told = attributes(incident, Pointer.model_fields)
    return pointer_key(incident.service_id, incident.dedup_key) | {"kind": {"S": "pointer"}} | told


def change_item(change: Change, retention: timedelta) -> Item:
    return (
        change_key(change.incident_id, change.number)
        | {"kind": {"S": "change"}, "expires_at": expiry(change.at, retention)}
        | attributes(change)
    )


def delivery_item(delivery: Delivery, retention: timedelta) -> Item:
    return (
        delivery_key(delivery.incident_id, delivery.id)
        | {"kind": {"S": "delivery"}, "due_shard": {"S": due_shard(delivery.incident_id)}}
        | {"expires_at": expiry(delivery.at, retention)}
        | attributes(delivery)
    )


def held_delivery_item(delivery: Delivery, retention: timedelta) -> Item:
    """Holds the delivery for the next message to its receiver."""
    row = Bundled(incident_id=delivery.incident_id, delivery_id=delivery.id)
    return (
        held_delivery_key(delivery.destination, delivery.id)
        | {"kind": {"S": "held_delivery"}, "expires_at": expiry(delivery.at, retention)}
        | attributes(row)
    )


def provider_item(provider_id: str, delivery: Delivery, at: datetime) -> Item:
    """Finds the delivery by what its provider calls it."""
    row = Bundled(incident_id=delivery.incident_id, delivery_id=delivery.id)
    return (
        provider_key(provider_id)
        | {"kind": {"S": "provider"}, "expires_at": expiry(at, REPORTED_WITHIN)}
        | attributes(row)
    )


def bundle_items(
    bundle: str, bundled: Iterable[Bundled], at: datetime, retention: timedelta
) -> list[Item]:
    """What one message, that of delivery `bundle`, told at `at`."""
    return [
        bundled_key(bundle, each.incident_id)
        | {"kind": {"S": "bundled"}, "expires_at": expiry(at, retention)}
        | attributes(each)
        for each in bundled
    ]


def alert_items(alert: Alert, retention: timedelta) -> tuple[Item, list[Item]]:
    """The alert, and the chunks of its body that must be there before it."""
    expires = {"expires_at": expiry(alert.at, retention)}
    item = (
        alert_key(alert.incident_id, alert.id)
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
        chunk_key(alert.id, number)
        | {"kind": {"S": "chunk"}, "body": {"B": packed[start : start + CHUNK_BYTES]}}
        | expires
        for number, start in enumerate(range(0, len(packed), CHUNK_BYTES))
    ]
    return item | {"chunks": {"N": str(len(chunks))}}, chunks


def alert(item: Mapping[str, Wire], chunks: list[bytes]) -> Alert:
    fields = plain(item)
    body = fields.get("body", b"".join(chunks))
    text = body if isinstance(body, str) else zlib.decompress(body).decode()
    return Alert.model_validate(fields | {"body": text})


def due_shard(incident_id: str) -> str:
    return str(zlib.crc32(incident_id.encode()) % DUE_SHARDS)


def listing(incident: Pointer, resolved_at: datetime | None) -> str:
    """The partition of the `listing` index: all active incidents together, resolved ones by service
    and month.
    """
    if incident.status is not Status.RESOLVED or resolved_at is None:
        return "active"
    return resolved_listing(incident.service_id, resolved_at)


def resolved_listing(service_id: str, month: datetime) -> str:
    return f"resolved#{service_id}#{month:%Y-%m}"


def expiry(at: datetime, retention: timedelta) -> Wire:
    return {"N": str(int((at + retention).timestamp()))}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def attributes(model: BaseModel, names: "Mapping[str, object] | set[str] | None" = None) -> Item:
    """The fields that have a value, in wire form."""
    fields = type(model).model_fields if names is None else names
    values = ((name, getattr(model, name)) for name in fields)
    return {name: wire(value) for name, value in values if value is not None}


def wire(value: object) -> Wire:
    match value:
        case str():
            # The value of an enumeration, too: DynamoDB wants a plain string.
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case datetime():
            return {"S": stamp(value)}
        case date():
            return {"S": value.isoformat()}
        case timedelta():
            return {"N": str(int(value.total_seconds()))}
        case time():
            return {"S": value.isoformat(timespec="minutes")}
        case BaseModel():
            return {"M": attributes(value)}
        case dict():
            return {"M": {str(name): wire(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [wire(each) for each in value]}
        case _:
            raise TypeError(f"no wire form for {type(value).__name__}")


def plain(item: Mapping[str, Wire]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: Any) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return int(content)
        case "M":
            return plain(content)
        case "L":
            return [_plain(each) for each in content]
        case _:
            return content
