"""A bundle, one message that tells several deliveries that were held for the same receiver: who
leads it, what it carries, and what its one record settles.

Pure. One delivery is in `delivery`; when a receiver has its turn, in `throttle`.
"""

from collections.abc import Sequence

from opsknight.incident.model import Model
from opsknight.notification.delivery import Attempt, Delivery, State, attempted
from opsknight.notification.ringing import rang_before


class Bundled(Model):
    """A delivery, with its incident, that the message of another delivery carried, too."""

    incident_id: str
    delivery_id: str


class HeldRow(Bundled):
    """A delivery that is held for its receiver's next turn."""

    sk: str
    """Its own sort key, for its deletion."""
    holds: int | None = None
    """How many were ever held for the receiver when it was about to be: at least one fewer than
    once it was. None in a row of a version before this.
    """


class SentBundle(Model):
    """A bundle that a provider took. That settles each delivery that was claimed for it."""

    token: str
    """The `claim` of the deliveries that its message carried."""
    attempt: Attempt

    def settles(self, delivery: Delivery) -> bool:
        return delivery.state is State.PENDING and delivery.claim == self.token


def claimed_for(delivery: Delivery, token: str, bundle: str) -> dict[str, object]:
    """The attributes to set when the message of `bundle` is to carry the held delivery."""
    changes: dict[str, object] = {"claim": token, "bundle": bundle}
    rang = rang_before(delivery, bundle)
    return changes | {"rang": rang} if rang else changes


def tried(delivery: Delivery, made: Attempt) -> dict[str, object]:
    """The attributes to set when a message that carried it was not taken: it is held on."""
    return {"claim": None, "tried_at": delivery.tried_at or made.at}


def settled(delivery: Delivery, sent: SentBundle) -> dict[str, object]:
    """The attributes to set on a delivery that a sent bundle carried."""
    leads = delivery.bundle == delivery.id
    changes = attempted(delivery, sent.attempt, None, 0)
    # Of a digest all members know it: what follows goes into one, too.
    return changes | {"bundle": None if leads and delivery.pages else delivery.bundle}


def choose(held: Sequence[Delivery]) -> tuple[Delivery, list[Delivery]]:
    """The leader, and all deliveries that its message carries, the leader first. `held`: the most
    urgent first, then the oldest; at least one.

    A message whose sender died, perhaps after it went out, is sent again under the same id, without
    the deliveries of another such message: they follow in a later turn.
    """
    ids = {each.id for each in held}
    unsettled = {each.bundle for each in held if each.bundle in ids}
    leader = next((each for each in held if each.id in unsettled), held[0])
    others = [
        each
        for each in held
        if each.id != leader.id and (each.bundle == leader.id or each.bundle not in ids)
    ]
    return leader, [leader, *others]
