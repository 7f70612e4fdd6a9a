"""One item that cannot be read takes no other down: planned, sent, judged or shown. Where
its absence would delete or permit something, it is an error that names it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from pydantic import ValidationError

from escalation.audit import audit
from escalation.sweep import sweep
from harness.pipeline import Pipeline, step
from harness.settings import configure
from harness.world import World, deadline
from opsknight.directory.entries import ApiKey, Member, Role, User
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.directory.routing import Route, Routing
from opsknight.incident.commands import Note, Resolve
from opsknight.incident.model import ACTIVE, Status, Urgency
from opsknight.runtime.wakeups import SweepShard
from opsknight.store.configurations import Configurations
from opsknight.store.directory_items import directory_item
from opsknight.store.due import DueIndex
from opsknight.store.incident_items import LOST
from opsknight.store.items import HEAD_KEY, due_shard, incident_key, receiver_state_key, user_key
from opsknight.store.key_items import any_key_item, key_listing_item
from opsknight.store.keys import Keys
from opsknight.store.listings import Listings, Wanted
from opsknight.store.resolved import Resolved
from opsknight.store.wire import Item, Wire, plain, wire
from opsknight.views import incident_records
from tests.integration.steps import of_kind
from tests.integration.test_own_paths import alert, bearer, flush, post


@pytest.fixture
def night(world: World) -> Pipeline:
    """Ada has two phones and is paged by both; a step pages her and Ben."""
    found = Pipeline(world)
    for name in ("ada", "ben"):
        phones = tuple(
            Receiver(id=f"{name}/{number}", name="", channel=Channel.SMS, to=f"+4915112345{number}")
            for number in (1, 2)
        )
        rules = tuple(NotificationRule(urgency=Urgency.HIGH, method_id=each.id) for each in phones)
        user = User(
            id=f"user_{name}",
            name=name,
            email="",
            role=Role.ADMIN,
            contact_methods=phones,
            rules=rules,
        )
        found.put(directory_item(user))
    found.escalates(step("ada", "ben"), repeat_after=360_000)
    return found


def stored(night: Pipeline, incident: str, prefix: str) -> list[str]:
    pk = incident_key(incident)["pk"]
    return [item["sk"]["S"] for item in night.world.table.under(pk, prefix, deadline())]


@pytest.mark.parametrize(
    ("prefix", "attribute"),
    [
        ("change#", "actor"),
        ("step#", "reason"),
        ("page#", "reason"),
        ("delivery#", "about"),
        ("alert#", "actor"),
    ],
)
def test_a_list_leaves_out_what_cannot_be_read_and_says_which(
    night: Pipeline, prefix: str, attribute: str
) -> None:
    incident = night.trigger("disk")
    night.hears("ada/1 paged", "ada/2 paged", "ben/1 paged", "ben/2 paged")
    night.send("trigger", "disk")
    night.does(incident, Note("a")).does(incident, Note("b"))
    first, *others = stored(night, incident, prefix)
    night.damage(f"incident#{incident}", first, attribute)
    said: list[str] = []
    table = replace(night.world.table, skipped=lambda error: said.extend(error.__notes__))
    found = table.incident(incident, deadline())
    assert found
    records = incident_records.read(table, found, deadline())
    shown = {
        "change#": records.changes,
        "step#": records.steps,
        "page#": table.pages(incident, deadline()),
        "delivery#": records.deliveries,
        "alert#": records.alerts,
    }[prefix]
    assert len(shown) == len(others)
    assert set(said) == {f"item incident#{incident} {first}"}
    # And the night goes on.
    night.does(incident, Resolve())
    assert not night.incident(incident).timers
    assert night.incident(incident).failures is None


def test_an_alert_without_its_body_pages_all_the_same(night: Pipeline) -> None:
    night.streaming = False
    incident = night.trigger("disk", payload={"custom_details": {"log": "x" * 2000}})
    [alert] = stored(night, incident, "alert#")
    night.damage(f"incident#{incident}", alert, "body")
    night.wait(minutes=2)
    night.hears("ada/1 paged", "ada/2 paged", "ben/1 paged", "ben/2 paged")
    records = incident_records.read(night.world.table, night.incident(incident), deadline())
    assert [each.body for each in records.alerts] == [LOST]


def test_a_contact_method_that_cannot_be_read_leaves_the_others(night: Pipeline) -> None:
    table, key = night.world.table, user_key("user_ada")
    table.client.update_item(
        TableName=table.name,
        Key=key,
        UpdateExpression="SET contact_methods[0].channel = :pigeon",
        ExpressionAttributeValues={":pigeon": {"S": "pigeon"}},
    )
    night.trigger("disk")
    night.hears("ada/2 paged", "ben/1 paged", "ben/2 paged")
    user = table.user("user_ada", deadline())
    assert user
    assert [each.id for each in user.contact_methods] == ["ada/2"]
    assert table.users(["user_ada"], deadline()) == {"user_ada": user}


def test_a_row_that_cannot_be_read_takes_no_turn_from_what_is_held_beside_it(
    night: Pipeline,
) -> None:
    """For Ada's first phone. Her second, and Ben's, know nothing of it."""
    night.trigger("told")
    night.wait(seconds=5)
    for name in ("damaged", "good", "better"):
        night.trigger(name)
    pk = receiver_state_key("user#user_ada#ada/1")["pk"]
    first, *others = night.world.table.under(pk, "held#", deadline())
    assert len(others) == 2
    night.damage(pk["S"], first["sk"]["S"], "incident_id")
    night.listener.new()
    night.wait(minutes=1, seconds=5)
    assert "ada/1 paged x2" in [each.text for each in night.listener.new()]
    # Somebody may mend it.
    left = night.world.table.under(pk, "held#", deadline())
    assert [each["sk"] for each in left] == [first["sk"]]


def flushes(night: Pipeline, *names: str, per: str = "alert") -> int:
    sent, headers = flush(*map(alert, names)), bearer(night.world)
    return post(night.world, sent, query={"per": per}, headers=headers).status


def opened(night: Pipeline) -> set[tuple[str, int]]:
    """The active incidents by what they are about, with how many alerts fire in them."""
    return {
        (each["dedup_key"], each.get("firing") or 1)
        for each in (plain(item) for item in of_kind(night.world, "incident"))
        if each["status"] == "OPEN"
    }


def test_a_pointer_that_cannot_be_read_fails_its_own_alert_of_a_flush(night: Pipeline) -> None:
    assert flushes(night, "old") == 202
    night.damage("svc_checkout#old", "pointer", "status")
    for _ in range(2):
        # Not as if it were not there: nothing is opened beside it.
        assert flushes(night, "old", "new-1", "new-2") == 500
        assert opened(night) == {("old", 1), ("new-1", 1), ("new-2", 1)}
    assert flushes(night, "new-1", "new-2") == 202


GROUP: Final = '{}:{alertname="HighCPU"}'
ROUTES: Final = Routing(routes=(Route(name="r", when="`true`", service_id="svc_reports"),))


@pytest.mark.parametrize("routing", [None, ROUTES], ids=["plain", "routed"])
@pytest.mark.parametrize(("kind", "attribute"), [("member", "state"), ("routed", "incident_id")])
def test_one_of_a_group_that_cannot_be_read_fails_itself_alone(
    night: Pipeline, routing: Routing | None, kind: str, attribute: str
) -> None:
    integration = {"id": "int_prometheus", "service_id": "svc_checkout", "name": "P"}
    settings = Integration.model_validate(integration | {"remembers": True})
    configure(night.world, settings.model_copy(update={"routing": routing}))
    assert flushes(night, "old", per="group") == 202
    [damaged] = of_kind(night.world, kind)
    night.damage(damaged["pk"]["S"], damaged["sk"]["S"], attribute)
    for _ in range(2):
        assert flushes(night, "old", "new-1", "new-2", per="group") == 500
        assert opened(night) == {(GROUP, 3)}
    assert flushes(night, "new-1", "new-2", per="group") == 202


def test_a_pointer_that_cannot_be_read_fails_what_is_routed_there_alone(night: Pipeline) -> None:
    routes = (Route(name="r", when="payload.class == 'old'", service_id="svc_reports"),)
    integration = {"id": "int_prometheus", "service_id": "svc_checkout", "name": "P"}
    settings = Integration.model_validate(integration | {"remembers": True})
    update = {"routing": Routing(routes=routes)}
    configure(night.world, settings.model_copy(update=update))
    assert flushes(night, "old", per="group") == 202
    night.damage(f"svc_reports#{GROUP}", "pointer", "status")
    for _ in range(2):
        assert flushes(night, "old", "new-1", "new-2", per="group") == 500
        assert opened(night) == {(GROUP, 1), (GROUP, 2)}
    assert flushes(night, "new-1", "new-2", per="group") == 202


@pytest.mark.parametrize("at", ["0", "2026-01-01", "2026-01-32T00:00:00.000000Z", "2026-01-01T00"])
def test_a_due_time_that_is_none_keeps_its_shard_from_nobody(night: Pipeline, at: str) -> None:
    """It is the first of its shard, and stays that: nobody can tell when it should be."""
    broken, other = night.trigger("broken"), night.trigger("other")
    while due_shard(other) != due_shard(broken):
        other = night.trigger(f"after {other}")
    night.wait(minutes=1).listener.new()
    write(night, broken, "SET due_at = :at", {":at": {"S": at}})
    # As by a note that says when it is due: only the sweep finds it.
    stamped = {":at": wire(night.world.clock())}
    write(night, other, "SET due_at = :at, timers.step = :at", stamped)
    said: list[str] = []
    table = replace(night.world.table, skipped=lambda error: said.extend(error.__notes__))
    index, now = DueIndex(table), night.world.clock()
    shard = int(due_shard(broken))
    assert shard in index.shards(now, deadline())
    found, _ = index.due(shard, now, None, 25, deadline())
    assert other in [each.incident_id for each in found]
    assert broken not in [each.incident_id for each in found]
    assert said == [f"item incident#{broken} incident, due at {at}"]
    sweep(night.engine, SweepShard(shard, now), deadline())
    assert night.incident(other).timers != {"step": now}


def test_the_auditor_says_what_never_falls_due(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    incident = night.trigger("disk")
    write(night, incident, "SET due_at = :at", {":at": {"S": "tomorrow"}})
    capsys.readouterr()
    audit(night.engine, deadline())
    assert '"Unreadable":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_an_incident_without_a_map_of_timers_gets_one_from_the_auditor(night: Pipeline) -> None:
    """No write that sets a timer could be carried out, its repair neither."""
    night.poisoned = True
    incident = night.trigger("disk")
    night.listener.new()
    write(night, incident, "REMOVE timers, due_at")
    audit(night.engine, deadline())
    assert night.incident(incident).timers
    night.does(incident, Resolve())


@pytest.mark.parametrize(
    ("attribute", "value"), [("urgency", {"S": "?"}), ("created_at", {"S": "2026-01-01"})]
)
def test_lists_of_incidents_leave_out_one_that_cannot_be_read(
    night: Pipeline, attribute: str, value: Wire
) -> None:
    table, clock = night.world.table, night.world.clock
    over = [night.trigger("broken before"), night.trigger("before")]
    for each in over:
        night.does(each, Resolve())
    active = [night.trigger("broken"), night.trigger("other")]
    for broken, _ in (over, active):
        write(night, broken, f"SET {attribute} = :value", {":value": value})
    wanted = Wanted(ACTIVE, since=clock() - timedelta(days=1))
    found, _ = Listings(table).page(wanted, None, 10, clock(), deadline())
    assert [each.id for each in found] == active[1:]
    with ThreadPoolExecutor(2) as workers:
        wanted = Wanted(frozenset({Status.RESOLVED}))
        found, _ = Resolved(table, workers).page(wanted, None, 10, deadline())
    assert [each.id for each in found] == over[1:]


def test_a_number_that_is_none_of_ours_takes_no_other_down(night: Pipeline) -> None:
    broken, other = night.trigger("broken"), night.trigger("other")
    write(night, broken, "SET members = :value", {":value": {"N": "1.5"}})
    assert [*night.world.table.incidents([broken, other], deadline())] == [other]


def write(night: Pipeline, incident: str, expression: str, values: Item | None = None) -> None:
    more: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
    client, name = night.world.table.client, night.world.table.name
    client.update_item(
        TableName=name, Key=incident_key(incident), UpdateExpression=expression, **more
    )


def test_what_applies_and_prunes_reads_all_or_names_what_it_cannot_read(night: Pipeline) -> None:
    table = night.world.table
    ada = table.user("user_ada", deadline())
    assert ada
    night.damage("user#user_ada", "user", "contact_methods")
    with pytest.raises(ValidationError) as raised:
        Configurations(table).read(deadline(), [ada])
    assert raised.value.__notes__ == ["item user#user_ada user"]


def test_keys_are_all_listed_or_it_says_which_cannot_be_read(night: Pipeline) -> None:
    """Whoever ends a person's keys must not believe that there are no others."""
    table = night.world.table
    for number in (1, 2):
        key = ApiKey(
            id=f"key_{number}", name="", user_id="user_ada", created_at=night.world.clock()
        )
        night.put(any_key_item(f"hash{number}", key))
        night.put(key_listing_item(f"hash{number}", key))
    held = {each.hashed for each in Keys(table).held(deadline(), "user_ada")}
    assert {"hash1", "hash2"} < held
    night.damage("key#hash2", "api", "user_id")
    for owner in ("user_ada", None):
        with pytest.raises(ValidationError) as raised:
            Keys(table).held(deadline(), owner)
        assert raised.value.__notes__ == ["item key#hash2 api"]


def test_teams_are_all_listed_or_it_says_which_cannot_be_read(night: Pipeline) -> None:
    """What is missing in the list of teams would be taken for removed, and its members for free."""
    table = night.world.table
    for name in ("team_a", "team_b"):
        night.team(name, Member(user_id="user_ada"))
    listed: Item = {"teams": {"L": [{"S": "team_a"}, {"S": "team_b"}]}}
    night.put(HEAD_KEY | {"kind": {"S": "configuration"}, "revision": {"N": "1"}} | listed)
    assert len(Configurations(table).teams(deadline())) == 2
    night.damage("team#team_b", "team", "members")
    for read in (
        lambda: Configurations(table).teams(deadline()),
        lambda: table.team("team_b", deadline()),
        lambda: Configurations(table).read(deadline(), []),
    ):
        with pytest.raises(ValidationError) as raised:
            read()
        assert raised.value.__notes__ == ["item team#team_b team"]
    team = table.team("team_a", deadline())
    assert team
    assert team.members
