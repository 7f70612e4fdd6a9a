"""Plans deliveries: an incident's changes go to its service's receivers and to status pages, a page
to its user. A delivery is in the table before anybody is woken to send it.

Who gets what is decided in `opsknight.notification.recipients`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from notify.page_tracker import PageTracker
from notify.passed_acts import pass_on
from notify.queues import Queues
from notify.ringing import Silencing
from opsknight.classes import dataclass
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel, ServiceReceiver
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.pages import Page, PageState
from opsknight.incident.model import Incident, Status
from opsknight.incident.taking import taken_on_by
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.message import PageReason
from opsknight.notification.notices import change_deliveries, notices_due
from opsknight.notification.reaching import reach_deadline
from opsknight.notification.recipients import (
    asked_to_help,
    assigned_to,
    assignment_deliveries,
    joined_by,
    methods,
    page_deliveries,
)
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.lenient import readable, readable_items
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.deliveries import Deliveries
from opsknight.store.paging import Paging
from opsknight.store.replies import Replies
from opsknight.store.table import Table

# Among these is one that paged somebody, if there was any of late.
LATEST_STEPS: Final = 8


@dataclass(frozen=True, slots=True)
class Planning:
    paging: Paging
    queues: Queues
    page_tracker: PageTracker
    clock: Callable[[], datetime]
    hold: HoldMemory

    @property
    def table(self) -> Table:
        return self.paging.table

    @property
    def silencing(self) -> Silencing:
        return Silencing(Deliveries(self.table), self.queues, self.clock)

    def incident(self, incident_id: str, deadline: Deadline) -> None:
        """Plans all changes of the incident that are not planned yet, whichever of them woke us."""

        kept: tuple[Incident, list[Delivery]] | None = None

        def attempt(_: int) -> tuple[Incident, list[Delivery]] | None:
            nonlocal kept
            incident = self.table.incident(incident_id, deadline)
            if incident is None:
                return None
            if incident.announced >= incident.changes:
                # Perhaps by a request of ours whose answer was lost: then nobody else wakes them.
                return kept if kept and kept[0].changes == incident.announced else None
            deliveries = self._deliveries(incident, deadline)
            self._keep(deliveries, deadline)
            kept = incident, deliveries
            self.silencing.incident(incident, deadline)
            self.table.announce(incident, deadline)
            return kept

        # A conflict is a newer change, or a timer that was set meanwhile.
        planned = decide_again(deadline, attempt)
        if planned is None:
            return
        incident, deliveries = planned
        self.queues.send(deliveries, self.clock())
        logger.info(
            "changes planned",
            incident_id=incident.id,
            service_id=incident.service_id,
            incident_status=incident.status,
            first_change=incident.announced + 1,
            last_change=incident.changes,
            deliveries=len(deliveries),
        )

    def _deliveries(self, incident: Incident, deadline: Deadline) -> list[Delivery]:
        service_id = incident.service_id
        receivers = readable_items(ServiceReceiver, self.table.receivers(service_id, deadline))
        status_pages = readable_items(StatusPage, self.table.status_pages(deadline))
        changes = self.table.changes(incident.id, deadline, after=incident.announced)
        due = notices_due(incident, changes)
        pass_on(self.table, incident, due, deadline)
        found = [
            delivery
            for change in due
            for delivery in change_deliveries(incident, change, receivers, status_pages)
        ]
        for change in due:
            found += self._assigned(incident, change, deadline)
        joined = [each for each in due if joined_by(each) is not None]
        # When many join at once, people hear of the last one: whoever looks sees all.
        found += self._told_of_joining(incident, joined[-1:], deadline)
        return found

    def _told_of_joining(
        self, incident: Incident, joined: Iterable[Change | None], deadline: Deadline
    ) -> Iterable[Delivery]:
        """To whoever has the incident; where nobody took it on, to those paged last."""
        found: list[Delivery] = []
        for change in joined:
            who = taken_on_by(incident)
            told = [who] if who else self._paged_last(incident, deadline)
            found += self._to_users(incident, change, told, PageReason.JOINED, deadline)
        return found

    def _paged_last(self, incident: Incident, deadline: Deadline) -> Iterable[str]:
        """A step may have had nobody, and the end of the policy is written down as one, too."""
        steps = self.table.latest_steps(incident.id, LATEST_STEPS, deadline)
        first = [incident.assignee_id] if incident.assignee_id else []
        return next((each.user_ids for each in steps if each.user_ids), first)

    def _to_users(
        self,
        incident: Incident,
        change: Change | None,
        user_ids: Iterable[str],
        about: PageReason,
        deadline: Deadline,
    ) -> list[Delivery]:
        found: list[Delivery] = []
        user_ids = list(user_ids)
        if incident.shadow and user_ids and self._in_shadow(incident, deadline):
            return found
        for user_id in user_ids:
            user = readable(partial(self.table.user, user_id, deadline))
            if user is not None and not user.disabled and change is not None:
                stopped = self._stopped(user, deadline)
                found += assignment_deliveries(incident, change, user, about, stopped)
        return found

    def _in_shadow(self, incident: Incident, deadline: Deadline) -> bool:
        service = readable(lambda: self.table.service(incident.service_id, deadline))
        return service is not None and service.in_shadow(self.clock())

    def _assigned(
        self, incident: Incident, change: Change | None, deadline: Deadline
    ) -> Iterable[Delivery]:
        """To those whom the change assigned the incident to, or asked to help."""
        asked = asked_to_help(change)
        found = self._to_users(incident, change, asked, PageReason.ALSO_PAGED, deadline)
        if (assignee := assigned_to(change)) is not None:
            found += self._to_users(incident, change, [assignee], PageReason.ASSIGNED, deadline)
        return found

    def _stopped(self, user: User, deadline: Deadline) -> frozenset[str]:
        """The user's numbers that replied STOP."""
        numbers = {each.to for each in methods(user) if each.channel is Channel.SMS}
        return Replies(self.table).opted_out(numbers, deadline) if numbers else frozenset()

    def page(self, incident_id: str, page_no: int, user_id: str, deadline: Deadline) -> None:
        """Plans a page, or records how it ended."""
        page = self.paging.page(incident_id, page_no, user_id, deadline)
        if page is None:
            return
        if page.state is None:
            self._plan(page, deadline)
        elif page.due_at is not None and page.due_at <= self.clock():
            self.page_tracker.page(page, deadline)
        else:
            # Woken again: whoever planned the page may have died before waking the senders.
            mine = self.paging.deliveries(page, deadline)
            self.queues.send(
                [each for each in mine if each.state is State.PENDING and not each.tries],
                self.clock(),
            )

    def _plan(self, page: Page, deadline: Deadline) -> None:
        incident = self.table.incident(page.incident_id, deadline)
        if incident is None or incident.status is not Status.OPEN or incident.epoch != page.epoch:
            self.paging.end(page, PageState.CANCELLED, self.clock(), deadline)
            return
        user = readable(lambda: self.table.user(page.user_id, deadline))
        deliveries: tuple[Delivery, ...] = ()
        if user is not None and not user.disabled:
            # Read anew for each page: whoever replied STOP is paged by another method at once.
            stopped = self._stopped(user, deadline)
            deliveries = page_deliveries(page, incident, user, stopped)
        self._keep(deliveries, deadline)
        now = self.clock()
        until = reach_deadline(deliveries, now) or now
        # Repeated after a lost answer, it is found planned by this token: only then are they woken.
        token = self.page_tracker.new_token()
        if not self.paging.plan(page, deliveries, until, token, deadline):
            return
        self.queues.send(deliveries, now)
        self.queues.track(page, until, now)
        logger.info(
            "page planned",
            incident_id=page.incident_id,
            page_no=page.page_no,
            user_id=page.user_id,
            deliveries=len(deliveries),
        )

    def _keep(self, deliveries: Iterable[Delivery], deadline: Deadline) -> None:
        for delivery in deliveries:
            self.table.plan_delivery(delivery, deadline)
