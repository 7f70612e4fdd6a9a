"""Finds what is due even if its wakeup was lost: one shard of the index of due times at a time, in
bounded batches. What happens to each incident is in `engine`.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit

from escalation.budget import AHEAD, ahead, chosen, shares
from escalation.engine import Engine
from opsknight.notification.delivery import Delivery
from opsknight.runtime.lenient import readable_items
from opsknight.runtime.queues import LONGEST_DELAY
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import SweepShard
from opsknight.store import items
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.due import Due

BATCH: Final = 25
# By then the next tick has started from the front again, where finished work is gone. Two ticks on
# the same shard only get in each other's way, the more so the longer a storm lasts.
REPLACED: Final = timedelta(seconds=60)
# For one incident in one turn: a batch of them, eight at a time and twice, fits a message's time.
PATIENCE_SECONDS: Final = 1


def tick(engine: Engine) -> None:
    """Every minute: starts the sweep of each shard, and an audit."""
    at = engine.clock()
    budgets = enumerate(shares(engine.outbox.held(), engine.outbox.drain))
    sweeps = (SweepShard(shard, at, budget=budget) for shard, budget in budgets)
    engine.outbox.start_sweeps(sweeps, at)


def sweep(engine: Engine, message: SweepShard, deadline: Deadline) -> None:
    """Handles incidents that are due, sets reminders for the next ones, passes on all else. Under
    a hold it only measures.
    """
    now, shard = engine.clock(), message.shard
    if message.after is not None and _is_replaced(message.tick_at, now):
        logger.warning("left to the next tick", shard=shard)
        return
    tick_at = message.tick_at or now
    until, hold = max(tick_at, now) + AHEAD, engine.hold()
    found, place = engine.waiting.due(shard, until, message.after, BATCH, deadline)
    picked = chosen(found, tick_at, message.budget)
    if place is not None and not hold.is_on(now):
        # Before the work, so that another instance continues at the same time.
        rest = SweepShard(shard, message.tick_at, place, picked.left)
        engine.outbox.continue_sweep(rest, now)
    if message.after is None:
        oldest = max((hold.lateness(each.at, now).total_seconds() for each in found), default=0)
        signal("OldestDueSeconds", max(oldest, 0), MetricUnit.Seconds)
    if hold.is_on(now):
        return
    _pass_on(picked.things, engine, now, deadline)
    incidents = [each for each in found if each.is_incident]
    late = [each for each in incidents if each.at <= now]
    soon = [(each.incident_id, each.at) for each in incidents if ahead(each.at, tick_at)]
    if soon:
        engine.outbox.remind(soon, now)
    _attend([each.incident_id for each in late], picked.announced, engine, deadline)
    if found:
        logger.info("swept", shard=shard, due=len(late), soon=len(soon), more=place is not None)


def _pass_on(found: list[Due], engine: Engine, now: datetime, deadline: Deadline) -> None:
    """Each delivery goes with those to the same receiver, as it did the first time."""
    keys = [
        items.delivery_key(each.incident_id, each.delivery_id) for each in found if each.delivery_id
    ]
    try:
        stored = list(engine.table.batch(keys, deadline.within(PATIENCE_SECONDS)))
    except Unavailable:
        # Better in no order than late.
        engine.outbox.pass_on([each for each in found if each.at <= now], {}, now)
        return
    deliveries = {each.id: each for each in readable_items(Delivery, stored)}
    kept = [each for each in found if _is_wanted(each, deliveries, now)]
    groups = {delivery_id: each.destination for delivery_id, each in deliveries.items()}
    engine.outbox.pass_on(kept, groups, now)


def _is_wanted(each: Due, deliveries: Mapping[str, Delivery], now: datetime) -> bool:
    """Whether it needs a message: one that is not due yet has one, unless it was put off by more
    than SQS delays a message.
    """
    if each.delivery_id is None:
        return each.at <= now
    delivery = deliveries.get(each.delivery_id)
    if delivery is None or delivery.due_at is None:
        return False
    put_off = delivery.attempts[-1].at if delivery.attempts else delivery.at
    return delivery.due_at <= now or (delivery.due_at - put_off).total_seconds() > LONGEST_DELAY


def _attend(
    incident_ids: list[str], announced: frozenset[str], engine: Engine, deadline: Deadline
) -> None:
    """Raises nothing: what is wrong with one incident, or with the keys it is written to, keeps no
    other waiting. What is throttled gets a second turn after all others; then the next tick has it.
    """
    throttled = _turn(incident_ids, announced, engine, deadline)
    for incident_id in _turn(throttled, announced, engine, deadline):
        signal("StoreUnavailable")
        logger.error("left to the next tick", incident_id=incident_id)


def _turn(
    incident_ids: list[str], announced: frozenset[str], engine: Engine, deadline: Deadline
) -> list[str]:
    """Those that the store did not serve in their time."""

    def attended(incident_id: str) -> bool:
        try:
            patience = deadline.within(PATIENCE_SECONDS)
            engine.attend(incident_id, patience, announce=incident_id in announced)
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
