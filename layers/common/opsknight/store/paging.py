"""How pages move on in the table: planned, reached, failed, cancelled. Who is paged, and whether a
page has failed, is for the rules to say.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.directory.receivers import Owner
from opsknight.escalation.pages import Page, PageState
from opsknight.incident.decisions import Transitioned
from opsknight.notification.delivery import Delivery
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, once, retrying
from opsknight.store.table import Table
from opsknight.store.wire import Item

# About 4 KB of pages, which cost as much to read as one.
LOOKED_AT: Final = 8


@dataclass(frozen=True, slots=True)
class Paging:
    table: Table

    def page(self, incident_id: str, page_no: int, user_id: str, deadline: Deadline) -> Page | None:
        return self.table.get(Page, items.page_key(incident_id, page_no, user_id), deadline)

    def of_step(self, incident_id: str, page_no: int, deadline: Deadline) -> list[Page]:
        """All pages of one step."""
        prefix = items.page_key(incident_id, page_no, "")["sk"]["S"]
        found = self.table.under(items.incident_key(incident_id)["pk"], prefix, deadline)
        return list(self.table.readable(Page, found))

    def have_all_failed(self, page: Page, deadline: Deadline) -> bool:
        """Whether all pages of its step have. It looks from this page to both sides in turn, up to
        the first that has not: all of the step, read for each that fails, would grow with the
        square of its people. Whatever their order is, a look is as long as the shorter row of
        failed ones beside the page.
        """
        incident_id, page_no = page.incident_id, page.page_no
        first, own, last = (
            items.page_key(incident_id, *each)["sk"]
            for each in ((page_no, ""), (page_no, page.user_id), (page_no + 1, ""))
        )
        pk = items.incident_key(incident_id)["pk"]
        sides = [
            self.table.parts(
                "pk = :pk AND sk BETWEEN :from AND :to",
                {":pk": pk, ":from": start, ":to": end},
                deadline,
                Limit=LOOKED_AT,
                ScanIndexForward=forward,
            )
            for start, end, forward in ((own, last, True), (first, own, False))
        ]
        while sides:
            side = sides.pop(0)
            found = next(side, None)
            if found is None:
                continue
            read = self.table.readable(Page, found)
            if any(each.state is not PageState.FAILED for each in read):
                return False
            sides.append(side)
        return True

    def plan(
        self,
        page: Page,
        deliveries: Iterable[Delivery],
        reach_deadline: datetime,
        token: str,
        deadline: Deadline,
    ) -> bool:
        """Records that its deliveries are planned: it is due next at its reach deadline. False when
        somebody was faster. `token` names this try: repeated after a lost answer, it finds its own.
        """
        times = {"reach_deadline": reach_deadline, "due_at": reach_deadline}
        ids = tuple(each.id for each in deliveries)
        changes = {"state": PageState.PLANNED, "planned_by": token, "delivery_ids": ids, **times}
        return self._change(page, changes, deadline, " OR #planned_by = :planned_by")

    def deliveries(self, page: Page, deadline: Deadline) -> Iterator[Delivery]:
        """The page's own. All of an incident's, read for each page, would grow with the square of a
        step's people, where people acknowledge.
        """
        if page.delivery_ids is None:
            for each in self.table.deliveries(page.incident_id, deadline):
                if each.page_no == page.page_no and each.owner == Owner.user(page.user_id):
                    yield each
            return
        keys = [items.delivery_key(page.incident_id, each) for each in page.delivery_ids]
        yield from self.table.readable(Delivery, self.table.batch(keys, deadline))

    def end(self, page: Page, state: PageState, now: datetime, deadline: Deadline) -> bool:
        reached = {"reached_at": now} if state is PageState.REACHED else {}
        return self._change(page, {"state": state, "due_at": None, **reached}, deadline)

    def look_again(self, page: Page, at: datetime, deadline: Deadline) -> None:
        """It is not judged yet: it is due again at `at`."""
        self._change(page, {"due_at": at}, deadline)

    def mark_failed(self, page: Page, now: datetime, deadline: Deadline) -> bool:
        """Marks it as failed; it stays due until `fail` has recorded that on the timeline."""
        return self._change(page, {"state": PageState.FAILED, "due_at": now}, deadline)

    def fail(
        self, page: Page, transition: Transitioned | None, token: str, deadline: Deadline
    ) -> None:
        """Records on the timeline that it failed, if `transition` says so, and that nothing is due.

        Raises Conflict when the incident has changed since it was read, or this is recorded.
        """
        writes, _ = (
            ([], [])
            if transition is None
            else transactions.writes(transition, self.table.name, self.table.retention)
        )
        update = transactions.update({"due_at": None, "recorded": True})
        key = items.page_key(page.incident_id, page.page_no, page.user_id)
        condition = "attribute_exists(pk) AND attribute_not_exists(#recorded)"
        retrying(
            deadline,
            self.table.client.transact_write_items,
            TransactItems=[
                *writes,
                transactions.updating(self.table.name, key, condition, update),
            ],
            ClientRequestToken=once(token),
        )

    def reached(
        self, incident_id: str, page_no: int, user_id: str, now: datetime, deadline: Deadline
    ) -> None:
        """Records that a provider took one of its messages, also of a page that has failed before:
        its round counts then.
        """
        key = items.page_key(incident_id, page_no, user_id)
        sets: dict[str, object] = {"state": PageState.REACHED, "due_at": None, "reached_at": now}
        for seen in (PageState.PLANNED, PageState.FAILED):
            with suppress(Conflict):
                self._update(key, sets, seen, deadline)
                return

    def _change(
        self, page: Page, sets: dict[str, object], deadline: Deadline, otherwise: str = ""
    ) -> bool:
        key = items.page_key(page.incident_id, page.page_no, page.user_id)
        try:
            self._update(key, sets, page.state, deadline, otherwise)
        except Conflict:
            return False
        return True

    def _update(
        self,
        key: Item,
        sets: dict[str, object],
        seen: PageState | None,
        deadline: Deadline,
        otherwise: str = "",
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
            ConditionExpression=f"attribute_exists(pk) AND {condition}{otherwise}",
            **update,
        )
