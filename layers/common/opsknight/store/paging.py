"""Pages as they are planned, and what becomes of them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsknight.escalation.steps import Page, PageState
from opsknight.incident.lifecycle import Transitioned
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.table import Table


@dataclass(frozen=True, slots=True)
class Paging:
    table: Table

    def page(self, incident_id: str, page_no: int, user_id: str, deadline: Deadline) -> Page | None:
        return self.table.get(Page, items.page_key(incident_id, page_no, user_id), deadline)

    def of_step(self, incident_id: str, page_no: int, deadline: Deadline) -> list[Page]:
        """All pages of one step."""
        prefix = items.page_key(incident_id, page_no, "")["sk"]["S"]
        found = self.table.under(items.incident_key(incident_id)["pk"], prefix, deadline)
        return [Page.model_validate(items.plain(item)) for item in found]

    def plan(self, page: Page, reach_deadline: datetime, deadline: Deadline) -> bool:
        """Its deliveries are planned: now it is due at its reach deadline. False when somebody
        was faster.
        """
        times = {"reach_deadline": reach_deadline, "due_at": reach_deadline}
        return self._change(page, {"state": PageState.PLANNED, **times}, deadline)

    def end(self, page: Page, state: PageState, deadline: Deadline) -> bool:
        return self._change(page, {"state": state, "due_at": None}, deadline)

    def mark_failed(self, page: Page, now: datetime, deadline: Deadline) -> bool:
        """It has failed; it stays due until `fail` has told so."""
        return self._change(page, {"state": PageState.FAILED, "due_at": now}, deadline)

    def fail(self, page: Page, moved: Transitioned | None, token: str, deadline: Deadline) -> None:
        """The timeline tells that it failed, and the step moves on if `moved` says so.

        Raises Conflict when the incident is not as seen, or it is told already.
        """
        writes, _ = (
            ([], [])
            if moved is None
            else transactions.writes(moved, self.table.name, self.table.retention)
        )
        update = transactions.update({"due_at": None, "told": True})
        key = items.page_key(page.incident_id, page.page_no, page.user_id)
        condition = "attribute_exists(pk) AND attribute_not_exists(#told)"
        retrying(
            deadline,
            self.table.client.transact_write_items,
            TransactItems=[
                *writes,
                transactions.updating(self.table.name, key, condition, update),
            ],
            ClientRequestToken=token,
        )

    def reached(self, incident_id: str, page_no: int, user_id: str, deadline: Deadline) -> None:
        """A provider took one of its messages; whatever else was written of it stays."""
        key = items.page_key(incident_id, page_no, user_id)
        sets: dict[str, object] = {"state": PageState.REACHED, "due_at": None}
        with suppress(Conflict):
            self._update(key, sets, PageState.PLANNED, deadline)

    def _change(self, page: Page, sets: dict[str, object], deadline: Deadline) -> bool:
        key = items.page_key(page.incident_id, page.page_no, page.user_id)
        try:
            self._update(key, sets, page.state, deadline)
        except Conflict:
            return False
        return True

    def _update(
        self,
        key: items.Item,
        sets: dict[str, object],
        seen: PageState | None,
        deadline: Deadline,
    ) -> None:
        update: dict[str, Any] = transactions.update(sets)
        condition = transactions.still(
            {"state": seen},
            update["ExpressionAttributeNames"],
            update["ExpressionAttributeValues"],
        )
        retrying(
            deadline,
            self.table.client.update_item,
            TableName=self.table.name,
            Key=key,
            ConditionExpression=f"attribute_exists(pk) AND {condition}",
            **update,
        )
