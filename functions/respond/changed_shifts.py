"""Tells people that a caller has changed their time on call."""

from opsknight.escalation.policy import Rota
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Unavailable
from opsknight.store.rosters import Rosters
from respond.request import ApiCall


def tell_changes(before: Rota, after: Rota, call: ApiCall) -> None:
    """Tells those whose time on call it changes, but for the caller. The change itself is made: an
    answer that said otherwise would have it made again.
    """
    me, schedule_id = call.caller.user, before.schedule.id
    try:
        Rosters(call.table).tell_changes(
            {schedule_id: before},
            {schedule_id: after},
            call.table.users(before.user_ids | after.user_ids, call.deadline),
            me.name,
            call.new_id("chg"),
            call.now,
            call.deadline,
            but=me.id,
        )
    except Unavailable:
        logger.exception("nobody was told of a change of shifts", schedule_id=schedule_id)
