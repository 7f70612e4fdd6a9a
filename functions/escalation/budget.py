"""How many messages a sweep may put into the lanes of the notify functions, and for which of the
things that are due.

Pure. A message that waits is not seen by the sweep: without a bound, each tick of a storm adds one
for each thing that waits, and queues grow long after the last event.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from opsknight.classes import dataclass
from opsknight.runtime.lanes import Lane
from opsknight.runtime.wakeups import Budget
from opsknight.store.due import Due
from opsknight.store.items import DUE_SHARDS

# A message is sent with each thing that will be due. It may take so long until it is received and
# done; what is overdue by more has perhaps lost it.
FIRST_WAKEUP: Final = timedelta(seconds=30)
# How often, at most, a thing that stays due adds a message while its lane is busy.
AGAIN_MINUTES: Final = 5
MINUTE: Final = timedelta(minutes=1)
# Each tick looks ahead at one minute, the coming one but one, and no two look at the same.
AHEAD: Final = 2 * MINUTE
# The share of each lane that goes by age alone: what is less urgent is late, and never starved.
KEPT_SHARE: Final = 0.1
# A lane that holds more than this much of a minute's work is busy.
BUSY_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Thing:
    """A page, a delivery or a receiver's turn that may need a message."""

    due: Due
    lane: Lane
    rank: int
    """0 is the most urgent."""
    group: str
    """The fairness group of its first message."""
    is_put_off: bool = False
    """Whether it was put off further than SQS delays a message."""


def minutes_of(lane: Lane, held: Mapping[Lane, int], drain: Mapping[Lane, int]) -> float:
    """How long the consumers of a lane need for what it holds."""
    return held[lane] / drain[lane]


def shares(held: Mapping[Lane, int], drain: Mapping[Lane, int]) -> list[Budget]:
    """A budget for each shard: together what the consumers of each lane take in a minute (`drain`)
    less what it holds.
    """
    free = {lane: max(drain[lane] - held[lane], 0) for lane in Lane}
    busy = {lane for lane in Lane if minutes_of(lane, held, drain) > BUSY_SHARE}
    return [
        Budget(
            **{lane.value: _share(free[lane], shard) for lane in Lane},
            busy=bool(busy - {Lane.PAGES_HIGH}),
            high_busy=Lane.PAGES_HIGH in busy,
        )
        for shard in range(DUE_SHARDS)
    ]


def _share(free: int, shard: int) -> int:
    return free // DUE_SHARDS + (shard < free % DUE_SHARDS)


def ahead(at: datetime, tick_at: datetime) -> bool:
    """Whether it is this tick that looks ahead at the time."""
    minute = tick_at.replace(second=0, microsecond=0)
    return minute + MINUTE < at <= minute + AHEAD


def is_candidate(due: Due, tick_at: datetime) -> bool:
    """Whether it may need a message, as far as its time tells."""
    is_early = due.delivery_id is not None and ahead(due.at, tick_at)
    return is_early or _again(due.at, tick_at, busy=False)


def chosen(found: Iterable[Thing], tick_at: datetime, budget: Budget) -> list[Thing]:
    """Those to send a message for: of each lane the most urgent, then the oldest, and a tenth of it
    by age alone.
    """
    picked: list[Thing] = []
    for lane in Lane:
        busy = budget.high_busy if lane is Lane.PAGES_HIGH else budget.busy
        wanted = [each for each in found if each.lane is lane and _is_wanted(each, tick_at, busy)]
        oldest = sorted(wanted, key=lambda each: each.due.at)
        urgent = sorted(oldest, key=lambda each: each.rank)
        most = left_for(budget, lane)
        if lane is Lane.PLANS:
            # A tenth is for the notices of incidents.
            most -= ceil(most * KEPT_SHARE)
        kept = ceil(most * KEPT_SHARE)
        first = urgent[: most - kept]
        known = {each.due for each in first}
        picked += first
        picked += [each for each in oldest if each.due not in known][:kept]
    return picked


def left_for(budget: Budget, lane: Lane) -> int:
    left: int = getattr(budget, lane)
    return left


def after(picked: Iterable[Thing], budget: Budget) -> Budget:
    """What is left, for the notices of incidents."""
    plans = sum(each.lane is Lane.PLANS for each in picked)
    left = replace(budget, plans=budget.plans - plans)
    return replace(left, pages=0, notices=0, pages_high=0)


def announced(
    incidents: Iterable[Due], tick_at: datetime, budget: Budget
) -> tuple[frozenset[str], Budget]:
    """The overdue incidents whose notices may be asked for again, and what is left after them.
    `incidents`: the oldest first.
    """
    wanted = [each for each in incidents if _again(each.at, tick_at, busy=budget.busy)]
    asked = wanted[: budget.plans]
    left = replace(budget, plans=budget.plans - len(asked))
    return frozenset(each.incident_id for each in asked), left


def _is_wanted(thing: Thing, tick_at: datetime, busy: bool) -> bool:
    """What is not due yet has a message on its way, unless it was put off too far for one."""
    if thing.is_put_off and ahead(thing.due.at, tick_at):
        return True
    return _again(thing.due.at, tick_at, busy=busy)


def _again(at: datetime, tick_at: datetime, *, busy: bool) -> bool:
    overdue = tick_at - at - FIRST_WAKEUP
    return overdue >= timedelta(0) and not (busy and overdue // MINUTE % AGAIN_MINUTES)
