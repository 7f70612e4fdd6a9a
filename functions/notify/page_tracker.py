"""Tracks a page until it is reached or has failed. When a whole step has failed, the escalation
moves on: it must not wait for people who got no message.

The rules are in `opsknight.notification.delivery`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from opsknight.classes import dataclass
from opsknight.escalation.pages import Page, PageState
from opsknight.incident.canary import is_canary
from opsknight.incident.commands import Unreached
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import OPSKNIGHT, Escalation, Incident, Timer
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.overlooked import is_untried
from opsknight.notification.reaching import fails_at, page_state
from opsknight.notification.throttle import MIN_INTERVAL, takes_messages
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.telemetry import count, logger, signal
from opsknight.store.bundles import Bundles
from opsknight.store.calls import Deadline, decide_again
from opsknight.store.paging import Paging
from opsknight.store.receivers import Receivers

# While a page cannot be judged yet, it is looked at this often.
LOOKED_AT_EVERY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class PageTracker:
    paging: Paging
    clock: Callable[[], datetime]
    hold: HoldMemory
    new_token: Callable[[], str]

    def reached(self, delivery: Delivery, deadline: Deadline) -> None:
        """A provider took a message of the delivery's page."""
        if delivery.page_no is not None:
            which = delivery.incident_id, delivery.page_no, delivery.user_id
            self.paging.reached(*which, self.clock(), deadline)

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
        deliveries = self._deliveries(page, deadline)
        now, until = self.clock(), page.reach_deadline or page.at
        state = page_state(deliveries, until, now, self.hold())
        if state is None and page.due_at is not None and page.due_at <= now:
            # Nobody has tried it, or somebody is sending.
            soon = min(now + LOOKED_AT_EVERY, fails_at(deliveries, until, self.hold()))
            self.paging.look_again(page, soon, deadline)
        if state is None or state is page.state:
            return
        if state is PageState.FAILED and (later := self._told_soon(deliveries, deadline)):
            # Late, but not lost: the next step comes at its time all the same.
            self.paging.look_again(page, later, deadline)
            return
        if state is not PageState.FAILED:
            self.paging.end(page, state, now, deadline)
        elif self.paging.mark_failed(page, self.clock(), deadline):
            if not is_canary(page.incident_id):
                signal("PageFailed")
            if deliveries and is_untried(deliveries):
                count("PageUntried")
            self._fail(page, deadline)

    def _deliveries(self, page: Page, deadline: Deadline) -> list[Delivery]:
        """The deliveries of the page. One whose bundle was sent is sent, even if the sender died
        before it could record that here.
        """
        deliveries = list(self.paging.deliveries(page, deadline))
        sent = Bundles(self.paging.table).sent(deliveries, deadline)
        return [
            each.model_copy(update={"state": State.SENT}) if each.id in sent else each
            for each in deliveries
        ]

    def _told_soon(self, deliveries: Iterable[Delivery], deadline: Deadline) -> datetime | None:
        """When to look again if a delivery is held for a receiver that takes messages."""
        held = [each for each in deliveries if each.state is State.PENDING and not each.due_at]
        destinations = {each.destination for each in held}
        states = Receivers(self.paging.table).states(destinations, deadline) if held else {}
        now = self.clock()
        soon = [
            now + interval
            for each in held
            if (state := states.get(each.destination)) is not None
            and (interval := MIN_INTERVAL.get(each.channel)) is not None
            and takes_messages(state, interval, now)
        ]
        return min(soon, default=None)

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
        waits_for_it = incident.escalation in (Escalation.ESCALATING, Escalation.COMPLETED)
        current = incident.page_no == page.page_no and waits_for_it
        moves_on = current and self.paging.have_all_failed(page, deadline)
        deliveries = self._deliveries(page, deadline)
        untried = bool(deliveries) and is_untried(deliveries)
        command = Unreached(user_id=page.user_id, moves_on=moves_on, untried=untried)
        decision = act(incident, command, actor=OPSKNIGHT, now=self.clock())
        return decision if isinstance(decision, Transitioned) else None
