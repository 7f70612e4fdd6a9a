"""The main table: incidents with their pointers, alerts and timelines, and the directory.

A decision has one exit, `Table.apply`: one transaction, whole or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from opsknight.directory.entries import ApiKey, IntegrationKey, Service, Team, User
from opsknight.escalation.policy import Policy, Rota
from opsknight.escalation.steps import Advanced, Page, StepTaken
from opsknight.incident.lifecycle import Merged, Opened, Transitioned, announced
from opsknight.incident.model import Alert, Change, Incident, Pointer
from opsknight.notification.delivery import Bundled, Delivery
from opsknight.oncall.schedules import Override, Schedule
from opsknight.store import items, transactions
from opsknight.store.calls import Conflict, Deadline, Unavailable, retrying

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


# What DynamoDB reads at once.
LARGEST_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Table:
    client: "DynamoDBClient"
    name: str
    retention: timedelta
    """How long alerts, timelines and resolved incidents are kept."""

    def pointer(self, service_id: str, dedup_key: str, deadline: Deadline) -> Pointer | None:
        """The active incident of a dedup key."""
        return self.get(Pointer, items.pointer_key(service_id, dedup_key), deadline)

    def incident(self, incident_id: str, deadline: Deadline) -> Incident | None:
        return self.get(Incident, items.incident_key(incident_id), deadline)

    def integration_key(self, hashed: str, deadline: Deadline) -> IntegrationKey | None:
        return self.get(IntegrationKey, items.integration_secret_key(hashed), deadline)

    def api_key(self, hashed: str, deadline: Deadline) -> ApiKey | None:
        return self.get(ApiKey, items.api_secret_key(hashed), deadline)

    def service(self, service_id: str, deadline: Deadline) -> Service | None:
        return self.get(Service, items.service_key(service_id), deadline)

    def user(self, user_id: str, deadline: Deadline) -> User | None:
        return self.get(User, items.user_key(user_id), deadline)

    def team(self, team_id: str, deadline: Deadline) -> Team | None:
        return self.get(Team, items.team_key(team_id), deadline)

    def receivers(self, service_id: str, deadline: Deadline) -> Iterator[items.Item]:
        """Those of a service as they are stored, by id: one may not be readable."""
        return self.under(items.service_key(service_id)["pk"], "receiver#", deadline)

    def status_pages(self, deadline: Deadline) -> Iterator[items.Item]:
        """All of them, as above."""
        return self.under(items.status_page_key("")["pk"], "status_page#", deadline)

    def record_use(self, hashed: str, key: items.Secret, on: date, deadline: Deadline) -> None:
        """That a request came with the key; Conflict when the key is gone."""
        retrying(
            deadline,
            self.client.update_item,
            TableName=self.name,
            Key=items.secret_key(hashed, key),
            ConditionExpression="attribute_exists(pk)",
            **transactions.update({"used_on": on}),
        )

    def alert(self, incident_id: str, alert_id: str, deadline: Deadline) -> Alert | None:
        item = self._item(items.alert_key(incident_id, alert_id), deadline)
        return None if item is None else self.whole(item, deadline)

    def alerts(self, incident_id: str, deadline: Deadline) -> list[Alert]:
        """All of an incident, oldest first."""
        found = self.under(items.incident_key(incident_id)["pk"], "alert#", deadline)
        return [self.whole(item, deadline) for item in found]

    def changes(self, incident_id: str, deadline: Deadline, after: int = 1) -> list[Change]:
        """The timeline after the opening, or after a later change, oldest first."""
        first, last = (items.change_key(incident_id, n)["sk"] for n in (after + 1, 999_999))
        pk = items.incident_key(incident_id)["pk"]
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        found = self._query(condition, {":pk": pk, ":first": first, ":last": last}, deadline)
        return [Change.model_validate(items.plain(item)) for item in found]

    def latest_changes(self, incident_id: str, most: int, deadline: Deadline) -> list[Change]:
        """The newest of the timeline, newest first."""
        found = self._latest(incident_id, "change#", most, deadline)
        return [Change.model_validate(items.plain(item)) for item in found]

    def latest_steps(self, incident_id: str, most: int, deadline: Deadline) -> list[StepTaken]:
        """The newest steps of its escalation, newest first."""
        found = self._latest(incident_id, "step#", most, deadline)
        return [StepTaken.model_validate(items.plain(item)) for item in found]

    def latest_alerts(self, incident_id: str, most: int, deadline: Deadline) -> list[Alert]:
        """The newest, newest first."""
        found = self._latest(incident_id, "alert#", most, deadline)
        return [self.whole(item, deadline) for item in found]

    def _latest(
        self, incident_id: str, prefix: str, most: int, deadline: Deadline
    ) -> list[items.Item]:
        page = retrying(
            deadline,
            self.client.query,
            TableName=self.name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={
                ":pk": items.incident_key(incident_id)["pk"],
                ":prefix": {"S": prefix},
            },
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=most,
        )
        return page["Items"]

    def incidents(self, ids: Iterable[str], deadline: Deadline) -> dict[str, Incident]:
        """Those of them that exist."""
        keys = [items.incident_key(incident_id) for incident_id in sorted(set(ids))]
        found = (Incident.model_validate(items.plain(item)) for item in self.batch(keys, deadline))
        return {incident.id: incident for incident in found}

    def delivery(self, incident_id: str, delivery_id: str, deadline: Deadline) -> Delivery | None:
        return self.get(Delivery, items.delivery_key(incident_id, delivery_id), deadline)

    def deliveries(self, incident_id: str, deadline: Deadline) -> list[Delivery]:
        """All of an incident, in the order in which they were to leave."""
        found = self.under(items.incident_key(incident_id)["pk"], "delivery#", deadline)
        deliveries = [Delivery.model_validate(items.plain(item)) for item in found]
        return sorted(deliveries, key=lambda each: (each.not_before, each.id))

    def bundle(self, delivery_id: str, deadline: Deadline) -> list[Bundled]:
        """What the message of this delivery told besides its own incident, oldest first."""
        found = self.under(items.bundled_key(delivery_id, "")["pk"], "incident#", deadline)
        return [Bundled.model_validate(items.plain(item)) for item in found]

    def plan_delivery(self, delivery: Delivery, deadline: Deadline) -> bool:
        """False when it is planned already: whoever planned it, it has the same id."""
        item = items.delivery_item(delivery, self.retention)
        put = transactions.put_new(self.name, item)["Put"]
        try:
            retrying(deadline, self.client.put_item, **put)
        except Conflict:
            return False
        return True

    def taken(self, incident_id: str, deadline: Deadline) -> list[StepTaken]:
        """The steps of its escalation, oldest first."""
        found = self.under(items.incident_key(incident_id)["pk"], "step#", deadline)
        return [StepTaken.model_validate(items.plain(item)) for item in found]

    def step(self, incident_id: str, page_no: int, deadline: Deadline) -> StepTaken | None:
        """One of them."""
        return self.get(StepTaken, items.taken_key(incident_id, page_no), deadline)

    def pages(self, incident_id: str, deadline: Deadline) -> list[Page]:
        """Everybody who was paged, oldest first."""
        found = self.under(items.incident_key(incident_id)["pk"], "page#", deadline)
        return [Page.model_validate(items.plain(item)) for item in found]

    def policy(
        self, policy_id: str, deadline: Deadline, version: int | None = None
    ) -> Policy | None:
        """The version that begins new escalations, or the one given."""
        return self.get(Policy, items.policy_key(policy_id, version), deadline)

    def publish(self, policy: Policy, token: str, deadline: Deadline) -> None:
        """Puts a new version of a policy; Conflict when it exists."""
        current, version = items.policy_items(policy)
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

    def rota(self, schedule_id: str, deadline: Deadline) -> Rota | None:
        """A schedule with its overrides."""
        key = items.schedule_key(schedule_id)
        found = [items.plain(item) for item in self.under(key["pk"], None, deadline)]
        schedules = [each for each in found if each["kind"] == "schedule"]
        if not schedules:
            return None
        overrides = (each for each in found if each["kind"] == "override")
        return Rota(
            Schedule.model_validate(schedules[0]),
            tuple(Override.model_validate(each) for each in overrides),
        )

    def users(self, user_ids: Iterable[str], deadline: Deadline) -> dict[str, User]:
        """Those of them that exist."""
        keys = [items.user_key(user_id) for user_id in sorted(set(user_ids))]
        found = (User.model_validate(items.plain(item)) for item in self.batch(keys, deadline))
        return {user.id: user for user in found}

    def batch(self, keys: Iterable[items.Item], deadline: Deadline) -> Iterator[items.Item]:
        """The items of different keys that exist, in any order."""
        for chunk in batched(keys, LARGEST_BATCH, strict=False):
            asked: list[items.Item] = list(chunk)
            attempt = 0
            while asked:
                answer = retrying(
                    deadline,
                    self.client.batch_get_item,
                    RequestItems={self.name: {"Keys": asked, "ConsistentRead": True}},
                )
                yield from answer["Responses"].get(self.name, [])
                left = answer.get("UnprocessedKeys", {}).get(self.name)
                asked = [dict(key) for key in left["Keys"]] if left else []
                if asked:
                    # Throttled in part, or over 16 MB.
                    deadline.pause(attempt, Unavailable("keys were left unprocessed"))
                    attempt += 1

    def apply(
        self, decision: Opened | Merged | Transitioned | Advanced, token: str, deadline: Deadline
    ) -> None:
        """Writes the decision.

        `token` names this decision of this request, in at most 36 characters: repeated after an
        unknown outcome it is written once. Raises Conflict when the incident is not as seen,
        Unavailable after the deadline.
        """
        writes, chunks = transactions.writes(decision, self.name, self.retention)
        for chunk in chunks:
            retrying(deadline, self.client.put_item, TableName=self.name, Item=chunk)
        retrying(
            deadline,
            self.client.transact_write_items,
            TransactItems=writes,
            ClientRequestToken=token,
        )

    def announce(self, incident: Incident, deadline: Deadline) -> None:
        """Records that the notices of all changes of `incident` are planned.

        Raises Conflict when it is not as seen: a newer change is still to be announced, and a timer
        that was set meanwhile must not be forgotten.
        """
        update = transactions.update(announced(incident))
        condition = transactions.as_seen(incident, update)
        retrying(
            deadline,
            self.client.update_item,
            TableName=self.name,
            Key=items.incident_key(incident.id),
            ConditionExpression=condition,
            **update,
        )

    def create(
        self,
        entries: Iterable[items.Entry],
        keys: Mapping[str, items.Secret],
        token: str,
        deadline: Deadline,
    ) -> None:
        """Puts new entries and keys (by the hash of their secret), all or none; Conflict when one
        exists.
        """
        new = [items.directory_item(entry) for entry in entries]
        for hashed, key in keys.items():
            new += [items.secret_item(hashed, key), items.held_item(hashed, key)]
        retrying(
            deadline,
            self.client.transact_write_items,
            TransactItems=[transactions.put_new(self.name, item) for item in new],
            ClientRequestToken=token,
        )

    def get[M: BaseModel](self, model: type[M], key: items.Item, deadline: Deadline) -> M | None:
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
        answer = retrying(
            deadline, self.client.get_item, TableName=self.name, Key=key, ConsistentRead=True
        )
        return answer.get("Item")

    def under(self, pk: Any, prefix: str | None, deadline: Deadline) -> Iterator[items.Item]:
        """The items of a partition, in the order of their sort keys."""
        if prefix is None:
            return self._query("pk = :pk", {":pk": pk}, deadline)
        condition = "pk = :pk AND begins_with(sk, :prefix)"
        return self._query(condition, {":pk": pk, ":prefix": {"S": prefix}}, deadline)

    def _query(
        self, condition: str, values: items.Item, deadline: Deadline
    ) -> Iterator[items.Item]:
        start: dict[str, Any] = {}
        while True:
            page = retrying(
                deadline,
                self.client.query,
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                **start,
            )
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def whole(self, item: items.Item, deadline: Deadline) -> Alert:
        chunks = [
            self._item(items.chunk_key(item["id"]["S"], number), deadline)
            for number in range(int(item.get("chunks", {"N": "0"})["N"]))
        ]
        return items.alert(item, [chunk["body"]["B"] for chunk in chunks if chunk])
