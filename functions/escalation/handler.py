"""The entry points: the stream wakes us with new incidents and changes, our queue with timers,
sweeps and audits, and the schedule each minute. What happens then is in `engine`, `sweep` and
`audit`.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, partial
from secrets import token_hex
from typing import Any, Final, assert_never

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
from escalation.figures import Figures
from escalation.outbox import Outbox
from escalation.published import watch
from escalation.sweep import meant_for, sweep, tick
from opsknight.runtime import clients, clock
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.lanes import Lane, lanes
from opsknight.runtime.queues import Queue, signal_late
from opsknight.runtime.settings import OutboxSettings, TickSettings, read_settings
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.wakeups import (
    AuditIncidents,
    MessageReported,
    PassOn,
    PlanNotices,
    QueueMessage,
    SendDelivery,
    SendHeld,
    SweepShard,
    TimerDue,
    TrackPage,
    misrouted,
    parse,
)
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.table import Table

RECORDS: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)
MESSAGES: Final = BatchProcessor(event_type=EventType.SQS)
# Each record or message of a batch may wait this long for the store: the batch still fits the
# function's time.
PATIENCE_SECONDS: Final = 10
# Clocks differ a little, a reminder has a head start, and its delay is rounded down: a message that
# is early by no more than this waits here.
EARLY_SECONDS: Final = 3.0
_FIRST: Final = datetime.min.replace(tzinfo=UTC)


def on_stream(event: Mapping[str, Any], context: LambdaContext) -> Any:
    handle = partial(on_record, engine())
    return process_partial_response(dict(event), handle, RECORDS, context)


def on_due(event: Mapping[str, Any], context: LambdaContext) -> Any:
    signal_late(event["Records"], clock.now(), lambda: hold_memory()())
    messages = {record["messageId"]: parse(record["body"]) for record in event["Records"]}

    def handle(record: SQSRecord) -> None:
        message = messages[record.message_id]
        if message is not None:
            _on_message(engine(), message, record.message_id)

    # In the order of their times: while one that is early waits, no other gets late.
    records = sorted(event["Records"], key=lambda each: _due_at(messages[each["messageId"]]))
    return process_partial_response({"Records": records}, handle, MESSAGES, context)


def on_tick(event: Mapping[str, Any], context: LambdaContext) -> None:
    try:
        tick(engine(), arrivals().waiting(), meant_for(event, engine().clock()))
    finally:
        engine().outbox.check_fallback()


@cache
def arrivals() -> Queue:
    """Of AWS's own events, which another function reads."""
    return Queue(clients.sqs(), read_settings(TickSettings).arrivals_url)


def on_record(engine: Engine, record: DynamoDBRecord) -> None:
    """A new incident, or a change of one."""
    image = record.dynamodb.new_image if record.dynamodb else {}
    incident_id = image.get("incident_id" if image.get("kind") == "change" else "id")
    if not isinstance(incident_id, str):
        # Refused, it would be tried again for an hour and hold up all records behind it.
        logger.error("a record of no incident", image=sorted(image))
        return
    if engine.hold.is_on():
        return
    try:
        engine.attend(incident_id, Deadline.after(PATIENCE_SECONDS), remind=True)
    except Unavailable:
        # The stream brings it again: only this line says why.
        logger.exception("record failed", incident_id=incident_id)
        raise


def _due_at(message: QueueMessage | None) -> datetime:
    return message.due_at if isinstance(message, TimerDue) else _FIRST


def _on_message(engine: Engine, message: QueueMessage, message_id: str) -> None:
    try:
        on_message(engine, message)
    except Exception as error:
        signal("StoreUnavailable" if isinstance(error, Unavailable) else "Failures")
        # The batch continues without it and SQS sends it again: only this line says why.
        logger.exception("message failed", message_id=message_id)
        raise


def on_message(engine: Engine, message: QueueMessage) -> None:
    deadline = Deadline.after(PATIENCE_SECONDS)
    match message:
        case TimerDue():
            _on_timer(engine, message, deadline)
        case SweepShard():
            sweep(engine, message, deadline)
        case AuditIncidents() if engine.hold.is_on():
            # Once a minute: an alarm watches it.
            signal("Held")
        case AuditIncidents():
            # From below, what wakes somebody first; and all of it, whatever one of them raises.
            with ExitStack() as each:
                # Last: nobody is paged by figures.
                each.callback(Figures(engine.table, engine.clock(), deadline).attend)
                each.callback(engine.reports.attend, deadline)
                each.callback(watch, engine.table, engine.clock(), deadline)
                each.callback(engine.shadows.attend, deadline)
                each.callback(engine.roster.attend, deadline)
                each.callback(audit, engine, deadline)
                each.callback(engine.fallback.attend, deadline)
        case (
            PlanNotices() | TrackPage() | SendDelivery() | SendHeld() | PassOn() | MessageReported()
        ):
            misrouted(message)
        case _:
            assert_never(message)


def _on_timer(engine: Engine, timer: TimerDue, deadline: Deadline) -> None:
    if engine.hold.is_on():
        # It stays due: the first tick after the hold finds it.
        return
    now = engine.clock()
    early = (timer.due_at - now).total_seconds()
    if early > EARLY_SECONDS:
        engine.outbox.remind([(timer.incident_id, timer.due_at)], now)
        return
    if early > 0:
        engine.sleep(early)
    engine.attend(timer.incident_id, deadline)


@cache
def engine() -> Engine:
    """Made by the first wakeup: nothing connects at import."""
    settings = read_settings(OutboxSettings)
    sqs = clients.sqs()
    outbox = Outbox(
        timers=Queue(sqs, settings.timers_url),
        lanes=lanes(sqs, settings),
        sns=clients.sns(),
        fallback=settings.fallback_arn,
        public_url=settings.public_url,
        drain={
            Lane.PLANS: settings.plans_per_minute,
            Lane.PAGES_HIGH: settings.high_sends_per_minute,
            Lane.PAGES: settings.sends_per_minute,
            Lane.NOTICES: settings.sends_per_minute,
        },
    )
    return Engine(clients.table(Table), outbox, clock.now, hold_memory(), partial(token_hex, 14))


@cache
def hold_memory() -> HoldMemory:
    return HoldMemory(clients.table(Table), clock.now)
