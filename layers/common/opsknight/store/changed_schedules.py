"""Tells people that a plan has changed their time on call."""

from collections.abc import Set
from datetime import datetime

from opsknight.config.configuration import Configuration
from opsknight.config.diff import taken
from opsknight.escalation.policy import Rota
from opsknight.store.calls import Deadline
from opsknight.store.plans import Plan
from opsknight.store.rosters import Rosters
from opsknight.store.table import Table


def tell_changes(
    table: Table,
    plan: Plan,
    by: str,
    change_id: str,
    now: datetime,
    deadline: Deadline,
    *,
    but: str | None = None,
    done: int | None = None,
) -> None:
    """After the plan is carried out, by whom `by` names and `but` is the id of, or its first `done`
    steps, where it stopped; nobody is told of the first configuration of all.
    """
    before, after = plan.seen.configuration, plan.desired.configuration
    if done is not None:
        after = taken(before, plan.steps[:done])
    changed = _changed(before, after) if before.users else frozenset[str]()
    if not changed:
        return
    overrides = {
        schedule_id: rota.overrides
        for schedule_id in changed
        if (rota := table.rota(schedule_id, deadline)) is not None
    }

    def rotas(configuration: Configuration) -> dict[str, Rota]:
        found = (configuration.schedules.get(schedule_id) for schedule_id in changed)
        return {each.id: Rota(each, overrides.get(each.id, ())) for each in found if each}

    Rosters(table).tell_changes(
        rotas(before),
        rotas(after),
        after.users,
        by,
        change_id,
        now,
        deadline,
        users_before=before.users,
        but=but,
    )


def _changed(before: Configuration, after: Configuration) -> Set[str]:
    """The schedules by which somebody's time may have changed."""
    if _disabled(before) != _disabled(after):
        return before.schedules.keys() | after.schedules.keys()
    return {
        schedule_id
        for schedule_id in before.schedules.keys() | after.schedules.keys()
        if before.schedules.get(schedule_id) != after.schedules.get(schedule_id)
    }


def _disabled(configuration: Configuration) -> set[str]:
    return {user.id for user in configuration.users.values() if user.disabled}
