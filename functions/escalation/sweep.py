"""Finds what is due, whoever forgot it: one shard of the index at a time, in bounded batches."""

from datetime import timedelta
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit

from escalation.engine import Engine
from escalation.outbox import Message
from opsknight.runtime import count, logger, measure
from opsknight.store.calls import Deadline
from opsknight.store.items import DUE_SHARDS
from opsknight.store.waiting import Place

BATCH: Final = 25
# The tick after the next, and some seconds: whatever is due before is reminded of to the second,
# even if one tick is missing.
AHEAD: Final = timedelta(seconds=150)


def tick(engine: Engine) -> None:
    """Every minute: one message for each shard, and one for the auditor."""
    messages: list[Message] = [{"shard": shard} for shard in range(DUE_SHARDS)]
    engine.outbox.start([*messages, {"audit": True}])
    count("Ticks")


def sweep(engine: Engine, shard: int, after: Place | None, deadline: Deadline) -> None:
    """What is due is done, what is due soon is reminded of."""
    now = engine.clock()
    found, place = engine.waiting.due(shard, now + AHEAD, after, BATCH, deadline)
    if place is not None:
        # Before the work, so that another instance goes on at the same time.
        engine.outbox.go_on({"shard": shard, "after": place})
    if after is None:
        oldest = max(((now - each.at).total_seconds() for each in found), default=0)
        measure("OldestDueSeconds", max(oldest, 0), MetricUnit.Seconds)
    late = [each for each in found if each.at <= now]
    soon = [(each.incident_id, each.at) for each in found if each.at > now]
    if soon:
        engine.outbox.remind(soon, now)
    for each in late:
        engine.attend(each.incident_id, deadline)
    if found:
        logger.info("swept", shard=shard, due=len(late), soon=len(soon), more=place is not None)
