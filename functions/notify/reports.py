"""Providers' later reports on messages that they took: delivered, bounced, answered by nobody.

They arrive by EventBridge: from SES for the deployment's configuration set, from End User Messaging
for the whole account; and from Twilio by way of the respond function and a queue. Reports on
messages of others are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from notify.page_tracker import PageTracker
from opsknight.notification.delivery import Report, State, reported
from opsknight.runtime.telemetry import count, logger
from opsknight.runtime.wakeups import MessageReported
from opsknight.store.calls import Deadline
from opsknight.store.deliveries import Deliveries

_SES: Final = {
    "Delivery": Report.DELIVERED,
    "DeliveryDelay": Report.DELAYED,
    "Complaint": Report.COMPLAINT,
    "Bounce": Report.FAILED,
    "Reject": Report.FAILED,
    "Rendering Failure": Report.FAILED,
}
_REACHED: Final = frozenset({"TEXT_DELIVERED", "VOICE_COMPLETED", "VOICE_ANSWERED"})
# A message on its way, or of unknown fate, has not failed.
_OPEN: Final = frozenset(
    {
        "TEXT_QUEUED",
        "TEXT_PENDING",
        "TEXT_SENT",
        "TEXT_SUCCESSFUL",
        "TEXT_UNKNOWN",
        "VOICE_INITIATED",
        "VOICE_RINGING",
    }
)


@dataclass(frozen=True, slots=True)
class Reports:
    deliveries: Deliveries
    page_tracker: PageTracker

    def take(self, event: Mapping[str, Any], deadline: Deadline) -> None:
        found = read(event)
        if found is not None:
            self.settle(found, deadline)

    def settle(self, found: MessageReported, deadline: Deadline) -> None:
        """Raises RuntimeError when it has to come again."""
        delivery = self.deliveries.by_provider_id(found.provider_id, deadline)
        if delivery is None:
            logger.info("a report of no delivery of ours", provider_id=found.provider_id)
            return
        changes = reported(delivery, found.report, found.why)
        if not self.deliveries.change(delivery, changes, deadline):
            # Another write came in between: whoever brought it brings it again, and finds it done.
            raise RuntimeError("the delivery changed while its report was written")
        logger.info(
            "delivery reported",
            incident_id=delivery.incident_id,
            delivery_id=delivery.id,
            channel=delivery.channel,
            report=found.report,
            why=found.why,
        )
        if changes.get("state") is State.BOUNCED:
            count("DeliveryBounced")
        if State.BOUNCED in (changes.get("state"), delivery.state):
            # Also when the report comes again: whoever wrote it may have died before this.
            self.page_tracker.lost(delivery, deadline)


def read(event: Mapping[str, Any]) -> MessageReported | None:
    """None for an event that is no report on a message."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        return None
    match event.get("source"):
        case "aws.ses":
            return _ses(detail)
        case "aws.sms-voice":
            return _phone(detail)
        case _:
            return None


def _ses(detail: Mapping[str, Any]) -> MessageReported | None:
    report = _SES.get(str(detail.get("eventType")))
    provider_id = (detail.get("mail") or {}).get("messageId")
    if report is None or not isinstance(provider_id, str):
        return None
    bounce = detail.get("bounce") or {}
    words = [bounce.get("bounceType"), bounce.get("bounceSubType")]
    why = " ".join(str(word) for word in words if word) or str(detail["eventType"])
    return MessageReported(provider_id, report, why)


def _phone(detail: Mapping[str, Any]) -> MessageReported | None:
    kind, provider_id = detail.get("eventType"), detail.get("messageId")
    if not isinstance(kind, str) or not isinstance(provider_id, str) or kind in _OPEN:
        return None
    report = Report.DELIVERED if kind in _REACHED else Report.FAILED
    return MessageReported(provider_id, report, str(detail.get("messageStatus") or kind))
