"""Takes one incident through everything that is due of it, each in one conditional write.

Whatever wakes it, and however often: it reads what is stored and does what is due by the clock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from escalation.directory import Directory
from escalation.outbox import Outbox
from opsknight.commands import (
    AcknowledgementTimeout,
    AutoResolve,
    Command,
    Unsnooze,
    Unsuppress,
)
from opsknight.directory import Service
from opsknight.escalations import (
    Advanced,
    Turn,
    due,
    next_due,
    pages_on,
    proceed,
    resting,
    settled,
    take,
    unannounced,
)
from opsknight.incidents import NEVER, Actor, ActorKind, Incident
from opsknight.lifecycle import Moved, Refused, Unchanged, act, look_at
from opsknight.queues import LONGEST_DELAY
from opsknight.runtime import count, logger
from opsknight.store.calls import Conflict, Deadline, Unavailable
from opsknight.store.table import Table
from opsknight.store.waiting import Due, Waiting

TIMER: Final = Actor(kind=ActorKind.TIMER, id="timer", name="OpsKnight")
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
    def waiting(self) -> Waiting:
        return Waiting(self.table)

    @property
    def directory(self) -> Directory:
        return Directory(self.table)

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
        match timer:
            case "pages":
                taken = self.table.step(incident.id, incident.page_no, deadline)
                self._write(pages_on(incident, taken), deadline)
            case "step":
                self._write(self._escalated(incident, now, deadline), deadline)
            case "snooze":
                self._do(incident, Unsnooze(), now, deadline)
            case "window":
                self._end_window(incident, now, deadline)
            case "acknowledgement":
                service = self.directory.service(incident.service_id, deadline)
                if service is not None and service.acknowledgement_timeout is None:
                    # Switched off meanwhile. Of a service that is gone nobody knows: page.
                    self._clear(timer, incident, deadline)
                else:
                    self._do(incident, AcknowledgementTimeout(), now, deadline, service)
            case "auto_resolve":
                self._resolve_or_wait(incident, now, deadline)
            case "fallback":
                # At least once: told first, and then recorded.
                service = self.directory.service(incident.service_id, deadline)
                name = service.name if service else incident.service_id
                if self.outbox.tell_fallback(incident, name):
                    self._clear(timer, incident, deadline)
                else:
                    # The next steps must not wait for SNS.
                    count("TimerFailed")
                    later = settled(
                        incident, {f"timers.{timer}": now + TELL_AGAIN}, "fallback not told"
                    )
                    self._write(later, deadline)
            case _:
                raise AssertionError(f"nobody handles {timer}")

    def _escalated(self, incident: Incident, now: datetime, deadline: Deadline) -> Advanced:
        decision = proceed(incident, self.directory.policy(incident, deadline), now)
        match decision:
            case Advanced():
                return decision
            case Turn():
                reached = self.directory.reached(decision.targets, now, deadline)
                return take(decision, reached, now)
            case _:
                assert_never(decision)

    def _end_window(self, incident: Incident, now: datetime, deadline: Deadline) -> None:
        service = self.directory.service(incident.service_id, deadline)
        windows = {window.id: window for window in service.windows} if service else {}
        window = windows.get(incident.window_id or "")
        if window is not None and window.start <= now < window.end:
            again = settled(
                incident, {"timers.window": look_at(window.end, now)}, "window in force"
            )
            self._write(again, deadline)
        elif window is not None and window.stays:
            self._clear("window", incident, deadline)
        else:
            # Over, shortened, moved or removed.
            self._do(incident, Unsuppress(), now, deadline, service)

    def _resolve_or_wait(self, incident: Incident, now: datetime, deadline: Deadline) -> None:
        service = self.directory.service(incident.service_id, deadline)
        if service is None or service.auto_resolve is None:
            self._clear("auto_resolve", incident, deadline)
            return
        silent_until = incident.last_alert_at + service.auto_resolve
        if silent_until > now:
            again = settled(incident, {"timers.auto_resolve": silent_until}, "still alerted")
            self._write(again, deadline)
        else:
            self._do(incident, AutoResolve(), now, deadline, service)

    def _do(
        self,
        incident: Incident,
        command: Command,
        now: datetime,
        deadline: Deadline,
        service: Service | None = None,
    ) -> None:
        service = service or self.directory.service(incident.service_id, deadline)
        timeouts = service.timeouts if service else NEVER
        decision = act(incident, command, actor=TIMER, now=now, timeouts=timeouts)
        match decision:
            case Moved():
                self._write(decision, deadline)
            case Unchanged() | Refused():
                raise AssertionError(f"a timer outlived its status {incident.status}")
            case _:
                assert_never(decision)

    def _clear(self, timer: str, incident: Incident, deadline: Deadline) -> None:
        self._write(settled(incident, {f"timers.{timer}": None}, f"{timer} cleared"), deadline)

    def _write(self, decision: Advanced | Moved, deadline: Deadline) -> None:
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
