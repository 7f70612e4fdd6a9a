"""Routes of an integration: where its events go, and that a resolve finds its incident whatever the
routes say by then.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.call import Call, Sender
from events.routed import Way
from harness.invariants import check
from harness.settings import configure
from harness.world import Response, World, build, deadline, event, http_event
from opsknight.directory.entries import Service, key_hash
from opsknight.directory.integrations import Integration
from opsknight.directory.mirror import Mirror, System
from opsknight.directory.routing import PageAfter, Route, Routing
from opsknight.http.gateway import Request
from opsknight.incident.decisions import Merged
from opsknight.incident.model import Action, Event, Severity
from opsknight.runtime.clock import new_id
from opsknight.store import items
from opsknight.store.directory_items import directory_item
from opsknight.store.execute import Settling
from opsknight.store.places import Place
from opsknight.store.wire import wire
from tests.integration.steps import of_kind
from tests.integration.test_own_paths import alert, bearer, flush, post
from tests.integration.wire import ALWAYS, THROTTLES, Wire, doing

DATABASE = Route(
    name="database",
    when="payload.source == 'db-1'",
    service_id="svc_reports",
    severity=Severity.CRITICAL,
)
NOISE = Route(name="noise", when="payload.severity == 'info'", drop=True)


def routed(world: World, *routes: Route, default: str | None = None, **more: Any) -> None:
    """Gives the first integration these routes, as if it had had some before."""
    routing = Routing(routes=routes, default_service_id=default) if routes or default else None
    more = {"remembers": True} | more
    configure(
        world,
        Integration(
            id="int_prometheus",
            service_id=world.service.id,
            name="Prometheus",
            routing=routing,
            **more,
        ),
    )


def send(world: World, action: str = "trigger", source: str = "web-1", **more: Any) -> Response:
    answer = world.send(event(action, payload={"source": source}, **more))
    assert answer.status == 202, answer
    return answer


def active(world: World) -> set[tuple[str, str]]:
    return {(item["service_id"]["S"], item["dedup_key"]["S"]) for item in of_kind(world, "pointer")}


def test_a_route_reads_numbers_that_python_cannot(world: World) -> None:
    routed(world, replace_route(DATABASE, "high", when="ceil(payload.custom_details.high) > `1`"))
    sent = event(payload={"custom_details": {"long": "LONG", "high": "HIGH"}})
    body = json.dumps(sent).replace('"LONG"', "1" * 5000).replace('"HIGH"', "1e999")
    answer = world.request(
        http_event(body, headers={"authorization": f"Token token={world.integration_key}"})
    )
    assert answer.status == 202, answer
    assert active(world) == {("svc_checkout", "cpu-high")}


def test_the_first_route_that_matches_takes_the_event(world: World) -> None:
    other = replace_route(DATABASE, "other", when="`true`", service_id="svc_checkout")
    routed(world, DATABASE, other)
    answer = send(world, source="db-1", severity="warning")
    assert (answer.incident["serviceId"], answer.incident["urgency"]) == ("svc_reports", "HIGH")
    assert active(world) == {("svc_reports", "cpu-high")}
    [alert] = of_kind(world, "alert")
    assert '"routed":{"route": "database", "dedup_key": "cpu-high"}' in alert["body"]["S"]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "1"}], ids=["plain", "once"])
def test_the_mirror_of_the_service_that_it_goes_to_hears_of_it(
    world: World, headers: dict[str, Any]
) -> None:
    reports = Service(
        id="svc_reports", name="Reports", team_id="team_data", mirror=Mirror(to=System.PAGERDUTY)
    )
    world.table.put_all([directory_item(reports)], deadline())
    routed(world, DATABASE)
    sent = world.send(event(payload={"source": "db-1"}), **headers)
    assert sent.incident["serviceId"] == "svc_reports"
    [waits] = of_kind(world, "mirror_event")
    assert (waits["service_id"]["S"], waits["key"]["S"]) == ("svc_reports", "cpu-high")


def test_a_resolve_of_nothing_active_goes_where_its_last_incident_was(world: World) -> None:
    """The other system may know of more than we do."""
    reports = Service(
        id="svc_reports", name="Reports", team_id="team_data", mirror=Mirror(to=System.PAGERDUTY)
    )
    world.table.put_all([directory_item(reports)], deadline())
    routed(world, DATABASE)
    world.send(event(payload={"source": "db-1"}))
    for _ in range(2):
        world.send(event("resolve"))
    found = [
        (each["service_id"]["S"], each["action"]["S"]) for each in of_kind(world, "mirror_event")
    ]
    assert found == [("svc_reports", each) for each in ("trigger", "resolve", "resolve")]


def replace_route(route: Route, name: str, **changes: Any) -> Route:
    return route.model_copy(update={"name": name, **changes})


def test_what_no_route_matches_goes_to_the_default(world: World) -> None:
    routed(world, DATABASE, default="svc_reports")
    assert send(world).incident["serviceId"] == "svc_reports"
    routed(world, DATABASE)
    assert send(world, dedup_key="other").incident["serviceId"] == "svc_checkout"


def test_a_label_names_the_service_and_a_misspelt_one_loses_nothing(world: World) -> None:
    label = Route(name="by label", when="`true`", service_label="payload.custom_details.service")
    routed(world, label)
    for number, (name, service) in enumerate(
        {"reports": "svc_reports", "rports": "svc_checkout", "": "svc_checkout"}.items()
    ):
        details = {"custom_details": {"service": name}}
        answer = world.send(event(dedup_key=str(number), payload=details))
        assert answer.incident["serviceId"] == service


@pytest.mark.parametrize(
    "when",
    [
        "length(payload.custom_details.n) > `1`",
        # After a rollback: only a newer version knows the function.
        "of_tomorrow(payload)",
    ],
)
def test_a_condition_that_fails_on_an_event_does_not_match_it(world: World, when: str) -> None:
    routed(world, replace_route(DATABASE, "broken", when=when))
    body = event(payload={"custom_details": {"n": 7}})
    assert world.send(body).incident["serviceId"] == "svc_checkout"


def newer(world: World, **settings: Any) -> None:
    """Writes what a newer version than this one has written."""
    key = items.integration_item_key("svc_checkout", "int_prometheus")
    [item] = world.table.batch([key], deadline())
    put = item | {name: wire(value) for name, value in settings.items()}
    world.table.client.put_item(TableName=world.table.name, Item=put)
    world.let_functions_end()


def test_settings_that_only_a_newer_version_reads_lose_no_event(world: World) -> None:
    routed(world, DATABASE)
    known = json.loads(DATABASE.model_dump_json(exclude_none=True))
    odd = {"name": "odd", "when": "`true`", "severity": "worst"}
    newer(world, routing={"routes": [odd, known]}, page_after={"time": "P5M?"})
    # The route that can be read is asked, and the other takes nothing.
    assert send(world, source="db-1").incident["serviceId"] == "svc_reports"
    opened = send(world, dedup_key="other").incident
    assert (opened["serviceId"], opened["status"]) == ("svc_checkout", "OPEN")
    newer(world, routing="elsewhere")
    assert send(world, "resolve", dedup_key="cpu-high").incident["serviceId"] == "svc_reports"
    assert send(world, source="db-1", dedup_key="new").incident["serviceId"] == "svc_checkout"


def test_a_secret_is_never_left_out(world: World) -> None:
    routed(world, DATABASE)
    newer(world, secret={"of": "tomorrow"})
    answer = world.send(event())
    assert answer.status == 500
    assert not active(world)


def test_a_route_drops_and_says_so(world: World) -> None:
    routed(world, NOISE)
    answer = send(world, severity="info")
    assert answer.body["result"] == {
        "action": "ignored",
        "reason": "Dropped by the route noise.",
    }
    assert not active(world)
    assert send(world, severity="error").action == "triggered"


def test_an_incident_opens_suppressed(world: World) -> None:
    routed(world, replace_route(DATABASE, "quiet", when="`true`", suppress=True))
    assert send(world).incident["status"] == "SUPPRESSED"
    [incident] = of_kind(world, "incident")
    assert "due_at" not in incident
    assert send(world, "resolve").action == "resolved"


def test_events_of_a_group_share_an_incident(world: World) -> None:
    group = Route(name="db", when="`true`", group="key('db', payload.source)")
    routed(world, group)
    first = send(world, source="db-1", dedup_key="disk")
    assert send(world, source="db-1", dedup_key="load").incident["id"] == first.incident["id"]
    assert active(world) == {("svc_checkout", "db:db-1")}
    assert send(world, source="db-2", dedup_key="disk2").action == "triggered"
    # A resolve takes one out, whatever the routes say by then; the last one resolves the incident.
    routed(world)
    send(world, "resolve", source="-", dedup_key="disk")
    assert ("svc_checkout", "db:db-1") in active(world)
    send(world, "resolve", source="-", dedup_key="load")
    assert active(world) == {("svc_checkout", "db:db-2")}


@pytest.mark.parametrize("action", ["resolve", "acknowledge"])
def test_a_resolve_follows_its_incident_after_the_routes_have_changed(
    world: World, action: str
) -> None:
    routed(world, DATABASE)
    opened = send(world, source="db-1")
    routed(world)
    assert send(world, action).incident["id"] == opened.incident["id"]


def test_so_does_a_trigger_while_the_incident_is_active(world: World) -> None:
    routed(world, DATABASE)
    opened = send(world, source="db-1")
    routed(world, replace_route(DATABASE, "elsewhere", service_id="svc_checkout"))
    again = send(world, source="db-1")
    assert (again.action, again.incident["id"]) == ("deduplicated", opened.incident["id"])
    assert again.incident["serviceId"] == "svc_reports"
    send(world, "resolve")
    assert send(world, source="db-1").incident["serviceId"] == "svc_checkout"


def test_a_resolve_finds_the_incident_of_a_time_without_routes(world: World) -> None:
    opened = send(world)
    routed(world, replace_route(DATABASE, "all", when="`true`"))
    assert send(world).incident["id"] == opened.incident["id"]
    assert send(world, "resolve").incident["id"] == opened.incident["id"]
    assert not active(world)


@pytest.mark.parametrize("group", [None, "'db'"])
def test_a_function_that_does_not_know_of_the_routes_yet_leaves_nothing_open(
    world: World, group: str | None
) -> None:
    old = world.api()
    world.apis.clear()
    assert world.send(event(dedup_key="other"), api=old).action == "triggered"
    routed(world, replace_route(DATABASE, "all", when="`true`", group=group))
    send(world)
    # It has read its service before, and remembers that for half a minute.
    world.send(event(), api=old)
    assert len(active(world)) == 3
    send(world, "resolve")
    assert active(world) == {("svc_checkout", "other")}


@pytest.mark.parametrize("group", [None, "'db'"])
def test_a_resolve_that_is_known_again_was_carried_out_in_all_places(
    world: World, group: str | None
) -> None:
    """With the answer to an Idempotency-Key it would not be carried out again."""
    where = None if group else "svc_reports"
    routed(world, replace_route(DATABASE, "db", group=group, service_id=where))
    send(world, source="db-1")
    if group is None:
        # By a function that knew of no routes.
        routed(world, remembers=False)
        send(world)
    else:
        # As if who joined another group had not been remembered.
        [known] = of_kind(world, "routed")
        key = {"pk": known["pk"], "sk": known["sk"]}
        world.table.client.delete_item(TableName=world.table.name, Key=key)
        routed(world, replace_route(DATABASE, "other", group="'other'", service_id=None))
        send(world, source="db-1")
    routed(world)
    assert len(active(world)) == 2
    wire = wire_of(world)

    def written() -> None:
        wire.fail("TransactWriteItems", THROTTLES, ALWAYS)

    wire.fail("TransactWriteItems", doing(written))
    once: dict[str, Any] = {"Idempotency-Key": "1"}
    sent = event("resolve", payload={"source": "-"})
    assert world.send(sent, api=world.api(patience=0.3), **once).status == 503
    wire.mend()
    assert world.send(sent, **once).action == "resolved"
    assert not active(world)


def two_integrations(world: World, route: Route) -> None:
    """Both send by this route."""
    routing = Routing(routes=(route,))
    for number in ("prometheus", "grafana"):
        configure(
            world,
            Integration(
                id=f"int_{number}",
                service_id=world.service.id,
                name=number.title(),
                routing=routing,
                remembers=True,
            ),
        )
    both = world.service.model_copy(update={"looked_up": ("int_prometheus", "int_grafana")})
    world.table.put_all([directory_item(both)], deadline())


def test_another_senders_incident_under_the_same_key_is_left_alone(world: World) -> None:
    two_integrations(world, Route(name="all", when="`true`", service_id="svc_reports"))
    send(world, dedup_key="1")
    send(world, "resolve", dedup_key="1")
    assert world.send(event(dedup_key="1"), key=world.second_integration_key).status == 202
    # Late, and repeated: its own incident is over.
    assert send(world, "resolve", dedup_key="1").action == "ignored"
    assert active(world) == {("svc_reports", "1")}


def test_one_key_of_two_integrations_is_two_alerts_of_a_group(world: World) -> None:
    """Monitors count from one: number 1 of one is up again, and that of another still down."""
    two_integrations(world, Route(name="db", when="`true`", group="'db'"))
    for key in (world.integration_key, world.second_integration_key):
        assert world.send(event(dedup_key="1"), key=key).status == 202
    send(world, "resolve", dedup_key="1")
    assert active(world) == {("svc_checkout", "db")}
    world.send(event("resolve", dedup_key="1"), key=world.second_integration_key)
    assert active(world) == set()


def test_an_integration_without_routes_neither_reads_nor_writes_it(world: World) -> None:
    seen: list[str] = []
    meta = world.table.client.meta
    meta.events.register("before-call.dynamodb", lambda model, **_: seen.append(model.name))
    send(world)
    send(world, "resolve")
    assert "BatchGetItem" not in seen
    assert not of_kind(world, "routed")


def test_a_routed_event_takes_two_round_trips(world: World) -> None:
    routed(world, DATABASE)
    send(world, source="db-1", dedup_key="first")  # The function is warm.
    for action, calls in (("trigger", 2), ("resolve", 2)):
        seen: list[str] = []
        meta = world.table.client.meta
        listening = f"of {action}"
        meta.events.register(
            "before-call.dynamodb",
            lambda model, seen=seen, **_: seen.append(model.name),
            unique_id=listening,
        )
        send(world, action, source="db-1")
        meta.events.unregister("before-call.dynamodb", unique_id=listening)
        counted = [each for each in seen if each != "UpdateItem"]
        assert counted[:calls] == counted, counted


def test_of_two_functions_that_know_different_routes_one_gives_way(world: World) -> None:
    """One has looked, and found nothing; before it writes, the other opens it elsewhere."""
    routed(world, replace_route(DATABASE, "here", when="`true`", service_id="svc_checkout"))
    sent = event(payload={"source": "db-1"})
    table, now = world.table, world.clock()
    integration = table.integration(world.service.id, "int_prometheus", deadline())
    key = table.integration_key(key_hash(world.integration_key), deadline())
    assert integration is not None and key is not None
    request = Request("id", "POST", "/api/events", {}, b"")
    wanted = Event(
        action=Action.TRIGGER,
        service_id=world.service.id,
        dedup_key="cpu-high",
        summary="late",
        severity=Severity.WARNING,
        body=json.dumps(sent),
        actor=key.actor,
    )
    way = Way.of(
        table,
        wanted,
        Sender("", key, world.service, integration),
        integration,
        Call(request, now, deadline(), {}),
    )
    seen = way.seen()
    routed(world, replace_route(DATABASE, "there", when="`true`"))
    first = send(world, source="db-1")

    def place(found: object) -> Place:
        assert isinstance(found, Place)
        return found

    decision = Settling(table, new_id).settle_at(
        place(way.place(seen)), lambda: place(way.place(way.seen())), now, deadline()
    )
    assert isinstance(decision, Merged)
    assert decision.before.id == first.incident["id"]
    assert active(world) == {("svc_reports", "cpu-high")}


GROUPED = Route(name="db", when="`true`", group="'db'")


def test_an_event_of_a_group_gives_way_to_who_knows_other_routes(world: World) -> None:
    routed(world, GROUPED)
    routed_now: list[str] = []

    def other() -> None:
        routed(world, replace_route(DATABASE, "there", when="`true`"))
        routed_now.append(send(world).incident["id"])

    wire_of(world).fail("TransactWriteItems", doing(other))
    sent, late = event(payload={"source": "web-1"}), world.api(patience=0.5)
    # It knows the older routes until the end.
    world.apis.remove(late)
    answer = world.send(sent, api=late)
    world.apis.append(late)
    assert (answer.status, answer.action) == (202, "deduplicated")
    assert [answer.incident["id"]] == routed_now
    assert active(world) == {("svc_reports", "cpu-high")}
    assert send(world, "resolve", source="-").action == "resolved"


def test_what_was_alone_a_moment_ago_joins_its_group(world: World) -> None:
    """Its incident is from a time without routes, and is resolved while one more trigger is under
    way: that one opens a group, and is one of its alerts.
    """
    routed(world)
    send(world)
    routed(world, GROUPED)
    wire_of(world).fail("UpdateItem", doing(lambda: send(world, "resolve")))
    assert send(world).action == "triggered"
    [found] = check(world).active
    assert (found["dedup_key"], found["firing"]) == ("db", 1)
    assert send(world, "resolve", source="-").action == "resolved"
    assert not active(world)


def test_what_was_alone_a_moment_ago_is_dropped(world: World) -> None:
    """Its alert lies on an incident that did not count it: nothing of it stays."""
    routed(world)
    send(world)
    routed(world, replace_route(NOISE, "noise", when="`true`"))
    wire_of(world).fail("UpdateItem", doing(lambda: send(world, "resolve")))
    assert send(world).action == "ignored"
    assert len(of_kind(world, "alert")) == 1


def test_what_is_dropped_after_all_is_answered_so_when_it_comes_again(world: World) -> None:
    """It was about to be written beside what its event did, which came to nothing."""
    routed(world)
    send(world)
    routed(world, replace_route(NOISE, "noise", when="`true`"))
    wire_of(world).fail("TransactWriteItems", doing(lambda: send(world, "resolve")))
    sent, once = event(payload={"source": "web-1"}), dict[str, Any]({"Idempotency-Key": "once"})
    for _ in range(2):
        answer = world.send(sent, **once)
        assert (answer.status, answer.action) == (202, "ignored")


SERVICES = st.sampled_from(["svc_checkout", "svc_reports", "svc_nowhere", None])
ROUTES = st.lists(
    st.builds(
        Route,
        name=st.sampled_from(["a", "b"]),
        when=st.sampled_from(["payload.source == 'db-1'", "`true`", "payload.severity == 'info'"]),
        service_id=SERVICES,
        suppress=st.booleans(),
        drop=st.just(False) | st.booleans(),
    ),
    max_size=3,
)
KEYS = st.sampled_from(["one", "two"])
STEPS = st.one_of(
    st.tuples(st.just("routes"), ROUTES),
    st.tuples(st.just("trigger"), st.tuples(KEYS, st.sampled_from(["db-1", "web-1"]))),
    st.tuples(st.just("acknowledge"), KEYS),
    st.tuples(st.just("resolve"), KEYS),
)


# Alertmanager's own groups.

BY_LABEL = Route(
    name="reports",
    when="payload.custom_details.labels.team == 'reports'",
    service_id="svc_reports",
    severity=Severity.WARNING,
)
GROUP_KEY = '{}:{alertname="HighCPU"}'


def of_team(name: str, team: str = "", status: str = "firing", **more: Any) -> dict[str, Any]:
    labels = {"alertname": name, "severity": "critical", "team": team}
    ends = {"endsAt": "2026-11-23T03:30:00Z"} if status == "resolved" else {}
    return alert(name, status, labels=labels, **ends, **more)


def flushes(world: World, *alerts: dict[str, Any], **more: Any) -> list[str]:
    answer = post(world, flush(*alerts, **more), query={"per": "group"}, headers=bearer(world))
    assert answer.status == 202, answer
    return [each["action"] for each in answer.body["results"]]


def firing(world: World) -> dict[tuple[str, str], int]:
    found = check(world).active
    return {(each["service_id"], each["dedup_key"]): each["firing"] for each in found}


def test_alerts_of_a_group_go_where_their_routes_send_them(world: World) -> None:
    routed(world, BY_LABEL)
    everything = [of_team("a"), of_team("b", "reports"), of_team("c"), of_team("d", "reports")]
    assert flushes(world, *everything) == ["triggered", "triggered", "joined", "joined"]
    assert firing(world) == {("svc_checkout", GROUP_KEY): 2, ("svc_reports", GROUP_KEY): 2}
    [reports] = [it for it in check(world).active if it["service_id"] == "svc_reports"]
    assert reports["urgency"] == "MEDIUM"
    before = world.items()
    assert flushes(world, *everything) == ["deduplicated"] * 4
    assert world.items() == before
    # The routes are edited, and labels are not what they were: each leaves where it fires.
    routed(world)
    over = [of_team(each["fingerprint"], status="resolved") for each in everything]
    assert flushes(world, *over, status="resolved") == [
        *("left", "left", "resolved", "resolved"),
        "ignored",
    ]
    assert firing(world) == {}


def test_a_repeat_of_a_routed_group_is_read_at_once(world: World) -> None:
    routed(world, BY_LABEL)
    everything = [of_team(f"a{n}", "reports" if n % 2 else "") for n in range(30)]
    flushes(world, *everything)
    wire = Wire(world.table.client)
    assert flushes(world, *everything) == ["deduplicated"] * 30
    assert wire.calls == ["BatchGetItem"] * 4


def test_an_alert_that_fires_from_a_time_without_routes_stays_where_it_is(world: World) -> None:
    flushes(world, of_team("a", "reports"))
    routed(world, BY_LABEL)
    assert flushes(world, of_team("a", "reports"), of_team("b", "reports")) == [
        "deduplicated",
        "triggered",
    ]
    assert firing(world) == {("svc_checkout", GROUP_KEY): 1, ("svc_reports", GROUP_KEY): 1}
    assert flushes(world, of_team("a", "reports", "resolved")) == ["resolved"]
    assert firing(world) == {("svc_reports", GROUP_KEY): 1}


def test_a_route_drops_groups_and_suppresses_alerts_of_a_group(world: World) -> None:
    noise = replace_route(BY_LABEL, "noise", service_id=None, severity=None, drop=True)
    quiet = Route(
        name="quiet",
        when="payload.custom_details.labels.team == 'lab'",
        suppress=True,
        group="'lab'",
    )
    routed(world, noise, quiet)
    sent = [of_team("a", "reports"), of_team("b", "lab"), of_team("c", "lab"), of_team("d")]
    assert flushes(world, *sent) == ["ignored", "triggered", "joined", "triggered"]
    assert firing(world) == {("svc_checkout", "lab"): 2, ("svc_checkout", GROUP_KEY): 1}
    lab = next(each for each in check(world).active if each["dedup_key"] == "lab")
    assert lab["status"] == "SUPPRESSED"
    over = [of_team(each["fingerprint"], status="resolved") for each in sent]
    assert flushes(world, *over) == ["ignored", "left", "resolved", "resolved"]


def test_the_rest_of_a_group_is_resolved_wherever_it_went(world: World) -> None:
    routed(world, BY_LABEL)
    flushes(world, of_team("a", "reports"))
    [found] = check(world).active
    world.table.client.update_item(
        TableName=world.table.name,
        Key=items.incident_key(found["id"]),
        UpdateExpression="SET untracked = :yes",
        ExpressionAttributeValues={":yes": wire(True)},
    )
    over = of_team("a", "reports", "resolved")
    assert flushes(world, over, status="resolved") == ["left", "resolved"]
    assert firing(world) == {}


def test_paging_waits_for_what_a_route_says_of_a_group(world: World) -> None:
    waits = PageAfter(time=timedelta(minutes=10), alerts=3, high=True)
    routed(world, replace_route(BY_LABEL, "later", page_after=waits))
    flushes(world, of_team("a", "reports"), of_team("b", "reports"))
    [found] = check(world).active
    assert found.get("announced_from", 0) == 0
    flushes(world, of_team("c", "reports"))
    [found] = check(world).active
    assert found["announced_from"]


def test_of_two_flushes_with_different_routes_one_gives_way(world: World) -> None:
    """An alert is in one incident: the second of them finds where it went before it writes."""
    routed(world, BY_LABEL)

    def other() -> None:
        routed(world)
        assert flushes(world, of_team("a", "reports")) == ["triggered"]

    wire_of(world).fail("TransactWriteItems", doing(other))
    sent = flush(of_team("b", "reports"), of_team("a", "reports"), of_team("c"))
    answer = post(world, sent, query={"per": "group"}, headers=bearer(world), patience=0.5)
    assert answer.status == 202, answer
    # Of each alert once: those that were written before it was found are not written again.
    assert sorted(each["action"] for each in answer.body["results"]) == [
        "deduplicated",
        "joined",
        "triggered",
    ]
    assert firing(world) == {("svc_checkout", GROUP_KEY): 2, ("svc_reports", GROUP_KEY): 1}


def wire_of(world: World) -> Wire:
    return Wire(world.table.client)


GROUPS = ("x", "y")
ALERTS = ("a", "b", "c")
_FLUSH = st.tuples(
    st.sampled_from(GROUPS), st.dictionaries(st.sampled_from(ALERTS), st.booleans(), min_size=1)
)
_CHOICES = (
    (),
    (BY_LABEL,),
    (Route(name="b", when="payload.class == 'b'", group="'b'"), BY_LABEL),
    (Route(name="all", when="`true`", service_id="svc_reports"),),
)


def placed(world: World) -> set[str]:
    """Which alerts fire in some active incident."""
    found = check(world)
    active = {each["id"] for each in found.active}
    return {
        member["key"].rpartition("#")[2]
        for incident_id, members in found.members.items()
        if incident_id in active
        for member in members
        if member["state"] == "firing"
    }


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(_FLUSH, st.sampled_from(_CHOICES)), min_size=2, max_size=8))
def test_no_alert_of_a_group_is_lost_or_outlives_its_resolves(
    dynamodb: str, steps: list[Any]
) -> None:
    """With routes that are edited in the middle, or come later."""
    world = build(dynamodb)

    def flushed(group: str, states: dict[str, bool], team: str) -> None:
        world.clock.advance(minutes=1)
        sent = [
            of_team(name, team, "firing" if fires else "resolved") for name, fires in states.items()
        ]
        flushes(world, *sent, groupKey=group)

    for number, step in enumerate(steps):
        match step:
            case (str(group), dict(states)):
                flushed(group, states, "reports" if number % 2 else "")
                assert {name for name, fires in states.items() if fires} <= placed(world)
            case choice:
                routed(world, *choice)
    for group in GROUPS:
        flushed(group, dict.fromkeys(ALERTS, False), "elsewhere")
    assert firing(world) == {}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEPS, min_size=2, max_size=12))
def test_no_active_incident_outlives_its_resolve(dynamodb: str, steps: list[Any]) -> None:
    """Whatever the routes say, and however they are edited in between. A resolve has none of what
    the routes look at.
    """
    world = build(dynamodb)
    try:
        open_for: dict[str, str] = {}
        for kind, what in steps:
            match kind:
                case "routes":
                    routed(world, *what)
                case "trigger":
                    key, source = what
                    answer = send(world, source=source, dedup_key=key)
                    if answer.action == "ignored":
                        assert key not in open_for
                        continue
                    incident = answer.incident["id"]
                    assert open_for.setdefault(key, incident) == incident
                case _:
                    payload = {"source": "-", "severity": "warning"}
                    answer = world.send(event(kind, dedup_key=what, payload=payload))
                    expected = open_for.get(what)
                    found = None if answer.action == "ignored" else answer.incident["id"]
                    assert found == expected
                    if kind == "resolve":
                        open_for.pop(what, None)
        assert len(active(world)) == len(open_for)
    finally:
        world.close()
