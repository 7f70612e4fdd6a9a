"""The address of an incident, which messages to channels link to. It is the same for everybody, so
it shows nothing and grants nothing: whoever opens it has a link of their own sent to them.

Whoever asks learns nothing, either: the answer is the same for an address that nobody has.
"""

import re
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from opsknight.classes import dataclass
from opsknight.directory.entries import Role, User, has_access
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, Request
from opsknight.incident.model import Incident
from opsknight.incident.text import short_id
from opsknight.notification.delivery import Delivery
from opsknight.notification.requested import link_delivery
from opsknight.runtime.queues import Queue
from opsknight.runtime.telemetry import logger
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.counters import Counters
from opsknight.store.table import Table
from respond.markup import joined, tag
from respond.pages import html_page, sentence_page
from respond.whole_directory import WholeDirectory

PREFIX: Final = "/incidents/"
LARGEST_FORM: Final = 2048
# Links that are asked for in one user's name. Messages bring their own.
MOST_AN_HOUR: Final = 10
_INCIDENT_ID: Final = re.compile(r"inc_[0-9a-f]{28}")

NOT_FOUND: Final = ("There is no such incident", "The address is not complete.")
AWAY: Final = ("Not right now", "OpsKnight cannot reach its store. Reload in a few seconds.")
FAULT: Final = ("That did not work", "The fault is ours. Reload, or act in another way.")
ASKED: Final = (
    "Look at your messages",
    "If this is the address of somebody who may see the incident, a link of their own is on its way"
    " to them. It takes a few seconds; asking again within five minutes sends no second one,"
    f" and nobody gets more than {MOST_AN_HOUR} an hour.",
)


@dataclass(frozen=True, slots=True)
class Addressed:
    table: Table
    directory: WholeDirectory
    pages: Queue
    counters: Counters

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        incident_id = request.path.removeprefix(PREFIX)
        if not _INCIDENT_ID.fullmatch(incident_id):
            return sentence_page(404, *NOT_FOUND)
        match request.method:
            case "GET":
                return _asking(incident_id)
            case "HEAD":
                page = _asking(incident_id)
                return Answer(page.status, "", page.headers)
            case "POST":
                try:
                    self._send(request, incident_id, log_fields, now, deadline)
                except Unavailable as cause:
                    log_fields["cause"] = str(cause)
                    page = sentence_page(503, *AWAY)
                    return Answer(503, page.body, {**page.headers, **RETRY_UNAVAILABLE})
                return sentence_page(200, *ASKED)
            case _:
                page = sentence_page(405, *NOT_FOUND)
                return Answer(405, page.body, {**page.headers, "Allow": "GET, HEAD, POST"})

    def _send(
        self,
        request: Request,
        incident_id: str,
        log_fields: dict[str, Any],
        now: datetime,
        deadline: Deadline,
    ) -> None:
        address = _address(request.body)
        incident = self.table.incident(incident_id, deadline) if address else None
        if incident is None:
            return
        user = self._user(incident, address, now, deadline)
        if user is None:
            return
        delivery = link_delivery(incident, user, now)
        if delivery is None or not self._may_have(user, delivery, now, deadline):
            return
        planned = self.table.plan_delivery(delivery, deadline)
        log_fields |= {"incident_id": incident_id, "user_id": user.id, "planned": planned}
        if planned:
            self.pages.enqueue([delivery_wakeup(delivery, now)], now)

    def _may_have(self, user: User, delivery: Delivery, now: datetime, deadline: Deadline) -> bool:
        """Anybody may ask in somebody's name, so a mailbox gets a bounded number of links."""
        if self.table.delivery(delivery.incident_id, delivery.id, deadline) is not None:
            return True
        hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if self.counters.spends(f"links:{user.id}", MOST_AN_HOUR, hour):
            return True
        logger.warning("links of a user are used up for this hour", user_id=user.id)
        return False

    def _user(
        self, incident: Incident, address: str, now: datetime, deadline: Deadline
    ) -> User | None:
        service = self.directory.any_service(incident.service_id, now, deadline)
        for user in self.directory.users(now, deadline):
            if user.email.casefold() == address and not user.disabled:
                # As over the HTTP API: of a service that is gone, nobody knows the team.
                sees_all = user.role is not Role.USER
                allowed = sees_all if service is None else has_access(user, service)
                return user if allowed else None
        return None


def _asking(incident_id: str) -> Answer:
    heading = "Have a link sent to you"
    body = joined(
        tag("h1", heading),
        tag(
            "p",
            f"This is the address of incident {short_id(incident_id)}. It is the same for everybody"
            " in the channel, so it shows nothing: a link of your own does, and lets you act.",
        ),
        tag(
            "form",
            tag("label", "Your e-mail address at OpsKnight", for_="email"),
            tag(
                "input",
                id="email",
                name="email",
                type="email",
                required="required",
                autocomplete="email",
                maxlength="320",
            ),
            tag("button", "Send me the link", type="submit", class_="first"),
            method="post",
            class_="ask",
        ),
        tag(
            "p",
            tag(
                "small",
                "At a terminal: ",
                tag("code", f"opsknight incidents acknowledge {short_id(incident_id)}"),
            ),
        ),
    )
    return html_page(200, heading, body)


def _address(body: bytes) -> str:
    if len(body) > LARGEST_FORM:
        return ""
    try:
        [text] = parse_qs(body.decode("ascii"), strict_parsing=True).get("email", [])
    except ValueError:
        return ""
    return text.strip().casefold()
