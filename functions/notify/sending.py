"""Sends one delivery. It passes these stages, and may end, or go back to wait, at each of the first
five:

    due         its time has come, and no other sender has it
    wanted      the incident still wants it, its receiver still exists, no newer notice says more
    throttle    the receiver has a free slot, and its pace allows another page
    claim       only one of several senders wins
    wanted      once more, as people may have acted before the claim; from here on it goes out
    bundle      deliveries that are held for the same receiver go with it
    attempt     the channel sends the message
    record      how the delivery ended, or when to try again
    notified    its page counts as reached, and deliveries that went with it are over, too

A waking may be late, early or a duplicate: each stage reads what is stored. A failure at a receiver
is data; it never reaches the queue.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from notify.attempts import attempt, log_attempt, log_end
from notify.channels.protocol import Outcome, Sender, Sent, TemporaryFailure
from notify.composing import Composer, DeliveryContext
from notify.page_tracker import PageTracker
from notify.queues import Queues
from notify.throttling import Throttling, Turn
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification.delivery import (
    Attempt,
    Delivery,
    State,
    attempted,
    ended,
    is_superseded,
    is_wanted,
)
from opsknight.notification.message import Message, PageReason
from opsknight.runtime.telemetry import count, logger
from opsknight.store.bundles import Bundles
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.deliveries import Deliveries
from opsknight.store.table import Table

# Clocks differ a little, and SQS rounds delays down: a delivery that is early by no more than this
# waits here.
EARLY_SECONDS: Final = 2.0
# These channels show a change in the place where they showed the incident.
_REMEMBERING: Final = frozenset({Channel.SLACK, Channel.TELEGRAM})
# Their providers report later, by their own id of the message.
_REPORTING: Final = frozenset({Channel.EMAIL, Channel.SMS, Channel.VOICE})


@dataclass(frozen=True, slots=True)
class Sending:
    deliveries: Deliveries
    bundles: Bundles
    throttling: Throttling
    queues: Queues
    composer: Composer
    page_tracker: PageTracker
    senders: Mapping[Channel, Sender]
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    """Seconds, for how long an attempt took."""
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    """From 0 to 1."""

    @property
    def table(self) -> Table:
        return self.deliveries.table

    def attend(
        self, incident_id: str, delivery_id: str, deadline: Deadline, slot_attempts: int = 0
    ) -> None:
        """Sends the delivery if it is due. Raises Unavailable after the deadline."""
        delivery = self._due(incident_id, delivery_id, deadline)
        if delivery is None:
            return
        receiver = self._wanted(delivery, deadline)
        if receiver is None:
            return
        turn = self.throttling.turn(delivery, receiver, slot_attempts, deadline)
        if turn is None:
            return
        outcome = None
        try:
            self.deliveries.claim(delivery, turn.claim, turn.at, deadline)
            outcome = self._send(turn, deadline)
        except Conflict:
            logger.info("claimed by another", delivery_id=delivery.id)
        finally:
            self.throttling.release(turn, outcome, deadline)

    def _due(self, incident_id: str, delivery_id: str, deadline: Deadline) -> Delivery | None:
        delivery = self.table.delivery(incident_id, delivery_id, deadline)
        if delivery is None or delivery.state is not State.PENDING or delivery.due_at is None:
            return None
        early = (delivery.due_at - self.clock()).total_seconds()
        if early > EARLY_SECONDS:
            # It was put off since, or another sender has it: a later waking is on its way.
            return None
        if early > 0:
            self.sleep(early)
        return delivery

    def _wanted(self, delivery: Delivery, deadline: Deadline) -> Receiver | None:
        context = self.composer.context(delivery, deadline)
        end = self._unsent_end(context, deadline)
        if end is None:
            return context.receiver
        if self.deliveries.change(delivery, end, deadline):
            self._ended_unsent(delivery, end, deadline)
        return None

    def _unsent_end(
        self, context: DeliveryContext, deadline: Deadline
    ) -> Mapping[str, object] | None:
        """How the delivery ends if nobody wants it any more."""
        delivery, incident = context.delivery, context.incident
        end: tuple[State, str] | None = None
        if not is_wanted(delivery, incident, self.clock()):
            state = "gone" if incident is None else incident.status
            test = delivery.about is PageReason.TEST
            end = State.CANCELLED, "the test is over" if test else f"the incident is {state}"
        elif context.receiver is None:
            end = State.FAILED, "the receiver is no longer configured"
        elif not delivery.pages:
            others = self.table.deliveries(delivery.incident_id, deadline)
            if is_superseded(delivery, others):
                end = State.COLLAPSED, "a newer notice says more"
        return None if end is None else ended(*end, self.clock())

    def _send(self, turn: Turn, deadline: Deadline) -> Outcome | None:
        """The stages after the claim. None when nobody wants the delivery any more."""
        delivery = turn.delivery
        context = self.composer.context(delivery, deadline)
        end = self._unsent_end(context, deadline)
        if end is not None:
            self.deliveries.record(delivery, turn.claim, end, deadline)
            self._ended_unsent(delivery, end, deadline)
            return None
        bundled = self._bundle(turn, deadline)
        now = self.clock()
        others = [each.delivery for each in bundled]
        if others:
            self.bundles.keep(delivery, [delivery, *others], now, deadline)
        carried = sorted([context, *bundled], key=lambda each: each.rank)
        message = self._compose(turn, carried, now, deadline)
        sender = self.senders.get(turn.receiver.channel)
        outcome, made = attempt(sender, message, turn.receiver, self.clock(), self.stopwatch)
        changes = self._record(turn, outcome, made, deadline)
        if isinstance(outcome, Sent):
            self._set_notified(turn, others, made, deadline)
            self._remember(turn, outcome, now, deadline)
        log_attempt(delivery, made, len(carried))
        self._follow_up(delivery, changes, deadline)
        return outcome

    def _bundle(self, turn: Turn, deadline: Deadline) -> list[DeliveryContext]:
        """Deliveries that are held for the receiver and still wanted; the others are over."""
        if not turn.bundles:
            return []
        held = self.bundles.held(turn.delivery.destination, deadline)
        others = [each for each in held if each.id != turn.delivery.id]
        wanted = []
        for context in self.composer.contexts(others, deadline):
            end = self._unsent_end(context, deadline)
            if end is None:
                wanted.append(context)
            elif self.deliveries.change(context.delivery, end, deadline):
                self.bundles.release([context.delivery], deadline)
                self._ended_unsent(context.delivery, end, deadline)
        return wanted

    def _compose(
        self, turn: Turn, carried: Sequence[DeliveryContext], now: datetime, deadline: Deadline
    ) -> Message:
        message = self.composer.message(turn.delivery, carried, now, deadline)
        if not _remembers(turn):
            return message
        where = turn.delivery.incident_id, turn.delivery.destination
        return replace(message, remembered=self.deliveries.remembered(*where, deadline))

    def _record(
        self, turn: Turn, outcome: Outcome, made: Attempt, deadline: Deadline
    ) -> Mapping[str, object]:
        """What was written about the attempt."""
        after = outcome.after if isinstance(outcome, TemporaryFailure) else None
        changes = attempted(turn.delivery, made, after, self.chance())
        if not self.deliveries.record(turn.delivery, turn.claim, changes, deadline):
            logger.error("a delivery outlived its claim", delivery_id=turn.delivery.id)
        return changes

    def _set_notified(
        self, turn: Turn, others: Sequence[Delivery], made: Attempt, deadline: Deadline
    ) -> None:
        """Deliveries that went with the message are over, and all their pages have been reached.

        Only now are they released: had this sender died, the next one would have carried them all.
        """
        leader = turn.delivery
        if turn.bundles:
            sent = attempted(leader, made, None, 0) | {"bundle": leader.id, "tries": 1}
            sent["attempts"] = (made,)
            for each in others:
                self.deliveries.change(each, sent, deadline)
            self.bundles.release([leader, *others], deadline)
        for each in (leader, *others):
            self.page_tracker.reached(each, deadline)

    def _remember(self, turn: Turn, sent: Sent, now: datetime, deadline: Deadline) -> None:
        """Keeps what the next message to the receiver and the provider's report will need."""
        delivery = turn.delivery
        if _remembers(turn) and sent.remember:
            where = delivery.incident_id, delivery.destination
            self.deliveries.remember(*where, sent.remember, now, deadline)
        if sent.provider_id and turn.receiver.channel in _REPORTING:
            self.deliveries.keep_provider_id(sent.provider_id, delivery, now, deadline)

    def _follow_up(
        self, delivery: Delivery, changes: Mapping[str, object], deadline: Deadline
    ) -> None:
        """After an attempt: the next one is woken, or a page may have lost its last hope."""
        state, due_at = changes.get("state"), changes["due_at"]
        if state in (State.FAILED, State.GIVEN_UP):
            self.page_tracker.lost(delivery, deadline)
        if state is State.GIVEN_UP:
            count("DeliveryGivenUp")
        if isinstance(due_at, datetime):
            self.queues.send_later(delivery, due_at, self.clock())

    def _ended_unsent(
        self, delivery: Delivery, end: Mapping[str, object], deadline: Deadline
    ) -> None:
        log_end(delivery, end)
        if end["state"] is State.FAILED:
            self.page_tracker.lost(delivery, deadline)


def _remembers(turn: Turn) -> bool:
    """A page is always a message of its own."""
    return turn.receiver.channel in _REMEMBERING and not turn.delivery.pages
