"""Change events of PagerDuty's senders: kept for their service, and named by the incidents that
open within the hour after.
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from harness.desk import Desk
from harness.pipeline import Pipeline, step
from harness.world import Response, World, deadline, event, http_event
from opsknight.directory.entries import SCOPES
from opsknight.incident.rollouts import KEPT, Rollout
from opsknight.store.rollouts import Rollouts
from tests.integration.conftest import Log
from tests.integration.steps import of_kind, use_up
from tests.integration.wire import ALWAYS, THROTTLES, Wire

PATH = "/v2/change/enqueue"


def report(world: World, summary: object = "Deployed v2", **more: Any) -> Response:
    payload = {"summary": summary, "source": "ci"} | more.pop("payload", {})
    body = {"routing_key": world.integration_key, "payload": payload} | more
    return world.request(http_event(body, path=PATH))


def before(world: World, opened_at: Any = None, service_id: str = "svc_checkout") -> list[Rollout]:
    where = service_id, opened_at or world.clock()
    return Rollouts(world.table).before(*where, deadline())


def test_it_is_taken_in_the_words_of_its_senders_and_opens_nothing(world: World) -> None:
    answer = report(
        world,
        payload={"timestamp": "2026-11-23T02:50:00.000+0000", "custom_details": {"sha": "abc"}},
        links=[{"href": "https://ci.example.com/1", "text": "Build"}],
    )
    assert (answer.status, answer.body) == (
        202,
        {"status": "success", "message": "Change event processed"},
    )
    [found] = before(world)
    assert (found.summary, found.source, found.details) == ("Deployed v2", "ci", "sha: abc")
    assert found.at == world.clock() - timedelta(minutes=10)
    assert [(each.text, each.href) for each in found.links] == [
        ("Build", "https://ci.example.com/1")
    ]
    assert found.actor.name == "Prometheus"
    assert not of_kind(world, "incident")
    [item] = of_kind(world, "rollout")
    assert int(item["expires_at"]["N"]) == int((found.at + KEPT).timestamp())


def test_those_of_the_last_hour_count_and_the_last_comes_first(world: World) -> None:
    for number in range(8):
        report(world, f"v{number}")
        world.clock.advance(minutes=10)
    assert [each.summary for each in before(world)] == ["v7", "v6", "v5", "v4", "v3"]
    assert before(world, world.clock() + timedelta(hours=2)) == []
    assert before(world, service_id="svc_reports") == []
    opened_at = world.clock() - timedelta(minutes=25)
    assert before(world, opened_at)[0].summary == "v5", "what came later is no suspect"


def test_a_report_that_is_sent_again_is_one(world: World) -> None:
    for _ in range(2):
        report(world, payload={"timestamp": "2026-11-23T02:50:00Z"})
        world.clock.advance(minutes=1)
    assert len(before(world)) == 1


@pytest.mark.parametrize("timestamp", [None, "soon", "2027-01-01T00:00:00Z", 5, ["x"]])
def test_a_time_that_is_none_or_still_to_come_is_now(world: World, timestamp: object) -> None:
    report(world, payload={"timestamp": timestamp})
    assert [each.at for each in before(world)] == [world.clock()]


@pytest.mark.parametrize(
    "body",
    [{"payload": None}, {"payload": {"summary": " "}}, {"routing_key": "0" * 32}, {"payload": []}],
)
def test_what_means_nothing_is_400(world: World, body: dict[str, Any]) -> None:
    known = {"routing_key": world.integration_key, "payload": {"summary": "x"}}
    answer = world.request(http_event(known | body, path=PATH))
    assert (answer.status, answer.body["status"]) == (400, "invalid event")
    assert not of_kind(world, "rollout")


def test_what_is_long_or_strange_is_cut_and_kept(world: World) -> None:
    report(world, "x" * 1024, payload={"source": "\ud800", "custom_details": {"a": "b" * 5000}})
    [found] = before(world)
    assert (len(found.summary), len(found.details or "")) == (500, 2000)
    assert found.source == "\N{REPLACEMENT CHARACTER}"


def test_the_limit_and_a_store_that_is_away(world: World) -> None:
    use_up(world)
    assert report(world).status == 429
    world.clock.advance(minutes=1)
    Wire(world.table.client).fail("PutItem", THROTTLES, ALWAYS)
    body = {"routing_key": world.integration_key, "payload": {"summary": "x"}}
    answer = world.request(http_event(body, path=PATH), world.api(patience=0.2))
    assert answer.status == 503


def test_the_key_is_stored_and_logged_nowhere(world: World, log: Log) -> None:
    report(world, payload={"custom_details": {"a": "b"}})
    assert world.integration_key not in json.dumps([*world.items(), *log.lines], default=str)


def test_the_incident_after_it_names_it(world: World) -> None:
    report(world, "Deployed <b>v2</b>")
    world.clock.advance(minutes=6)
    desk = Desk(world)
    incident_id = world.send(event()).incident["id"]
    answer = desk.call("GET", f"/api/incidents/{incident_id}", key=desk.key("ada", *SCOPES))
    [rollout] = answer.body["incident"]["rollouts"]
    assert (rollout["summary"], rollout["at"]) == ("Deployed <b>v2</b>", "2026-11-23T03:00:00.000Z")
    page = desk.ask(desk.link(incident_id)).text
    assert "6 min before: Deployed &lt;b&gt;v2&lt;/b&gt; (ci)" in page


def test_a_page_names_it(world: World) -> None:
    report(world)
    world.clock.advance(minutes=6)
    night = Pipeline(world)
    night.escalates(step("ada"), repeat_after=3600)
    night.trigger()
    night.hears("email paged")
    [heard] = night.listener.heard
    [brief] = heard.message.incidents
    assert brief.rolled_out == "6 min before: Deployed v2 (ci)"
