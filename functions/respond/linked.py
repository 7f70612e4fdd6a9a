"""The link in a message: its holder sees one incident, or all of a message that told several, and
acts as the user who got the message.

Finds out who came, and to what. What they see and do is in `linked_incident` and `linked_list`. A
GET changes nothing but the mark that the link was opened, because mail scanners follow links.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Literal

from opsknight.classes import dataclass
from opsknight.directory.entries import User
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, Request
from opsknight.notification import signed_link
from opsknight.notification.delivery import Delivery
from opsknight.notification.signed_link import BadLink, ExpiredLink, Link
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.ssm_secrets import ASKED_AGAIN, LinkKeys, SecretsUnavailable
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.deliveries import Deliveries
from opsknight.store.table import Table
from respond import linked_incident, linked_list
from respond.confirming import confirm_method
from respond.pages import sentence_page
from respond.visit import UNKNOWN, Visit, is_navigation

PREFIX: Final = "/r/"
NOTING_SECONDS: Final = 1

NOT_FOUND: Final = (
    "This link does not work",
    "Open the newest message once more, or ask your team.",
)
EXPIRED: Final = ("This link has expired", "Links in messages work for seven days.")
AWAY: Final = ("Not right now", "OpsKnight cannot reach its store. Reload in a few seconds.")
FAULT: Final = ("That did not work", "The fault is ours. Reload, or act in another way.")


@dataclass(frozen=True, slots=True)
class Linked:
    table: Table
    directory: DirectoryCache
    keys: LinkKeys
    hold: HoldMemory
    new_id: Callable[[str, datetime], str]
    workers: Executor
    """Acts on several incidents at once."""

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
        visit = Visit(
            request=request,
            token=token,
            link=link,
            delivery=delivery,
            reader=reader,
            now=now,
            deadline=deadline,
            table=self.table,
            directory=self.directory,
            signing_key=self.keys.accepted(now)[0],
            new_id=self.new_id,
            hold=self.hold().spell(now),
            log_fields=log_fields,
        )
        if request.method == "POST":
            act = linked_list.act(visit, self.workers) if link.whole else linked_incident.act(visit)
            if act.status == 303:
                confirm_method(self.table, reader, delivery.receiver_id, now, deadline)
            return act
        workers = self.workers
        shown = linked_list.show(visit, workers) if link.whole else linked_incident.show(visit)
        self._note_visit(visit)
        return shown

    def _note_visit(self, visit: Visit) -> None:
        """Writes down that the link was opened, once. The page does not depend on it."""
        delivery, by_person = visit.delivery, is_navigation(visit.request)
        if (delivery.opened_at if by_person else delivery.fetched_at) is not None:
            return
        mark: Literal["opened_at", "fetched_at"] = "opened_at" if by_person else "fetched_at"
        deadline = visit.deadline.within(NOTING_SECONDS)
        with suppress(Unavailable):
            Deliveries(self.table).note_visit(delivery, mark, visit.now, deadline)

    def _link(self, token: str, now: datetime) -> Link:
        signed_link.raw(token)
        try:
            return signed_link.read(token, self.keys.accepted(now), now)
        except BadLink:
            # It may be signed with a newer key than the one in memory.
            return signed_link.read(token, self.keys.accepted(now, ASKED_AGAIN), now)

    def _reader(self, delivery: Delivery, now: datetime, deadline: Deadline) -> User | None:
        """The user who got the delivery; None if that was no user, or one disabled or removed by
        now, whoever has their id since.
        """
        user = self.directory.user(delivery.user_id, now, deadline) if delivery.pages else None
        return user if user and user.since == delivery.user_since else None
