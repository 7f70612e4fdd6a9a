"""Woken by the stream with new incidents. No policy can be written yet, so none begins: the log
says what came.
"""

from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from opsknight.runtime import logger

PROCESSOR: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)


def on_stream(event: Mapping[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(dict(event), on_record, PROCESSOR, context)


def on_record(record: DynamoDBRecord) -> None:
    image = record.dynamodb.new_image if record.dynamodb else {}
    try:
        on_incident(image)
    except Exception:
        # The batch goes on without it, and Lambda tries it again: only this line tells.
        logger.exception("record failed", incident_id=image.get("id"))
        raise


def on_incident(image: Mapping[str, Any]) -> None:
    logger.info(
        "incident opened",
        incident_id=image["id"],
        service_id=image["service_id"],
        incident_status=image["status"],
        urgency=image["urgency"],
    )
