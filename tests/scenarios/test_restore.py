"""What comes back from a copy of the table, beside a deployment that runs: it pages nobody."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.dynamodb import make_table
from harness.pipeline import Pipeline, step
from harness.publisher import Publisher
from harness.shell import Shell
from harness.streams import record, woken_by
from harness.world import World, deadline, event
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.escalation.pages import PageState
from opsknight.incident.commands import Acknowledge, Resolve, Snooze, Unsuppress
from opsknight.incident.model import Status, Urgency
from opsknight.notification.delivery import State
from opsknight.store.directory_items import directory_item
from opsknight.store.items import HEAD_KEY
from opsknight.store.listings import Listings, Wanted
from opsknight.store.wire import Item

FILE = """\
users: {ada: {email: a@x.org, role: ADMIN}, ben: {email: b@x.org, role: USER}}
teams: {web: {members: {ada: , ben: }}}
policies: {one: {steps: [{targets: [{user: ada}]}]}}
schedules:
  s: {zone: UTC, layers: {o: {users: [ada], turn: 1w, handoff: "09:00", start: 2026-01-05}}}
services:
  checkout: {team: web, policy: one, integrations: {prometheus: Prometheus}}
  reports: {team: web}
presets:
  legacy: {action: {value: state, trigger: [down]}, dedup_key: check, summary: check}
aws:
  rules: [{name: "checkout-*", service: checkout}]
"""
LATER = """\
users: {ada: {email: other@x.org, role: ADMIN}, cem: {email: c@x.org, role: USER}}
teams: {web: {members: {ada: }}}
policies: {one: {steps: [{targets: [{user: cem}]}]}}
services: {reports: {team: web}}
"""


def copied(world: World) -> str:
    """The table as it is now."""
    client = world.table.client
    name = make_table(client, "Table")
    for item in world.items():
        client.put_item(TableName=name, Item=item)
    return name


def forget(world: World, *prefixes: str) -> None:
    """Somebody deletes all items whose partitions begin so."""
    for item in world.items():
        if item["pk"]["S"].startswith(prefixes):
            key: Item = {"pk": item["pk"], "sk": item["sk"]}
            world.table.client.delete_item(TableName=world.table.name, Key=key)


def restore(world: World, copy: str, *words: str) -> Mapping[str, Any]:
    said = Shell(world).opsknight("restore", "--from-table", copy, "--json", *words)
    assert said.code == 0, said.all
    found: Mapping[str, Any] = json.loads(said.out)
    return found


@pytest.fixture
def night(world: World) -> Pipeline:
    made = Pipeline(world)
    sms = Receiver(id="ada/sms", name="", channel=Channel.SMS, to="+4915112345678")
    rules = tuple(NotificationRule(urgency=each, method_id=sms.id) for each in Urgency)
    known = User(
        id="user_ada", name="Ada", email="", role=Role.USER, contact_methods=(sms,), rules=rules
    )
    made.put(directory_item(known))
    made.escalates(step("ada"), step("ben", after=5), repeat_after=36_000)
    return made


# Incidents.


def test_200_open_incidents_come_back_beside_running_functions_and_nobody_hears_anything(
    night: Pipeline,
) -> None:
    world = night.world
    night.streaming = False
    world.clock.advance(seconds=1)
    opened = [world.send(event(dedup_key=f"key-{number}")).incident["id"] for number in range(100)]
    world.clock.advance(minutes=1)
    for number in range(100):
        opened.append(world.send(event(dedup_key=f"more-{number}")).incident["id"])
    night.new_items()
    copy = copied(world)
    forget(world, "incident#", world.service.id, "alert#")
    # Meanwhile some of them have opened anew, and page.
    night.streaming = True
    newer = [night.trigger(f"key-{number}") for number in range(10)]
    night.wait(minutes=3)
    night.listener.new()
    night.new_pages()
    found = restore(world, copy, "--incidents")
    night.wait(minutes=1)
    told = {brief.id for heard in night.listener.new() for brief in heard.message.incidents}
    assert told <= set(newer)
    assert {page.incident_id for page in night.new_pages()} <= set(newer)
    assert sorted(found["suppressed"]) == sorted(opened[10:])
    assert found["incidents"] == {"superseded": 10}
    for incident_id in opened:
        incident = night.incident(incident_id)
        is_older = incident_id in opened[:10]
        assert incident.status is (Status.RESOLVED if is_older else Status.SUPPRESSED)
        assert (incident.due_at, incident.timers) == (None, {})
    pointers = [item["id"]["S"] for item in world.items() if item["kind"]["S"] == "pointer"]
    assert sorted(pointers) == sorted([*newer, *opened[10:]])


def test_what_came_back_can_be_let_out_and_pages_then(night: Pipeline) -> None:
    opened = night.trigger()
    night.hears("ada/sms paged")
    night.pages("ada")
    copy = copied(night.world)
    forget(night.world, "incident#", night.world.service.id)
    assert restore(night.world, copy, "--incidents")["suppressed"] == [opened]
    night.wait(hours=2).hears()
    night.pages()
    listed, _ = Listings(night.world.table).page(
        Wanted(statuses=frozenset({Status.SUPPRESSED})), None, 10, night.world.clock(), deadline()
    )
    assert [each.id for each in listed] == [opened]
    # A monitor's repetition is one more alert of it.
    assert night.trigger() == opened
    night.hears()
    night.does(opened, Unsuppress())
    night.wait(minutes=1)
    night.hears("ada/sms paged")


def test_one_whose_key_has_a_newer_incident_comes_back_resolved(night: Pipeline) -> None:
    opened = night.trigger()
    copy = copied(night.world)
    forget(night.world, "incident#", night.world.service.id)
    newer = night.trigger()
    found = json.loads(
        Shell(night.world, patience=2)
        .opsknight("restore", "--from-table", copy, "--json", "--incidents")
        .out
    )
    assert found["incidents"] == {"superseded": 1}
    assert night.incident(opened).status is Status.RESOLVED
    assert night.incident(newer).status is Status.OPEN


def test_timeline_alerts_and_what_people_did_come_back(night: Pipeline) -> None:
    large = {"custom_details": {"dump": "".join(chr(33 + n * n % 90) for n in range(30_000))}}
    opened = night.trigger(payload=large)
    night.does(opened, Acknowledge(by="user_ada"))
    night.does(opened, Resolve())
    table, patience = night.world.table, deadline()
    before = table.changes(opened, patience), table.alerts(opened, patience), night.incident(opened)
    copy = copied(night.world)
    forget(night.world, "incident#", "alert#")
    night.listener.new()
    assert restore(night.world, copy, "--incidents")["incidents"] == {"resolved": 1}
    night.wait(minutes=2).hears()
    after = table.changes(opened, patience), table.alerts(opened, patience), night.incident(opened)
    assert after == before


def test_the_reason_is_on_the_timeline(night: Pipeline) -> None:
    opened = night.trigger()
    copy = copied(night.world)
    forget(night.world, "incident#", night.world.service.id)
    restore(night.world, copy, "--incidents")
    [change] = night.world.table.changes(opened, deadline())
    assert (change.status, change.detail) == (Status.SUPPRESSED, {"reason": "restored"})


def test_pages_and_deliveries_that_were_not_over_are_cancelled(night: Pipeline) -> None:
    night.trigger("told")
    night.trigger("waits for the pace")
    night.hears("ada/sms paged")
    copy = copied(night.world)
    assert State.PENDING in {each.state for each in night.deliveries()}
    forget(night.world, "incident#", "receiver#", night.world.service.id)
    restore(night.world, copy, "--incidents")
    states = {each.state for each in night.deliveries()}
    assert states == {State.SENT, State.CANCELLED}
    for item in night.world.items():
        assert "due_at" not in item, item["sk"]
    assert {
        page.state
        for page in night.world.table.pages(night.deliveries()[0].incident_id, deadline())
    } <= {
        PageState.REACHED,
        PageState.CANCELLED,
    }


def test_nothing_newer_is_written_over(night: Pipeline) -> None:
    opened = night.trigger()
    copy = copied(night.world)
    night.does(opened, Acknowledge())
    later = night.trigger("later")
    night.wait(minutes=3)
    before = {(item["pk"]["S"], item["sk"]["S"]): item for item in night.world.items()}
    found = restore(night.world, copy, "--incidents")
    assert found["incidents"] == {"known": 1}
    after = {(item["pk"]["S"], item["sk"]["S"]): item for item in night.world.items()}
    incidents = {key for key in before if key[0].startswith("incident#")}
    assert {key: after[key] for key in incidents} == {key: before[key] for key in incidents}
    assert night.incident(later).status is Status.OPEN


def test_restoring_twice_changes_nothing_more(night: Pipeline) -> None:
    opened = night.trigger()
    night.does(opened, Snooze(night.world.clock() + timedelta(minutes=5)))
    copy = copied(night.world)
    forget(night.world, "incident#", night.world.service.id)
    restore(night.world, copy, "--incidents")
    before = night.incident(opened)
    assert restore(night.world, copy, "--incidents")["incidents"] == {"known": 1}
    assert night.incident(opened) == before
    # And what came back can come back once more.
    again = copied(night.world)
    forget(night.world, "incident#", night.world.service.id)
    assert restore(night.world, again, "--incidents")["suppressed"] == [opened]


def test_the_filters_leave_out_what_comes_back(night: Pipeline) -> None:
    opened = night.trigger()
    night.does(opened, Acknowledge())
    copy = copied(night.world)
    forget(night.world, "incident#", night.world.service.id)
    restore(night.world, copy, "--incidents")
    back = [item for item in night.world.items() if "restored" in item]
    assert len(back) > 5
    assert {name for item in back for name in woken_by(record(item))} == set()


def test_a_post_on_a_status_page_is_no_incident_and_wakes_nobody(night: Pipeline) -> None:
    """It is stored with the kind of one."""
    opened = night.trigger()
    publisher = Publisher(night.world)
    publisher.publish()
    publisher.say(incident_id=opened)
    [post] = [each for each in night.world.items() if each["pk"]["S"].startswith("statuspage#")]
    assert post["kind"] == {"S": "incident"}
    assert woken_by(record(post)) == set()
    copy = copied(night.world)
    forget(night.world, "incident#", night.world.service.id)
    found = restore(night.world, copy, "--incidents")
    assert (found["suppressed"], found["incidents"]) == ([opened], {})


# The directory.


def test_the_directory_comes_back_and_what_was_added_since_stays(world: World) -> None:
    shell = Shell(world)
    apply = "apply", "-", "--yes", "--prune", "--json"
    assert shell.opsknight(*apply, stdin=FILE).code == 0
    of_service = "--service", "checkout", "--integration", "prometheus", "--json"
    secret = json.loads(shell.opsknight("keys", "create", *of_service).out)["secret"]
    revoked = json.loads(shell.opsknight("keys", "create", *of_service).out)
    before = shell.opsknight("export").out
    copy = copied(world)
    said = shell.opsknight("keys", "revoke", revoked["id"])
    assert said.code == 0, said.all
    pruned = shell.opsknight("apply", "-", "--yes", "--prune", "--force", "--json", stdin=LATER)
    assert pruned.code == 0, pruned.all
    assert world.send(event(), key=secret, api=world.api()).status == 403
    restored = restore(world, copy)
    assert restored["entries"]["service"] >= 1
    after = shell.opsknight("export").out
    assert "cem" in after
    assert "checkout" in after
    plan = shell.opsknight("plan", "-", stdin=before)
    assert plan.code == 0, plan.all
    # The key that ended with its integration lives again.
    world.clock.advance(minutes=1)
    assert world.send(event(), key=secret, api=world.api()).status == 202
    assert world.send(event(), key=revoked["secret"], api=world.api()).status == 403
    # Whoever applies a file next can.
    assert shell.opsknight("apply", "-", "--yes", "--force", stdin=LATER).code == 0
    assert restore(world, copy)["entries"]
    assert restore(world, copy)["entries"] == {}


def test_the_directory_comes_back_after_many_revisions(world: World) -> None:
    shell = Shell(world)
    assert shell.opsknight("apply", "-", "--yes", "--prune", stdin=FILE).code == 0
    copy = copied(world)
    forget(world, "service#")
    world.table.client.update_item(
        TableName=world.table.name,
        Key=HEAD_KEY,
        UpdateExpression="SET revision = :many",
        ExpressionAttributeValues={":many": {"N": "123456"}},
    )
    assert restore(world, copy)["entries"]["service"] >= 1
    assert "checkout" in shell.opsknight("export").out


# The copy.


class PointInTime:
    """The table's client, and a DynamoDB that makes copies: each becomes active at the third look.
    MiniStack makes none.
    """

    def __init__(self, client: Any, copy: str) -> None:
        self.client, self.copy, self.looks = client, copy, 0
        self.asked: list[Mapping[str, Any]] = []

    def restore_table_to_point_in_time(self, **asked: Any) -> None:
        if self.asked:
            answer: Any = {"Error": {"Code": "TableAlreadyExistsException", "Message": "it is"}}
            raise ClientError(answer, "RestoreTableToPointInTime")
        self.asked.append(asked)

    def describe_table(self, TableName: str) -> Mapping[str, Any]:
        assert TableName == self.asked[0]["TargetTableName"]
        self.looks += 1
        return {"Table": {"TableStatus": "ACTIVE" if self.looks > 2 else "CREATING"}}

    def __getattr__(self, name: str) -> Any:
        def call(**asked: Any) -> Any:
            if self.asked and asked.get("TableName") == self.asked[0]["TargetTableName"]:
                asked["TableName"] = self.copy
            return getattr(self.client, name)(**asked)

        return call


def test_dynamodb_makes_the_copy_of_that_time(world: World) -> None:
    shell = Shell(world)
    assert shell.opsknight("apply", "-", "--yes", "--prune", "--json", stdin=FILE).code == 0
    made: Any = PointInTime(world.table.client, copied(world))
    pruned = shell.opsknight("apply", "-", "--yes", "--prune", "--force", "--json", stdin=LATER)
    assert pruned.code == 0, pruned.all
    shell.world = replace(world, table=replace(world.table, client=made))
    now = world.clock()
    said = shell.opsknight("restore", "--at", "2h", "--yes")
    assert said.code == 0, said.all
    [asked] = made.asked
    assert asked["SourceTableName"] == world.table.name
    assert asked["RestoreDateTime"] == now - timedelta(hours=2)
    assert asked["GlobalSecondaryIndexOverride"] == []
    assert "services, with their windows: 1 missing" in said.out
    assert f"aws dynamodb delete-table --table-name {asked['TargetTableName']}" in said.wide
    assert "checkout" in shell.opsknight("export").out
    # Asked again, it takes the copy that is there.
    again = shell.opsknight("restore", "--at", (now - timedelta(hours=2)).isoformat(), "--yes")
    assert "is there already" in again.wide
    assert "The directory is as it was then." in again.wide


@pytest.mark.parametrize("words", [(), ("--at", "2h", "--from-table", "x"), ("--at", "+1h")])
def test_what_it_goes_back_to_has_to_be_clear(world: World, words: tuple[str, ...]) -> None:
    assert Shell(world).opsknight("restore", *words).code == 64
