"""One attempt to send one message: the channel is called, timed, counted and logged.

What the attempt means for the delivery is decided in `opsknight.notification.delivery`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from notify.channels.protocol import Outcome, PermanentFailure, Sender, Sent, TemporaryFailure
from opsknight.directory.receivers import Receiver
from opsknight.incident.canary import is_canary
from opsknight.notification.delivery import Attempt, AttemptOutcome, Delivery
from opsknight.notification.message import Message
from opsknight.notification.throttle import Moved, moved_on, where_it_is
from opsknight.runtime.telemetry import count, logger
from opsknight.store.calls import Deadline

# Recording a message that was sent has this long, however slow everything before was.
RECORD_SECONDS: Final = 10.0

_METRICS: Final[Mapping[str, str]] = {
    AttemptOutcome.SENT: "DeliverySent",
    AttemptOutcome.RETRY: "DeliveryRetried",
    AttemptOutcome.FAILED: "DeliveryFailed",
}


def attempt(
    sender: Sender | None,
    message: Message,
    receiver: Receiver,
    moved: Moved | None,
    at: datetime,
    stopwatch: Callable[[], float],
) -> tuple[Outcome, Attempt]:
    """`sender` is None for a channel that this deployment lacks; `receiver` is as the configuration
    has it, and `moved` what is known of where it is; `stopwatch` counts seconds.
    """
    began = stopwatch()
    if sender is None:
        outcome: Outcome = PermanentFailure("this deployment has no such channel")
    else:
        outcome = sender.send(message, where_it_is(receiver, moved))
    if isinstance(outcome, Sent) and outcome.moved is not None:
        outcome = replace(outcome, moved=moved_on(receiver, outcome.moved))
    return outcome, _attempt(outcome, at, round((stopwatch() - began) * 1000))


def _attempt(outcome: Outcome, at: datetime, ms: int) -> Attempt:
    match outcome:
        case Sent(provider_id):
            sent = AttemptOutcome.SENT
            return Attempt(at=at, outcome=sent, ms=ms, provider_id=provider_id)
        case TemporaryFailure(why):
            return Attempt(at=at, outcome=AttemptOutcome.RETRY, why=why, ms=ms)
        case PermanentFailure(why):
            return Attempt(at=at, outcome=AttemptOutcome.FAILED, why=why, ms=ms)
        case unknown:
            assert_never(unknown)


def recording(deadline: Deadline) -> Deadline:
    """The deadline of what is written after a message was sent."""
    return replace(deadline, at=deadline.monotonic() + RECORD_SECONDS)


def log_attempt(delivery: Delivery, made: Attempt, incidents: int) -> None:
    """`incidents`: how many the message was about."""
    if not is_canary(delivery.incident_id):
        count(_METRICS[made.outcome])
    logger.info(
        "delivery attempted",
        incident_id=delivery.incident_id,
        delivery_id=delivery.id,
        channel=delivery.channel,
        about=delivery.about,
        outcome=made.outcome,
        why=made.why,
        ms=made.ms,
        incidents=incidents,
    )


def log_end(delivery: Delivery, end: Mapping[str, object]) -> None:
    """A delivery that is over without an attempt; `end` is what was written (`ended`)."""
    logger.info(
        "delivery over",
        incident_id=delivery.incident_id,
        delivery_id=delivery.id,
        channel=delivery.channel,
        about=delivery.about,
        outcome=end["state"],
        why=end["why"],
    )
