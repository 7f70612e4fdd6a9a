"""Tracks a page until it is reached or has failed. When a whole step has failed, the escalation
moves on: it must not wait for people who got no message.

The rules are in `opsknight.notification.delivery`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from opsknight.escalation.pages import Page, PageState
from opsknight.incident.commands import Unreached
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import OPSKNIGHT, Escalation, Incident, Timer
from opsknight.notification.delivery import Delivery, page_state
from opsknight.runtime.telemetry import count, logger
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.paging import Paging


@dataclass(frozen=True, slots=True)
class PageTracker:
    paging: Paging
    clock: Callable[[], datetime]
    new_token: Callable[[], str]

    def reached(self, delivery: Delivery, deadline: Deadline) -> None:
        """A provider took a message of the delivery's page."""
        if delivery.page_no is not None:
            self.paging.reached(delivery.incident_id, delivery.page_no, delivery.user_id, deadline)

    def lost(self, delivery: Delivery, deadline: Deadline) -> None:
        """A message of the delivery's page failed or bounced: it may have been the last hope."""
        if delivery.page_no is None:
            return
        page = self.paging.page(delivery.incident_id, delivery.page_no, delivery.user_id, deadline)
        if page is not None:
            self.page(page, deadline)

    def page(self, page: Page, deadline: Deadline) -> None:
        """Records how the page ended, if that is known by now."""
        if page.state is PageState.FAILED and page.due_at is not None:
            self._fail(page, deadline)
            return
        if page.state not in (PageState.PLANNED, PageState.REACHED):
            return
        deliveries = self.paging.deliveries(page, deadline)
        state = page_state(deliveries, page.reach_deadline or page.at, self.clock())
        if state is None or state is page.state:
            return
        if state is not PageState.FAILED:
            self.paging.end(page, state, deadline)
        elif self.paging.mark_failed(page, self.clock(), deadline):
            count("PageFailed")
            self._fail(page, deadline)

    def _fail(self, page: Page, deadline: Deadline) -> None:
        """Adds the failure to the timeline, and moves on if all pages of the step have failed.

        The page stays due until that is written: no death in between leaves a step waiting for
        people who got no message.
        """

        def attempt(number: int) -> None:
            if number:
                again = self.paging.page(page.incident_id, page.page_no, page.user_id, deadline)
                if again is None or again.due_at is None:
                    # Another process has written it.
                    return
            incident = self.paging.table.incident(page.incident_id, deadline)
            moved = None if incident is None else self._moved(page, incident, deadline)
            self.paging.fail(page, moved, self.new_token(), deadline)
            logger.error(
                "page failed",
                incident_id=page.incident_id,
                page_no=page.page_no,
                user_id=page.user_id,
                moves_on=moved is not None and Timer.STEP in moved.changes.timers,
            )

        decide_again(deadline, attempt)

    def _moved(self, page: Page, incident: Incident, deadline: Deadline) -> Transitioned | None:
        """None when the incident does not depend on the page any more."""
        if incident.epoch != page.epoch:
            return None
        of_step = self.paging.of_step(page.incident_id, page.page_no, deadline)
        current = incident.page_no == page.page_no and incident.escalation is Escalation.ESCALATING
        moves_on = current and all(each.state is PageState.FAILED for each in of_step)
        command = Unreached(user_id=page.user_id, moves_on=moves_on)
        decision = act(incident, command, actor=OPSKNIGHT, now=self.clock())
        return decision if isinstance(decision, Transitioned) else None
