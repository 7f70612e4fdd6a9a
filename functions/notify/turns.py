"""A receiver's turn: one message tells all that is held for it. It passes these stages:

    due         its time has come, and something is held
    throttle    the page lease: no other message that pages is under way to the receiver
    held        what an earlier message has told is finished; what nobody wants any more is over
    claim       each delivery is claimed for this bundle before the message is composed
    attempt     the channel sends the message
    settle      one write says that the bundle was sent: each delivery's state follows from it
    release     the lease, with the time of the next turn
    finish      deliveries, pages and rows catch up; whoever comes next goes on if we die here

Only the holder of the lease tells, claims or moves what is held.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from notify.attempts import attempt, log_attempt, recording
from notify.bundle_attempt import BundleAttempt
from notify.channels.protocol import Outcome, Sender, Sent, TemporaryFailure
from notify.composing import Composer, DeliveryContext
from notify.endings import Endings
from notify.members import Members
from notify.page_tracker import PageTracker
from notify.throttling import Throttling, Turn
from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel, Receiver
from opsknight.incident.model import Urgency
from opsknight.notification.bundle import HeldRow, SentBundle, choose
from opsknight.notification.delivery import Attempt, Delivery, State, attempted
from opsknight.notification.digest import DIGEST_EVERY, LARGEST_DIGEST
from opsknight.notification.throttle import LEASE, MIN_INTERVAL, ReceiverState
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.lanes import is_of_person
from opsknight.runtime.telemetry import count, logger, signal
from opsknight.runtime.wakeups import SendHeld
from opsknight.store.bundles import Bundles, Held
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.deliveries import Deliveries

# Clocks differ a little, and SQS rounds delays down: a wakeup that is early by no more than this
# waits here; an earlier one is put back.
EARLY_SECONDS: Final = 2.0
UNREADABLE_AGAIN: Final = timedelta(minutes=15)
# Their providers report later, by their own id of the message.
_REPORTING: Final = frozenset({Channel.EMAIL, Channel.SMS, Channel.VOICE})


@dataclass(frozen=True, slots=True)
class Turns:
    deliveries: Deliveries
    bundles: Bundles
    throttling: Throttling
    endings: Endings
    composer: Composer
    page_tracker: PageTracker
    hold: HoldMemory
    members: Members
    senders: Mapping[Channel, Sender]
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]

    def attend(self, wakeup: SendHeld, deadline: Deadline) -> None:
        """Takes the receiver's turn if it is due. Raises Unavailable after the deadline."""
        destination = wakeup.destination
        state, now = self.throttling.receivers.state(destination, deadline), self.clock()
        if state.due_at is None or state.due_at != wakeup.due_at:
            # It was moved since: another wakeup is on its way.
            return
        early = (state.due_at - now).total_seconds()
        if early > EARLY_SECONDS:
            self.throttling.queues.turn(destination, state.due_at, now, urgent=state.urgent)
            return
        if early > 0:
            self.sleep(early)
        if self._waits_for_high(destination, state, deadline):
            return
        self.take(destination, deadline)

    def _waits_for_high(self, destination: str, state: ReceiverState, deadline: Deadline) -> bool:
        """Whether a hold is just over, and nothing that waits for the receiver is HIGH: something
        HIGH may be about to come, and must not wait for the pace after this message.
        """
        now = self.clock()
        until = self.hold().others_wait_until(now)
        if until is None or self.bundles.holds_any(destination, deadline, Urgency.HIGH):
            return False
        # A refusal: somebody was faster, and has set the next turn.
        with suppress(Conflict):
            self.throttling.receivers.move(destination, state, until, deadline)
            self.throttling.queues.turn(destination, until, now, urgent=False)
        return True

    def take(self, destination: str, deadline: Deadline) -> None:
        turn = self.throttling.receiver_turn(destination, deadline)
        if turn is None:
            return
        pages = is_of_person(destination)
        told, failed = None, True
        try:
            told = self._tell(turn, deadline)
            failed = False
        finally:
            late = recording(deadline)
            if failed:
                # Whatever it was, it must not go round at once.
                later = self.clock() + LEASE
                self.throttling.release(turn, None, late, pages=pages, not_before=later)
        if told is None:
            self.throttling.release(turn, None, late, pages=pages, more=True)
            return
        self.throttling.release(
            turn,
            told.outcome,
            late,
            pages=pages,
            interval=MIN_INTERVAL.get(told.receiver.channel) if pages else DIGEST_EVERY,
            # A digest waits for the whole interval, whatever the last one told.
            urgent=told.urgent or not pages,
            not_before=told.not_before,
            more=told.more,
            urgent_left=told.urgent_left,
        )
        self._finish(turn, told, late)

    def _tell(self, turn: Turn, deadline: Deadline) -> BundleAttempt | None:
        """None when there was nothing to tell, or what there was has to be looked at again."""
        pages = is_of_person(turn.destination)
        held = self.bundles.held(turn.destination, deadline, None if pages else LARGEST_DIGEST)
        wanted = self._wanted(turn, held, deadline)
        if not wanted:
            return None
        leader, group = choose([each.delivery for each in wanted])
        claimed = self.members.claimed(leader, group, turn.token, deadline)
        carried = self._still_wanted(turn, claimed, held, deadline)
        mine = [each for each in carried if each.delivery.id == leader.id]
        if not mine or mine[0].receiver is None:
            return None
        receiver, now = mine[0].receiver, self.clock()
        carried = sorted(carried, key=lambda each: each.rank)
        deliveries = [each.delivery for each in carried]
        several = len(carried) > 1
        if several:
            self.bundles.keep(leader, deliveries, now, deadline)
        message = self.composer.message(leader, carried, now, deadline)
        # From here on nothing may keep us from recording what became of it.
        deadline.check()
        sender = self.senders.get(receiver.channel)
        outcome, made = attempt(sender, message, receiver, self.clock(), self.stopwatch)
        not_before = self._settle(turn, mine[0].delivery, several, outcome, made, deadline)
        if isinstance(outcome, Sent) and pages:
            # Before the release: the next sender looks whether they are spent.
            self.spend_exemptions(deliveries, self.clock(), recording(deadline))
        is_sent = isinstance(outcome, Sent)
        told = {each.delivery.id for each in carried} if is_sent else set[str]()
        left = [each for each in wanted if each.delivery.id not in told]
        return BundleAttempt(
            mine[0].delivery,
            deliveries,
            receiver,
            outcome,
            made,
            held.rows,
            not_before,
            # What one message could not tell goes out in the next one, at the receiver's pace.
            more=not is_sent,
            urgent=any(each.is_high for each in carried),
            urgent_left=held.more_urgent or any(each.is_high for each in left),
        )

    def _wanted(self, turn: Turn, held: Held, deadline: Deadline) -> list[DeliveryContext]:
        """The held deliveries that are still wanted, in order. Releases all others."""
        now, rows = self.clock(), held.rows
        for row in held.unreadable:
            signal("Unreadable")
            logger.error("a held delivery cannot be read", delivery_id=row.delivery_id)
            self.bundles.set_aside(turn.destination, row, now + UNREADABLE_AGAIN, deadline)
        sent = self.bundles.sent(held.deliveries, deadline)
        over = [each for each in held.deliveries if each.id in sent]
        for bundle in {each.bundle: sent[each.id] for each in over}.values():
            mine = [each for each in over if sent[each.id] == bundle]
            self._release(
                turn.destination, rows, self.members.finish(mine, bundle, deadline), deadline
            )
        over = []
        waiting = [each for each in held.deliveries if each.id not in sent]
        contexts = {each.delivery.id: each for each in self.composer.contexts(waiting, deadline)}
        wanted = []
        for each in waiting:
            context = contexts.get(each.id)
            if context is None:
                for row in rows[each.id]:
                    self.bundles.set_aside(turn.destination, row, now + UNREADABLE_AGAIN, deadline)
                continue
            end = self.endings.unsent(context, deadline)
            if end is None:
                wanted.append(context)
                continue
            if self.deliveries.change(each, end, deadline):
                self.endings.over(each, end, deadline)
            over.append(each)
        self._release(turn.destination, rows, over, deadline)
        self.bundles.release(turn.destination, held.void, deadline)
        return wanted

    def _still_wanted(
        self, turn: Turn, claimed: Sequence[Delivery], held: Held, deadline: Deadline
    ) -> list[DeliveryContext]:
        """Once more, as people may have acted before the claim. Empty if one cannot be read: as it
        is claimed, the message would settle it untold.
        """
        found = self.composer.contexts(claimed, deadline)
        if len(found) < len(claimed):
            return []
        wanted = []
        for context in found:
            end = self.endings.unsent(context, deadline)
            if end is None:
                wanted.append(context)
            elif self.deliveries.record(context.delivery, turn.token, end, deadline):
                self.endings.over(context.delivery, end, deadline)
                self._release(turn.destination, held.rows, [context.delivery], deadline)
        return wanted

    def _settle(
        self,
        turn: Turn,
        leader: Delivery,
        several: bool,
        outcome: Outcome,
        made: Attempt,
        deadline: Deadline,
    ) -> datetime | None:
        """One write. Returns when the receiver may be tried again after a failure."""
        late = recording(deadline)
        after = outcome.after if isinstance(outcome, TemporaryFailure) else None
        changes = attempted(leader, made, after, self.chance(), self.hold())
        again = changes["due_at"] if isinstance(changes["due_at"], datetime) else None
        sent = isinstance(outcome, Sent)
        if sent and several:
            self.bundles.settle(leader.id, SentBundle(token=turn.token, attempt=made), late)
            return None
        if changes.get("state") is State.GIVEN_UP:
            count("DeliveryGivenUp")
        # It is held on: its receiver is due, at the time of the next attempt.
        changes["due_at"] = None
        if sent:
            changes["bundle"] = None
        if not self.deliveries.record(leader, turn.token, changes, late):
            logger.error("a delivery outlived its claim", delivery_id=leader.id)
            if sent:
                self.deliveries.record_sent(leader, changes, late)
        return again

    def _finish(self, turn: Turn, told: BundleAttempt, deadline: Deadline) -> None:
        leader, made = told.leader, told.made
        log_attempt(leader, made, len(told.carried))
        if isinstance(told.outcome, Sent):
            now = self.clock()
            self.keep_provider_id(told.receiver, told.outcome, leader, now, deadline)
            sent = SentBundle(token=turn.token, attempt=made)
            finished = told.carried
            if len(finished) > 1:
                finished = self.members.finish(finished, sent, deadline)
            else:
                self.page_tracker.reached(leader, deadline)
            self._release(turn.destination, told.rows, finished, deadline)
            self.endings.sent(leader, deadline)
        elif told.not_before is None:
            self.page_tracker.lost(leader, deadline)
            self._release(turn.destination, told.rows, [leader], deadline)

    def _release(
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
        exemption = self.throttling.receivers.exemption
        spent = {each.service_id: each.destination for each in told}
        new = [exemption(destination, service, now) for service, destination in spent.items()]
        self.bundles.put(new, deadline)

    def keep_provider_id(
        self, receiver: Receiver, sent: Sent, delivery: Delivery, now: datetime, deadline: Deadline
    ) -> None:
        if sent.provider_id and receiver.channel in _REPORTING:
            self.deliveries.keep_provider_id(sent.provider_id, delivery, now, deadline)
