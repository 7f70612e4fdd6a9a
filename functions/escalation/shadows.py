"""Tells a service's team and the fallback address that its shadow is about to end, a week and a day
before. From its end on the service pages.

Each tick reads one item, which says when to look again: at the next time to tell, at the latest
in an hour, as the configuration may change.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from escalation.directory import Directory
from escalation.outbox import Outbox
from opsknight.classes import dataclass
from opsknight.config.configuration import Kind
from opsknight.directory.entries import Service
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery
from opsknight.notification.shifts import shadow_ends
from opsknight.runtime.lanes import lane_of
from opsknight.runtime.lenient import readable_items
from opsknight.runtime.telemetry import logger
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.calls import RECORD_SECONDS, Conflict, Deadline
from opsknight.store.configurations import Configurations
from opsknight.store.names import entry_key
from opsknight.store.rosters import Rosters, ShadowState
from opsknight.store.table import Table

LOOKED_AT_EVERY: Final = timedelta(hours=1)
# Over before the next tick.
LEASE: Final = timedelta(seconds=50)
# How long before the end, the nearest last.
BEFORE: Final = (timedelta(days=7), timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Shadows:
    table: Table
    outbox: Outbox
    clock: Callable[[], datetime]

    def attend(self, deadline: Deadline) -> None:
        """At least once: a process that dies between telling the fallback address and recording
        it is the only one that tells it twice.
        """
        rosters, now = Rosters(self.table), self.clock()
        state = rosters.shadows(deadline)
        if state.due_at is not None and now < state.due_at:
            return
        shadows = self._read(now, deadline)
        told = {each.id: name for each in shadows if (name := _due(each, now))}
        new = [each for each in shadows if told.get(each.id) not in (None, state.told.get(each.id))]
        # Planned twice, a delivery is the same, so whatever fails here repeats nothing.
        for each in new:
            self._tell_team(each, now, deadline)
        try:
            if new:
                # SNS knows no message again. So of two ticks one tells, and nothing but its record
                # follows.
                leased = ShadowState(told=state.told, due_at=now + LEASE)
                rosters.advance_shadows(state, leased.told, now + LEASE, deadline)
                # Should it fail, the next tick tries again.
                if not self._tell_fallback(new):
                    return
                state = leased
            recording = deadline.at_least(RECORD_SECONDS)
            rosters.advance_shadows(state, told, _next(shadows, now), recording)
        except Conflict:
            logger.info("another tick has told of shadows")

    def _read(self, now: datetime, deadline: Deadline) -> list[Service]:
        ids = Configurations(self.table).ids(Kind.SERVICE, deadline)
        keys = [entry_key(Kind.SERVICE, each) for each in sorted(ids)]
        found = readable_items(Service, self.table.batch(keys, deadline))
        return [each for each in found if each.in_shadow(now) and not each.disabled]

    def _tell_fallback(self, services: Iterable[Service]) -> bool:
        lines = [
            f"{each.name} is in shadow until {each.shadow_until:%Y-%m-%d %H:%M} UTC, and pages "
            "nobody. Then it is live: what is active by then pages, as does whatever comes after."
            for each in services
        ]
        lines.append("`until` in the configuration ends it sooner or later (docs/switching.md).")
        subject = "OpsKnight: a shadow is about to end"
        return self.outbox.notify_fallback(subject, "\n\n".join(lines), Urgency.LOW)

    def _tell_team(self, service: Service, now: datetime, deadline: Deadline) -> None:
        directory = Directory(self.table, deadline)
        team = directory.teams({service.team_id}).get(service.team_id)
        members = {each.user_id for each in team.members if each.pages} if team else set()
        planned: list[Delivery] = []
        for user in directory.users(members).values():
            if not user.disabled:
                stopped = Rosters(self.table).stopped(user, deadline)
                planned += shadow_ends(user, service, now, stopped)
        for each in planned:
            self.table.plan_delivery(each, deadline)
        wakeups = [(lane_of(each), delivery_wakeup(each, each.not_before)) for each in planned]
        self.outbox.lanes.enqueue(wakeups, now)
        logger.info("told of a shadow", service_id=service.id, deliveries=len(planned))


def _due(service: Service, now: datetime) -> str | None:
    """Names what is to be told by now; None for nothing yet."""
    until = service.shadow_until
    passed = [lead for lead in BEFORE if until is not None and until - lead <= now]
    return f"{until:%Y-%m-%dT%H:%M} {min(passed).days}d" if passed else None


def _next(services: Iterable[Service], now: datetime) -> datetime:
    times = [
        each.shadow_until - lead
        for each in services
        for lead in BEFORE
        if each.shadow_until is not None and each.shadow_until - lead > now
    ]
    return min([now + LOOKED_AT_EVERY, *times])
