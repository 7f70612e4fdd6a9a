"""What providers say later of the messages they took: delivered, bounced, answered by nobody.

They come by EventBridge, from SES for the deployment's configuration set, and from End User
Messaging for the whole account: messages that are none of ours are passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from notify.page_tracker import PageTracker
from opsknight.notification.delivery import Report, State, reported
from opsknight.runtime.telemetry import count, logger
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
# What carriers say on the way, and what nobody knows, is no failure.
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
class Said:
    provider_id: str
    report: Report
    why: str


@dataclass(frozen=True, slots=True)
class Reports:
    deliveries: Deliveries
    page_tracker: PageTracker

    def take(self, event: Mapping[str, Any], deadline: Deadline) -> None:
        said = read(event)
        if said is None:
            return
        delivery = self.deliveries.by_provider_id(said.provider_id, deadline)
        if delivery is None:
            logger.info("a report of no delivery of ours", provider_id=said.provider_id)
            return
        sets = reported(delivery, said.report, said.why)
        if not self.deliveries.change(delivery, sets, deadline):
            # Changed in the same moment: EventBridge's own retry finds it settled.
            raise RuntimeError("the delivery changed while its report was written")
        logger.info(
            "delivery reported",
            incident_id=delivery.incident_id,
            delivery_id=delivery.id,
            channel=delivery.channel,
            report=said.report,
            why=said.why,
        )
        if sets.get("state") is State.BOUNCED:
            count("DeliveryBounced")
        if State.BOUNCED in (sets.get("state"), delivery.state):
            # Also when it is reported again: whoever wrote it may have died before this.
            self.page_tracker.lost(delivery, deadline)


def read(event: Mapping[str, Any]) -> Said | None:
    """None for what says nothing about a message."""
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


def _ses(detail: Mapping[str, Any]) -> Said | None:
    report = _SES.get(str(detail.get("eventType")))
    provider_id = (detail.get("mail") or {}).get("messageId")
    if report is None or not isinstance(provider_id, str):
        return None
    bounce = detail.get("bounce") or {}
    words = [bounce.get("bounceType"), bounce.get("bounceSubType")]
    why = " ".join(str(word) for word in words if word) or str(detail["eventType"])
    return Said(provider_id, report, why)


def _phone(detail: Mapping[str, Any]) -> Said | None:
    kind, provider_id = detail.get("eventType"), detail.get("messageId")
    if not isinstance(kind, str) or not isinstance(provider_id, str) or kind in _OPEN:
        return None
    report = Report.DELIVERED if kind in _REACHED else Report.FAILED
    return Said(provider_id, report, str(detail.get("messageStatus") or kind))
