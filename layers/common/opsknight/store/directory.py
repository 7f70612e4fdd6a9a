"""The rest of the directory in the table: teams, policies, schedules and receivers.

Keys, services and users are in `callers`; how a configuration is written as a whole is in
`configurations`.
"""

from collections.abc import Iterable, Iterator, Mapping

from opsknight.classes import dataclass
from opsknight.directory.entries import Team
from opsknight.directory.integrations import Integration
from opsknight.escalation.policy import Policy, Rota
from opsknight.oncall.schedules import Override, Schedule
from opsknight.store import items, transactions
from opsknight.store.callers import CallerRows
from opsknight.store.calls import Deadline, once, retrying
from opsknight.store.directory_items import Entry, directory_item, policy_items
from opsknight.store.key_items import AnyKey, any_key_item, key_listing_item
from opsknight.store.rows import validated
from opsknight.store.wire import Item


@dataclass(frozen=True, slots=True)
class DirectoryRows(CallerRows):
    def team(self, team_id: str, deadline: Deadline) -> Team | None:
        return self.get(Team, items.team_key(team_id), deadline)

    def integrations(self, service_id: str, deadline: Deadline) -> list[Integration]:
        """A service's integrations, by id."""
        found = self.under(items.service_key(service_id)["pk"], "integration#", deadline)
        return [self.integration_in(item) for item in found]

    def receivers(self, service_id: str, deadline: Deadline) -> Iterator[Item]:
        """A service's receivers as they are stored, by id: one of them may fail validation."""
        return self.under(items.service_key(service_id)["pk"], "receiver#", deadline)

    def status_pages(self, deadline: Deadline) -> Iterator[Item]:
        """All status pages as they are stored, by id."""
        return self.under(items.status_page_key("")["pk"], "status_page#", deadline)

    def reports(self, deadline: Deadline) -> Iterator[Item]:
        """All daily reports as they are stored, by id: one of them may fail validation."""
        return self.under(items.report_key("")["pk"], "report#", deadline)

    def policy(
        self, policy_id: str, deadline: Deadline, version: int | None = None
    ) -> Policy | None:
        """The version by which new escalations begin, or the given one."""
        return self.get(Policy, items.policy_key(policy_id, version), deadline)

    def rota(self, schedule_id: str, deadline: Deadline) -> Rota | None:
        """A schedule with its overrides."""
        key = items.schedule_key(schedule_id)
        found = list(self.under(key["pk"], None, deadline))
        schedules = [each for each in found if each["kind"]["S"] == "schedule"]
        if not schedules:
            return None
        overrides = (each for each in found if each["kind"]["S"] == "override")
        return Rota(
            validated(Schedule, schedules[0]),
            tuple(validated(Override, each) for each in overrides),
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
            ClientRequestToken=once(token),
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
            ClientRequestToken=once(token),
        )
