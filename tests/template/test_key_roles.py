"""Whoever makes keys can make no other kind of them, and change nothing else of the directory.

By the attributes that a call names: a partition holds a service with its receivers and
integrations, and those of keys hold both kinds.
"""

from datetime import UTC, datetime

import pytest

from harness.policies import allows
from harness.recording import touched
from opsknight.directory.entries import ApiKey, IntegrationKey, Service
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import Channel, ServiceReceiver
from opsknight.directory.routing import Routing
from opsknight.store.directory_items import Entry, directory_item
from opsknight.store.key_items import any_key_item


@pytest.mark.parametrize("function", ["CanaryFunction", "KeepingFunction"])
def test_whoever_makes_keys_makes_none_that_speaks_for_a_user(function: str) -> None:
    now = datetime.now(UTC)
    routes = IntegrationKey(
        id="key_1", name="Nagios", created_at=now, service_id="svc_1", integration_id="int_1"
    )
    speaks = ApiKey(id="key_2", name="laptop", created_at=now, user_id="user_ada")
    for key, allowed in ((routes, True), (speaks, False)):
        put = {"TableName": "Table", "Item": any_key_item("5a1d", key)}
        [asked] = touched("PutItem", put)
        may = allows(function, "dynamodb:PutItem", "Table", asked.keys, asked.attributes)
        assert may is allowed


@pytest.mark.parametrize(
    "more",
    [
        Integration(id="int_1", service_id="svc_1", name="", secret="hook"),
        Integration(id="int_1", service_id="svc_1", name="", routing=Routing()),
        ServiceReceiver(
            id="hook", name="", channel=Channel.WEBHOOK, to="https://x.example", service_id="svc_1"
        ),
        Service(id="svc_1", name="", team_id="", policy_id="pol_1"),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_whoever_makes_keys_reroutes_no_service(more: Entry) -> None:
    plain = Integration(id="int_1", service_id="svc_1", name="Nagios", made_by="Ada")
    for entry, allowed in ((plain, True), (more, False)):
        [asked] = touched("PutItem", {"TableName": "Table", "Item": directory_item(entry)})
        may = allows("KeepingFunction", "dynamodb:PutItem", "Table", asked.keys, asked.attributes)
        assert may is allowed


def test_a_call_names_the_attributes_of_its_item_its_changes_and_its_condition() -> None:
    update = {
        "TableName": "Table",
        "Key": {"pk": {"S": "key#1"}, "sk": {"S": "integration"}},
        "UpdateExpression": "SET #ends_at = :at, seen = if_not_exists(first, :at) ADD uses :one",
        "ConditionExpression": "attribute_exists(pk) AND NOT size(tags) > :most AND a.b IN (:c)",
        "ExpressionAttributeNames": {"#ends_at": "ends_at"},
        "ExpressionAttributeValues": {},
    }
    [asked] = touched("UpdateItem", update)
    named = {"pk", "sk", "ends_at", "seen", "first", "uses", "tags", "a"}
    assert set(asked.attributes) == named


@pytest.mark.parametrize("function", ["EventsFunction", "RespondFunction"])
@pytest.mark.parametrize(("named", "allowed"), [("used_on", True), ("ends_at", False)])
def test_a_used_key_is_marked_and_none_lives_again(
    function: str, named: str, allowed: bool
) -> None:
    asked = ["key#5a1d"], ["pk", "sk", named]
    assert allows(function, "dynamodb:UpdateItem", "Table", *asked) is allowed


@pytest.mark.parametrize(
    ("named", "allowed"), [("windows", True), ("policy_id", False), ("shadow_until", False)]
)
def test_people_change_the_windows_of_a_service_and_nothing_else(named: str, allowed: bool) -> None:
    asked = ["service#svc_1", "idempotency#1"], ["pk", "sk", named, "answer"]
    assert allows("RespondFunction", "dynamodb:UpdateItem", "Table", *asked) is allowed
