"""A message that is updated with what it could not tell at once. Pure.

When it may be is in `throttle`, and who updates it in `notify.continuing`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from opsknight.incident.model import Model, Urgency
from opsknight.notification.bundle import HeldRow

# As many as a message names: `notify.channels.words` lists these.
SHOWN: Final = 5
# More are not counted: the receiver's item stays small.
MOST_SERVICES: Final = 100


class Shown(Model):
    """An incident that the message names."""

    incident_id: str
    delivery_id: str


class Continued(Model):
    """The last message to a receiver, while more was held for it than it told."""

    bundle: str
    """The delivery that led it: the list behind its link is kept under this id."""
    incident_id: str
    """The leader's."""
    place: dict[str, str]
    """Where the message is, as its channel says (`Sent.remember`)."""
    holds: int = 0
    """How many deliveries had ever been held for the receiver when its turn began: only those go
    into it. Whatever came later has to make a sound.
    """
    told: dict[str, int]
    """How many incidents it has told so far, by urgency."""
    services: tuple[str, ...]
    """The ids of their services; at most MOST_SERVICES + 1 of them."""
    shown: tuple[Shown, ...]
    """The most urgent of them."""

    def covers(self, rows: Iterable[HeldRow]) -> bool:
        """Whether the delivery of these rows was held when the message's turn began. Not by the
        clock: a page that was due before may be held long after.
        """
        return all(each.holds is not None and each.holds < self.holds for each in rows)

    def may_tell(self, urgency: Urgency) -> bool:
        """Whether it has told of something as urgent, with a sound. One that had waited may have
        been raised since.
        """
        return any(each in self.told and not urgency.exceeds(each) for each in Urgency)


def added(told: Mapping[str, int], urgencies: Sequence[Urgency]) -> dict[str, int]:
    found = dict(told)
    for each in urgencies:
        found[each] = found.get(each, 0) + 1
    return found


def without(told: Mapping[str, int], urgencies: Sequence[Urgency]) -> dict[str, int]:
    """An incident that was raised or lowered since counts as what it was told as, if it can."""
    found = dict(told)
    for each in urgencies:
        name = each if found.get(each) else next((it for it in found if found[it]), None)
        if name is not None:
            found[name] -= 1
    return {name: count for name, count in found.items() if count}
