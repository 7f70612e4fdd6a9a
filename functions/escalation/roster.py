"""Tells people of their time on call before it begins, and a schedule's channel when it is handed
over.

Each tick reads one item, which says when the next message is due. Only then, and every quarter of
an hour, are all schedules looked at: so a change of any of them, whoever made it, needs to tell
nobody here. `opsknight.notification.shifts` has the messages.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from escalation.directory import Directory
from escalation.outbox import Outbox
from opsknight.classes import dataclass
from opsknight.config.configuration import Kind
from opsknight.directory.entries import User
from opsknight.escalation.policy import Rota
from opsknight.notification.delivery import Delivery
from opsknight.notification.shifts import BEFORE, Named, before_turns, handed_over
from opsknight.oncall.turns import Handover, handovers, turns
from opsknight.runtime.lanes import lane_of
from opsknight.runtime.telemetry import logger
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.configurations import Configurations
from opsknight.store.rosters import Rosters, RosterState
from opsknight.store.table import Table

LOOKED_AT_EVERY: Final = timedelta(minutes=15)
# After an outage, whatever was due before is old news.
LONGEST_GAP: Final = timedelta(minutes=50)
_NOW: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Roster:
    table: Table
    outbox: Outbox
    clock: Callable[[], datetime]

    def attend(self, deadline: Deadline) -> None:
        """Plans what is due. Planned again after a death in between, it is the same messages."""
        rosters, now = Rosters(self.table), self.clock()
        state = rosters.state(deadline)
        if state.due_at is not None and now < state.due_at:
            return
        rotas, users = self._read(deadline)
        absent = {user_id for rota in rotas for user_id in rota.user_ids} - {
            user.id for user in users.values() if not user.disabled
        }
        if state.told_until is not None:
            after = max(state.told_until, now - LONGEST_GAP)
            planned = [
                *self._shifts(rotas, users, absent, after, now, deadline),
                *self._handovers(rotas, users, absent, after, now),
            ]
            for each in planned:
                self.table.plan_delivery(each, deadline)
            wakeups = [(lane_of(each), delivery_wakeup(each, each.not_before)) for each in planned]
            self.outbox.lanes.enqueue(wakeups, now)
            if planned:
                logger.info("told of shifts", deliveries=len(planned))
        self._advance(rosters, state, now, _next(rotas, absent, now), deadline)

    def _read(self, deadline: Deadline) -> tuple[list[Rota], Mapping[str, User]]:
        directory = Directory(self.table, deadline)
        ids = Configurations(self.table).ids(Kind.SCHEDULE, deadline)
        rotas = [*directory.rotas(ids).values()]
        named = {user_id for rota in rotas for user_id in rota.user_ids}
        return rotas, directory.users(named)

    def _shifts(
        self,
        rotas: Iterable[Rota],
        users: Mapping[str, User],
        absent: set[str],
        after: datetime,
        now: datetime,
        deadline: Deadline,
    ) -> list[Delivery]:
        names = {user.id: user.name for user in users.values()}
        planned: list[Delivery] = []
        for notice, before in BEFORE.items():
            together: defaultdict[tuple[str, datetime], list[Named]] = defaultdict(list)
            for rota in rotas:
                for each in _handovers(rota, absent, after + before, now + before):
                    together[each.turn.user_id, each.turn.start].append((rota.schedule.name, each))
            for (user_id, _), coming in together.items():
                user = users[user_id]
                stopped = Rosters(self.table).stopped(user, deadline)
                planned += before_turns(user, notice, coming, names, now, stopped)
        return planned

    def _handovers(
        self,
        rotas: Iterable[Rota],
        users: Mapping[str, User],
        absent: set[str],
        after: datetime,
        now: datetime,
    ) -> list[Delivery]:
        names = {user.id: user.name for user in users.values()}
        return [
            delivery
            for rota in rotas
            if rota.schedule.channel is not None
            for each in _handovers(rota, absent, after, now)
            for delivery in handed_over(rota.schedule, each, names, now)
        ]

    def _advance(
        self,
        rosters: Rosters,
        state: RosterState,
        now: datetime,
        due_at: datetime,
        deadline: Deadline,
    ) -> None:
        try:
            rosters.advance(state, now, due_at, deadline)
        except Conflict:
            logger.info("another tick has told of shifts")


def _handovers(rota: Rota, absent: set[str], after: datetime, until: datetime) -> list[Handover]:
    return handovers(rota.schedule, rota.overrides, after, until, disabled=absent)


def _next(rotas: Iterable[Rota], absent: set[str], now: datetime) -> datetime:
    """When the next message is due; at the latest when to look again."""
    latest = now + LOOKED_AT_EVERY
    leads = (*BEFORE.values(), _NOW)
    found = [
        turn.start - lead
        for rota in rotas
        for lead in leads
        for turn in turns(
            rota.schedule, rota.overrides, now + lead, latest + lead, disabled=frozenset(absent)
        )
        if turn.start - lead > now
    ]
    return min([latest, *found])
