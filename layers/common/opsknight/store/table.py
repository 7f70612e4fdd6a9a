"""The main table as a whole: incidents (`incidents`), the directory (`directory`), and the steps,
pages and deliveries of an escalation.

A decision has one exit, `Table.apply`: one transaction, whole or not at all. Only a merge that
raises nothing is two plain writes, which `execute` carries out side by side (ADR 27). Lists leave
out what fails validation (`Rows.readable`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opsknight.classes import dataclass
from opsknight.escalation.pages import Page, StepTaken
from opsknight.escalation.steps import Advanced
from opsknight.incident.decisions import Merged, Opened, Transitioned
from opsknight.notification.bundle import Bundled
from opsknight.notification.delivery import Delivery
from opsknight.store import advances, items, message_items, transactions
from opsknight.store.calls import Conflict, Deadline, retrying
from opsknight.store.directory import DirectoryRows
from opsknight.store.incidents import IncidentRows

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


@dataclass(frozen=True, slots=True)
class Table(IncidentRows, DirectoryRows):
    def apply(
        self,
        decision: Opened | Merged | Transitioned | Advanced,
        token: str,
        deadline: Deadline,
        *,
        yields: bool = False,
        beside: "Sequence[Write]" = (),
    ) -> None:
        if isinstance(decision, Advanced):
            writes = advances.writes(decision, self.name, self.retention)
            self.transact([*writes, *beside], token, deadline, yields=yields)
        else:
            IncidentRows.apply(self, decision, token, deadline, yields=yields, beside=beside)

    def latest_steps(self, incident_id: str, most: int, deadline: Deadline) -> list[StepTaken]:
        """The newest steps of its escalation, newest first."""
        pk = items.incident_key(incident_id)["pk"]
        found = self.newest(pk, "step#", most, deadline)
        return list(self.readable(StepTaken, found))

    def delivery(self, incident_id: str, delivery_id: str, deadline: Deadline) -> Delivery | None:
        return self.get(Delivery, items.delivery_key(incident_id, delivery_id), deadline)

    def deliveries(self, incident_id: str, deadline: Deadline) -> list[Delivery]:
        """All deliveries of an incident, in the order in which they were to leave."""
        found = self.under(items.incident_key(incident_id)["pk"], "delivery#", deadline)
        return sorted(self.readable(Delivery, found), key=lambda each: (each.not_before, each.id))

    def bundle(self, delivery_id: str, deadline: Deadline) -> list[Bundled]:
        """The other incidents in the message of this delivery, oldest first."""
        found = self.under(items.bundled_key(delivery_id, "")["pk"], "incident#", deadline)
        return list(self.readable(Bundled, found))

    def carried(self, delivery_id: str, most: int, deadline: Deadline) -> list[str]:
        """The ids of at most so many incidents in the message of this delivery, if it is about
        several.
        """
        found = self.newest(items.bundled_key(delivery_id, "")["pk"], "incident#", most, deadline)
        return [each.incident_id for each in self.readable(Bundled, found)]

    def plan_delivery(self, delivery: Delivery, deadline: Deadline) -> bool:
        """False when it is planned already: its id is the same, whoever plans it."""
        item = message_items.delivery_item(delivery, self.retention)
        put = transactions.put_new(self.name, item)["Put"]
        try:
            retrying(deadline, self.client.put_item, **put)
        except Conflict:
            return False
        return True

    def steps(self, incident_id: str, deadline: Deadline) -> list[StepTaken]:
        """The steps of its escalation, oldest first."""
        found = self.under(items.incident_key(incident_id)["pk"], "step#", deadline)
        return list(self.readable(StepTaken, found))

    def step(self, incident_id: str, page_no: int, deadline: Deadline) -> StepTaken | None:
        """The step with this page number."""
        return self.get(StepTaken, items.step_key(incident_id, page_no), deadline)

    def pages(self, incident_id: str, deadline: Deadline) -> list[Page]:
        """All pages of an incident, oldest first."""
        found = self.under(items.incident_key(incident_id)["pk"], "page#", deadline)
        return list(self.readable(Page, found))
