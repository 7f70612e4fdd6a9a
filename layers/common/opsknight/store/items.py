"""The keys of all items, and the partitions of the indexes (the tables of docs/architecture.md).

What else an item holds is in `incident_items`, `message_items` and `directory_items`.
"""

import hashlib
import zlib
from datetime import UTC, date, datetime
from typing import Final

from opsknight.incident.model import Pointer, Status
from opsknight.store.wire import Item, Wire, stamp

# The listings of all keys are in one partition: they are read together, and seldom.
KEYS: Final[Wire] = {"S": "keys"}
# The auditor's place in the list of active incidents.
AUDIT_KEY: Final[Item] = {"pk": {"S": "audit"}, "sk": {"S": "audit"}}
# The pace of the fallback address. In its partition is a row for each incident that it hears of.
FALLBACK_KEY: Final[Item] = {"pk": {"S": "fallback"}, "sk": {"S": "state"}}
# The list of what the configuration holds, and its revision.
HEAD_KEY: Final[Item] = {"pk": {"S": "configuration"}, "sk": {"S": "head"}}
# When any heartbeat was heard.
HEARD_KEY: Final[Item] = {"pk": {"S": "heartbeats"}, "sk": {"S": "heard"}}
HOLD_KEY: Final[Item] = {"pk": {"S": "hold"}, "sk": {"S": "state"}}  # those of the last days
# Which of AWS's own events belong to which service.
AWS_RULES_KEY: Final[Item] = {"pk": {"S": "aws"}, "sk": {"S": "rules"}}
# How far the figures of days have been made.
ANALYTICS_KEY: Final[Item] = {"pk": {"S": "analytics"}, "sk": {"S": "progress"}}
# Until when people have been told of their time on call.
ROSTER_KEY: Final[Item] = {"pk": {"S": "roster"}, "sk": {"S": "state"}}
SHADOWS_KEY: Final[Item] = {"pk": {"S": "roster"}, "sk": {"S": "shadows"}}
REPORTS_KEY: Final[Item] = {"pk": {"S": "roster"}, "sk": {"S": "reports"}}
DUE_SHARDS: Final = 16


def audit_entry_key(at: datetime, entry_id: str = "") -> Item:
    """In a partition of its month, in the order of time."""
    return _key(f"audit_log#{at.astimezone(UTC):%Y-%m}", f"{stamp(at)}#{entry_id}")


def calendar_key(owner_id: str) -> Item:
    return _key(f"calendar#{owner_id}", "epoch")


def incident_key(incident_id: str) -> Item:
    return _key(f"incident#{incident_id}", "incident")


def is_incident(item: Item) -> bool:
    """A post on a status page has the same kind."""
    return item["sk"]["S"] == "incident"


def dedup_pointer_key(service_id: str, dedup_key: str, *, internal: bool | None = None) -> Item:
    """No event of a sender makes an internal one: the sort keys differ as well."""
    if internal:
        return _key(f"internal#{service_id}#{dedup_key}", "internal")
    return _key(f"{service_id}#{dedup_key}", "pointer")


def alert_key(incident_id: str, alert_id: str) -> Item:
    return _key(f"incident#{incident_id}", f"alert#{alert_id}")


def member_key(incident_id: str, member: str) -> Item:
    """A sender's key may be longer than a sort key should be, and holds what it likes."""
    return _key(f"incident#{incident_id}", f"member#{_digest(member)}")


def membership_key(service_id: str, member: str, incident_id: str) -> Item:
    """In one partition, all incidents of the service in which the member fires."""
    return _key(f"member#{service_id}#{_digest(member)}", f"incident#{incident_id}")


def mirror_key(service_id: str, name: str) -> Item:
    """`name`: `state`, an event that waits, or a key whose trigger was given up."""
    return _key(f"mirror#{service_id}", name)


def mirror_lost_key(service_id: str, key: str) -> Item:
    return _key(f"mirror#{service_id}", f"lost#{_digest(key)}")


def _digest(member: str) -> str:
    return hashlib.sha256(member.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def change_key(incident_id: str, number: int) -> Item:
    return _key(f"incident#{incident_id}", f"change#{number:06}")


def chunk_key(alert_id: str, number: int) -> Item:
    return _key(f"alert#{alert_id}", f"chunk#{number}")


def page_key(incident_id: str, page_no: int, user_id: str) -> Item:
    return _key(f"incident#{incident_id}", f"page#{page_no:06}#{user_id}")


def step_key(incident_id: str, page_no: int) -> Item:
    return _key(f"incident#{incident_id}", f"step#{page_no:06}")


def delivery_key(incident_id: str, delivery_id: str) -> Item:
    return _key(f"incident#{incident_id}", f"delivery#{delivery_id}")


def bundled_key(bundle: str, incident_id: str) -> Item:
    """`bundle` is the id of the delivery whose message names the incident as well."""
    return _key(f"bundle#{bundle}", f"incident#{incident_id}")


def sent_bundle_key(bundle: str) -> Item:
    return _key(f"bundle#{bundle}", "bundle")


def receiver_state_key(destination: str) -> Item:
    """The partition of a receiver (`<owner>#<its id>`) holds all that concerns it."""
    return _key(f"receiver#{destination}", "state")


def pace_exemption_key(destination: str, service_id: str) -> Item:
    return _key(f"receiver#{destination}", f"pace_exemption#{service_id}")


def held_delivery_key(destination: str, rank: int, at: datetime, delivery_id: str) -> Item:
    """In the order of a receiver's turn: `rank` 0 is the most urgent, then the oldest."""
    return _key(f"receiver#{destination}", f"held#{rank}#{stamp(at)}#{delivery_id}")


def remembered_key(incident_id: str, destination: str) -> Item:
    return _key(f"incident#{incident_id}", f"remembered#{destination}")


def fallback_row_key(incident_id: str) -> Item:
    return _key("fallback", f"incident#{incident_id}")


def provider_key(provider_id: str) -> Item:
    return _key(f"provider#{provider_id}", "delivery")


def reply_code_key(number: str, code: str) -> Item:
    """Under a phone number, the codes that messages to it showed."""
    return _key(f"number#{number}", f"code#{code}")


def wrong_codes_key(number: str, at: datetime) -> Item:
    return _key(f"number#{number}", f"wrong#{at:%Y-%m-%dT%H}")


def opt_out_key(number: str) -> Item:
    return _key(f"number#{number}", "opt_out")


def inbound_key(message_id: str) -> Item:
    return _key(f"inbound#{message_id}", "inbound")


def idempotency_key(name: str) -> Item:
    return _key(f"idempotency#{name}", "idempotency")


def service_key(service_id: str) -> Item:
    return _key(f"service#{service_id}", "service")


def integration_item_key(service_id: str, integration_id: str) -> Item:
    return _key(f"service#{service_id}", f"integration#{integration_id}")


def analytics_day_key(day: date, service_id: str = "") -> Item:
    """In a partition of its month, by day."""
    return _key(f"analytics#{day:%Y-%m}", f"day#{day:%d}#{service_id}")


def analytics_slice_key(day: date, number: int) -> Item:
    return _key("analytics", f"slice#{day:%Y-%m-%d}#{number:06}")


def rollout_key(service_id: str, at: datetime, rollout_id: str = "") -> Item:
    """In the order in which they happened."""
    return _key(f"rollouts#{service_id}", f"rollout#{stamp(at)}#{rollout_id}")


def team_key(team_id: str) -> Item:
    return _key(f"team#{team_id}", "team")


def user_key(user_id: str) -> Item:
    return _key(f"user#{user_id}", "user")


def login_key(hashed: str) -> Item:
    return _key(f"login#{hashed}", "login")


def code_login_key(hashed: str) -> Item:
    """No link opens it: the sort keys differ."""
    return _key(f"login#{hashed}", "code")


def session_key(hashed: str) -> Item:
    return _key(f"session#{hashed}", "session")


def session_row_key(user_id: str, session_id: str) -> Item:
    return _key(f"sessions#{user_id}", f"session#{session_id}")


def identity_key(user_id: str, issuer: str) -> Item:
    """One for each provider, as another one knows people by other subjects."""
    return _key(f"sessions#{user_id}", f"identity#{_digest(issuer)}")


def receiver_key(service_id: str, receiver_id: str) -> Item:
    return _key(f"service#{service_id}", f"receiver#{receiver_id}")


def status_page_key(page_id: str) -> Item:
    # All in one partition: every announcement asks for all of them, and there are few.
    return _key("statuspages", f"status_page#{page_id}")


def report_key(report_id: str) -> Item:
    return _key("reports", f"report#{report_id}")


def post_key(page_id: str, post_id: str) -> Item:
    """Ids of posts sort by time."""
    return _key(f"statuspage#{page_id}", f"post#{post_id}")


def rendered_key(page_id: str) -> Item:
    return _key(f"statuspage#{page_id}", "rendered")


def preset_key(preset_id: str) -> Item:
    return _key(f"preset#{preset_id}", "preset")


def moment_key(scope: str, thing: str, key: str) -> Item:
    """Names of AWS are long, and whatever else there is may be longer."""
    return _key(f"moment#{scope}#{_digest(thing)}", f"key#{_digest(key)}")


def unmatched_key(thing: str) -> Item:
    """In one partition, so that they are listed."""
    return _key("unmatched", _digest(thing))


def routed_key(service_id: str, integration_id: str, dedup_key: str) -> Item:
    """`dedup_key` is the sender's. Service and integration are those of its key."""
    return _key(f"routed#{service_id}/{integration_id}#{dedup_key}", "routed")


def heartbeat_key(service_id: str, integration_id: str) -> Item:
    return _key(f"heartbeat#{service_id}/{integration_id}", "heartbeat")


def policy_key(policy_id: str, version: int | None = None) -> Item:
    """The version by which new escalations begin, or the given one."""
    return _key(f"policy#{policy_id}", "policy" if version is None else f"version#{version:06}")


def schedule_key(schedule_id: str) -> Item:
    """Its overrides lie in the same partition."""
    return _key(f"schedule#{schedule_id}", "schedule")


def override_key(schedule_id: str, override_id: str) -> Item:
    return _key(f"schedule#{schedule_id}", f"override#{override_id}")


def integration_key_item_key(hashed: str) -> Item:
    return _key(f"key#{hashed}", "integration")


def api_key_item_key(hashed: str) -> Item:
    return _key(f"key#{hashed}", "api")


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def due_shard(name: str) -> str:
    """`name`: an incident's id, or a receiver's destination."""
    return str(zlib.crc32(name.encode()) % DUE_SHARDS)


def listing(incident: Pointer, resolved_at: datetime | None) -> str:
    """The partition of the index `listing`: of all active ones, or of a service's of a month."""
    if incident.status is not Status.RESOLVED or resolved_at is None:
        return "active"
    return resolved_listing(incident.service_id, resolved_at)


def resolved_listing(service_id: str, month: datetime) -> str:
    return f"resolved#{service_id}#{month:%Y-%m}"
