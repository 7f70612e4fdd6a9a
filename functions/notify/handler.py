"""The entry points: the table's stream wakes us with new incidents, changes and pages, queues with
work to plan or send, and EventBridge with providers' reports.

Under a hold they pass by undone, but for reports, which are facts and are written down.

A record or message that fails is never refused: that would hold up its shard for an hour. It is
counted and becomes due again later, and harms nobody else.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final, assert_never

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from notify import wiring
from notify.mirroring import Mirroring
from notify.planning import Planning
from notify.sending import Sending
from opsknight.runtime import clock
from opsknight.runtime.queues import signal_late
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
from opsknight.store.due import Due, DueIndex

RECORDS: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)
MESSAGES: Final = BatchProcessor(event_type=EventType.SQS)
# Each record of a batch of ten fits the function's time.
PATIENCE_SECONDS: Final = 10
# Before the twelve seconds that sending may take; what follows it has its own time
# (`notify.attempts.RECORD_SECONDS`).
SENDING_PATIENCE_SECONDS: Final = 20


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
    signal_late(event["Records"], clock.now(), lambda: wiring.hold()())

    def handle(record: SQSRecord) -> None:
        if (message := parse(record.body)) is not None:
            plan(wiring.planning(), message)

    return process_partial_response(dict(event), handle, MESSAGES, context)


def on_delivery(event: Mapping[str, Any], context: LambdaContext) -> Any:
    signal_late(event["Records"], clock.now(), lambda: wiring.hold()())

    def handle(record: SQSRecord) -> None:
        match message := parse(record.body):
            case None:
                return
            case TrackPage():
                # The lane of what is HIGH plans, too.
                plan(wiring.planning(), message)
            case MessageReported():
                # Under a hold, too: it is a fact. Raises when it could not be written.
                wiring.reports().settle(message, Deadline.after(PATIENCE_SECONDS))
            case PassOn(service_id):
                # Under a hold, too: another system pages by it, and not we.
                pass_on(wiring.mirroring(), service_id)
            case _:
                send(wiring.sending(), message)

    return process_partial_response(dict(event), handle, MESSAGES, context)


def on_report(event: Mapping[str, Any]) -> None:
    """Raises when the report could not be written: EventBridge tries again."""
    wiring.reports().take(event, Deadline.after(PATIENCE_SECONDS))


def on_record(planning: Planning, record: DynamoDBRecord) -> None:
    """A new incident, a change of one, or a page."""
    image = record.dynamodb.new_image if record.dynamodb else {}
    # The stream's numbers are decimals.
    match dict(image):
        case {
            "kind": "page",
            "incident_id": str(incident_id),
            "page_no": Decimal() as page_no,
            "user_id": str(user_id),
        }:
            plan(planning, TrackPage(incident_id, int(page_no), user_id))
        case {"kind": "mirror_event", "service_id": str(service_id)}:
            planning.queues.pass_on(service_id, planning.clock(), planning.clock())
        case {"kind": "change", "incident_id": str(incident_id)}:
            plan(planning, PlanNotices(incident_id))
        case {"kind": "incident", "id": str(incident_id)}:
            plan(planning, PlanNotices(incident_id))
        case _:
            logger.error("unknown stream record", names=sorted(image))


def plan(planning: Planning, message: QueueMessage) -> None:
    if planning.hold.is_on():
        # Whatever it was about stays due: the first tick after the hold finds it.
        return
    deadline = Deadline.after(PATIENCE_SECONDS)
    match message:
        case TrackPage(incident_id, page_no, user_id):
            due = Due(incident_id, planning.clock(), page_no=page_no, user_id=user_id)
            _attend(
                lambda: planning.page(incident_id, page_no, user_id, deadline),
                due,
                planning,
                deadline,
            )
        case PlanNotices(incident_id):
            # Its time to announce stands until it is planned: every tick asks for it again.
            _attend(lambda: planning.incident(incident_id, deadline), None, planning, deadline)
        case (
            TimerDue()
            | SweepShard()
            | AuditIncidents()
            | SendDelivery()
            | SendHeld()
            | PassOn()
            | MessageReported()
        ):
            misrouted(message)
        case _:
            assert_never(message)


def send(sending: Sending, message: QueueMessage) -> None:
    if sending.hold.is_on():
        return
    deadline = Deadline.after(SENDING_PATIENCE_SECONDS)
    match message:
        case SendDelivery(incident_id, delivery_id):
            due = Due(incident_id, sending.clock(), delivery_id=delivery_id)
            _attend(lambda: sending.attend(message, deadline), due, sending, deadline)
        case SendHeld(destination):
            due = Due("", sending.clock(), destination=destination)
            _attend(lambda: sending.turns.attend(message, deadline), due, sending, deadline)
        case (
            TimerDue()
            | SweepShard()
            | AuditIncidents()
            | PlanNotices()
            | TrackPage()
            | PassOn()
            | MessageReported()
        ):
            misrouted(message)
        case _:
            assert_never(message)


def pass_on(mirroring: Mirroring, service_id: str) -> None:
    due = Due("", mirroring.clock(), mirror=service_id)
    deadline = Deadline.after(SENDING_PATIENCE_SECONDS)
    _attend(lambda: mirroring.attend(service_id, deadline), due, mirroring, deadline)


def _attend(
    work: Callable[[], None],
    due: Due | None,
    whose: Planning | Sending | Mirroring,
    deadline: Deadline,
) -> None:
    """Raises Unavailable after the deadline; then the queue, or the stream, brings it again."""
    try:
        work()
    except Unavailable:
        signal("StoreUnavailable")
        # Whatever brought it brings it again: only this line says why.
        logger.exception("left to be brought again", due=str(due))
        raise
    # The one place of this function where it is decided that one broken item harms no other.
    except Exception:
        signal("Failures")
        failures = None
        if due is not None:
            failures = DueIndex(whose.table).postpone(due, whose.clock(), deadline)
        logger.exception("notifying failed", due=str(due), failures=failures)
