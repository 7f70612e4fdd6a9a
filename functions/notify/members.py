"""The deliveries that one message of a receiver's turn tells: claimed before it, finished after it.

Many go in one transaction, so that a storm of thousands fits into few messages. Whatever does not
fit any more is for the receiver's next turn.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import batched
from typing import Final

from notify.page_tracker import PageTracker
from opsknight.classes import dataclass
from opsknight.notification.bundle import SentBundle, claimed_for, settled, tried
from opsknight.notification.delivery import Attempt, Delivery, State, attempted
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.deliveries import Deliveries
from opsknight.store.members import MOST_CLAIMED, MOST_FINISHED
from opsknight.store.members import Members as Rows

# Claiming stops after this, so that what is claimed can be told and recorded within the lease.
CLAIM_SECONDS: Final = 6.0
# What is finished here need not be finished in the next turn, which has more to do.
FINISH_SECONDS: Final = 8.0
# The lease is given back after it, and the function's time is not over then.
HELD_ON_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Members:
    deliveries: Deliveries
    page_tracker: PageTracker
    clock: Callable[[], datetime]

    def claimed(
        self, leader: Delivery, group: Sequence[Delivery], token: str, deadline: Deadline
    ) -> list[Delivery]:
        """Those of the group that are claimed for the leader's message, itself first; empty if it
        is not. The rest is for a further turn.
        """
        claimed: list[Delivery] = []
        until = deadline.monotonic() + CLAIM_SECONDS

        def marked(each: Delivery) -> Delivery:
            return each.model_copy(update=claimed_for(each, token, leader.id))

        for chunk in batched(group, MOST_CLAIMED, strict=False):
            if claimed and deadline.monotonic() >= until:
                break
            if len(chunk) > 1 and self._claims_together(chunk, token, leader.id, deadline):
                claimed += [marked(each) for each in chunk]
                continue
            # One of them is not held any more: each by itself.
            for each in chunk:
                if self.deliveries.claim_held(each, token, leader.id, deadline):
                    claimed.append(marked(each))
                elif not claimed:
                    return []
        return claimed

    def finish(
        self, told: Sequence[Delivery], sent: SentBundle, deadline: Deadline
    ) -> list[Delivery]:
        """Writes to them, and to their pages, that a bundle told them. Returns those for which
        there was time.
        """
        finished: list[Delivery] = []
        until = min(deadline.at, deadline.monotonic() + FINISH_SECONDS)
        for chunk in batched(told, MOST_FINISHED, strict=False):
            if finished and deadline.monotonic() >= until:
                break
            if len(chunk) == 1 or not self._finishes_together(chunk, sent, deadline):
                for each in chunk:
                    self._finish(each, sent, deadline)
            finished += chunk
        return finished

    def give_back(
        self, told: Sequence[Delivery], made: Attempt, token: str, deadline: Deadline
    ) -> None:
        """They were told in vain, and are held on. Those for which there is no time stay claimed:
        their pages wait for that a little longer.
        """
        until = min(deadline.at, deadline.monotonic() + HELD_ON_SECONDS)
        for chunk in batched(told, MOST_CLAIMED, strict=False):
            if deadline.monotonic() >= until:
                break
            # A refusal: the receiver's next turn has them by now, or some of them are over.
            try:
                Rows(self.deliveries.table).give_back(chunk, made, token, deadline)
            except Conflict:
                for each in chunk:
                    self.deliveries.record(each, token, tried(each, made), deadline)

    def fail(
        self, told: Sequence[Delivery], made: Attempt, token: str, deadline: Deadline
    ) -> list[Delivery]:
        """Writes to them that no attempt can work. Returns those for which there was time."""
        failed: list[Delivery] = []
        until = min(deadline.at, deadline.monotonic() + HELD_ON_SECONDS)
        for each in told:
            if deadline.monotonic() >= until:
                break
            if not self.deliveries.record(each, token, attempted(each, made, None, 0), deadline):
                # The lease was over, and the receiver's next turn has them.
                break
            failed.append(each)
            self.page_tracker.lost(each, deadline)
        return failed

    def _claims_together(
        self, chunk: Sequence[Delivery], token: str, bundle: str, deadline: Deadline
    ) -> bool:
        try:
            Rows(self.deliveries.table).claim(chunk, token, bundle, deadline)
        except Conflict:
            return False
        return True

    def _finishes_together(
        self, chunk: Sequence[Delivery], sent: SentBundle, deadline: Deadline
    ) -> bool:
        try:
            Rows(self.deliveries.table).finish(chunk, sent, self.clock(), deadline)
        except Conflict:
            return False
        return True

    def _finish(self, delivery: Delivery, sent: SentBundle, deadline: Deadline) -> None:
        if not self.deliveries.record(delivery, sent.token, settled(delivery, sent), deadline):
            # It is finished, and may have bounced since.
            where = delivery.incident_id, delivery.id
            found = self.deliveries.table.delivery(*where, deadline)
            if found is not None and found.state is State.BOUNCED:
                return
        self.page_tracker.reached(delivery, deadline)
