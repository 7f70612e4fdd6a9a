"""The function `respond` on the tables of a world: links in messages and their pages, Slack's
buttons, and the HTTP API.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from secrets import token_hex, token_urlsafe
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from harness import described, embedded
from harness.post import PAGES, RENDERS, Post
from harness.world import UNHURRIED, Response, World, deadline, http_event, standing
from opsknight.directory.entries import SCOPES, ApiKey, key_hash
from opsknight.directory.receivers import Channel, Owner
from opsknight.http import conventions
from opsknight.http.gateway import Door, respond
from opsknight.notification import signed_link
from opsknight.notification.bundle import Bundled
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.message import PageReason
from opsknight.runtime import clock
from opsknight.runtime.queues import Queue
from opsknight.runtime.renders import Renders
from opsknight.runtime.ssm_secrets import LinkKeys, Secret, SecretReader
from opsknight.store import items, message_items
from opsknight.store.receivers import Receivers
from opsknight.store.wire import wire
from respond.configurator import make as make_configurator
from respond.handler import Responder, fault, make, on_messages
from respond.keeper import make as make_keeper

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient


KEEPING = "/api/keeping/"
CONFIGURATION = "/api/configuration/"
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@dataclass(frozen=True)
class RawResponse:
    status: int
    headers: Mapping[str, str]
    text: str


def answered(page: RawResponse) -> Response:
    return Response.read(page.status, page.headers, page.text)


@dataclass
class Desk:
    """One warm function. The key of the links is in SSM, under a name of this desk's own."""

    world: World
    endpoint: str | None = None
    key_name: str = field(default_factory=lambda: f"/opsknight/{token_hex(4)}/link-key")
    slack_name: str = field(default_factory=lambda: f"/opsknight/{token_hex(4)}/slack")

    through: Callable[[Mapping[str, Any], object], dict[str, Any]] | None = None
    """The entry point itself, instead of functions made here."""
    new_id: Callable[[str, datetime], str] = clock.new_id
    slack_ready: bool = False
    post: Post = field(init=False)
    """What it sent to queues."""
    workspaces: tuple[str, ...] = ()
    """The only ones in Slack whose people may act, if any."""
    twilio_name: str = ""
    """The SSM parameter that describes an account at Twilio (`harness.twilio`)."""
    new_secret: Callable[[], str] = lambda: token_hex(16)
    """Makes integration keys."""
    everything: str | None = None
    """An API key of a responder with every scope; made when first needed."""

    def __post_init__(self) -> None:
        self.post = Post(self.world.clock)
        # Not of the default session: a test watches there what the function does.
        url = self.world.table.client.meta.endpoint_url
        endpoint = self.endpoint or (url if embedded.is_embedded(url) else None)
        self.ssm: SSMClient = embedded.client("ssm", endpoint)
        self.keys = LinkKeys(Secret(SecretReader(self.ssm), self.key_name))
        self.function = self.responder()
        self.keeper = make_keeper(
            self.world.table,
            self.world.counters,
            self.new_id,
            self.world.clock,
            self.new_secret,
        )
        self.configurator = make_configurator(
            self.world.table, self.world.counters, self.new_id, self.world.clock
        )

    def responder(self, patience: float | None = None, origins: str = "") -> Responder:
        """One more warm function, with a memory of its own. `patience`: seconds of a clock that
        stands (`harness.world.standing`).
        """
        begin = partial(deadline, UNHURRIED) if patience is None else partial(standing, patience)
        return make(
            self.world.table,
            self.world.counters,
            LinkKeys(Secret(SecretReader(self.ssm), self.key_name)),
            Secret(SecretReader(self.ssm), self.slack_name),
            Queue(self.post.sqs(), PAGES),
            self.new_id,
            self.world.clock,
            begin,
            self.workspaces,
            conventions.origins(origins),
            self.twilio_name,
            Renders(self.post.sns(), RENDERS),
        )

    def confirmed(self, user: str, method: str) -> str:
        """The address that the user has shown to work; empty for none."""
        destination = Owner.user(f"user_{user}").destination(method)
        return Receivers(self.world.table).state(destination, deadline()).confirmed_to

    def delivery(self, incident_id: str, user: str = "ada", **more: Any) -> Delivery:
        """A message to a user, as planning stores it."""
        owner = more.pop("owner", Owner.user(f"user_{user}"))
        reader = self.world.table.user(owner.id, deadline())
        known = {
            "id": delivery_id("p", incident_id, owner, *more.values()),
            "incident_id": incident_id,
            "service_id": self.world.service.id,
            "alert_id": "al_1",
            "owner": owner,
            "user_since": reader and reader.since,
            "receiver_id": "email",
            "channel": Channel.EMAIL,
            "about": PageReason.PAGED,
            "at": self.world.clock(),
            "page_no": 1,
            "not_before": self.world.clock(),
        }
        delivery = Delivery.model_validate(known | more)
        assert self.world.table.plan_delivery(delivery, deadline())
        return delivery

    def link(self, incident_id: str, user: str = "ada", **more: Any) -> str:
        """The path of a link in a message to the user."""
        delivery = self.delivery(incident_id, user, **more)
        return self.path(delivery)

    def path(self, delivery: Delivery, *, whole: bool = False) -> str:
        """`whole`: of the list of all incidents in the message that the delivery led."""
        now = self.world.clock()
        key = self.keys.signing(now)
        name = signed_link.whole(delivery.id) if whole else delivery.id
        return f"/r/{signed_link.token(delivery.incident_id, name, key, now)}"

    def bundle(self, incident_ids: Sequence[str], user: str = "ada", **more: Any) -> str:
        """The path of the link in one message that told the user several incidents, led by the
        delivery of the first.
        """
        leader = self.delivery(incident_ids[0], user, **more)
        others = [self.delivery(each, user, bundle=leader.id, **more) for each in incident_ids[1:]]
        told = [
            Bundled(incident_id=each.incident_id, delivery_id=each.id) for each in (leader, *others)
        ]
        now, retention = self.world.clock(), self.world.table.retention
        for item in message_items.bundle_items(leader.id, told, now, retention):
            self.world.table.client.put_item(TableName=self.world.table.name, Item=item)
        return self.path(leader, whole=True)

    def ask(self, path: str, method: str = "GET", function: Responder | None = None) -> RawResponse:
        return self.send(http_event(path=path, method=method), function)

    def press(
        self,
        path: str,
        action: str | None = None,
        function: Responder | None = None,
        **fields: str | Sequence[str],
    ) -> RawResponse:
        form = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(({"action": action} if action else {}) | fields, doseq=True)
        return self.send(http_event(body, path=path, headers=form), function)

    def slack(
        self,
        payload: object,
        *,
        secret: str = SLACK_SECRET,
        sent_at: datetime | None = None,
        function: Responder | None = None,
        **headers: str,
    ) -> Response:
        """A press of a button, signed as Slack signs."""
        if not self.slack_ready:
            self.ssm.put_parameter(
                Name=self.slack_name, Value=SLACK_SECRET, Type="SecureString", Overwrite=True
            )
            self.slack_ready = True
        text = payload if isinstance(payload, str) else urlencode({"payload": json.dumps(payload)})
        stamp = str(int((sent_at or self.world.clock()).timestamp()))
        digest = hmac.digest(secret.encode(), f"v0:{stamp}:{text}".encode(), "sha256").hex()
        signed = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        }
        event = http_event(text, path="/slack/actions", headers=signed | headers)
        return answered(self.send(event, function))

    def text(
        self,
        text: str,
        sender: str,
        *,
        to: str = "+4915700000000",
        message_id: str | None = None,
    ) -> None:
        """A text message that AWS received for us, as SNS brings it."""
        sent = {
            "originationNumber": sender,
            "destinationNumber": to,
            "messageKeyword": "KEYWORD_1",
            "messageBody": text,
            "inboundMessageId": message_id or token_hex(8),
        }
        record = {"EventSource": "aws:sns", "Sns": {"Message": json.dumps(sent)}}
        if self.through is not None:
            self.through({"Records": [record]}, None)
        else:
            on_messages({"Records": [record]}, self.function)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        function: Responder | None = None,
        **headers: str,
    ) -> Response:
        """A request to the HTTP API, by default with a responder's key that has every scope. Fails
        unless the answer is as the description says.
        """
        if key is None:
            if self.everything is None:
                self.everything = self.key("ada", *SCOPES)
            key = self.everything
        path, _, query = path.partition("?")
        sent = ({"Authorization": f"Bearer {key}"} if key else {}) | headers
        event = http_event("" if body is None else body, method=method, path=path, headers=sent)
        if query:
            event["queryStringParameters"] = {n: ",".join(v) for n, v in parse_qs(query).items()}
        answer = answered(self.send(event, function))
        if operation := described.operation(method, path):
            whole = answer.body | answer.problem
            described.check(operation, answer.status, answer.headers, whole)
        return answer

    def key(self, user: str, *scopes: str, key_id: str | None = None) -> str:
        """A new API key of the user."""
        secret = f"opsk_{token_urlsafe(32)}"
        key = ApiKey(
            id=key_id or f"key_{token_hex(4)}",
            name="CI",
            created_at=self.world.clock(),
            user_id=f"user_{user}",
            scopes=scopes,
            # Otherwise the first request writes it, among the calls that a test counts.
            used_on=self.world.clock().date(),
        )
        self.world.table.create([], {key_hash(secret): key}, token_hex(8), deadline())
        return secret

    def configured(self, **listed: list[str]) -> None:
        """Pretends that a configuration which names these was applied."""
        head = items.HEAD_KEY | {"kind": {"S": "configuration"}, "revision": {"N": "1"}}
        head |= {name: wire(ids) for name, ids in listed.items()}
        self.world.table.client.put_item(TableName=self.world.table.name, Item=head)

    def door(self, path: str) -> Door:
        """The function that API Gateway would wake."""
        if path.startswith(KEEPING):
            return self.keeper
        return self.configurator if path.startswith(CONFIGURATION) else self.function

    def send(self, event: Mapping[str, Any], function: Responder | None = None) -> RawResponse:
        if self.through is not None:
            answer = self.through(event, None)
        else:
            chosen = function or self.door(event["rawPath"])
            answer = respond(event, lambda: chosen, fault)
        return RawResponse(answer["statusCode"], answer["headers"], answer["body"])
