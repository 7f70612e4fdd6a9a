"""Providers' later reports on messages that they took: delivered, bounced, answered by nobody.

They arrive by EventBridge: from SES for the deployment's configuration set, from End User Messaging
for the whole account; and from Twilio by way of the respond function and a queue. Reports on
messages of others are ignored, after a second look.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from notify.page_tracker import PageTracker
from opsknight.classes import dataclass
from opsknight.notification.bundle import settled
from opsknight.notification.delivery import Delivery, Report, State, reported
from opsknight.runtime.queues import Queue
from opsknight.runtime.telemetry import count, logger
from opsknight.runtime.wakeups import MessageReported, Wakeup
from opsknight.store.bundles import Bundles
from opsknight.store.calls import Conflict, Deadline, decide_again
from opsknight.store.deliveries import Deliveries

# An older report comes after the id of its message was kept, whatever the sender went through.
EARLY: Final = timedelta(minutes=5)
# Longer than a sender can take from a provider's answer to the message's id.
AGAIN_AFTER: Final = timedelta(seconds=60)
# What a message of hundreds told takes longer: a further report goes on.
MEMBERS_SECONDS: Final = 5.0
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
    pages: Queue
    clock: Callable[[], datetime]

    def take(self, event: Mapping[str, Any], deadline: Deadline) -> None:
        """Raises when the report could neither be written nor kept: EventBridge tries again."""
        found = read(event)
        if found is None or self._write(found, deadline):
            return
        now = self.clock()
        if now - _made_at(event, now) > EARLY:
            _log_stranger(found)
            return
        # Providers may be quicker than the sender, which keeps a message's id after it was taken.
        self.pages.enqueue_all([Wakeup(found, now + AGAIN_AFTER)], now)

    def settle(self, found: MessageReported, deadline: Deadline) -> None:
        """A report that comes so late that its message's id was kept. Raises when it could not be
        written: the queue brings it again.
        """
        if not self._write(found, deadline):
            _log_stranger(found)

    def _write(self, found: MessageReported, deadline: Deadline) -> bool:
        """False when the report is about no delivery that we know."""
        leader = self.deliveries.by_provider_id(found.provider_id, deadline)
        if leader is None:
            return False
        state = self._report(self._caught_up(leader, deadline), found, deadline)
        if state is State.BOUNCED and found.report is Report.FAILED:
            self._report_members(leader, found, deadline)
        return True

    def _caught_up(self, delivery: Delivery, deadline: Deadline) -> Delivery:
        """A message about several is settled by one write, and its deliveries follow: not all of
        them may have done so.
        """
        sent = Bundles(self.deliveries.table).sent([delivery], deadline).get(delivery.id)
        if sent is None:
            return delivery
        # A refusal: its sender was faster.
        self.deliveries.record(delivery, sent.token, settled(delivery, sent), deadline)
        return self._read_again(delivery, deadline)

    def _report_members(self, leader: Delivery, found: MessageReported, deadline: Deadline) -> None:
        """A message about several has reached nobody of any of them."""
        table, until = self.deliveries.table, deadline.monotonic() + MEMBERS_SECONDS
        for row in table.bundle(leader.id, deadline):
            if row.incident_id <= found.after:
                continue
            # Two rules of a user may have brought two of one incident.
            for each in table.deliveries(row.incident_id, deadline):
                if each.bundle != leader.id:
                    continue
                told = self._caught_up(each, deadline)
                if told.state in (State.SENT, State.BOUNCED):
                    self._report(told, found, deadline)
            if deadline.monotonic() >= until:
                rest, now = replace(found, after=row.incident_id), self.clock()
                self.pages.enqueue_all([Wakeup(rest, now)], now)
                return

    def _report(self, delivery: Delivery, found: MessageReported, deadline: Deadline) -> State:
        def attempt(number: int) -> tuple[Delivery, dict[str, object]]:
            # Another write came in between: what it wrote may change what the report means.
            read = self._read_again(delivery, deadline) if number else delivery
            changes = reported(read, found.report, found.why)
            if not self.deliveries.change(read, changes, deadline):
                raise Conflict
            return read, changes

        written, changes = decide_again(deadline, attempt)
        logger.info(
            "delivery reported",
            incident_id=written.incident_id,
            delivery_id=written.id,
            channel=written.channel,
            report=found.report,
            why=found.why,
        )
        if changes.get("state") is State.BOUNCED:
            count("DeliveryBounced")
        if State.BOUNCED not in (changes.get("state"), written.state):
            return written.state
        # Also when the report comes again: whoever wrote it may have died before this.
        self.page_tracker.lost(written, deadline)
        return State.BOUNCED

    def _read_again(self, delivery: Delivery, deadline: Deadline) -> Delivery:
        table = self.deliveries.table
        return table.delivery(delivery.incident_id, delivery.id, deadline) or delivery


def _made_at(event: Mapping[str, Any], now: datetime) -> datetime:
    """When the provider made the report; now where it does not say."""
    try:
        at = datetime.fromisoformat(str(event.get("time")))
    except ValueError:
        return now
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _log_stranger(found: MessageReported) -> None:
    logger.info("a report of no delivery of ours", provider_id=found.provider_id)


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
