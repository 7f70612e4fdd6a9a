"""Schedules as a whole: until when people have been told of their time on call, and telling them of
a change.

What they are told is decided in `opsknight.notification.shifts`.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pydantic import AwareDatetime, Field

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel
from opsknight.escalation.policy import Rota
from opsknight.incident.model import Model
from opsknight.notification.delivery import Delivery
from opsknight.notification.recipients import methods
from opsknight.notification.shifts import changed
from opsknight.oncall.turns import Difference, Turn, differences, turns
from opsknight.store import items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.calls import Deadline, retrying
from opsknight.store.replies import Replies
from opsknight.store.table import Table
from opsknight.store.wire import Item

# What changes later than this, people hear of a day before it.
TOLD_AHEAD: Final = timedelta(days=28)


class RosterState(Model):
    told_until: AwareDatetime | None = None
    """All messages that were due by then are planned."""
    due_at: AwareDatetime | None = None
    """When to look again."""


class ShadowState(Model):
    told: dict[str, str] = Field(default_factory=dict)
    """By service, the last warning that its shadow ends."""
    due_at: AwareDatetime | None = None
    """When to look again."""


class ReportState(Model):
    told: dict[str, str] = Field(default_factory=dict)
    """By report, the last day of which it is planned, or was not wanted."""
    due_at: AwareDatetime | None = None
    """When to look again."""


@dataclass(frozen=True, slots=True)
class Rosters:
    table: Table

    def state(self, deadline: Deadline) -> RosterState:
        return self.table.get(RosterState, items.ROSTER_KEY, deadline) or RosterState()

    def advance(
        self, seen: RosterState, now: datetime, due_at: datetime, deadline: Deadline
    ) -> None:
        """Raises Conflict when somebody was faster."""
        changes = transactions.update({"kind": "roster", "told_until": now, "due_at": due_at})
        condition = transactions.still(
            {"told_until": seen.told_until},
            changes["ExpressionAttributeNames"],
            changes["ExpressionAttributeValues"],
        )
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=items.ROSTER_KEY,
            ConditionExpression=condition,
            **changes,
        )

    def shadows(self, deadline: Deadline) -> ShadowState:
        return self.table.get(ShadowState, items.SHADOWS_KEY, deadline) or ShadowState()

    def advance_shadows(
        self, seen: ShadowState, told: Mapping[str, str], due_at: datetime, deadline: Deadline
    ) -> None:
        """Raises Conflict when somebody was faster."""
        self._advance("shadows", items.SHADOWS_KEY, seen.due_at, told, due_at, deadline)

    def reports(self, deadline: Deadline) -> ReportState:
        return self.table.get(ReportState, items.REPORTS_KEY, deadline) or ReportState()

    def advance_reports(
        self, seen: ReportState, told: Mapping[str, str], due_at: datetime, deadline: Deadline
    ) -> None:
        """Raises Conflict when somebody was faster."""
        self._advance("reports", items.REPORTS_KEY, seen.due_at, told, due_at, deadline)

    def _advance(
        self,
        kind: str,
        key: Item,
        seen_due_at: datetime | None,
        told: Mapping[str, str],
        due_at: datetime,
        deadline: Deadline,
    ) -> None:
        changes = transactions.update({"kind": kind, "told": told, "due_at": due_at})
        condition = transactions.still(
            {"due_at": seen_due_at},
            changes["ExpressionAttributeNames"],
            changes["ExpressionAttributeValues"],
        )
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=key,
            ConditionExpression=condition,
            **changes,
        )

    def calendar_epoch(self, owner_id: str, deadline: Deadline) -> int:
        """Addresses of another epoch are void. `owner_id`: of a user or a schedule."""
        item = self.table.item(items.calendar_key(owner_id), deadline) or {}
        return int(item.get("epoch", {"N": "0"})["N"])

    def end_calendar(self, owner_id: str, deadline: Deadline, *, audit: AuditEntry) -> None:
        """Ends all addresses of the calendar that there are. Made twice, it ends them once more."""
        ended = transactions.ending_calendar(owner_id, self.table.name)
        writes = [ended, AuditLog(self.table).writing(audit)]
        self.table.transact(writes, audit.id, deadline, yields=False)

    def stopped(self, user: User, deadline: Deadline) -> frozenset[str]:
        """The user's numbers that replied STOP."""
        numbers = {each.to for each in methods(user) if each.channel is Channel.SMS}
        return Replies(self.table).opted_out(numbers, deadline) if numbers else frozenset()

    def tell_changes(
        self,
        before: Mapping[str, Rota],
        after: Mapping[str, Rota],
        users: Mapping[str, User],
        by: str,
        change_id: str,
        now: datetime,
        deadline: Deadline,
        *,
        users_before: Mapping[str, User] | None = None,
        but: str | None = None,
    ) -> list[Delivery]:
        """Tells those whose time on call a change of schedules, or of who is disabled, changes, but
        for whoever made it (`but`). A tick sends what is planned here within a minute or two.
        """
        planned: list[Delivery] = []
        was = _Seen(before, _absent(users if users_before is None else users_before))
        becomes = _Seen(after, _absent(users))
        for user_id, found in _by_user(was, becomes, now).items():
            user = users.get(user_id)
            if user is None or user.disabled or user_id == but:
                continue
            stopped = self.stopped(user, deadline)
            planned += changed(user, found, by, change_id, now, stopped)
        for each in planned:
            self.table.plan_delivery(each, deadline)
        return planned


class _Seen(NamedTuple):
    """Schedules, and who was disabled."""

    rotas: Mapping[str, Rota]
    absent: frozenset[str]

    def turns(self, schedule_id: str, now: datetime) -> list[Turn]:
        rota = self.rotas.get(schedule_id)
        if rota is None:
            return []
        return turns(rota.schedule, rota.overrides, now, now + TOLD_AHEAD, disabled=self.absent)


def _absent(users: Mapping[str, User]) -> frozenset[str]:
    return frozenset(user.id for user in users.values() if user.disabled)


def _by_user(
    before: _Seen, after: _Seen, now: datetime
) -> Mapping[str, list[tuple[str, Difference]]]:
    """The schedules that change for each user, by name."""
    found: defaultdict[str, list[tuple[str, Difference]]] = defaultdict(list)
    for schedule_id in sorted(before.rotas.keys() | after.rotas.keys()):
        was, becomes = before.rotas.get(schedule_id), after.rotas.get(schedule_id)
        if was == becomes and before.absent == after.absent:
            continue
        known = becomes or was
        name = known.schedule.name if known else schedule_id
        changes = differences(before.turns(schedule_id, now), after.turns(schedule_id, now))
        for user_id, difference in changes.items():
            found[user_id].append((name, difference))
    return found
