"""Finds what is due even if its wakeup was lost: one shard of the index of due times at a time, in
bounded batches. What happens to each incident is in `engine`.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit

from escalation.engine import Engine
from opsknight.runtime.telemetry import count, logger, measure
from opsknight.runtime.wakeups import SweepShard
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.items import DUE_SHARDS

BATCH: Final = 25
# Until after the next tick but one, and some seconds more: so a reminder is to the second even if
# one tick is missing.
AHEAD: Final = timedelta(seconds=150)
# By then the next tick has started from the front again, where finished work is gone. Two ticks on
# the same shard only get in each other's way, the more so the longer a storm lasts.
REPLACED: Final = timedelta(seconds=60)
# For one incident in one turn: a batch of them, eight at a time and twice, fits a message's time.
PATIENCE_SECONDS: Final = 1


def tick(engine: Engine) -> None:
    """Every minute: starts the sweep of each shard, and an audit."""
    at = engine.clock()
    engine.outbox.start_sweeps((SweepShard(shard, at) for shard in range(DUE_SHARDS)), at)
    count("Ticks")


def sweep(engine: Engine, message: SweepShard, deadline: Deadline) -> None:
    """Handles incidents that are due, sets reminders for the next ones, passes on all else."""
    now, shard = engine.clock(), message.shard
    if message.after is not None and _is_replaced(message.tick_at, now):
        logger.warning("left to the next tick", shard=shard)
        return
    found, place = engine.waiting.due(shard, now + AHEAD, message.after, BATCH, deadline)
    if place is not None:
        # Before the work, so that another instance continues at the same time.
        engine.outbox.continue_sweep(SweepShard(shard, message.tick_at, place), now)
    if message.after is None:
        oldest = max(((now - each.at).total_seconds() for each in found), default=0)
        measure("OldestDueSeconds", max(oldest, 0), MetricUnit.Seconds)
    engine.outbox.pass_on([each for each in found if not each.is_incident], now)
    incidents = [each for each in found if each.is_incident]
    late = [each for each in incidents if each.at <= now]
    soon = [(each.incident_id, each.at) for each in incidents if each.at > now]
    if soon:
        engine.outbox.remind(soon, now)
    _attend([each.incident_id for each in late], engine, deadline)
    if found:
        logger.info("swept", shard=shard, due=len(late), soon=len(soon), more=place is not None)


def _attend(incident_ids: list[str], engine: Engine, deadline: Deadline) -> None:
    """Raises nothing: what is wrong with one incident, or with the keys it is written to, keeps no
    other waiting. What is throttled gets a second turn after all others; then the next tick has it.
    """
    throttled = _turn(incident_ids, engine, deadline)
    for incident_id in _turn(throttled, engine, deadline):
        count("TimerFailed")
        logger.error("left to the next tick", incident_id=incident_id)


def _turn(incident_ids: list[str], engine: Engine, deadline: Deadline) -> list[str]:
    """Those that the store did not serve in their time."""

    def attended(incident_id: str) -> bool:
        try:
            engine.attend(incident_id, deadline.within(PATIENCE_SECONDS))
        except Unavailable:
            return False
        return True

    if engine.side_by_side == 1 or len(incident_ids) < 2:
        done = [attended(each) for each in incident_ids]
    else:
        with ThreadPoolExecutor(engine.side_by_side) as threads:
            done = list(threads.map(attended, incident_ids))
    return [each for each, is_done in zip(incident_ids, done, strict=True) if not is_done]


def _is_replaced(tick_at: datetime | None, now: datetime) -> bool:
    return tick_at is not None and now - tick_at >= REPLACED
