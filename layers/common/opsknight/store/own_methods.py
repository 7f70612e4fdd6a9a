"""A person's own contact methods and notification rules: what the rules of `directory.profile`
decide, with what else of the table each of these needs.

Nothing is sent here and no code is read: an address is taken into use that the table says was
confirmed.
"""

from collections.abc import Iterable, Sequence, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from opsknight.classes import dataclass
from opsknight.directory import profile
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.entries import User
from opsknight.directory.profile import Refusal
from opsknight.directory.receivers import Channel, NotificationRule, Owner, Receiver, Unconfirmed
from opsknight.notification.delivery import State, delivery_id
from opsknight.notification.requested import change_id
from opsknight.store.calls import Deadline
from opsknight.store.profiles import Profiles, Reached
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

# The address before is told first. A provider that does not take the message in this time holds
# nobody up.
TOLD_WITHIN: Final = timedelta(minutes=2)


class Audit(Protocol):
    """Makes the audit log's entries of it."""

    def method_asked_for(self, user: User, waiting: Unconfirmed) -> AuditEntry: ...

    def methods_changed(self, before: User, after: User) -> AuditEntry: ...

    def rules_changed(self, before: User, after: User) -> AuditEntry: ...


@dataclass(frozen=True, slots=True)
class OwnMethods:
    """Of one person, for one call. `token` names its write."""

    table: Table
    user_id: str
    now: datetime
    token: str
    deadline: Deadline
    audit: Audit

    def add(self, waiting: Unconfirmed) -> User | Refusal:
        """The address waits for its code."""
        destination = self._destination(waiting.id)
        asked_for = Receivers(self.table).asked_for(destination, waiting.until)
        return Profiles(self.table).change(
            self.user_id,
            lambda user, _: profile.asked(user, waiting, self.now),
            self.token,
            self.deadline,
            lambda _: [asked_for],
            audit=lambda _, after: self.audit.method_asked_for(after, waiting),
        )

    def use(self, waiting_id: str) -> User | Refusal:
        """Takes an address that waits into use."""
        receivers = Receivers(self.table)
        places = set[tuple[Channel, str]]()

        def decide(user: User, _: Reached) -> User | Refusal:
            waiting = profile.waiting(user, self.now)
            found = next((one for one in waiting if one.id == waiting_id), None)
            if found is not None:
                state = receivers.state(self._destination(found.id), self.deadline)
                # Of this address: whoever typed its code has confirmed no other one.
                if state.confirmed_at is None or state.confirmed_to != found.to:
                    return Refusal.UNCONFIRMED
                if not self._is_told(user, found):
                    return Refusal.UNTOLD
                places.add((found.channel, found.to))
            return profile.confirmed(user, waiting_id, self.now)

        def beside(user: User) -> "list[Write]":
            [taken] = [each for each in user.contact_methods if (each.channel, each.to) in places]
            return [receivers.replaced(self._destination(taken.id), taken.to, self.now)]

        return Profiles(self.table).change(
            self.user_id,
            decide,
            self.token,
            self.deadline,
            beside,
            audit=self.audit.methods_changed,
        )

    def rename(self, method_id: str, name: str) -> User | Refusal:
        return Profiles(self.table).change(
            self.user_id,
            lambda user, _: profile.renamed(user, method_id, name),
            self.token,
            self.deadline,
            audit=self.audit.methods_changed,
        )

    def remove(self, method_id: str) -> User | Refusal:
        return Profiles(self.table).change(
            self.user_id,
            lambda user, reached: profile.removed(
                user, method_id, is_paged=reached(), shown=self._shown(user), now=self.now
            ),
            self.token,
            self.deadline,
            audit=self.audit.methods_changed,
        )

    def rule(self, rules: Iterable[NotificationRule]) -> User | Refusal:
        """Sets all rules; none for the defaults."""
        wanted = tuple(rules)
        return Profiles(self.table).change(
            self.user_id,
            lambda user, reached: profile.ruled(
                user, wanted, is_paged=reached(), shown=self._shown(user)
            ),
            self.token,
            self.deadline,
            audit=self.audit.rules_changed,
        )

    def _shown(self, user: User) -> Set[str]:
        return confirmed(self.table, user, user.contact_methods, self.deadline).keys()

    def _is_told(self, user: User, found: Unconfirmed) -> bool:
        """Whether the address before knows of it, or its provider had its time."""
        if not any(each.id == found.replaces for each in user.contact_methods):
            return True
        told_id = change_id(found)
        name = delivery_id("p", told_id, user.id, found.replaces)
        told = self.table.delivery(told_id, name, self.deadline)
        if told is None:
            return False
        untried = told.state is State.PENDING and not told.tries
        return not untried or self.now >= told.at + TOLD_WITHIN

    def _destination(self, method_id: str) -> str:
        return Owner.user(self.user_id).destination(method_id)


def confirmed(
    table: Table, user: User, known: Sequence[Receiver], deadline: Deadline
) -> dict[str, datetime]:
    """When each of these was last shown to reach the user, by its id; without those whose address
    is another one since.
    """
    destinations = {each.id: Owner.user(user.id).destination(each.id) for each in known}
    states = Receivers(table).states(destinations.values(), deadline)
    found = {}
    for each in known:
        state = states.get(destinations[each.id])
        if state and state.confirmed_at and state.confirmed_to == each.to:
            found[each.id] = state.confirmed_at
    return found
