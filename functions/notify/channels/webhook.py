"""The generic webhook: JSON with a signature. docs/webhooks.md describes it for its receivers."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

from notify.channels import reported
from notify.channels.posting import encoded, outcome_of
from notify.channels.protocol import Misconfigured, Outcome, PermanentFailure, TemporaryFailure
from notify.channels.text import clean
from notify.channels.words import public_part
from notify.outbound import Answer, Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Login, LoginKind, Receiver
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.notification.message import Brief, Message, PageReason
from opsknight.views.wire import time

_ABOUT_NO_INCIDENT: Final = (
    PageReason.TEST,
    PageReason.ON_CALL,
    PageReason.CODE,
    PageReason.CHANGED,
    PageReason.REPORT,
)


def event_name(about: object) -> str:
    """`incident.triggered`, `incident.paged`, `test`, `on_call`, `changed`, `report`."""
    if about in _ABOUT_NO_INCIDENT:
        return str(about)
    return str(about) if isinstance(about, StatusPageEvent) else f"incident.{about}"


def render(message: Message) -> dict[str, object]:
    """`incident` for one incident, `incidents` for several. A status page shows its messages to
    everybody, so they lack even the fields for names, links and keys.
    """
    public = isinstance(message.about, StatusPageEvent)
    message = public_part(message) if public else message
    payload: dict[str, object] = {
        "event": event_name(message.about),
        "deliveryId": message.delivery_id,
        "occurredAt": _time(message.at),
    }
    if len(message.incidents) == 1:
        payload["sequence"] = message.sequence
        payload["incident"] = _incident(message.incidents[0], public=public)
    elif message.incidents:
        payload["incidents"] = [_incident(brief, public=public) for brief in message.incidents]
    if message.code:
        payload["code"] = message.code
    if message.about is PageReason.REPORT:
        payload["report"] = reported.payload(message)
    elif message.note:
        payload["note"] = message.note
    if message.step is not None:
        payload["step"] = message.step + 1
    if message.link:
        payload["link"] = message.link
    return payload


def _incident(brief: Brief, *, public: bool) -> dict[str, object]:
    fields: dict[str, object] = {
        "id": brief.id,
        "title": clean(brief.title),
        "status": brief.status,
        "urgency": brief.urgency,
        "service": {"id": brief.service_id, "name": brief.service_name},
        "alertCount": brief.number_of_alerts,
        "createdAt": _time(brief.created_at),
        "acknowledgedAt": _time(brief.acknowledged_at),
        "resolvedAt": _time(brief.resolved_at),
    }
    if not public:
        fields |= {
            "dedupKey": brief.dedup_key,
            "source": brief.source,
            "assignee": brief.assignee,
            "by": brief.by,
            "link": brief.link,
            "links": [
                {"text": each.label, "href": each.url, "image": each.image}
                for each in brief.references
            ],
        }
    if brief.description is not None or not public:
        fields["description"] = brief.description
    return fields


def _time(at: datetime | None) -> str | None:
    return None if at is None else time(at)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def header_of(login: Login, secret: str) -> dict[str, str] | None:
    """The header that shows who posts; None for a secret that no header can hold."""
    match login.kind:
        case LoginKind.BASIC:
            # https://www.rfc-editor.org/rfc/rfc7617: the name ends at the first colon.
            if ":" not in secret:
                return None
            return {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"}
        case LoginKind.BEARER:
            name, value = "Authorization", f"Bearer {secret}"
        case LoginKind.HEADER:
            name, value = login.header, secret
        case _:
            assert_never(login.kind)
    return {name: value} if value.isascii() and value.isprintable() else None


@dataclass(frozen=True, slots=True)
class Webhook:
    http: Outbound
    secrets: Secrets
    now: Callable[[], datetime]

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        http, body = self.http.bounded(), encoded(render(message))

        def attempt(login: Mapping[str, str], *secrets: str) -> Outcome:
            # The time of the attempt: a message that comes late is no replay.
            timestamp = str(int(self.now().timestamp()))
            headers = {
                **login,
                "Content-Type": "application/json; charset=utf-8",
                "X-OpsKnight-Event": event_name(message.about),
                "X-OpsKnight-Delivery": message.delivery_id,
                "X-OpsKnight-Timestamp": timestamp,
            }
            if secrets:
                made = ",".join(signature(secret, timestamp, body) for secret in secrets)
                headers["X-OpsKnight-Signature"] = made
            answer = http.post(receiver.to, body, headers)
            return outcome_of(answer) if isinstance(answer, Answer) else answer

        signing = [receiver.secret] if receiver.secret else []
        login, needed = receiver.login, list(signing)
        if login is not None:
            needed.append(login.secret)
        if not needed:
            outcome = attempt({})
            return (
                PermanentFailure(outcome.why) if isinstance(outcome, PermanentFailure) else outcome
            )
        coming: tuple[str, ...] = ()
        if receiver.next_secret:
            found = self.secrets.read(receiver.next_secret)
            if isinstance(found, TemporaryFailure) and not isinstance(found, Misconfigured):
                return found
            # A next secret that is not there, or not readable, must not stop bodies signed with the
            # first.
            coming = (found,) if isinstance(found, str) else ()

        def known(values: Sequence[str]) -> Outcome:
            shown = header_of(login, values[-1]) if login is not None else {}
            if shown is None:
                return PermanentFailure("the login has a character that it cannot have")
            return attempt(shown, *values[: len(signing)], *(coming if signing else ()))

        return self.secrets.using_all(needed, known)
