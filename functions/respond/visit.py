"""One visit by a link: who came, to what, and what each page and form needs.

Reads forms; knows no page.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.directory.entries import User
from opsknight.escalation.hold import Spell
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import Answer, Request
from opsknight.incident.commands import Command
from opsknight.incident.decisions import NotAllowed, Transitioned, Unchanged
from opsknight.incident.model import NEVER, Actor, ActorKind
from opsknight.notification import signed_link
from opsknight.notification.delivery import Delivery
from opsknight.notification.signed_link import Link
from opsknight.store.calls import Deadline
from opsknight.store.execute import perform
from opsknight.store.table import Table

# All incidents that a message may tell, with their epochs, or a long note in any script.
LARGEST_FORM: Final = 128 * 1024
UNKNOWN: Final = ("Nothing was done", "This page does not offer what the form asked for.")


@dataclass(frozen=True, slots=True)
class Visit:
    request: Request
    token: str
    link: Link
    delivery: Delivery
    """The message that the link was in; the first of several that it told."""
    reader: User
    now: datetime
    deadline: Deadline
    table: Table
    directory: DirectoryCache
    signing_key: bytes
    new_id: Callable[[str, datetime], str]
    hold: Spell | None
    """The hold that is on."""
    log_fields: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return self.reader.clock

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.USER, id=self.reader.id, name=self.reader.name)

    def form(self) -> Mapping[str, Sequence[str]]:
        """The fields of the form; empty where the body is none."""
        if len(self.request.body) > LARGEST_FORM:
            return {}
        try:
            return parse_qs(self.request.body.decode("ascii"), strict_parsing=True)
        except ValueError:
            return {}

    def link_to(self, incident_id: str, delivery_id: str) -> str:
        """The token of another link for the same reader. It is valid as long as the link that leads
        here, or following links would prolong them.
        """
        begun = self.link.ends_at - signed_link.LIFE
        return signed_link.token(incident_id, delivery_id, self.signing_key, begun)

    def perform(
        self,
        incident_id: str,
        service_id: str,
        command: Command,
        epoch: int | None = None,
        via: str | None = None,
    ) -> Transitioned | Unchanged | NotAllowed | None:
        """`via`: the delivery that told of the incident, if not the one whose link leads here."""
        service = self.directory.any_service(service_id, self.now, self.deadline)
        return perform(
            self.table,
            incident_id,
            command,
            actor=self.actor,
            now=self.now,
            token=self.new_id("act", self.now),
            deadline=self.deadline,
            timeouts=service.timeouts if service else NEVER,
            epoch=epoch,
            via=via or self.delivery.id,
        )

    def back(self, query: str = "") -> Answer:
        """To the page, which shows the result; reloading it does not act again. The address is
        relative, so it is right below any base path.
        """
        return Answer(303, "", {"Location": self.token + query, "Cache-Control": "no-store"})


def is_navigation(request: Request) -> bool:
    """Whether a person's browser goes to the page, as far as it says so: neither a scanner nor a
    preview, and not fetched ahead. https://www.w3.org/TR/fetch-metadata/
    """
    headers = request.headers
    ahead = f"{headers.get('sec-purpose', '')} {headers.get('purpose', '')}"
    return (
        request.method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and "prefetch" not in ahead
        and "preview" not in ahead
    )
