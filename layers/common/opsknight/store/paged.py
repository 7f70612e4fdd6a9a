"""What belongs to one incident, batch by batch, for lists that go on. Each batch is one query."""

from typing import Any

from opsknight.classes import dataclass
from opsknight.escalation.pages import StepTaken
from opsknight.incident.model import Alert
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery
from opsknight.store import items
from opsknight.store.calls import Deadline, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item


@dataclass(frozen=True, slots=True)
class Paged:
    table: Table

    def alerts(
        self, incident_id: str, after: str | None, limit: int, deadline: Deadline
    ) -> tuple[list[Alert], str | None]:
        """The newest first, and the sort key after which it goes on, if there are more."""
        found, following = self._batch(incident_id, "alert#", after, limit, deadline)
        return list(self.table.whole(found, deadline)), following

    def deliveries(
        self, incident_id: str, after: str | None, limit: int, deadline: Deadline
    ) -> tuple[list[Delivery], str | None]:
        """In the order of their ids, which say nothing about time."""
        found, following = self._batch(
            incident_id, "delivery#", after, limit, deadline, forward=True
        )
        return list(self.table.readable(Delivery, found)), following

    def changes(
        self, incident_id: str, before: int, limit: int, deadline: Deadline
    ) -> list[Change]:
        """Those with lower numbers, the newest first."""
        after = items.change_key(incident_id, before)["sk"]["S"] if before < 1_000_000 else None
        found, _ = self._batch(incident_id, "change#", after, limit, deadline)
        return list(self.table.readable(Change, found))

    def steps(
        self, incident_id: str, before: int, limit: int, deadline: Deadline
    ) -> list[StepTaken]:
        """Those with lower page numbers, the newest first."""
        after = items.step_key(incident_id, before)["sk"]["S"] if before < 1_000_000 else None
        found, _ = self._batch(incident_id, "step#", after, limit, deadline)
        return list(self.table.readable(StepTaken, found))

    def _batch(
        self,
        incident_id: str,
        prefix: str,
        after: str | None,
        limit: int,
        deadline: Deadline,
        *,
        forward: bool = False,
    ) -> tuple[list[Item], str | None]:
        pk = items.incident_key(incident_id)["pk"]
        start: dict[str, Any] = {}
        if after is not None:
            start["ExclusiveStartKey"] = {"pk": pk, "sk": {"S": after}}
        page = retrying(
            deadline,
            self.table.client.query,
            TableName=self.table.name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": pk, ":prefix": {"S": prefix}},
            ConsistentRead=True,
            ScanIndexForward=forward,
            Limit=limit,
            **start,
        )
        last = page.get("LastEvaluatedKey")
        return page["Items"], last["sk"]["S"] if last else None
