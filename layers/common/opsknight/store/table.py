"""The main table: incidents with their pointers, alerts and timelines, and the directory.

A decision has one exit, `Table.apply`: one transaction, whole or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from opsknight.contacts import ServiceReceiver, StatusPage
from opsknight.deliveries import Bundled, Delivery
from opsknight.directory import ApiKey, IntegrationKey, Service, Team, User
from opsknight.incidents import Alert, Change, Incident, Pointer
from opsknight.lifecycle import Merged, Moved, Opened, announced
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, patiently

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Table:
    client: "DynamoDBClient"
    name: str
    retention: timedelta
    """How long alerts, timelines and resolved incidents are kept."""

    def pointer(self, service_id: str, dedup_key: str, deadline: Deadline) -> Pointer | None:
        """The active incident of a dedup key."""
        return self._get(Pointer, items.pointer_key(service_id, dedup_key), deadline)

    def incident(self, incident_id: str, deadline: Deadline) -> Incident | None:
        return self._get(Incident, items.incident_key(incident_id), deadline)

    def integration_key(self, hashed: str, deadline: Deadline) -> IntegrationKey | None:
        return self._get(IntegrationKey, items.integration_secret_key(hashed), deadline)

    def api_key(self, hashed: str, deadline: Deadline) -> ApiKey | None:
        return self._get(ApiKey, items.api_secret_key(hashed), deadline)

    def service(self, service_id: str, deadline: Deadline) -> Service | None:
        return self._get(Service, items.service_key(service_id), deadline)

    def user(self, user_id: str, deadline: Deadline) -> User | None:
        return self._get(User, items.user_key(user_id), deadline)

    def team(self, team_id: str, deadline: Deadline) -> Team | None:
        return self._get(Team, items.team_key(team_id), deadline)

    def receivers(self, service_id: str, deadline: Deadline) -> list[ServiceReceiver]:
        """Those of a service, by id."""
        pk = items.service_key(service_id)["pk"]
        found = self._under(pk, "receiver#", deadline)
        return [ServiceReceiver.model_validate(items.plain(item)) for item in found]

    def status_pages(self, deadline: Deadline) -> list[StatusPage]:
        """All of them, by id."""
        found = self._under(items.status_page_key("")["pk"], "page#", deadline)
        return [StatusPage.model_validate(items.plain(item)) for item in found]

    def alert(self, incident_id: str, alert_id: str, deadline: Deadline) -> Alert | None:
        item = self._item(items.alert_key(incident_id, alert_id), deadline)
        return None if item is None else self._whole(item, deadline)

    def alerts(self, incident_id: str, deadline: Deadline) -> list[Alert]:
        """All of an incident, oldest first."""
        found = self._under(items.incident_key(incident_id)["pk"], "alert#", deadline)
        return [self._whole(item, deadline) for item in found]

    def changes(self, incident_id: str, deadline: Deadline) -> list[Change]:
        """The timeline after the opening, oldest first."""
        found = self._under(items.incident_key(incident_id)["pk"], "change#", deadline)
        return [Change.model_validate(items.plain(item)) for item in found]

    def latest_changes(self, incident_id: str, most: int, deadline: Deadline) -> list[Change]:
        """The newest of the timeline, newest first."""
        page = patiently(
            deadline,
            self.client.query,
            TableName=self.name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={
                ":pk": items.incident_key(incident_id)["pk"],
                ":prefix": {"S": "change#"},
            },
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=most,
        )
        return [Change.model_validate(items.plain(item)) for item in page["Items"]]

    def incidents(self, ids: Iterable[str], deadline: Deadline) -> dict[str, Incident]:
        """Those of them that exist."""
        found = (self.incident(incident_id, deadline) for incident_id in ids)
        return {incident.id: incident for incident in found if incident}

    def delivery(self, incident_id: str, delivery_id: str, deadline: Deadline) -> Delivery | None:
        return self._get(Delivery, items.delivery_key(incident_id, delivery_id), deadline)

    def deliveries(self, incident_id: str, deadline: Deadline) -> list[Delivery]:
        """All of an incident, in the order in which they were to leave."""
        found = self._under(items.incident_key(incident_id)["pk"], "delivery#", deadline)
        deliveries = [Delivery.model_validate(items.plain(item)) for item in found]
        return sorted(deliveries, key=lambda each: (each.not_before, each.id))

    def bundle(self, delivery_id: str, deadline: Deadline) -> list[Bundled]:
        """What the message of this delivery told besides its own incident, oldest first."""
        found = self._under(items.bundled_key(delivery_id, "")["pk"], "incident#", deadline)
        return [Bundled.model_validate(items.plain(item)) for item in found]

    def plan_delivery(self, delivery: Delivery, deadline: Deadline) -> bool:
        """False when it is planned already: whoever planned it, it has the same id."""
        item = items.delivery_item(delivery, self.retention)
        put = transactions.put_new(self.name, item)["Put"]
        try:
            patiently(deadline, self.client.put_item, **put)
        except Conflict:
            return False
        return True

    def apply(self, decision: Opened | Merged | Moved, token: str, deadline: Deadline) -> None:
        """Writes the decision.

        `token` names this decision of this request, in at most 36 characters: repeated after an
        unknown outcome it is written once. Raises Conflict when the incident is not as seen,
        Unavailable after the deadline.
        """
        writes, chunks = transactions.writes(decision, self.name, self.retention)
        for chunk in chunks:
            patiently(deadline, self.client.put_item, TableName=self.name, Item=chunk)
        patiently(
            deadline,
            self.client.transact_write_items,
            TransactItems=writes,
            ClientRequestToken=token,
        )

    def announce(self, incident: Incident, deadline: Deadline) -> bool:
        """Records that the notices of all changes of `incident` are planned; False when there is a
        newer change.
        """
        update = transactions.update(announced(incident))
        update["ExpressionAttributeNames"]["#changes"] = "changes"
        try:
            patiently(
                deadline,
                self.client.update_item,
                TableName=self.name,
                Key=items.incident_key(incident.id),
                # A newer change is still to be announced: its planning clears the time.
                ConditionExpression="#changes = :announced",
                **update,
            )
        except Conflict:
            return False
        return True

    def create(
        self,
        entries: Iterable[items.Entry],
        keys: Mapping[str, IntegrationKey | ApiKey],
        token: str,
        deadline: Deadline,
    ) -> None:
        """Puts new entries and keys (by the hash of their secret), all or none; Conflict when one
        exists.
        """
        new = [items.directory_item(entry) for entry in entries]
        new += [items.secret_item(hashed, key) for hashed, key in keys.items()]
        patiently(
            deadline,
            self.client.transact_write_items,
            TransactItems=[transactions.put_new(self.name, item) for item in new],
            ClientRequestToken=token,
        )

    def _get[M: BaseModel](self, model: type[M], key: items.Item, deadline: Deadline) -> M | None:
        item = self._item(key, deadline)
        if item is None:
            return None
        try:
            return model.model_validate(items.plain(item))
        except ValidationError as error:
            error.add_note(f"item {key['pk']['S']} {key['sk']['S']}")
            raise

    def _item(self, key: items.Item, deadline: Deadline) -> items.Item | None:
        # All reads are strongly consistent: a pointer decides, and a key read stale outlives its
        # revocation.
        answer = patiently(
            deadline, self.client.get_item, TableName=self.name, Key=key, ConsistentRead=True
        )
        return answer.get("Item")

    def _under(self, pk: Any, prefix: str, deadline: Deadline) -> Iterator[items.Item]:
        start: dict[str, Any] = {}
        while True:
            page = patiently(
                deadline,
                self.client.query,
                TableName=self.name,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
                ExpressionAttributeValues={":pk": pk, ":prefix": {"S": prefix}},
                ConsistentRead=True,
                **start,
            )
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _whole(self, item: items.Item, deadline: Deadline) -> Alert:
        chunks = [
            self._item(items.chunk_key(item["id"]["S"], number), deadline)
            for number in range(int(item.get("chunks", {"N": "0"})["N"]))
        ]
        return items.alert(item, [chunk["body"]["B"] for chunk in chunks if chunk])
