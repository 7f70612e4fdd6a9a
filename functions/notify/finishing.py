"""After a message was sent in a receiver's turn: deliveries, pages and rows catch up. Whoever comes
next goes on if we die here.
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
from opsknight.notification.delivery import Delivery
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

    def finish(self, told: BundleAttempt, turn: Turn, now: datetime, deadline: Deadline) -> None:
        leader, made, destination = told.leader, told.made, turn.destination
        log_attempt(leader, made, len(told.carried))
        if isinstance(told.outcome, Sent):
            self.keep_provider_id(told.receiver, told.outcome, leader, now, deadline)
            sent = SentBundle(token=turn.token, attempt=made)
            finished = told.carried
            if len(finished) > 1:
                finished = self.members.finish(finished, sent, deadline)
            else:
                self.page_tracker.reached(leader, deadline)
            self.release(destination, told.rows, finished, deadline)
            self._sent(leader, finished, deadline)
            return
        others = [each for each in told.carried if each.id != leader.id]
        if told.not_before is None:
            self.page_tracker.lost(leader, deadline)
            self.release(destination, told.rows, [leader], deadline)
            if turn.state.failures:
                # Whatever is wrong, it is not only with the message's leader.
                over = self.members.fail(others, made, turn.token, deadline)
                self.release(destination, told.rows, over, deadline)
                return
        self.members.give_back(others, made, turn.token, deadline)

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
