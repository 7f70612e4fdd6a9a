"""Takes one incident through everything that is due of it, each in one conditional write.

Whatever wakes it, and however often: it reads what is stored and does what is due by the clock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from escalation.directory import Directory
from escalation.outbox import Outbox
from opsknight.escalation.steps import (
    Advanced,
    due,
    next_due,
    pages_on,
    resting,
    settled,
    unannounced,
)
from opsknight.escalation.timers import cleared, decided
from opsknight.incident.lifecycle import Transitioned
from opsknight.incident.model import Incident
from opsknight.runtime.queues import LONGEST_DELAY
from opsknight.runtime.telemetry import count, logger
from opsknight.store.calls import Conflict, Deadline, Unavailable
from opsknight.store.due import Due, DueIndex
from opsknight.store.table import Table

# More than the longest policy of steps that reach nobody; the next waking goes on from there.
MOST_TURNS: Final = 100
TELL_AGAIN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Engine:
    table: Table
    outbox: Outbox
    clock: Callable[[], datetime]
    new_token: Callable[[], str]
    """At most 32 characters, never the same again."""
    sleep: Callable[[float], None] = time.sleep

    @property
    def waiting(self) -> DueIndex:
        return DueIndex(self.table)

    def attend(self, incident_id: str, deadline: Deadline, *, remind: bool = False) -> None:
        """`advance`, but what cannot be handled is due again later and harms nobody else.

        Raises Unavailable after the deadline.
        """
        try:
            self.advance(incident_id, deadline, remind=remind)
        except Unavailable:
            raise
        # Whatever is wrong with one incident must not keep the others waiting: this is the one
        # place where that is decided.
        except Exception:
            count("TimerFailed")
            now = self.clock()
            failures = self.waiting.postpone(Due(incident_id, now), now, deadline)
            logger.exception("timer failed", incident_id=incident_id, failures=failures)

    def advance(self, incident_id: str, deadline: Deadline, *, remind: bool = False) -> None:
        """Does all that is due. `remind`: even if nothing was, so that the next timer is met to the
        second; else whoever set it has seen to that.
        """
        conflicts, told = 0, False
        for _ in range(MOST_TURNS):
            incident = self.table.incident(incident_id, deadline)
            if incident is None:
                return
            now = self.clock()
            if unannounced(incident, now) and not told:
                self.outbox.announce(incident.id, now)
                told = True
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
                # Somebody was faster: what is due now may be something else.
                deadline.pause(conflicts, conflict)
                conflicts += 1
        else:
            self.outbox.remind([(incident_id, self.clock())], self.clock())
            return
        following = next_due(incident) if remind else None
        if following is not None and (following - now).total_seconds() <= LONGEST_DELAY:
            self.outbox.remind([(incident.id, following)], now)

    def _handle(self, timer: str, incident: Incident, now: datetime, deadline: Deadline) -> None:
        directory = Directory(self.table, deadline)
        match timer:
            case "pages":
                taken = self.table.step(incident.id, incident.page_no, deadline)
                self._write(pages_on(incident, taken), deadline)
            case "fallback":
                # At least once: told first, and then recorded.
                service = directory.service(incident.service_id)
                name = service.name if service else incident.service_id
                if self.outbox.notify_fallback(incident, name):
                    self._write(cleared(timer, incident), deadline)
                else:
                    # The next steps must not wait for SNS.
                    count("TimerFailed")
                    later = settled(
                        incident, {f"timers.{timer}": now + TELL_AGAIN}, "fallback not told"
                    )
                    self._write(later, deadline)
            case _:
                self._write(decided(timer, incident, now, directory), deadline)

    def _write(self, decision: Advanced | Transitioned, deadline: Deadline) -> None:
        self.table.apply(decision, self.new_token(), deadline)
        taken = decision.taken if isinstance(decision, Advanced) else None
        logger.info(
            decision.what if isinstance(decision, Advanced) else decision.change.what,
            incident_id=decision.seen.id,
            service_id=decision.seen.service_id,
            step=taken.step if taken else None,
            page_no=taken.page_no if taken else None,
            paged=len(taken.user_ids) if taken else 0,
        )
