"""The throttle stage of a chat channel of a service, which gets digests in a storm.

The rules are in `opsknight.notification.digest`; what is held goes out in the channel's turn
(`turns`), as for a person.
"""

from notify.throttling import Throttling, Turn
from opsknight.incident.model import Urgency
from opsknight.notification.delivery import Delivery
from opsknight.notification.digest import digest_at, told_alone
from opsknight.notification.throttle import Wait, free_slot
from opsknight.store.calls import Deadline, decide_again


def chat_turn(
    throttling: Throttling,
    delivery: Delivery,
    urgency: Urgency,
    slot_attempts: int,
    deadline: Deadline,
    *,
    follows: bool,
) -> Turn | None:
    """The turn in which a chat channel hears of a change by itself. None when the change has to
    wait, in a storm for the next digest; then something is due for it. `follows`: a digest has
    named its incident.
    """
    destination, token = delivery.destination, throttling.new_token()

    def attempt(number: int) -> Turn | None:
        if number and not throttling.is_as_read(delivery, deadline):
            return None
        state, now = throttling.receivers.state(destination, deadline), throttling.clock()
        turn_at = digest_at(state, now, follows=follows)
        if turn_at is None:
            slot = free_slot(state, now)
            if isinstance(slot, Wait):
                throttling.put_off(delivery, slot, slot_attempts, deadline)
                return None
            alone = told_alone(state, now)
            throttling.receivers.acquire_slot(destination, slot, token, now, deadline, alone)
            return Turn(destination, now, slot, token, state, leased=False)
        wake_at = throttling.bundles.hold(
            delivery,
            urgency,
            state,
            turn_at,
            f"{token}-{number}",
            deadline,
            waives_pace=False,
        )
        if wake_at is not None:
            throttling.queues.turn(destination, wake_at, now, urgent=False)
        return None

    return decide_again(deadline, attempt)
