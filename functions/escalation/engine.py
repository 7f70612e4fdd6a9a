"""Takes one incident through everything that is due of it, each in one conditional write.

Whatever wakes it, and however often: it reads what is stored and does what is due by the clock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from escalation.outbox import LONGEST_DELAY, Outbox
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
    proceed,
    resting,
    settled,
    take,
    unannounced,
)
from opsknight.incidents import NEVER, Actor, ActorKind, Incident
from opsknight.lifecycle import Moved, Refused, Unchanged, act
from opsknight.policies import Policy, Target, TargetKind, implicit, named, reach
from opsknight.runtime import count, logger
from opsknight.store.calls import Conflict, Deadline, Unavailable
from opsknight.store.table import Table
from opsknight.store.waiting import Waiting

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
            failures = self.waiting.postpone(incident_id, self.clock(), deadline)
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
                self.outbox.announce(incident.id)
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
            case "step":
                self._write(self._escalated(incident, now, deadline), deadline)
            case "snooze":
                self._do(incident, Unsnooze(), now, deadline)
            case "window":
                self._end_window(incident, now, deadline)
            case "acknowledgement":
                service = self.table.service(incident.service_id, deadline)
                if service is None or service.acknowledgement_timeout is None:
                    # Switched off meanwhile.
                    self._clear(timer, incident, deadline)
                else:
                    self._do(incident, AcknowledgementTimeout(), now, deadline, service)
            case "auto_resolve":
                self._resolve_or_wait(incident, now, deadline)
            case "fallback":
                # At least once: told first, and then recorded.
                service = self.table.service(incident.service_id, deadline)
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
        decision = proceed(incident, self._policy(incident, deadline), now)
        match decision:
            case Advanced():
                return decision
            case Turn():
                return take(decision, self._reached(decision.targets, now, deadline), now)
            case _:
                assert_never(decision)

    def _policy(self, incident: Incident, deadline: Deadline) -> Policy:
        """The version that it began by, as long as that is there; else what its service has now."""
        begun, version = incident.policy_id, incident.policy_version
        if version == 0:
            return implicit(begun or None)
        if begun is not None and version is not None:
            policy = self.table.policy(begun, deadline, version)
            if policy is not None:
                return policy
        service = self.table.service(incident.service_id, deadline)
        if service is None:
            return implicit(None)
        now = None if service.policy_id is None else self.table.policy(service.policy_id, deadline)
        return now or implicit(service.team_id)

    def _reached(
        self, targets: tuple[Target, ...], now: datetime, deadline: Deadline
    ) -> tuple[str, ...]:
        """Who is asked at the time of the step: edits of teams and schedules count at once."""
        ids = {kind: {each.id for each in targets if each.kind is kind} for kind in TargetKind}
        found_teams = (
            self.table.team(team_id, deadline)
            for team_id in sorted(ids[TargetKind.TEAM] | ids[TargetKind.TEAM_LEADS])
        )
        teams = {team.id: team for team in found_teams if team}
        found_rotas = (
            self.table.rota(schedule_id, deadline)
            for schedule_id in sorted(ids[TargetKind.SCHEDULE])
        )
        rotas = {rota.schedule.id: rota for rota in found_rotas if rota}
        users = self.table.users(named(targets, teams, rotas), deadline)
        return reach(targets, users, teams, rotas, now)

    def _end_window(self, incident: Incident, now: datetime, deadline: Deadline) -> None:
        service = self.table.service(incident.service_id, deadline)
        windows = {window.id: window for window in service.windows} if service else {}
        window = windows.get(incident.window_id or "")
        if window is not None and window.end > now:
            # Extended meanwhile.
            moved = settled(incident, {"timers.window": window.end}, "window extended")
            self._write(moved, deadline)
        elif window is not None and window.stays:
            self._clear("window", incident, deadline)
        else:
            self._do(incident, Unsuppress(), now, deadline, service)

    def _resolve_or_wait(self, incident: Incident, now: datetime, deadline: Deadline) -> None:
        service = self.table.service(incident.service_id, deadline)
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
        service = service or self.table.service(incident.service_id, deadline)
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
