"""What comes of a message in a receiver's turn: one write says it, and deliveries, pages and rows
catch up. Whoever comes next goes on if we die here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from notify.attempts import log_attempt
from notify.bundle_attempt import BundleAttempt
from notify.channels.protocol import Sent
from notify.endings import Endings
from notify.members import Members
from notify.page_tracker import PageTracker
from notify.throttling import Turn
from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification.bundle import HeldRow, SentBundle
from opsknight.notification.delivery import Attempt, AttemptOutcome, Delivery, State
from opsknight.runtime.telemetry import count, logger
from opsknight.store.bundles import Bundles
from opsknight.store.calls import Deadline
from opsknight.store.deliveries import Deliveries
from opsknight.store.receivers import Receivers

# Their providers report later, by their own id of the message.
_REPORTING: Final = frozenset({Channel.EMAIL, Channel.SMS, Channel.VOICE})


@dataclass(frozen=True, slots=True)
class Finishing:
    deliveries: Deliveries
    bundles: Bundles
    receivers: Receivers
    members: Members
    endings: Endings
    page_tracker: PageTracker

    def settle(
        self,
        leader: Delivery,
        token: str,
        several: bool,
        made: Attempt,
        changes: Mapping[str, object],
        deadline: Deadline,
    ) -> None:
        """One write says what came of the message. `changes`: what its leader is after it."""
        sent = made.outcome is AttemptOutcome.SENT
        if sent and several:
            self.bundles.settle(leader.id, SentBundle(token=token, attempt=made), deadline)
            return
        if changes.get("state") is State.GIVEN_UP:
            count("DeliveryGivenUp")
        # It is held on: its receiver is due, at the time of the next attempt.
        changes = {**changes, "due_at": None} | ({"bundle": None} if sent else {})
        if not self.deliveries.record(leader, token, changes, deadline):
            logger.error("a delivery outlived its claim", delivery_id=leader.id)
            if sent:
                self.deliveries.record_sent(leader, changes, deadline)

    def not_taken(
        self,
        turn: Turn,
        told: Sequence[Delivery],
        leader: Delivery,
        rows: Mapping[str, list[HeldRow]],
        made: Attempt,
        again: bool,
        deadline: Deadline,
    ) -> None:
        """The message has told nobody. `again`: whether its leader is tried once more."""
        log_attempt(leader, made, len(told))
        others = [each for each in told if each.id != leader.id]
        if not again:
            self.page_tracker.lost(leader, deadline)
            self.release(turn.destination, rows, [leader], deadline)
        if turn.state.refused and made.outcome is AttemptOutcome.FAILED:
            # For the second time in a row: it is not only this message.
            over = self.members.fail(others, made, turn.token, deadline)
            self.release(turn.destination, rows, over, deadline)
        else:
            self.members.give_back(others, made, turn.token, deadline)

    def finish(
        self, told: BundleAttempt, outcome: Sent, turn: Turn, now: datetime, deadline: Deadline
    ) -> None:
        """After a message was taken."""
        leader, made, destination = told.leader, told.made, turn.destination
        log_attempt(leader, made, len(told.carried))
        self.keep_provider_id(told.receiver, outcome, leader, now, deadline)
        sent = SentBundle(token=turn.token, attempt=made)
        finished = told.carried
        if len(finished) > 1:
            finished = self.members.finish(finished, sent, deadline)
        else:
            self.page_tracker.reached(leader, deadline)
        self.release(destination, told.rows, finished, deadline)
        self._sent(leader, finished, deadline)

    def catch_up(
        self,
        destination: str,
        rows: Mapping[str, list[HeldRow]],
        told: Sequence[Delivery],
        sent: SentBundle,
        deadline: Deadline,
    ) -> None:
        """A sender died after it sent a bundle, which told these."""
        finished = self.members.finish(told, sent, deadline)
        # Before the rows go: without them nobody would look again.
        self._sent(finished[0], finished, deadline)
        self.release(destination, rows, finished, deadline)

    def _sent(self, leader: Delivery, told: Iterable[Delivery], deadline: Deadline) -> None:
        """One stands for the message, and one for each earlier message that may ring for it."""
        self.endings.sent(leader, deadline)
        looked_at = set(leader.rang or ())
        for each in told:
            if not looked_at.issuperset(each.rang or ()):
                looked_at.update(each.rang or ())
                self.endings.sent(each, deadline)

    def release(
        self,
        destination: str,
        rows: Mapping[str, list[HeldRow]],
        deliveries: Iterable[Delivery],
        deadline: Deadline,
    ) -> None:
        found = [row for each in deliveries for row in rows.get(each.id, [])]
        self.bundles.release(destination, found, deadline)

    def spend_exemptions(self, told: Iterable[Delivery], now: datetime, deadline: Deadline) -> None:
        """The pace holds again for every service that a message to the receiver told of."""
        exemption = self.receivers.exemption
        spent = {each.service_id: each.destination for each in told}
        new = [exemption(destination, service, now) for service, destination in spent.items()]
        self.bundles.put(new, deadline)

    def keep_provider_id(
        self, receiver: Receiver, sent: Sent, delivery: Delivery, now: datetime, deadline: Deadline
    ) -> None:
        if sent.provider_id and receiver.channel in _REPORTING:
            self.deliveries.keep_provider_id(sent.provider_id, delivery, now, deadline)
