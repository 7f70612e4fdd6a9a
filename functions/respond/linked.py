"""The link in a message: its holder sees one incident and acts on it, as the user who got the
message.

A GET changes nothing, because mail scanners follow links.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from opsknight.directory.entries import User
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, Request
from opsknight.incident.commands import Acknowledge, Command, Resolve, Snooze
from opsknight.incident.decisions import NotAllowed, Transitioned
from opsknight.incident.model import NEVER, Actor, ActorKind
from opsknight.notification import signed_link
from opsknight.notification.delivery import Delivery
from opsknight.notification.signed_link import BadLink, ExpiredLink, Link
from opsknight.runtime.ssm_secrets import ASKED_AGAIN, LinkKeys, SecretsUnavailable
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.execute import perform
from opsknight.store.table import Table
from respond.pages import LATEST, Listed, PageView, incident_page, sentence_page

PREFIX: Final = "/r/"
NAP: Final = timedelta(hours=1)
MOST_LISTED: Final = 100
LARGEST_FORM: Final = 1024

NOT_FOUND: Final = (
    "This link does not work",
    "Open the newest message once more, or ask your team.",
)
EXPIRED: Final = ("This link has expired", "Links in messages work for seven days.")
AWAY: Final = ("Not right now", "OpsKnight cannot reach its store. Reload in a few seconds.")
FAULT: Final = ("That did not work", "The fault is ours. Reload, or act in another way.")
UNKNOWN: Final = ("Nothing was done", "This page does not offer what the form asked for.")


@dataclass(frozen=True, slots=True)
class Linked:
    table: Table
    directory: DirectoryCache
    keys: LinkKeys
    new_id: Callable[[str, datetime], str]

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        if request.method not in ("GET", "HEAD", "POST"):
            page = sentence_page(405, *UNKNOWN)
            return Answer(405, page.body, {**page.headers, "Allow": "GET, HEAD, POST"})
        try:
            answer = self._answer(request, log_fields, now, deadline)
        except ExpiredLink:
            answer = sentence_page(410, *EXPIRED)
        except BadLink:
            answer = sentence_page(404, *NOT_FOUND)
        except (Unavailable, SecretsUnavailable) as cause:
            log_fields["cause"] = str(cause)
            page = sentence_page(503, *AWAY)
            answer = Answer(503, page.body, {**page.headers, **RETRY_UNAVAILABLE})
        return answer if request.method != "HEAD" else Answer(answer.status, "", answer.headers)

    def _answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        token = request.path.removeprefix(PREFIX)
        link = self._link(token, now)
        delivery = self.table.delivery(link.incident_id, link.delivery_id, deadline)
        reader = None if delivery is None else self._reader(delivery, now, deadline)
        if delivery is None or reader is None:
            raise BadLink
        log_fields |= {"incident_id": link.incident_id, "delivery_id": link.delivery_id}
        log_fields["user_id"] = reader.id
        if request.method == "POST":
            return self._act(request, token, delivery, reader, log_fields, now, deadline)
        return self._show(link, reader, now, deadline)

    def _link(self, token: str, now: datetime) -> Link:
        try:
            return signed_link.read(token, self.keys.accepted(now), now)
        except BadLink:
            # It may be signed with a newer key than the one in memory.
            return signed_link.read(token, self.keys.accepted(now, ASKED_AGAIN), now)

    def _reader(self, delivery: Delivery, now: datetime, deadline: Deadline) -> User | None:
        """The user who got the delivery; None if that was no user, or one disabled by now."""
        return self.directory.user(delivery.user_id, now, deadline) if delivery.pages else None

    def _act(
        self,
        request: Request,
        token: str,
        delivery: Delivery,
        reader: User,
        log_fields: dict[str, Any],
        now: datetime,
        deadline: Deadline,
    ) -> Answer:
        command = _wanted(request.body, reader, now)
        if command is None:
            return sentence_page(400, *UNKNOWN)
        service = self.directory.any_service(delivery.service_id, now, deadline)
        decision = perform(
            self.table,
            delivery.incident_id,
            command,
            actor=Actor(kind=ActorKind.USER, id=reader.id, name=reader.name),
            now=now,
            token=self.new_id("act", now),
            deadline=deadline,
            timeouts=service.timeouts if service else NEVER,
        )
        if decision is None:
            raise BadLink
        if isinstance(decision, Transitioned):
            log_fields["result"] = decision.change.what
        if isinstance(decision, NotAllowed):
            log_fields["refused"] = str(decision.status)
        # The page shows the result; reloading it does not act again. The address is relative, so it
        # is right below any base path.
        return Answer(303, "", {"Location": token, "Cache-Control": "no-store"})

    def _show(self, link: Link, reader: User, now: datetime, deadline: Deadline) -> Answer:
        incident = self.table.incident(link.incident_id, deadline)
        if incident is None:
            raise BadLink
        service = self.directory.service_name(incident.service_id, now, deadline)
        view = PageView(
            incident=incident,
            service=service,
            reader_id=reader.id,
            reader=reader.name,
            alert=self.table.alert(incident.id, incident.first_alert_id, deadline),
            latest=self.table.latest_changes(incident.id, LATEST, deadline),
            steps=self.table.latest_steps(incident.id, LATEST, deadline),
            zone=_zone(reader),
            names=lambda user_id: self.directory.user_name(user_id, now, deadline),
            ends_at=link.ends_at,
            also=self._also(link, now, deadline),
        )
        return incident_page(view, now)

    def _also(self, link: Link, now: datetime, deadline: Deadline) -> list[Listed]:
        """The other incidents in the message of this delivery, the most urgent first."""
        bundled = self.table.bundle(link.delivery_id, deadline)[:MOST_LISTED]
        if not bundled:
            return []
        found = self.table.incidents((each.incident_id for each in bundled), deadline)
        key = self.keys.accepted(now)[0]
        listed = [
            Listed(
                found[each.incident_id],
                self.directory.service_name(found[each.incident_id].service_id, now, deadline),
                # Valid as long as the link that leads here, or following links would prolong them.
                signed_link.token(
                    each.incident_id, each.delivery_id, key, link.ends_at - signed_link.LIFE
                ),
            )
            for each in bundled
            if each.incident_id in found and each.incident_id != link.incident_id
        ]
        ranks = ["HIGH", "MEDIUM", "LOW"]
        return sorted(listed, key=lambda each: ranks.index(each.incident.urgency))


def _zone(reader: User) -> ZoneInfo:
    try:
        return ZoneInfo(reader.zone or "UTC")
    except (LookupError, OSError, ValueError):
        # The tz database here is older than the one that knew the zone.
        return ZoneInfo("UTC")


def _wanted(body: bytes, reader: User, now: datetime) -> Command | None:
    if len(body) > LARGEST_FORM:
        return None
    try:
        action = parse_qs(body.decode("ascii"), strict_parsing=True).get("action")
    except ValueError:
        return None
    match action:
        case ["acknowledge"]:
            return Acknowledge(by=reader.id)
        case ["resolve"]:
            return Resolve()
        case ["snooze"]:
            return Snooze(now + NAP)
        case _:
            return None
