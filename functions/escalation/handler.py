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
    return process_partial_response(dict(event), on_incident, PROCESSOR, context)


def on_incident(record: DynamoDBRecord) -> None:
    image = record.dynamodb.new_image if record.dynamodb else {}
    logger.info(
        "incident opened",
        incident_id=image["id"],
        service_id=image["service_id"],
        incident_status=image["status"],
        urgency=image["urgency"],
    )
