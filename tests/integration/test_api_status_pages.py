"""What people post on public status pages by the HTTP API."""

from datetime import timedelta
from typing import Any

import pytest

from harness.desk import Desk
from harness.publisher import Publisher
from harness.world import World, event
from opsknight.directory.entries import SCOPES

KEY: dict[str, Any] = {"Idempotency-Key": "one"}
POSTS = "/api/status-pages/page_example/posts"


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture
def publisher(world: World) -> Publisher:
    made = Publisher(world)
    made.publish()
    return made


def trouble(world: World, **more: Any) -> dict[str, Any]:
    known = {"title": "Payments fail", "text": "We look.", "services": {world.service.id: "down"}}
    return known | more


def test_a_post_is_on_the_page_until_somebody_ends_it(desk: Desk, publisher: Publisher) -> None:
    world = desk.world
    made = desk.call("POST", POSTS, trouble(world))
    assert made.status == 201
    assert desk.post.renders == [["page_example"]]
    publisher.render()
    assert "Payments fail" in publisher.get().text
    world.clock.advance(minutes=5)
    update = f"{POSTS}/{made.body['post']['id']}/updates"
    ended = desk.call("POST", update, {"text": "It works.", "phase": "resolved"})
    assert ended.body["post"]["over"] is True
    assert desk.post.renders == [["page_example"]] * 2
    publisher.render()
    publisher.seconds += 10
    assert "All systems operational" in publisher.get().text
    refused = desk.call("POST", update, {"text": "Again.", "phase": "investigating"})
    assert refused.status == 409
    assert desk.call("POST", update, {"text": "What it was."}).status == 200


def test_maintenance_has_an_end_and_may_begin_later(desk: Desk, publisher: Publisher) -> None:
    world = desk.world
    start = world.clock() + timedelta(hours=2)
    ends = (start + timedelta(hours=1)).isoformat()
    made = desk.call("POST", POSTS, trouble(world, startsAt=start.isoformat(), endsAt=ends))
    assert made.body["post"]["kind"] == "maintenance"
    assert made.body["post"]["services"] == [
        {"serviceId": world.service.id, "state": "maintenance"}
    ]
    publisher.render()
    assert "Planned maintenance" in publisher.get().text
    past = trouble(world, endsAt=world.clock().isoformat())
    assert desk.call("POST", POSTS, past).body["issues"][0]["path"] == "endsAt"
    later = trouble(world, startsAt=start.isoformat())
    assert desk.call("POST", POSTS, later).body["issues"][0]["path"] == "startsAt"


def test_what_is_not_right_is_told_and_posts_nothing(desk: Desk, publisher: Publisher) -> None:
    world = desk.world
    for body in (
        trouble(world, services={}),
        trouble(world, services={world.service.id: "none"}),
        trouble(world, services={world.service.id: "broken"}),
        trouble(world, services={world.other_service.id: "down"}),
        trouble(world, title=" "),
        trouble(world, text="x" * 1501),
        trouble(world, phase="resolved"),
    ):
        assert desk.call("POST", POSTS, body).status == 400, body
    assert desk.call("POST", POSTS, trouble(world, incidentId="inc_none")).status == 404
    assert desk.call("POST", "/api/status-pages/page_none/posts", trouble(world)).status == 404
    assert desk.call("DELETE", f"{POSTS}/post_none").status == 404
    assert desk.call("POST", f"{POSTS}/post_none/updates", {"text": "x"}).status == 404
    assert desk.call("GET", POSTS).body == {"posts": []}
    assert desk.post.renders == []


def test_a_user_posts_for_their_own_services_alone(desk: Desk, publisher: Publisher) -> None:
    world = desk.world
    publisher.publish(services=[world.service.id, world.other_service.id])
    ben, both = desk.key("ben", *SCOPES), {world.service.id: "down", world.other_service.id: "down"}
    assert desk.call("POST", POSTS, trouble(world, services=both), key=ben).status == 403
    mine = desk.call("POST", POSTS, trouble(world), key=ben)
    assert mine.status == 201
    theirs = desk.call("POST", POSTS, trouble(world, services=both)).body["post"]["id"]
    assert desk.call("DELETE", f"{POSTS}/{theirs}", key=ben).status == 403
    update = {"text": "Fine.", "phase": "resolved"}
    assert desk.call("POST", f"{POSTS}/{theirs}/updates", update, key=ben).status == 403
    other = world.send(event(service_id=world.other_service.id), key=world.api_key).incident["id"]
    about = trouble(world, incidentId=other)
    assert desk.call("POST", POSTS, about, key=ben).status == 403
    assert desk.call("DELETE", f"{POSTS}/{mine.body['post']['id']}", key=ben).status == 200


def test_a_post_about_no_service_any_more_is_not_for_everybody(
    desk: Desk, publisher: Publisher
) -> None:
    world = desk.world
    start = world.clock() + timedelta(hours=2)
    times = {"startsAt": start.isoformat(), "endsAt": (start + timedelta(hours=1)).isoformat()}
    planned = f"{POSTS}/{desk.call('POST', POSTS, trouble(world, **times)).body['post']['id']}"
    nothing = {"text": "Not this one.", "services": {world.service.id: "none"}}
    assert desk.call("POST", f"{planned}/updates", nothing).status == 200
    ben = desk.key("ben", *SCOPES)
    assert desk.call("POST", f"{planned}/updates", {"text": "Mine."}, key=ben).status == 403
    assert desk.call("DELETE", planned, key=ben).status == 403
    assert desk.call("DELETE", planned).status == 200


def test_what_the_page_lists_no_more_can_be_withdrawn(desk: Desk, publisher: Publisher) -> None:
    world = desk.world
    made = f"{POSTS}/{desk.call('POST', POSTS, trouble(world)).body['post']['id']}"
    publisher.publish(services=[world.other_service.id])
    assert desk.call("POST", f"{made}/updates", {"text": "It was this."}).status == 200
    assert desk.call("DELETE", made).status == 200


def test_what_is_withdrawn_is_gone_from_every_list(desk: Desk, publisher: Publisher) -> None:
    made = desk.call("POST", POSTS, trouble(desk.world)).body["post"]["id"]
    assert desk.call("DELETE", f"{POSTS}/{made}").status == 200
    assert desk.call("GET", POSTS).body == {"posts": []}
    assert desk.call("DELETE", f"{POSTS}/{made}").status == 404
    publisher.render()
    assert "Payments fail" not in str(publisher.objects())


def test_a_post_that_is_sent_again_is_posted_once(desk: Desk, publisher: Publisher) -> None:
    first = desk.call("POST", POSTS, trouble(desk.world), **KEY)
    desk.world.clock.advance(seconds=3)
    again = desk.call("POST", POSTS, trouble(desk.world), **KEY)
    assert again.body == first.body
    assert len(desk.call("GET", POSTS).body["posts"]) == 1


def test_pages_say_how_their_services_are(desk: Desk, publisher: Publisher) -> None:
    world = desk.world
    publisher.publish(names={world.service.id: "Payments"}, automatic_after=timedelta(minutes=5))
    publisher.render()
    desk.call("POST", POSTS, trouble(world))
    [page] = desk.call("GET", "/api/status-pages").body["statusPages"]
    assert page == {
        "id": "page_example",
        "name": "Example",
        "path": "/status/example",
        "services": [{"id": world.service.id, "name": "Payments", "state": "down"}],
        "automaticMinutes": 5,
        "renderedAt": "2026-11-23T03:00:00.000Z",
    }
