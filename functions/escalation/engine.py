"""Handles everything that is due for one incident, one conditional write at a time.

Whatever wakes it, and however often, it reads the incident and does what is due by the clock. What
a timer does is in `opsknight.escalation`.
"""

import time
from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import Final

from escalation.backlog import Backlog
from escalation.directory import Directory
from escalation.fallback import Fallback
from escalation.outbox import Outbox
from escalation.reports import Reports
from escalation.roster import Roster
from escalation.shadows import Shadows
from escalation.step_before import StepBefore
from opsknight.classes import dataclass
from opsknight.escalation.repair import resting
from opsknight.escalation.steps import Advanced, Progress, pages_on, settled
from opsknight.escalation.timers import (
    EngineTimer,
    asked,
    cleared,
    decided,
    due,
    next_due,
    policy_of,
    remind_every,
    unannounced,
)
from opsknight.incident.changes import Changes
from opsknight.incident.decisions import Transitioned
from opsknight.incident.model import Escalation, Incident, Timer
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.queues import LONGEST_DELAY
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.calls import Conflict, Deadline, Unavailable
from opsknight.store.due import Due, DueIndex
from opsknight.store.rounds import slept_until
from opsknight.store.table import Table

# More than the longest policy of steps that reach nobody; the next wakeup continues from there.
MOST_TURNS: Final = 100


@dataclass(frozen=True, slots=True)
class Engine:
    table: Table
    outbox: Outbox
    clock: Callable[[], datetime]
    hold: HoldMemory
    new_token: Callable[[], str]
    """At most 32 characters, never the same again."""
    sleep: Callable[[float], None] = time.sleep
    side_by_side: int = 8
    """How many incidents a sweep attends to at the same time."""
    backlog: Backlog = field(default_factory=Backlog)

    @property
    def waiting(self) -> DueIndex:
        return DueIndex(self.table)

    @property
    def fallback(self) -> Fallback:
        return Fallback(self.table, self.outbox, self.clock, self.new_token)

    @property
    def _before(self) -> StepBefore:
        return StepBefore(self.table, self.hold)

    @property
    def reports(self) -> Reports:
        return Reports(self.table, self.outbox, self.clock)

    @property
    def roster(self) -> Roster:
        return Roster(self.table, self.outbox, self.clock)

    @property
    def shadows(self) -> Shadows:
        return Shadows(self.table, self.outbox, self.clock)

    def attend(
        self, incident_id: str, deadline: Deadline, *, remind: bool = False, announce: bool = True
    ) -> None:
        """Like `advance`, but an incident that fails is due again later and harms no other.

        Raises Unavailable after the deadline.
        """
        try:
            self.advance(incident_id, deadline, remind=remind, announce=announce)
        except Unavailable:
            raise
        # Whatever is wrong with one incident must not keep the others waiting: this is the one
        # place where that is decided.
        except Exception:
            signal("Failures")
            failures = self._postponed(incident_id, deadline)
            logger.exception("timer failed", incident_id=incident_id, failures=failures)

    def _postponed(self, incident_id: str, deadline: Deadline) -> int | None:
        """How often in a row it has failed; None, too, when it cannot even be postponed: it stays
        due, and the next tick finds it.
        """
        now = self.clock()
        try:
            return self.waiting.postpone(Due(incident_id, now), now, deadline)
        except Exception:
            logger.exception("left as it is", incident_id=incident_id)
            return None

    def advance(
        self, incident_id: str, deadline: Deadline, *, remind: bool = False, announce: bool = True
    ) -> None:
        """Does all that is due, then sends a reminder so that the next timer is met to the second.

        If nothing was due, whoever set the timer has sent one; `remind` sends it all the same.
        `announce`: whether the notify function may be asked for notices that are overdue.
        """
        conflicts, announced = 0, not announce
        for _ in range(MOST_TURNS):
            incident = self.table.incident(incident_id, deadline)
            if incident is None:
                return
            now = self.clock()
            if unannounced(incident, now) and not announced:
                self.outbox.announce(incident.id, now)
                announced = True
            timer = due(incident, now)
            try:
                if timer is None:
                    rest = resting(incident, now)
                    if rest is not None:
                        self._write(rest, deadline)
                    break
                self._handle(timer, incident, now, deadline)
                remind = True
            except Conflict as conflict:
                # Somebody was faster, and something else may be due now: that is one more turn.
                deadline.pause(conflicts, conflict)
                conflicts += 1
        else:
            self.outbox.remind([(incident_id, self.clock())], self.clock())
            return
        following = next_due(incident) if remind else None
        if following is not None and (following - now).total_seconds() <= LONGEST_DELAY:
            self.outbox.remind([(incident.id, following)], now)

    def _handle(
        self, timer: EngineTimer, incident: Incident, now: datetime, deadline: Deadline
    ) -> None:
        directory = Directory(self.table, deadline)
        match timer:
            case Timer.STEP | Timer.FALLBACK if later := self._before.held_until(
                timer, incident, now, deadline
            ):
                changes = Changes(timers={timer: later})
                self._write(settled(incident, changes, Progress.HELD_UP), deadline)
            case Timer.FALLBACK if later := self._waits_for_morning(incident, now, directory):
                changes = Changes(timers={timer: later})
                self._write(settled(incident, changes, Progress.HELD_BY_QUIET_HOURS), deadline)
            case Timer.PAGES:
                taken = self.table.step(incident.id, incident.page_no, deadline)
                self._write(pages_on(incident, taken), deadline)
            case Timer.FALLBACK:
                # At least once: ask first, then record.
                service = directory.service(incident.service_id)
                decision = asked(incident, service, now)
                once = decision.changes.timers[Timer.REMINDER] is None
                self.fallback.tell(incident, deadline, once=once)
                self._write(decision, deadline)
            case Timer.REMINDER:
                every = remind_every(incident, directory.service(incident.service_id))
                if every is None:
                    # Switched off meanwhile.
                    self._write(cleared(timer, incident, Progress.REMINDED), deadline)
                else:
                    later = self.fallback.remind(incident, every, deadline)
                    changes = Changes(timers={timer: later})
                    self._write(settled(incident, changes, Progress.REMINDED), deadline)
            case _:
                wanted = decided(timer, incident, now, directory)
                self._write(self._before.awaited(wanted, incident, now, deadline), deadline)

    def _waits_for_morning(
        self, incident: Incident, now: datetime, directory: Directory
    ) -> datetime | None:
        """When to notify the fallback address of an incident that is LOW, if its assignee had to be
        left asleep at first: they have as long from then on as at any other time.
        """
        if incident.escalation is not Escalation.COMPLETED:
            return None
        woken = slept_until(self.table, incident, incident.page_no, directory.deadline)
        later = now if woken is None else woken + policy_of(incident, directory).pause
        return later if later > now else None

    def _write(self, decision: Advanced | Transitioned, deadline: Deadline) -> None:
        self.table.apply(decision, self.new_token(), deadline)
        taken = decision.taken if isinstance(decision, Advanced) else None
        logger.info(
            decision.what if isinstance(decision, Advanced) else decision.change.what,
            incident_id=decision.before.id,
            service_id=decision.before.service_id,
            step=taken.step if taken else None,
            page_no=taken.page_no if taken else None,
            paged=len(taken.user_ids) if taken else 0,
        )
