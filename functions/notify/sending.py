"""Sends one delivery. It passes these stages, and may end, or go back to wait, at each of the first
five:

    due         its time has come, and no other sender has it; after a hold, HIGH goes first
    wanted      the incident still wants it, its receiver still exists, no newer notice says more
    throttle    the receiver has a free slot; one that pages is the only one under way to its
                receiver, whose pace allows another; else it is held for the receiver's next turn
    claim       only one of several senders wins
    wanted      once more, as people may have acted before the claim; from here on it goes out
    attempt     the channel sends the message
    record      how the delivery ended, or when to try again
    notified    its page counts as reached

What is held goes out in the receiver's turn (`turns`). A wakeup may be late, early or a duplicate:
each stage reads what is stored. A failure at a receiver is data; it never reaches the queue.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from notify.attempts import attempt, log_attempt, recording
from notify.channels.protocol import Outcome, Sender, Sent, TemporaryFailure
from notify.chats import chat_turn
from notify.composing import Composer, DeliveryContext
from notify.endings import Endings
from notify.page_tracker import PageTracker
from notify.queues import Queues
from notify.ringing import Ringing
from notify.throttling import Joined, Throttling, Turn
from notify.turns import EARLY_SECONDS, Turns
from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel, Receiver
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Attempt, Delivery, State, attempted
from opsknight.notification.digest import follows_a_digest, is_digested
from opsknight.notification.message import PageReason
from opsknight.notification.throttle import MIN_INTERVAL
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.telemetry import count, logger, signal
from opsknight.runtime.wakeups import SendDelivery
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.deliveries import Deliveries
from opsknight.store.table import Table

# These channels show a change in the place where they showed the incident.
_REMEMBERING: Final = frozenset({Channel.SLACK, Channel.TELEGRAM})


@dataclass(frozen=True, slots=True)
class Sending:
    deliveries: Deliveries
    throttling: Throttling
    turns: Turns
    endings: Endings
    queues: Queues
    composer: Composer
    page_tracker: PageTracker
    hold: HoldMemory
    senders: Mapping[Channel, Sender]
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    """Seconds, for how long an attempt took."""
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    """From 0 to 1."""

    @property
    def ringing(self) -> Ringing:
        silencing = self.endings.silencing
        return Ringing(silencing, self.throttling, self.composer, self.senders)

    @property
    def table(self) -> Table:
        return self.deliveries.table

    def attend(self, wakeup: SendDelivery, deadline: Deadline) -> None:
        """Sends the delivery if it is due. Raises Unavailable after the deadline."""
        delivery = self._due(wakeup, deadline)
        if delivery is None:
            return
        if delivery.state is not State.PENDING:
            self.ringing.attend(delivery, wakeup.slot_attempts, deadline)
            return
        context = self._wanted(delivery, deadline)
        if context is None or context.receiver is None:
            return
        urgency = context.incident.urgency if context.incident else Urgency.LOW
        if urgency is not Urgency.HIGH and self._waits_for_high(delivery, deadline):
            return
        channel, attempts = context.receiver.channel, wakeup.slot_attempts
        if is_digested(delivery):
            others = self.table.deliveries(delivery.incident_id, deadline)
            follows = follows_a_digest(delivery, others)
            turn = chat_turn(
                self.throttling, delivery, urgency, attempts, deadline, follows=follows
            )
        elif delivery.about is not PageReason.PAGED or channel not in MIN_INTERVAL:
            turn = self.throttling.slot(delivery, attempts, deadline)
        else:
            found = self.throttling.page_turn(delivery, urgency, attempts, deadline)
            if isinstance(found, Joined):
                self.turns.take(delivery.destination, deadline)
                return
            turn = found
        if turn is not None:
            self._take(turn, delivery, context.receiver, deadline)

    def _due(self, wakeup: SendDelivery, deadline: Deadline) -> Delivery | None:
        delivery = self.table.delivery(wakeup.incident_id, wakeup.delivery_id, deadline)
        if delivery is None or delivery.due_at is None:
            # One that is held is its receiver's business.
            return None
        if wakeup.due_at is not None and wakeup.due_at != delivery.due_at:
            # It was put off since, or another sender has it: a later wakeup is on its way.
            return None
        now = self.clock()
        early = (delivery.due_at - now).total_seconds()
        if early > EARLY_SECONDS:
            self.queues.send_later(delivery, delivery.due_at, now, wakeup.slot_attempts)
            return None
        if early > 0:
            self.sleep(early)
        return delivery

    def _waits_for_high(self, delivery: Delivery, deadline: Deadline) -> bool:
        """Whether a hold is just over: what is HIGH goes first."""
        now = self.clock()
        until = self.hold().others_wait_until(now)
        if until is None:
            return False
        if self.deliveries.change(delivery, {"due_at": until}, deadline):
            self.queues.send_later(delivery, until, now)
        return True

    def _wanted(self, delivery: Delivery, deadline: Deadline) -> DeliveryContext | None:
        context = self.composer.context(delivery, deadline)
        end = self.endings.unsent(context, deadline)
        if end is None:
            return context
        # A refusal: somebody else has it, and ends it in their turn.
        if self.deliveries.change(delivery, end, deadline):
            self.endings.over(delivery, end, deadline)
        return None

    def _take(self, turn: Turn, delivery: Delivery, receiver: Receiver, deadline: Deadline) -> None:
        outcome: Outcome | None = None
        again: datetime | None = None
        late, urgent = deadline, False
        try:
            self.deliveries.claim(delivery, turn.token, turn.at, deadline)
            context = self._still_wanted(turn, delivery, deadline)
            if context is not None:
                urgent = context.is_high
                message = self.composer.message(delivery, [context], self.clock(), deadline)
                if _remembers(receiver, delivery):
                    where = delivery.incident_id, delivery.destination
                    kept = self.deliveries.remembered(*where, deadline)
                    message = replace(message, remembered=kept)
                # From here on nothing may keep us from recording what became of it.
                deadline.check()
                sender = self.senders.get(receiver.channel)
                outcome, made = attempt(
                    sender, message, receiver, turn.state.moved, self.clock(), self.stopwatch
                )
                late = recording(deadline)
                again = self._record(turn, delivery, outcome, made, late)
                if isinstance(outcome, Sent):
                    self._set_notified(turn, delivery, receiver, outcome, late)
                log_attempt(delivery, made, 1)
        except Conflict:
            logger.info("claimed by another", delivery_id=delivery.id)
        finally:
            self.throttling.release(
                turn,
                outcome,
                recording(deadline),
                pages=delivery.pages,
                interval=MIN_INTERVAL.get(receiver.channel) if turn.leased else None,
                urgent=urgent,
                not_before=again,
            )

    def _still_wanted(
        self, turn: Turn, delivery: Delivery, deadline: Deadline
    ) -> DeliveryContext | None:
        context = self.composer.context(delivery, deadline)
        end = self.endings.unsent(context, deadline)
        if end is None:
            return context
        if self.deliveries.record(delivery, turn.token, end, deadline):
            self.endings.over(delivery, end, deadline)
        return None

    def _record(
        self, turn: Turn, delivery: Delivery, outcome: Outcome, made: Attempt, deadline: Deadline
    ) -> datetime | None:
        """When the delivery is tried again, if it is."""
        after = outcome.after if isinstance(outcome, TemporaryFailure) else None
        changes = attempted(delivery, made, after, self.chance(), self.hold())
        if not self.deliveries.record(delivery, turn.token, changes, deadline):
            logger.error("a delivery outlived its claim", delivery_id=delivery.id)
            if isinstance(outcome, Sent):
                self.deliveries.record_sent(delivery, changes, deadline)
            # A failure is for whoever has it now to repeat.
            return None
        state, due_at = changes.get("state"), changes["due_at"]
        if state in (State.FAILED, State.GIVEN_UP):
            self.page_tracker.lost(delivery, deadline)
        if state is State.GIVEN_UP:
            count("DeliveryGivenUp")
            signal("ReceiverUnhealthy")
        if not isinstance(due_at, datetime):
            return None
        self.queues.send_later(delivery, due_at, self.clock())
        return due_at

    def _set_notified(
        self,
        turn: Turn,
        delivery: Delivery,
        receiver: Receiver,
        sent: Sent,
        deadline: Deadline,
    ) -> None:
        """Keeps what the page, the pace, the next message and the provider's report will need."""
        now = self.clock()
        self.page_tracker.reached(delivery, deadline)
        if turn.leased:
            self.turns.finishing.spend_exemptions([delivery], now, deadline)
        if _remembers(receiver, delivery) and sent.remember:
            where = delivery.incident_id, delivery.destination
            self.deliveries.remember(*where, sent.remember, now, deadline)
        self.turns.finishing.keep_provider_id(receiver, sent, delivery, now, deadline)
        self.endings.sent(delivery, deadline)


def _remembers(receiver: Receiver, delivery: Delivery) -> bool:
    """A page is always a message of its own."""
    return receiver.channel in _REMEMBERING and not delivery.pages
