"""Woken by the table's stream with new incidents, changes and pages, by queues with what is to be
planned or sent, and by EventBridge with what providers report.

Nothing that goes wrong with one of them is refused: refused, it would hold up its shard for an
hour. It is due again later, counted, and harms nobody else.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from notify import wiring
from notify.planning import Planning
from notify.sending import Sending
from opsknight.runtime.process import count, logger
from opsknight.runtime.queues import Message
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.due import Due, DueIndex

RECORDS: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)
MESSAGES: Final = BatchProcessor(event_type=EventType.SQS)
# Each record of a batch of ten fits the function's time.
PATIENCE_SECONDS: Final = 10
# Before and after the twelve seconds that sending may take.
SENDING_PATIENCE_SECONDS: Final = 25


def on_event(event: Mapping[str, Any], context: LambdaContext) -> Any:
    """Whichever of the three it is: a function has one entry point."""
    if "Records" not in event:
        return on_report(event)
    sources = {record["eventSource"] for record in event["Records"]}
    return (on_plan if sources == {"aws:sqs"} else on_stream)(event, context)


def on_stream(event: Mapping[str, Any], context: LambdaContext) -> Any:
    handle = partial(on_record, wiring.planning())
    return process_partial_response(dict(event), handle, RECORDS, context)


def on_plan(event: Mapping[str, Any], context: LambdaContext) -> Any:
    def handle(record: SQSRecord) -> None:
        plan(wiring.planning(), json.loads(record.body))

    return process_partial_response(dict(event), handle, MESSAGES, context)


def on_delivery(event: Mapping[str, Any], context: LambdaContext) -> Any:
    def handle(record: SQSRecord) -> None:
        send(wiring.sending(), json.loads(record.body))

    return process_partial_response(dict(event), handle, MESSAGES, context)


def on_report(event: Mapping[str, Any]) -> None:
    """Raises when it could not be written: EventBridge tries again."""
    wiring.reports().take(event, Deadline.after(PATIENCE_SECONDS))


def on_record(planning: Planning, record: DynamoDBRecord) -> None:
    """A new incident, a change of one, or a page."""
    image = record.dynamodb.new_image if record.dynamodb else {}
    match image.get("kind"):
        case "page":
            message = {
                "incident": image.get("incident_id"),
                "page_no": image.get("page_no"),
                "user": image.get("user_id"),
            }
        case "change":
            message = {"incident": image.get("incident_id")}
        case _:
            message = {"incident": image.get("id")}
    # The stream's numbers are decimals.
    number = message.get("page_no")
    plan(planning, message | ({} if number is None else {"page_no": int(number)}))


def plan(planning: Planning, message: Message) -> None:
    deadline = Deadline.after(PATIENCE_SECONDS)
    match message:
        case {"incident": str(incident_id), "page_no": int(page_no), "user": str(user_id)}:
            due = Due(incident_id, planning.clock(), page_no=page_no, user_id=user_id)
            _attend(
                lambda: planning.page(incident_id, page_no, user_id, deadline),
                due,
                planning,
                deadline,
            )
        case {"incident": str(incident_id)}:
            # Its time to announce stands until it is planned: every tick asks for it again.
            _attend(lambda: planning.incident(incident_id, deadline), None, planning, deadline)
        case _:
            logger.error("nobody knows this message", names=sorted(message))


def send(sending: Sending, message: Message) -> None:
    deadline = Deadline.after(SENDING_PATIENCE_SECONDS)
    match message:
        case {"incident": str(incident_id), "delivery": str(delivery_id)}:
            due = Due(incident_id, sending.clock(), delivery_id=delivery_id)
            knocks = int(message.get("knocks", 0))
            _attend(
                lambda: sending.attend(incident_id, delivery_id, deadline, knocks),
                due,
                sending,
                deadline,
            )
        case _:
            logger.error("nobody knows this message", names=sorted(message))


def _attend(
    work: Callable[[], None], due: Due | None, whose: Planning | Sending, deadline: Deadline
) -> None:
    """Raises Unavailable after the deadline; then the queue, or the stream, brings it again."""
    try:
        work()
    except Unavailable:
        raise
    # The one place of this function where it is decided that one broken item harms no other.
    except Exception:
        count("NotifyFailed")
        failures = None
        if due is not None:
            failures = DueIndex(whose.table).postpone(due, whose.clock(), deadline)
        logger.exception("notifying failed", due=str(due), failures=failures)
