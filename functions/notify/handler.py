"""Woken by the stream with new incidents and changes, and by a queue with incidents whose changes
the stream seems to have lost: plans what is to be told of them, and to whom.

A service cannot have receivers yet, so every plan is empty; it is recorded all the same, as the
time at which a sweep would look at the incident again must stand exactly as long as something is
untold.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from opsknight import runtime
from opsknight.runtime import logger
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.table import Table

PROCESSOR: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)
MESSAGES: Final = BatchProcessor(event_type=EventType.SQS)
PATIENCE_SECONDS: Final = 10


def on_event(event: Mapping[str, Any], context: LambdaContext) -> Any:
    """Whichever of the two it is: a function has one entry point."""
    sources = {record["eventSource"] for record in event["Records"]}
    return (on_due if sources == {"aws:sqs"} else on_stream)(event, context)


def on_stream(event: Mapping[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(dict(event), on_record, PROCESSOR, context)


def on_due(event: Mapping[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(dict(event), on_message, MESSAGES, context)


def on_record(record: DynamoDBRecord) -> None:
    image = record.dynamodb.new_image if record.dynamodb else {}
    _plan(image.get("incident_id") or image.get("id"))


def on_message(record: SQSRecord) -> None:
    _plan(json.loads(record.body).get("incident"))


def _plan(incident_id: str | None) -> None:
    try:
        if incident_id is None:
            raise KeyError("incident_id")
        on_change(incident_id, runtime.table(), Deadline.after(PATIENCE_SECONDS))
    except Exception:
        # The batch goes on without it, and Lambda tries it again: only this line tells.
        logger.exception("record failed", incident_id=incident_id)
        raise


def on_change(incident_id: str, table: Table, deadline: Deadline) -> None:
    """Plans all changes of the incident that are not planned yet, whichever of them woke us."""
    attempt = 0
    while True:
        incident = table.incident(incident_id, deadline)
        if incident is None or incident.announced >= incident.changes:
            return
        try:
            table.announce(incident, deadline)
        except Conflict as conflict:
            # A newer change, or a timer that was set meanwhile.
            deadline.pause(attempt, conflict)
            attempt += 1
        else:
            break
    logger.info(
        "changes planned",
        incident_id=incident.id,
        service_id=incident.service_id,
        incident_status=incident.status,
        first_change=incident.announced + 1,
        last_change=incident.changes,
        notices=0,
    )
