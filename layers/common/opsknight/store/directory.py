"""The directory in the table: who and what exists, with its keys, policies and schedules.

How a configuration is written as a whole is in `configurations`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pydantic import BaseModel, ValidationError

from opsknight.directory.entries import ApiKey, IntegrationKey, Service, Team, User
from opsknight.directory.receivers import NotificationRule, Receiver
from opsknight.escalation.policy import Policy, Rota
from opsknight.oncall.schedules import Override, Schedule
from opsknight.store import items, transactions
from opsknight.store.calls import Deadline, retrying
from opsknight.store.directory_items import (
    AnyKey,
    Entry,
    any_key_item,
    any_key_item_key,
    directory_item,
    key_listing_item,
    policy_items,
)
from opsknight.store.rows import Rows
from opsknight.store.wire import Item, plain

_PARTS: Final[dict[str, type[BaseModel]]] = {
    "contact_methods": Receiver,
    "rules": NotificationRule,
}


@dataclass(frozen=True, slots=True)
class DirectoryRows(Rows):
    def integration_key(self, hashed: str, deadline: Deadline) -> IntegrationKey | None:
        return self.get(IntegrationKey, items.integration_key_item_key(hashed), deadline)

    def api_key(self, hashed: str, deadline: Deadline) -> ApiKey | None:
        return self.get(ApiKey, items.api_key_item_key(hashed), deadline)

    def service(self, service_id: str, deadline: Deadline) -> Service | None:
        return self.get(Service, items.service_key(service_id), deadline)

    def user(self, user_id: str, deadline: Deadline) -> User | None:
        """Without contact methods and rules that cannot be read: the others still reach them."""
        item = self.item(items.user_key(user_id), deadline)
        return None if item is None else self.user_in(item)

    def users(self, user_ids: Iterable[str], deadline: Deadline) -> dict[str, User]:
        """The users that exist, by id."""
        keys = [items.user_key(user_id) for user_id in sorted(set(user_ids))]
        found = map(self.user_in, self.batch(keys, deadline))
        return {user.id: user for user in found}

    def user_in(self, item: Item) -> User:
        """As `user` does. Raises ValidationError when more of it cannot be read."""
        fields = plain(item)
        try:
            return User.model_validate(fields)
        except ValidationError as error:
            error.add_note(f"item {item['pk']['S']} {item['sk']['S']}")
            kept = {name: self._parts(model, fields.get(name)) for name, model in _PARTS.items()}
            try:
                user = User.model_validate(fields | kept)
            except ValidationError:
                raise error from None
            self.skipped(error)
            return user

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

    def team(self, team_id: str, deadline: Deadline) -> Team | None:
        return self.get(Team, items.team_key(team_id), deadline)

    def receivers(self, service_id: str, deadline: Deadline) -> Iterator[Item]:
        """A service's receivers as they are stored, by id: one of them may fail validation."""
        return self.under(items.service_key(service_id)["pk"], "receiver#", deadline)

    def status_pages(self, deadline: Deadline) -> Iterator[Item]:
        """All status pages as they are stored, by id."""
        return self.under(items.status_page_key("")["pk"], "status_page#", deadline)

    def policy(
        self, policy_id: str, deadline: Deadline, version: int | None = None
    ) -> Policy | None:
        """The version by which new escalations begin, or the given one."""
        return self.get(Policy, items.policy_key(policy_id, version), deadline)

    def rota(self, schedule_id: str, deadline: Deadline) -> Rota | None:
        """A schedule with its overrides."""
        key = items.schedule_key(schedule_id)
        found = [plain(item) for item in self.under(key["pk"], None, deadline)]
        schedules = [each for each in found if each["kind"] == "schedule"]
        if not schedules:
            return None
        overrides = (each for each in found if each["kind"] == "override")
        return Rota(
            Schedule.model_validate(schedules[0]),
            tuple(Override.model_validate(each) for each in overrides),
        )

    def publish(self, policy: Policy, token: str, deadline: Deadline) -> None:
        """Puts a new version of a policy; Conflict when it exists."""
        current, version = policy_items(policy)
        writes = [
            transactions.put_new(self.name, version),
            transactions.put(self.name, current),
        ]
        retrying(
            deadline,
            self.client.transact_write_items,
            TransactItems=writes,
            ClientRequestToken=token,
        )

    def create(
        self,
        entries: Iterable[Entry],
        keys: Mapping[str, AnyKey],
        token: str,
        deadline: Deadline,
    ) -> None:
        """Puts new entries and keys (by the hash of their secret), all or none; Conflict when one
        exists.
        """
        new = [directory_item(entry) for entry in entries]
        for hashed, key in keys.items():
            new += [
                any_key_item(hashed, key),
                key_listing_item(hashed, key),
            ]
        retrying(
            deadline,
            self.client.transact_write_items,
            TransactItems=[transactions.put_new(self.name, item) for item in new],
            ClientRequestToken=token,
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
