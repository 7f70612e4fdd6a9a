"""The function that people act through, before a world: links in messages, and their pages."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import boto3

from opsknight import links, runtime
from opsknight.answers import respond
from opsknight.callers import Directory
from opsknight.contacts import Channel
from opsknight.deliveries import Delivery, delivery_id
from opsknight.linking import LinkKeys, Secret
from opsknight.messages import PageReason
from respond.handler import Responder, fault
from respond.linked import Linked
from tests.harness.world import World, deadline, http_event

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient


@dataclass(frozen=True)
class Page:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Desk:
    """One warm function. The key of the links is in SSM, under a name of this desk's own."""

    world: World
    endpoint: str | None = None
    key_name: str = field(default_factory=lambda: f"/opsknight/{token_hex(4)}/link-key")

    def __post_init__(self) -> None:
        self.ssm: SSMClient = boto3.client("ssm", endpoint_url=self.endpoint)
        self.keys = LinkKeys(Secret(self.ssm, self.key_name))
        self.function = self.responder()

    def responder(self, patience: float = 8) -> Responder:
        """One more, with a memory of its own."""
        directory = Directory(self.world.table, ThreadPoolExecutor(max_workers=2))
        keys = LinkKeys(Secret(self.ssm, self.key_name))
        linked = Linked(self.world.table, directory, keys, runtime.new_id)
        return Responder(linked, self.world.clock, patience)

    def delivery(self, incident_id: str, user: str = "ada", **more: Any) -> Delivery:
        """A message to a user, as planning stores it."""
        owner = more.pop("owner", f"user#user_{user}")
        known = {
            "id": delivery_id("p", incident_id, owner, *more.values()),
            "incident_id": incident_id,
            "service_id": self.world.service.id,
            "alert_id": "al_1",
            "owner": owner,
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

    def path(self, delivery: Delivery) -> str:
        now = self.world.clock()
        key = self.keys.signing(now)
        return f"/r/{links.token(delivery.incident_id, delivery.id, key, now)}"

    def ask(self, path: str, method: str = "GET", function: Responder | None = None) -> Page:
        return self.send(http_event(path=path, method=method), function)

    def press(self, path: str, action: str, function: Responder | None = None) -> Page:
        form = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode({"action": action})
        return self.send(http_event(body, path=path, headers=form), function)

    def send(self, event: Mapping[str, Any], function: Responder | None = None) -> Page:
        answer = respond(event, lambda: function or self.function, fault)
        return Page(answer["statusCode"], answer["headers"], answer["body"])
