"""Finds what is due even if its wakeup was lost: one shard of the index of due times at a time, in
bounded batches. What happens to each incident is in `engine`.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from escalation import mirrors
from escalation.budget import AHEAD, ahead, announced, minutes_of, shares
from escalation.engine import Engine
from escalation.heartbeats import attend_all
from escalation.passing_on import pass_on, scanned
from opsknight.runtime.lanes import Lane
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import SweepShard
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.items import DUE_SHARDS

BATCH: Final = 25
# By then the next tick has started from the front again, where finished work is gone. Two ticks on
# the same shard only get in each other's way, the more so the longer a storm lasts.
REPLACED: Final = timedelta(seconds=60)
# Over the threshold of the alarm on queues that are too long: nothing else would hear that nobody
# reads what is not in the table yet.
STUCK_MINUTES: Final = 6.0
# The schedule's clock and ours differ by no more.
SKEW: Final = timedelta(seconds=2)
# For one incident in one turn: a batch of them, eight at a time and twice, fits a message's time.
PATIENCE_SECONDS: Final = 1
# For a look at all shards.
LOOK_SECONDS: Final = 3
ALL_SHARDS: Final = frozenset(range(DUE_SHARDS))
SPEAKER: Final = frozenset([0])


def meant_for(event: Mapping[str, Any], now: datetime) -> datetime:
    """When the tick in a schedule's event was due: that long ago it may have been, and by its own
    time each minute is looked ahead at by one tick. Now, if it says nothing that can be.
    """
    try:
        at = datetime.fromisoformat(event["time"])
        return at if -SKEW <= now - at < REPLACED else now
    # Somebody has woken it by hand, with whatever words.
    except (KeyError, TypeError, ValueError):
        return now


def tick(engine: Engine, arrivals: int = 0, at: datetime | None = None) -> None:
    """Every minute: starts the sweep of each shard that holds work, and an audit. `arrivals` is how
    many events of AWS wait to be taken: usually none, so three ticks in a row that see some are an
    alarm. `at` is when it was due, if not now.
    """
    began_at = engine.clock()
    at = at or began_at
    held, drain = engine.outbox.held(), engine.outbox.drain
    worst = max(minutes_of(lane, held, drain) for lane in Lane)
    if arrivals:
        worst = max(worst, STUCK_MINUTES)
    engine.backlog.say(worst, at)
    shards = _with_work(engine, at)
    budgets = enumerate(shares(held, drain))
    sweeps = (
        SweepShard(shard, at, budget=each, began_at=began_at)
        for shard, each in budgets
        if shard in shards
    )
    engine.outbox.start_sweeps(sweeps, at)


def _with_work(engine: Engine, at: datetime) -> frozenset[int]:
    """The shards in which a sweep may find something. Always the first, as its sweep says each
    minute that nothing is late. All of them where nobody can tell.
    """
    deadline = Deadline.after(LOOK_SECONDS)
    try:
        return SPEAKER | engine.waiting.shards(at + AHEAD, deadline)
    # Whatever is wrong with the index must not keep the sweeps from what they may still find.
    except Exception as error:
        signal("StoreUnavailable" if isinstance(error, Unavailable) else "Failures")
        logger.exception("nobody knows which shards hold work: all are swept")
        return ALL_SHARDS


def sweep(engine: Engine, message: SweepShard, deadline: Deadline) -> None:
    """Handles incidents that are due, sets reminders for the next ones, passes on all else. Under
    a hold it only measures, and sees to what other systems wait for.
    """
    now, shard = engine.clock(), message.shard
    # One that was late has its whole minute, as the next one may be as late.
    began_at = message.began_at or message.tick_at
    if message.after is not None and _is_replaced(began_at, now):
        logger.warning("left to the next tick", shard=shard)
        return
    tick_at = message.tick_at or now
    until, hold = max(tick_at, now) + AHEAD, engine.hold()
    found, place = engine.waiting.due(shard, until, message.after, BATCH, deadline)
    if message.after is None:
        oldest = max((hold.lateness(each.at, now).total_seconds() for each in found), default=0)
        signal("OldestDueSeconds", max(oldest, 0), MetricUnit.Seconds)
    if hold.is_on(now):
        # Whoever pages by what these pass on is under no hold.
        for more in chain([found], scanned(engine, shard, until, place, deadline)):
            mirrors.attend_all(engine, [each for each in more if each.mirror], deadline)
        return
    incidents = [each for each in found if each.is_incident]
    late = [each for each in incidents if each.at <= now]
    left = message.budget
    if message.after is None:
        # The first message of a sweep does this for its whole shard.
        rest = scanned(engine, shard, until, place, deadline)
        left = pass_on(engine, found, rest, tick_at, left, deadline)
    asked, left = announced(late, tick_at, left)
    if place is not None:
        # Before the work, so that another instance continues at the same time.
        going_on = SweepShard(shard, message.tick_at, place, left, message.began_at)
        engine.outbox.continue_sweep(going_on, now)
    soon = [(each.incident_id, each.at) for each in incidents if ahead(each.at, tick_at)]
    if soon:
        engine.outbox.remind(soon, now)
    _attend([each.incident_id for each in late], asked, engine, deadline)
    beats = [each for each in found if each.heartbeat is not None and each.at <= now]
    attend_all(engine, beats, deadline)
    mirrors.attend_all(engine, [each for each in found if each.mirror is not None], deadline)
    if found:
        logger.info("swept", shard=shard, due=len(late), soon=len(soon), more=place is not None)


def _attend(
    incident_ids: list[str], asked: frozenset[str], engine: Engine, deadline: Deadline
) -> None:
    """Raises nothing: what is wrong with one incident, or with the keys it is written to, keeps no
    other waiting. What is throttled gets a second turn after all others of its batch; then the next
    tick has it.
    """
    throttled = _turn(incident_ids, asked, engine, deadline)
    for incident_id in _turn(throttled, asked, engine, deadline):
        signal("StoreUnavailable")
        logger.error("left to the next tick", incident_id=incident_id)


def _turn(
    incident_ids: list[str], asked: frozenset[str], engine: Engine, deadline: Deadline
) -> list[str]:
    """Those that the store did not serve in their time."""

    def attended(incident_id: str) -> bool:
        try:
            patience = deadline.within(PATIENCE_SECONDS)
            engine.attend(incident_id, patience, announce=incident_id in asked)
        except Unavailable:
            return False
        return True

    if engine.side_by_side == 1 or len(incident_ids) < 2:
        done = [attended(each) for each in incident_ids]
    else:
        with ThreadPoolExecutor(engine.side_by_side) as threads:
            done = list(threads.map(attended, incident_ids))
    return [each for each, is_done in zip(incident_ids, done, strict=True) if not is_done]


def _is_replaced(began_at: datetime | None, now: datetime) -> bool:
    return began_at is not None and now - began_at >= REPLACED
