"""Gets one delivery to its receiver: in its turn, claimed, still wanted, sent, recorded.

Whatever wakes it, and however often: it reads what is stored, and only who has the claim sends.
What goes wrong at a receiver is data; it never reaches the queue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from notify.channels.protocol import Outcome, PermanentFailure, Sender, Sent, TemporaryFailure
from notify.composing import Composer, DeliveryContext
from notify.page_tracker import PageTracker
from notify.queues import Queues
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification import throttle
from opsknight.notification.delivery import (
    Attempt,
    AttemptOutcome,
    Delivery,
    State,
    attempted,
    ended,
    is_superseded,
    is_wanted,
)
from opsknight.notification.message import Message, PageReason
from opsknight.runtime.process import count, logger
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.deliveries import Outgoing
from opsknight.store.table import Table

# Clocks differ a little, and SQS rounds delays down: up to here it is waited for on the spot.
EARLY_SECONDS: Final = 2.0
# A sender that finds every slot taken tries again, each time a little later; a page not much later.
LONGEST_BUSY_WAIT: Final = 20.0
LONGEST_BUSY_WAIT_OF_A_PAGE: Final = 2.0
# Whoever of these was told of an incident is told of its next change in the same place.
_REMEMBERING: Final = frozenset({Channel.SLACK, Channel.TELEGRAM})
# What providers report on later, by their own id of the message.
_REPORTING: Final = frozenset({Channel.EMAIL, Channel.SMS, Channel.VOICE})
_METRICS: Final[Mapping[str, str]] = {
    AttemptOutcome.SENT: "DeliverySent",
    AttemptOutcome.RETRY: "DeliveryRetried",
    AttemptOutcome.FAILED: "DeliveryFailed",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """A claimed delivery with its place at the receiver."""

    delivery: Delivery
    claim: str
    receiver: Receiver
    bundles: bool
    """Whether what waits for the same receiver goes with it."""


@dataclass(frozen=True, slots=True)
class Sending:
    outgoing: Outgoing
    queues: Queues
    composer: Composer
    page_tracker: PageTracker
    senders: Mapping[Channel, Sender]
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    """Seconds, for how long an attempt took."""
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    new_claim: Callable[[], str]

    @property
    def table(self) -> Table:
        return self.outgoing.table

    def attend(
        self, incident_id: str, delivery_id: str, deadline: Deadline, slot_attempts: int = 0
    ) -> None:
        """Sends it if it is due. Raises Unavailable after the deadline."""
        delivery = self.table.delivery(incident_id, delivery_id, deadline)
        if delivery is None or delivery.state is not State.PENDING or delivery.due_at is None:
            return
        early = (delivery.due_at - self.clock()).total_seconds()
        if early > EARLY_SECONDS:
            # It was put off since, or somebody else has it: that waking is on its way.
            return
        if early > 0:
            self.sleep(early)
        facts = self.composer.facts(delivery, deadline)
        over = self._over(facts, deadline)
        if over is not None:
            if self.outgoing.change(delivery, over, deadline):
                self._tell_end(delivery, over, deadline)
        elif facts.receiver is not None:
            self._take_turn(delivery, facts.receiver, slot_attempts, deadline)

    def _over(self, facts: DeliveryContext, deadline: Deadline) -> Mapping[str, object] | None:
        """How it ends unsent, if it does."""
        delivery, incident = facts.delivery, facts.incident
        end: tuple[State, str] | None = None
        if not is_wanted(delivery, incident, self.clock()):
            state = "gone" if incident is None else incident.status
            test = delivery.about is PageReason.TEST
            end = State.CANCELLED, "the test is over" if test else f"the incident is {state}"
        elif facts.receiver is None:
            end = State.FAILED, "the receiver is not configured any more"
        elif not delivery.pages:
            others = self.table.deliveries(delivery.incident_id, deadline)
            if is_superseded(delivery, others):
                end = State.COLLAPSED, "a newer notice tells more"
        return None if end is None else ended(*end, self.clock())

    def _take_turn(
        self, delivery: Delivery, receiver: Receiver, slot_attempts: int, deadline: Deadline
    ) -> None:
        """Waits for a place at the receiver, and for its pace."""
        destination, now = delivery.destination, self.clock()
        traffic = self.outgoing.traffic(destination, deadline)
        place = throttle.place(traffic, now, probing=delivery.about is PageReason.TEST)
        if isinstance(place, throttle.Wait):
            self._put_off(delivery, place, slot_attempts, deadline)
            return
        interval = throttle.INTERVALS.get(receiver.channel)
        paced = interval is not None and delivery.about is PageReason.PAGED
        exempt = paced and self.outgoing.is_first_of_service(
            destination, delivery.service_id, now, deadline
        )
        if paced and not exempt and traffic.next_at is not None and traffic.next_at > now:
            if self.outgoing.wait(delivery, traffic.next_at, deadline):
                self.queues.send_later(delivery, traffic.next_at, now)
            return
        claim = self.new_claim()
        try:
            self.outgoing.take_place(destination, place, now, deadline, paced=paced, exempt=exempt)
        except Conflict:
            # Somebody was faster: what there is to wait for is another matter now.
            self._put_off(delivery, throttle.Wait(now, throttle.BUSY), slot_attempts, deadline)
            return
        outcome = None
        try:
            self.outgoing.claim(delivery, claim, now, deadline)
            turn = Turn(delivery, claim, receiver, bundles=paced and not exempt)
            outcome = self._use_turn(turn, deadline)
        except Conflict:
            # Another sender has it.
            logger.info("claimed by another", delivery_id=delivery.id)
        finally:
            learned: dict[str, object] = {}
            if outcome is not None:
                worked = isinstance(outcome, Sent)
                learned = throttle.after(traffic, worked, self.clock(), pages=delivery.pages)
            if paced and interval is not None:
                told = isinstance(outcome, Sent)
                learned["next_at"] = self.clock() + interval if told else None
            self.outgoing.leave(destination, place, learned, deadline)
            if learned.get("probe_at") is not None:
                count("ReceiverUnhealthy")
                logger.error("a receiver is unhealthy", receiver=destination)

    def _put_off(
        self, delivery: Delivery, wait: throttle.Wait, slot_attempts: int, deadline: Deadline
    ) -> None:
        now, until = self.clock(), wait.until
        if wait.why == throttle.BUSY:
            longest = LONGEST_BUSY_WAIT_OF_A_PAGE if delivery.pages else LONGEST_BUSY_WAIT
            seconds = min(longest, 2.0 ** min(slot_attempts, 10)) * (0.5 + self.chance() / 2)
            until = now + timedelta(seconds=seconds)
        if self.outgoing.change(delivery, {"due_at": until}, deadline):
            self.queues.send_later(delivery, until, now, slot_attempts=slot_attempts + 1)

    def _use_turn(self, turn: Turn, deadline: Deadline) -> Outcome | None:
        """Sends and records; None when nobody wants it any more."""
        delivery = turn.delivery
        # Looked at once more, for what happened before the claim: from here on it is sent.
        facts = self.composer.facts(delivery, deadline)
        over = self._over(facts, deadline)
        if over is not None:
            self.outgoing.record(delivery, turn.claim, over, deadline)
            self._tell_end(delivery, over, deadline)
            return None
        bundled = self._bundled(turn, deadline) if turn.bundles else []
        now = self.clock()
        if bundled:
            told = [delivery, *(each.delivery for each in bundled)]
            self.outgoing.keep_bundle(delivery, told, now, deadline)
        ordered = sorted([facts, *bundled], key=lambda each: each.rank)
        message = self.composer.message(delivery, ordered, now, deadline)
        remembers = turn.receiver.channel in _REMEMBERING and not delivery.pages
        where = delivery.incident_id, delivery.destination
        if remembers:
            message = replace(message, remembered=self.outgoing.remembered(*where, deadline))
        outcome, attempt = self._attempt(message, turn.receiver, deadline)
        after = outcome.after if isinstance(outcome, TemporaryFailure) else None
        sets = attempted(delivery, attempt, after, self.chance())
        if not self.outgoing.record(delivery, turn.claim, sets, deadline):
            logger.error("a delivery outlived its claim", delivery_id=delivery.id)
        if isinstance(outcome, Sent):
            told = [delivery, *(each.delivery for each in bundled)]
            if turn.bundles:
                self._sent_with(delivery, told[1:], attempt, deadline)
            for each in told:
                self.page_tracker.reached(each, deadline)
            if remembers and outcome.remember:
                self.outgoing.remember(*where, outcome.remember, now, deadline)
            if outcome.provider_id and turn.receiver.channel in _REPORTING:
                self.outgoing.keep_provider_id(outcome.provider_id, delivery, now, deadline)
        self._tell_attempt(delivery, attempt, sets, len(ordered), deadline)
        due_at = sets["due_at"]
        if isinstance(due_at, datetime):
            self.queues.send_later(delivery, due_at, self.clock())
        return outcome

    def _bundled(self, turn: Turn, deadline: Deadline) -> list[DeliveryContext]:
        """What else waits for the receiver and is still wanted; the rest is over."""
        waiting = self.outgoing.waiting(turn.delivery.destination, deadline)
        others = [each for each in waiting if each.id != turn.delivery.id]
        wanted = []
        for facts in self.composer.facts_of_many(others, deadline):
            over = self._over(facts, deadline)
            if over is None:
                wanted.append(facts)
            elif self.outgoing.change(facts.delivery, over, deadline):
                self.outgoing.no_longer_waits([facts.delivery], deadline)
                self._tell_end(facts.delivery, over, deadline)
        return wanted

    def _attempt(
        self, message: Message, receiver: Receiver, deadline: Deadline
    ) -> tuple[Outcome, Attempt]:
        sender = self.senders.get(receiver.channel)
        at, began = self.clock(), self.stopwatch()
        if sender is None:
            outcome: Outcome = PermanentFailure("this deployment has no such channel")
        else:
            outcome = sender.send(message, receiver)
        ms = round((self.stopwatch() - began) * 1000)
        match outcome:
            case Sent(provider_id):
                attempt = Attempt(
                    at=at, outcome=AttemptOutcome.SENT, ms=ms, provider_id=provider_id
                )
            case TemporaryFailure(why):
                attempt = Attempt(at=at, outcome=AttemptOutcome.RETRY, why=why, ms=ms)
            case PermanentFailure(why):
                attempt = Attempt(at=at, outcome=AttemptOutcome.FAILED, why=why, ms=ms)
        return outcome, attempt

    def _sent_with(
        self, leader: Delivery, bundled: list[Delivery], attempt: Attempt, deadline: Deadline
    ) -> None:
        """What the leader's message told as well. None of them waits any more, and only now: had
        this sender died, the next one would have told them all.
        """
        sent = attempted(leader, attempt, None, 0) | {"bundle": leader.id, "tries": 1}
        sent["attempts"] = (attempt,)
        for each in bundled:
            self.outgoing.change(each, sent, deadline)
        self.outgoing.no_longer_waits([leader, *bundled], deadline)

    def _tell_attempt(
        self,
        delivery: Delivery,
        attempt: Attempt,
        sets: Mapping[str, object],
        incidents: int,
        deadline: Deadline,
    ) -> None:
        over = sets.get("state")
        count(_METRICS[attempt.outcome])
        logger.info(
            "delivery attempted",
            incident_id=delivery.incident_id,
            delivery_id=delivery.id,
            channel=delivery.channel,
            about=delivery.about,
            outcome=attempt.outcome,
            why=attempt.why,
            ms=attempt.ms,
            incidents=incidents,
        )
        if over in (State.FAILED, State.GIVEN_UP):
            self.page_tracker.lost(delivery, deadline)
        if over is State.GIVEN_UP:
            count("DeliveryGivenUp")

    def _tell_end(self, delivery: Delivery, over: Mapping[str, object], deadline: Deadline) -> None:
        logger.info(
            "delivery over",
            incident_id=delivery.incident_id,
            delivery_id=delivery.id,
            channel=delivery.channel,
            about=delivery.about,
            outcome=over["state"],
            why=over["why"],
        )
        if over["state"] is State.FAILED:
            self.page_tracker.lost(delivery, deadline)
