"""How many messages a sweep may put into the queues of the notify functions, and for which of the
things that are due.

Pure. A message that waits is not seen by the sweep: without a bound, each tick of a storm adds one
for each thing that waits, and queues grow long after the last event.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from opsknight.runtime.wakeups import Budget
from opsknight.store.due import Due
from opsknight.store.items import DUE_SHARDS

# A message is sent with each thing that will be due. It may take so long until it is received and
# done; what is overdue by more has perhaps lost it.
FIRST_WAKEUP: Final = timedelta(seconds=30)
# How often, at most, a thing that stays due adds a message while the queues are busy.
AGAIN_MINUTES: Final = 5
MINUTE: Final = timedelta(minutes=1)
# Each tick looks ahead at one minute, the coming one but one, and no two look at the same.
AHEAD: Final = 2 * MINUTE


@dataclass(frozen=True, slots=True)
class Drain:
    """How many messages the consumers of each queue take in a minute."""

    plans: int
    sends: int


@dataclass(frozen=True, slots=True)
class Chosen:
    things: list[Due]
    """Pages and deliveries to send a message for."""
    announced: frozenset[str]
    """Overdue incidents whose notices may be asked for again."""
    left: Budget


def shares(held: Budget, drain: Drain) -> list[Budget]:
    """A budget for each shard: together what the consumers take in a minute less what the queues
    hold.
    """
    full = Budget(drain.plans, drain.sends, drain.sends)
    plans, pages, notices = (
        max(most - is_held, 0) for most, is_held in zip(full.sizes, held.sizes, strict=True)
    )
    free = zip((plans, pages, notices), full.sizes, strict=True)
    busy = any(4 * left < 3 * most for left, most in free)
    return [
        Budget(_share(plans, shard), _share(pages, shard), _share(notices, shard), busy)
        for shard in range(DUE_SHARDS)
    ]


def _share(free: int, shard: int) -> int:
    return free // DUE_SHARDS + (shard < free % DUE_SHARDS)


def ahead(at: datetime, tick_at: datetime) -> bool:
    """Whether it is this tick that looks ahead at the time."""
    minute = tick_at.replace(second=0, microsecond=0)
    return minute + MINUTE < at <= minute + AHEAD


def chosen(found: Iterable[Due], tick_at: datetime, budget: Budget) -> Chosen:
    """`found` is in the order of its times: the oldest come first."""
    things: list[Due] = []
    announced: set[str] = set()
    for each in found:
        is_early = each.delivery_id is not None and ahead(each.at, tick_at)
        if not is_early and not _again(each.at, tick_at, busy=budget.busy):
            continue
        left = _spent(budget, each)
        if left is None:
            continue
        budget = left
        if each.is_incident:
            announced.add(each.incident_id)
        else:
            things.append(each)
    return Chosen(things, frozenset(announced), budget)


def _again(at: datetime, tick_at: datetime, *, busy: bool) -> bool:
    overdue = tick_at - at - FIRST_WAKEUP
    return overdue >= timedelta(0) and not (busy and overdue // MINUTE % AGAIN_MINUTES)


def _spent(budget: Budget, each: Due) -> Budget | None:
    """None when nothing is left for it."""
    match each:
        case Due(delivery_id=str(delivery_id)) if delivery_id.startswith("p"):
            return replace(budget, pages=budget.pages - 1) if budget.pages > 0 else None
        case Due(delivery_id=str()):
            return replace(budget, notices=budget.notices - 1) if budget.notices > 0 else None
        case _:
            return replace(budget, plans=budget.plans - 1) if budget.plans > 0 else None
