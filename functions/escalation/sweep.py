"""Finds what is due, whoever forgot it: one shard of the index at a time, in bounded batches."""

from datetime import datetime, timedelta
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit

from escalation.engine import Engine
from opsknight.runtime.process import count, logger, measure
from opsknight.runtime.queues import Message
from opsknight.store.calls import Deadline
from opsknight.store.due import Place
from opsknight.store.items import DUE_SHARDS

BATCH: Final = 25
# The tick after the next, and some seconds: whatever is due before is reminded of to the second,
# even if one tick is missing.
AHEAD: Final = timedelta(seconds=150)
# By then the next tick has begun at the front again, where what is done is gone. Two ticks sweeping
# the same would only get in each other's way, the more the longer a storm lasts.
REPLACED: Final = timedelta(seconds=60)


def tick(engine: Engine) -> None:
    """Every minute: one message for each shard, and one for the auditor."""
    at = engine.clock().isoformat()
    messages: list[Message] = [{"shard": shard, "at": at} for shard in range(DUE_SHARDS)]
    engine.outbox.start([*messages, {"audit": True}])
    count("Ticks")


def sweep(
    engine: Engine, shard: int, after: Place | None, began: datetime | None, deadline: Deadline
) -> None:
    """What is due is done, what is due soon is reminded of. `began`: when its tick was."""
    now = engine.clock()
    if after is not None and began is not None and now - began >= REPLACED:
        logger.warning("left to the next tick", shard=shard)
        return
    found, place = engine.waiting.due(shard, now + AHEAD, after, BATCH, deadline)
    if place is not None:
        # Before the work, so that another instance goes on at the same time.
        more: dict[str, object] = {"shard": shard, "after": place}
        engine.outbox.go_on(more | ({"at": began.isoformat()} if began else {}))
    if after is None:
        oldest = max(((now - each.at).total_seconds() for each in found), default=0)
        measure("OldestDueSeconds", max(oldest, 0), MetricUnit.Seconds)
    engine.outbox.pass_on([each for each in found if not each.is_incident], now)
    incidents = [each for each in found if each.is_incident]
    late = [each for each in incidents if each.at <= now]
    soon = [(each.incident_id, each.at) for each in incidents if each.at > now]
    if soon:
        engine.outbox.remind(soon, now)
    for each in late:
        engine.attend(each.incident_id, deadline)
    if found:
        logger.info("swept", shard=shard, due=len(late), soon=len(soon), more=place is not None)
