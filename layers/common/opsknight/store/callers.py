"""Who calls, and for what: the keys, services and users of the directory in the table.

All that a request needs to know of the directory. Policies and schedules are in `directory`.
"""

from collections.abc import Callable, Iterable
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from opsknight.classes import dataclass
from opsknight.directory.entries import ApiKey, IntegrationKey, Service, User
from opsknight.directory.receivers import NotificationRule, Own, Receiver
from opsknight.store import items, transactions
from opsknight.store.calls import Deadline, retrying
from opsknight.store.key_items import AnyKey, any_key_item_key
from opsknight.store.rows import Rows, readable_part, readable_parts
from opsknight.store.wire import Item, plain

if TYPE_CHECKING:
    from opsknight.directory.integrations import Integration

_PARTS: Final[dict[str, type[BaseModel]]] = {
    "contact_methods": Receiver,
    "rules": NotificationRule,
}


def _is_same_address(one: str, other: str) -> bool:
    """In letters of either case. A provider may let somebody have an address with a letter whose
    other case is one of ASCII, such as the Kelvin sign: it is not the one with a `k`.
    """
    return one.isascii() == other.isascii() and one.casefold() == other.casefold()


@dataclass(frozen=True, slots=True)
class CallerRows(Rows):
    def integration_key(self, hashed: str, deadline: Deadline) -> IntegrationKey | None:
        return self.get(IntegrationKey, items.integration_key_item_key(hashed), deadline)

    def api_key(self, hashed: str, deadline: Deadline) -> ApiKey | None:
        return self.get(ApiKey, items.api_key_item_key(hashed), deadline)

    def service(self, service_id: str, deadline: Deadline) -> Service | None:
        return self.get(Service, items.service_key(service_id), deadline)

    def integration(
        self, service_id: str, integration_id: str, deadline: Deadline
    ) -> "Integration | None":
        item = self.item(items.integration_item_key(service_id, integration_id), deadline)
        return None if item is None else self.integration_in(item)

    def integration_in(self, item: Item) -> "Integration":
        """After a rollback, without settings that only a newer version understands. Raises
        ValidationError.
        """
        # Most have no settings: the function that takes events starts without these models.
        read: Callable[[Rows, Item], Integration]
        read = import_module("opsknight.store.integrations").integration_in
        return read(self, item)

    def user(self, user_id: str, deadline: Deadline) -> User | None:
        """Without contact methods and rules that cannot be read: the others still reach them."""
        item = self.item(items.user_key(user_id), deadline)
        return None if item is None else self.user_in(item)

    def users(self, user_ids: Iterable[str], deadline: Deadline) -> dict[str, User]:
        """The users that exist, by id."""
        keys = [items.user_key(user_id) for user_id in sorted(set(user_ids))]
        found = map(self.user_in, self.batch(keys, deadline))
        return {user.id: user for user in found}

    def users_called(self, email: str, deadline: Deadline) -> list[User]:
        """The users of the configuration with this e-mail address, in letters of either case."""
        found = self.all_users(deadline)
        return [user for user in found if _is_same_address(user.email, email)]

    def all_users(self, deadline: Deadline) -> list[User]:
        """Those of the configuration whose item can be read."""
        head = plain(self.item(items.HEAD_KEY, deadline) or {})
        keys = [items.user_key(user_id) for user_id in head.get("users", ())]
        return list(self.readable(User, self.batch(keys, deadline)))

    def user_in(self, item: Item) -> User:
        """As `user` does. Raises ValidationError when more of it cannot be read."""
        fields = plain(item)
        try:
            return User.model_validate(fields)
        except ValidationError as error:
            error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
            kept = {name: readable_parts(model, fields.get(name)) for name, model in _PARTS.items()}
            kept["own"] = readable_part(Own, fields.get("own"))
            try:
                user = User.model_validate(fields | kept)
            except ValidationError:
                raise error from None
            self.skipped(error)
            return user

    def record_use(self, hashed: str, key: AnyKey, on: date, deadline: Deadline) -> None:
        """Records that a request came with the key; Conflict when the key is gone."""
        retrying(
            deadline,
            self.client.update_item,
            TableName=self.name,
            Key=any_key_item_key(hashed, key),
            ConditionExpression="attribute_exists(pk)",
            **transactions.update({"used_on": on}),
        )
