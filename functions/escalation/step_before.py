"""Whether the step before had its chance: if not, the next one waits for a while.

A hold may have kept it from reaching its users, or we failed to try. The rules are in
`opsknight.escalation` and `opsknight.notification`.
"""

from datetime import datetime
from typing import Final

from opsknight.classes import dataclass
from opsknight.escalation.delay import delayed
from opsknight.escalation.pages import Page, PageState, Why
from opsknight.escalation.steps import Advanced
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import Incident, Timer
from opsknight.incident.timeline import ChangeKind
from opsknight.notification.overlooked import is_overlooked
from opsknight.notification.reaching import TRIED_WITHIN
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.store.calls import Deadline
from opsknight.store.paging import Paging
from opsknight.store.table import Table

_OPEN: Final = (None, PageState.PLANNED)


@dataclass(frozen=True, slots=True)
class StepBefore:
    table: Table
    hold: HoldMemory

    def held_until(
        self, timer: Timer, incident: Incident, now: datetime, deadline: Deadline
    ) -> datetime | None:
        """When to take up the timer, if a hold has kept the step before it from reaching its users:
        they have as long as without the hold.
        """
        hold, page_no, at = self.hold(), incident.page_no, incident.timers[timer]
        if not hold.spells or not page_no or incident.requested_step is not None:
            return None
        taken = self.table.step(incident.id, page_no, deadline)
        later = None if taken is None else hold.counted(taken.at, at - taken.at)
        if later is None or later <= now:
            return None
        pages = self._paging.of_step(incident.id, page_no, deadline)
        return later if any(each.state in _OPEN for each in pages) else None

    def awaited(
        self,
        decision: Advanced | Transitioned,
        incident: Incident,
        now: datetime,
        deadline: Deadline,
    ) -> Advanced | Transitioned:
        """The decision, or that its step waits: by our own fault nobody has tried to send a page of
        the step before, and it is not too late for that.
        """
        taken = decision.taken if isinstance(decision, Advanced) else None
        if taken is None or taken.reason is not Why.DUE or not taken.user_ids:
            return decision
        if not incident.page_no or incident.page_no != taken.page_no - 1:
            return decision
        until = self.hold().counted(incident.timers[Timer.STEP], TRIED_WITHIN)
        pages = self._paging.of_step(incident.id, incident.page_no, deadline)
        if not pages or not all(self._is_overlooked(each, now, deadline) for each in pages):
            return decision
        since = self._waits_since(incident, deadline)
        if since is not None:
            until = self.hold().counted(since, TRIED_WITHIN)
        return delayed(incident, since, until, now) if now < until else decision

    def _is_overlooked(self, page: Page, now: datetime, deadline: Deadline) -> bool:
        if page.state not in _OPEN:
            return False
        deliveries = () if page.state is None else self._paging.deliveries(page, deadline)
        return is_overlooked(page, deliveries, now, self.hold())

    def _waits_since(self, incident: Incident, deadline: Deadline) -> datetime | None:
        """As the timeline says."""
        page = str(incident.page_no)
        changes = self.table.changes(incident.id, deadline)
        waits = (each for each in changes if each.what is ChangeKind.DELAYED)
        return next((each.at for each in waits if each.detail.get("page") == page), None)

    @property
    def _paging(self) -> Paging:
        return Paging(self.table)
