"""Who calls, and for what: the keys, services and users of the directory in the table.

All that a request needs to know of the directory. Policies and schedules are in `directory`.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from pydantic import BaseModel, ValidationError

from opsknight.classes import dataclass
from opsknight.directory.aws import AwsRule, AwsRules
from opsknight.directory.entries import ApiKey, Integration, IntegrationKey, Service, User
from opsknight.directory.heartbeats import Heartbeat
from opsknight.directory.receivers import NotificationRule, Own, Receiver
from opsknight.directory.routing import PageAfter, Route, Routing
from opsknight.store import items, transactions
from opsknight.store.calls import Deadline, retrying
from opsknight.store.key_items import AnyKey, any_key_item_key
from opsknight.store.rows import Rows
from opsknight.store.wire import Item, plain

_PARTS: Final[dict[str, type[BaseModel]]] = {
    "contact_methods": Receiver,
    "rules": NotificationRule,
}
_SETTINGS: Final[dict[str, type[BaseModel]]] = {
    "routing": Routing,
    "page_after": PageAfter,
    "heartbeat": Heartbeat,
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
    ) -> Integration | None:
        item = self.item(items.integration_item_key(service_id, integration_id), deadline)
        return None if item is None else self.integration_in(item)

    def integration_in(self, item: Item) -> Integration:
        """After a rollback it may have settings that only a newer version understands, and its
        events must not be lost for them: a route that cannot be read takes none. A secret is never
        left out. Raises ValidationError.
        """
        fields = plain(item)
        try:
            return Integration.model_validate(fields)
        except ValidationError as error:
            error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
            kept = {name: self._one(model, fields.get(name)) for name, model in _SETTINGS.items()}
            if isinstance(routing := fields.get("routing"), dict):
                routes = {"routes": self._parts(Route, routing.get("routes", []))}
                kept |= {"routing": self._one(Routing, routing | routes), "remembers": True}
            unread = [name for name in _SETTINGS if fields.get(name) and not kept[name]]
            try:
                found = Integration.model_validate(fields | kept | {"unread": unread})
            except ValidationError:
                raise error from None
            self.skipped(error)
            return found

    def aws_rules(self, deadline: Deadline) -> AwsRules:
        """After a rollback, without those that only a newer version understands."""
        item = self.item(items.AWS_RULES_KEY, deadline)
        fields = plain(item or {})
        try:
            return AwsRules.model_validate(fields)
        except ValidationError as error:
            rules = self._parts(AwsRule, fields.get("rules", []))
            found = AwsRules.model_validate(fields | {"rules": rules, "unread": True})
            self.skipped(error)
            return found

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
            kept = {name: self._parts(model, fields.get(name)) for name, model in _PARTS.items()}
            kept["own"] = self._one(Own, fields.get("own"))
            try:
                user = User.model_validate(fields | kept)
            except ValidationError:
                raise error from None
            self.skipped(error)
            return user

    @staticmethod
    def _one(model: type[BaseModel], stored: object) -> object:
        try:
            model.model_validate(stored)
        except ValidationError:
            return None
        return stored

    @staticmethod
    def _parts(model: type[BaseModel], stored: object) -> object:
        def is_readable(part: object) -> bool:
            try:
                model.model_validate(part)
            except ValidationError:
                return False
            return True

        return (
            [each for each in stored if is_readable(each)] if isinstance(stored, list) else stored
        )

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
