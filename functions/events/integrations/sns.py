"""Topics of SNS over HTTPS: `/api/integrations/sns`, and `/k/KEY/sns`, as SNS can be given nothing
but a URL. The key says whose they are; the signature, that SNS sent them; the integration, which
topics. Raw messages carry no signature: there the key decides.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

from events.call import Call, Sender
from events.cloud.taking import Became, take_in_order
from events.intake import IntakeResult
from events.integrations.keys import Identified, scrubbed
from events.integrations.rsa import Unreadable, key_of_certificate
from events.reception import Reception, at_limit
from events.web import NotOfSns, Unfetched, Web, checked
from opsknight.classes import dataclass
from opsknight.http.body import InvalidJson, decoded
from opsknight.http.gateway import Answer, Failure, HttpError, Issue
from opsknight.http.rate_limiter import LimitReached
from opsknight.incident.model import Event
from opsknight.integrations.aws import Found, Told, fields, moment, of_subscription, word
from opsknight.integrations.aws_shapes import Foreign, of_topic
from opsknight.integrations.reading import Meaningless, Passed
from opsknight.runtime.telemetry import count, logger

NAME: Final = "sns"
NOTIFICATION: Final = "Notification"
CONFIRMATION: Final = "SubscriptionConfirmation"
UNSUBSCRIBED: Final = "UnsubscribeConfirmation"
# In the order in which SNS signs them. A field that is not there is left out.
_SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        (CONFIRMATION, UNSUBSCRIBED),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
_DIGESTS: Final = {"1": "sha1", "2": "sha256"}
_LONGEST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    subject: str
    text: str
    id: str
    at: datetime


def answer(call: Call, reception: Reception, found: Identified) -> Answer:
    """Raises HttpError, Unavailable."""
    sender, headers = found.sender, call.request.headers
    topics = _topics(sender, call, reception)
    if headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        topic = headers.get("x-amz-sns-topic-arn", "")
        if topics:
            _check_topic(topic, topics)
        text = scrubbed(call.request.body, found.secret).decode("utf-8", "replace").strip()
        identity = headers.get("x-amz-sns-message-id") or call.request.id
        message = _Message(topic or "sns", "", text, identity, call.now)
        return _taken(_told(message, call.now), sender, call, reception)
    envelope = _envelope(call)
    kind = word(envelope, "Type")
    _check_topic(word(envelope, "TopicArn"), topics)
    _check_signature(envelope, kind, reception.web, call.now)
    at = moment(word(envelope, "Timestamp")) or call.now
    if kind in (CONFIRMATION, UNSUBSCRIBED):
        if kind == CONFIRMATION:
            _confirm(envelope, reception.web, call)
        # Nobody would hear the silence of a topic that does not send any more.
        ended = kind == UNSUBSCRIBED
        told = of_subscription(
            word(envelope, "TopicArn"), word(envelope, "MessageId"), at, ended=ended
        )
        return _taken(told, sender, call, reception)
    message = _Message(
        topic=word(envelope, "TopicArn"),
        subject=word(envelope, "Subject"),
        text=word(envelope, "Message"),
        id=word(envelope, "MessageId"),
        at=at,
    )
    return _taken(_told(message, call.now), sender, call, reception)


def _topics(sender: Sender, call: Call, reception: Reception) -> tuple[str, ...]:
    when = call.now, call.deadline
    settings = reception.directory.settings_of(sender.key, sender.service, *when)
    return (settings.topics if settings else None) or ()


def _envelope(call: Call) -> Mapping[str, Any]:
    """Raises HttpError."""
    try:
        envelope = fields({"": decoded(call.request.body)}, "")
    except InvalidJson as error:
        raise HttpError(400, Failure(error="Invalid JSON", message=str(error))) from None
    if word(envelope, "Type") not in _SIGNED:
        why = f"Expected a message of SNS: its Type is one of {', '.join(_SIGNED)}."
        raise HttpError(
            400, Failure(error="Invalid request body", issues=[Issue(path="Type", message=why)])
        )
    return envelope


def _check_topic(topic: str, allowed: tuple[str, ...]) -> None:
    """Raises HttpError."""
    if topic in allowed:
        return
    shown = topic[:_LONGEST_SHOWN]
    logger.warning("a topic that no integration names", topic=shown)
    count("TopicRefused")
    why = f"Add it to the integration in the configuration: topics: [{shown}]"
    raise HttpError(403, Failure(error="Topic not allowed", message=why))


def _check_signature(envelope: Mapping[str, Any], kind: str, web: Web, now: datetime) -> None:
    """Raises HttpError."""
    digest = _DIGESTS.get(word(envelope, "SignatureVersion"))
    try:
        signature = base64.b64decode(word(envelope, "Signature"), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if digest is None or not signature:
        raise _unsigned("it has no signature of version 1 or 2")
    try:
        key = key_of_certificate(web.certificate(word(envelope, "SigningCertURL"), now))
    except NotOfSns as why:
        raise _unsigned(f"SigningCertURL: {why}") from None
    except (Unfetched, Unreadable) as why:
        # The event is not refused for our sake: SNS sends it again.
        raise _later("The certificate of SNS cannot be read.", why) from None
    if not key.verifies(_signed_text(envelope, kind), signature, digest):
        raise _unsigned("the signature does not fit the message")


def _signed_text(envelope: Mapping[str, Any], kind: str) -> bytes:
    there = [
        (name, envelope[name]) for name in _SIGNED[kind] if isinstance(envelope.get(name), str)
    ]
    return "".join(f"{name}\n{text}\n" for name, text in there).encode("utf-8", "surrogatepass")


def _unsigned(why: str) -> HttpError:
    return HttpError(403, Failure(error="Not signed by SNS", message=f"{why}."))


def _later(said: str, why: Exception) -> HttpError:
    logger.warning(said, cause=str(why))
    failure = Failure(error="Service unavailable", message=said)
    return HttpError(503, failure, **{"Retry-After": "5"})


def _confirm(envelope: Mapping[str, Any], web: Web, call: Call) -> None:
    """Raises HttpError."""
    url = word(envelope, "SubscribeURL")
    try:
        asked = parse_qs(checked(url).query)
        right = asked.get("TopicArn") == [word(envelope, "TopicArn")]
        if asked.get("Action") != ["ConfirmSubscription"] or not right:
            raise NotOfSns("it does not confirm this topic")
        web.visit(url)
    except NotOfSns as why:
        raise _unsigned(f"SubscribeURL: {why}") from None
    except Unfetched as why:
        raise _later("The subscription could not be confirmed.", why) from None
    call.log(confirmed=word(envelope, "TopicArn"))


def _told(message: _Message, now: datetime) -> Found:
    return of_topic(message.topic, message.subject, message.text, message.id, message.at, now)


def _taken(told: Found, sender: Sender, call: Call, reception: Reception) -> Answer:
    """Raises HttpError, Unavailable."""
    if isinstance(told, Foreign):
        logger.warning("a topic brought an event of another account", why=told.why)
        count("TopicRefused")
        raise HttpError(403, Failure(error="Account not allowed", message=told.why))
    if isinstance(told, Passed | Meaningless):
        return Answer(202, {"status": "success", "left": [{"place": "Message", "why": told.why}]})
    try:
        headers = reception.admit(sender, call)
    except LimitReached:
        failure = Failure(error="Rate limit exceeded.", message="Nothing is stored. Send it again.")
        return Answer(503, failure, at_limit(call), throttled=True)
    sender = reception.with_settings(sender, call)

    def take(_: Told, event: Event, call: Call) -> IntakeResult:
        return reception.receive_further(event, sender, call)

    scope = f"{sender.service.id}/{sender.key.actor.id}"
    rows, actor = reception.intake.table, sender.key.actor
    became = [*take_in_order(told, sender.service.id, actor, scope, rows, take, call)]
    call.log(results=[each.action for each in became])
    for each in became:
        count(each.action.title())
    return Answer(202, {"status": "success", "results": [_shown(each) for each in became]}, headers)


def _shown(became: Became) -> dict[str, Any]:
    incident = became.result.incident if became.result else None
    shown = {
        "action": became.action,
        "dedupKey": became.told.key,
        "incidentId": incident.id if incident else None,
        "why": became.stale,
    }
    return {name: value for name, value in shown.items() if value is not None}
