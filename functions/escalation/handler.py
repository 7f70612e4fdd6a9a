"""Woken by the stream with new incidents and changes, by the queue of timers with what is due or
may be, and each minute by the clock.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from secrets import token_hex
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from escalation.audit import audit
from escalation.engine import Engine
from escalation.outbox import Outbox
from escalation.sweep import sweep, tick
from opsknight.runtime import process
from opsknight.runtime.process import logger
from opsknight.runtime.queues import Message
from opsknight.store.calls import Deadline

RECORDS: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)
MESSAGES: Final = BatchProcessor(event_type=EventType.SQS)
# A batch of records or messages, each of which may wait so long for the store, fits the function's
# time.
PATIENCE_SECONDS: Final = 10
# Clocks differ a little, a reminder has a head start, and its delay is rounded down: up to here it
# is waited for on the spot.
EARLY_SECONDS: Final = 3.0


def on_stream(event: Mapping[str, Any], context: LambdaContext) -> Any:
    handle = partial(on_record, engine())
    return process_partial_response(dict(event), handle, RECORDS, context)


def on_due(event: Mapping[str, Any], context: LambdaContext) -> Any:
    handle = partial(_on_message, engine())
    # In the order of their times: while one that comes early is waited for, no other gets late.
    records = sorted(event["Records"], key=_due_at)
    return process_partial_response({"Records": records}, handle, MESSAGES, context)


def on_tick(event: Mapping[str, Any], context: LambdaContext) -> None:
    tick(engine())


def on_record(engine: Engine, record: DynamoDBRecord) -> None:
    """A new incident, or a change of one."""
    image = record.dynamodb.new_image if record.dynamodb else {}
    incident_id = image.get("incident_id" if image.get("kind") == "change" else "id")
    if not isinstance(incident_id, str):
        # Refused, it would be tried again for an hour and hold up all records behind it.
        logger.error("a record of no incident", image=sorted(image))
        return
    engine.attend(incident_id, Deadline.after(PATIENCE_SECONDS), remind=True)


def _due_at(record: Mapping[str, Any]) -> str:
    try:
        return str(json.loads(record["body"])["due_at"])
    except (LookupError, TypeError, ValueError):
        return ""


def _on_message(engine: Engine, record: SQSRecord) -> None:
    try:
        on_message(engine, json.loads(record.body))
    except Exception:
        # The batch goes on without it, and SQS sends it again: only this line tells.
        logger.exception("message failed", message_id=record.message_id)
        raise


def on_message(engine: Engine, message: Message) -> None:
    deadline = Deadline.after(PATIENCE_SECONDS)
    match message:
        case {"incident": str(incident_id), "due_at": str(due_at)}:
            at = datetime.fromisoformat(due_at)
            early = (at - engine.clock()).total_seconds()
            if early > EARLY_SECONDS:
                engine.outbox.remind([(incident_id, at)], engine.clock())
                return
            if early > 0:
                engine.sleep(early)
            engine.attend(incident_id, deadline)
        case {"shard": int(shard)}:
            ticked = message.get("at")
            began = datetime.fromisoformat(ticked) if ticked else None
            sweep(engine, shard, message.get("after"), began, deadline)
        case {"audit": True}:
            audit(engine, deadline)
        case _:
            raise ValueError(f"nobody knows this message: {sorted(message)}")


@cache
def engine() -> Engine:
    """Made by the first waking: nothing is connected at import."""
    settings = process.read_settings(process.OutboxSettings)
    outbox = Outbox(
        process.sqs(),
        process.sns(),
        timers=settings.timers_url,
        plans=settings.plans_url,
        pages=settings.pages_url,
        notices=settings.notices_url,
        fallback=settings.fallback_arn,
    )
    return Engine(process.table(), outbox, process.now, partial(token_hex, 14))
