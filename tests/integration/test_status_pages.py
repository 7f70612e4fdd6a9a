"""Public status pages, rendered into a bucket and served from it."""

import json
from datetime import timedelta
from functools import partial
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.handler import on_message
from escalation.published import watch
from harness import audited, embedded
from harness.pipeline import Pipeline
from harness.publisher import Publisher
from harness.world import World, build, deadline, event
from opsknight.directory.receivers import Channel, Receiver
from opsknight.directory.status_pages import PublicPage, StatusPage, StatusPageWebhook
from opsknight.escalation.hold import Hold, Spell
from opsknight.incident.commands import Acknowledge, Note, Resolve
from opsknight.incident.model import Actor, ActorKind
from opsknight.publishing.posts import Phase, PostKind, State, Update, updated, withdrawn
from opsknight.runtime.renders import TOGETHER
from opsknight.runtime.wakeups import AuditIncidents
from opsknight.store.directory_items import directory_item
from opsknight.store.holds import Holds
from opsknight.store.posts import Posts
from status.bucket import Overtaken
from tests.integration.steps import do

HOME = "status/example"


@pytest.fixture
def publisher(world: World) -> Publisher:
    made = Publisher(world)
    made.publish()
    return made


def change(publisher: Publisher, post_id: str, text: str, phase: Phase | None = None) -> None:
    posts, now = Posts(publisher.world.table), publisher.world.clock()
    update = Update(at=now, text=text, phase=phase)
    posts.change(
        publisher.page_id, post_id, lambda it: updated(it, update), deadline(), audit=audited.entry
    )


def asked_of(publisher: Publisher) -> list[str]:
    """What the bucket is asked from now on."""
    asked: list[str] = []
    publisher.bucket.s3.meta.events.register(
        "before-call.s3", lambda model, **_: asked.append(model.name)
    )
    return asked


def test_a_page_says_that_all_is_well(publisher: Publisher) -> None:
    publisher.render()
    page = publisher.get()
    assert page.status == 200
    assert "All systems operational" in page.text
    assert "<script" not in page.text
    assert page.headers["Cache-Control"] == "public, max-age=15"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    summary = json.loads(publisher.get("/status/example/api/v2/summary.json").text)
    assert summary["status"] == {"indicator": "none", "description": "All systems operational"}
    assert [each["status"] for each in summary["components"]] == ["operational"]


def test_a_post_is_on_every_document_until_it_is_over_and_then_in_the_history(
    publisher: Publisher,
) -> None:
    post = publisher.say("Payments <fail>", text="We look & see.")
    publisher.render()
    page, feed = publisher.get().text, publisher.get("/status/example/feed.atom").text
    assert "Payments &lt;fail&gt;" in page
    assert "We look &amp; see." in page
    entry = ElementTree.fromstring(feed).find("{*}entry")  # noqa: S314
    assert entry is not None
    assert entry.findtext("{*}title") == "Payments <fail>"
    summary = json.loads(publisher.get("/status/example/api/v2/summary.json").text)
    assert summary["status"]["indicator"] == "minor"
    [shown] = summary["incidents"]
    assert (shown["name"], shown["status"], shown["impact"]) == (
        "Payments <fail>",
        "investigating",
        "minor",
    )
    publisher.world.clock.advance(minutes=30)
    change(publisher, post.id, "It works again.", Phase.RESOLVED)
    publisher.seconds += 10
    publisher.render()
    assert "All systems operational" in publisher.get().text
    assert "It works again." in publisher.get("/status/example/history/2026-11").text
    found = json.loads(publisher.get("/status/example/status.json").text)
    assert found["services"][0]["troubleMinutes"] == 30
    assert publisher.get(f"/status/example/incidents/{found['over'][0]['id']}").status == 200


def test_a_rendering_that_changes_nothing_writes_nothing(publisher: Publisher) -> None:
    publisher.say()
    publisher.render()
    asked = asked_of(publisher)
    publisher.render()
    assert set(asked) == {"HeadObject", "ListObjectsV2"}


def test_a_renderer_that_was_overtaken_changes_nothing(publisher: Publisher) -> None:
    publisher.say("First")
    late = publisher.bucket.tags("example")
    publisher.say("Second")
    publisher.render()
    for tags in (late, {f"{HOME}/status.json": '"an older one"'}):
        with pytest.raises(Overtaken):
            publisher.bucket.replace(tags, {f"{HOME}/status.json": ("application/json", b"{}")})
    assert "Second" in publisher.objects()[f"{HOME}/status.json"]


def test_a_page_that_is_not_public_any_more_leaves_nothing(publisher: Publisher) -> None:
    publisher.say()
    publisher.render()
    assert publisher.objects()
    private = StatusPage(id=publisher.page_id, name="Example")
    publisher.world.table.put_all([directory_item(private)], deadline())
    publisher.world.clock.at = publisher.world.clock.at.replace(minute=5)
    publisher.worker.tick()
    assert publisher.post.renders == [[publisher.page_id]]
    publisher.render()
    assert publisher.objects() == {}
    publisher.seconds += 10
    assert publisher.get().status == 404


def test_what_was_withdrawn_leaves_nothing(publisher: Publisher) -> None:
    post = publisher.say("A secret slipped in")
    publisher.render()
    now = publisher.world.clock()
    Posts(publisher.world.table).change(
        publisher.page_id,
        post.id,
        lambda it: withdrawn(it, now),
        deadline(),
        audit=audited.entry,
    )
    publisher.render()
    assert not [each for each in publisher.objects().values() if "secret" in each]
    assert not [each for each in publisher.objects() if "/incidents/" in each]


def test_every_minute_asks_for_all_public_pages_a_few_at_a_time(publisher: Publisher) -> None:
    others = [
        StatusPage(id=f"page_{number}", name="Other", public=PublicPage())
        for number in range(TOGETHER)
    ]
    publisher.world.table.put_all(map(directory_item, others), deadline())
    publisher.world.clock.advance(minutes=1)
    publisher.worker.tick()
    every = sorted([publisher.page_id, *(each.id for each in others)])
    assert publisher.post.renders == [every[:TOGETHER], every[TOGETHER:]]


def test_who_was_overtaken_by_an_older_look_renders_again(publisher: Publisher) -> None:
    """Two workers at once: the other read the table before the post, and wrote after ours began."""
    publisher.render()
    publisher.say("Cards fail.")
    older = publisher.objects()[f"{HOME}/status.json"].encode() + b" "
    bucket, put = publisher.bucket, publisher.bucket.s3.put_object
    publisher.world.clock.advance(minutes=1)
    once = iter([True])

    def first(params: dict[str, Any], **_: object) -> None:
        if next(once, False):
            put(Bucket=bucket.name, Key=f"{HOME}/status.json", Body=older)

    publisher.bucket.s3.meta.events.register("before-call.s3.PutObject", first)
    publisher.worker.render([publisher.page_id])
    assert "Cards fail." in publisher.objects()[f"{HOME}/status.json"]


def meeting(publisher: Publisher, events: Any, service: str, number: int) -> int:
    """How many calls a rendering makes. Before its call of that number, something is posted, and
    another renderer renders it.
    """
    calls = 0
    by_other = False

    def meet(**_: object) -> None:
        nonlocal calls, by_other
        if by_other:
            return
        if calls == number:
            by_other = True
            publisher.say(f"Newer, {number}.")
            publisher.new_worker().render([publisher.page_id])
            by_other = False
        calls += 1

    events.register(f"before-call.{service}", meet)
    try:
        publisher.worker.render([publisher.page_id])
    finally:
        events.unregister(f"before-call.{service}", meet)
    return calls


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_of_two_renderers_at_once_the_newer_post_stays_wherever_they_meet(
    publisher: Publisher, service: str
) -> None:
    """This is in place of a queue that lets them render one after the other (ADR 62)."""
    client: Any = publisher.bucket.s3 if service == "s3" else publisher.world.table.client
    publisher.say("First.")
    calls = meeting(publisher, client.meta.events, service, -1)
    assert calls >= 4
    for number in range(calls):
        publisher.world.clock.advance(minutes=1)
        publisher.say("There is something to write.")
        meeting(publisher, client.meta.events, service, number)
        assert f"Newer, {number}." in publisher.objects()[f"{HOME}/status.json"], number


def test_one_page_that_cannot_be_rendered_harms_no_other(publisher: Publisher) -> None:
    table = publisher.world.table
    broken = directory_item(StatusPage(id="page_broken", name="Broken"))
    del broken["name"]
    table.client.put_item(TableName=table.name, Item=broken)
    publisher.worker.render(["page_broken", publisher.page_id])
    assert f"{HOME}" in publisher.objects()


def test_a_page_that_is_not_rendered_says_so_and_the_deployment_hears_it(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    world = publisher.world
    publisher.render()
    world.clock.advance(minutes=6)
    assert "out of date.</strong>" not in publisher.get().text
    watch(world.table, world.clock(), deadline())
    assert "OldestDueSeconds" not in capsys.readouterr().out
    world.clock.advance(minutes=5)
    page = publisher.get()
    assert "This page is out of date." in page.text
    assert "03:00 UTC" in page.text
    watch(world.table, world.clock(), deadline())
    assert "OldestDueSeconds" in capsys.readouterr().out
    publisher.render()
    publisher.seconds += 10
    assert "out of date.</strong>" not in publisher.get().text


def test_a_page_that_was_never_rendered_is_heard_too(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    world = publisher.world
    for _ in range(2):
        watch(world.table, world.clock(), deadline())
        world.clock.advance(minutes=9)
    assert "OldestDueSeconds" not in capsys.readouterr().out
    watch(world.table, world.clock(), deadline())
    assert "OldestDueSeconds" in capsys.readouterr().out


def test_trouble_that_lasts_is_posted_once_and_ends_with_it(publisher: Publisher) -> None:
    world = publisher.world
    publisher.publish(automatic_after=timedelta(minutes=10))
    incident_id = world.send(event()).incident["id"]
    publisher.render()
    assert Posts(world.table).newest(publisher.page_id, deadline()) == []
    world.clock.advance(minutes=10)
    do(world, incident_id, Acknowledge())
    publisher.render()
    publisher.render()
    [post] = Posts(world.table).newest(publisher.page_id, deadline())
    assert post.automatic
    assert "Checkout is not available" in publisher.get().text
    assert "CPU above" not in publisher.get().text
    world.clock.advance(minutes=5)
    do(world, incident_id, Note("We have found the cause.", public=True))
    do(world, incident_id, Note("It was Ben.", public=False))
    publisher.seconds += 10
    publisher.render()
    assert "We have found the cause." in publisher.get().text
    world.clock.advance(minutes=5)
    do(world, incident_id, Resolve())
    publisher.seconds += 10
    publisher.render()
    assert "All systems operational" in publisher.get().text
    assert "It was Ben" not in str(publisher.objects())
    world.clock.advance(minutes=5)
    publisher.render()
    [same] = Posts(world.table).newest(publisher.page_id, deadline())
    assert same.is_over(world.clock())


def test_nothing_is_posted_by_itself_under_a_hold(publisher: Publisher) -> None:
    world = publisher.world
    publisher.publish(automatic_after=timedelta(minutes=1))
    world.send(event())
    world.clock.advance(minutes=5)
    spell = Spell(start=world.clock(), end=world.clock() + timedelta(hours=1))
    Holds(world.table).change(lambda _: Hold(spells=(spell,)), deadline(), audit=audited.entry)
    publisher.render()
    assert "All systems operational" in publisher.get().text


def test_what_is_served_costs_the_bucket_little(publisher: Publisher) -> None:
    publisher.render()
    asked = asked_of(publisher)
    for _ in range(100):
        assert publisher.get().status == 200
        assert publisher.get("/status/../secrets").status == 404
        assert publisher.get("/status/example/nonsense").status == 404
    assert asked == ["GetObject"]


def test_an_answer_that_is_known_is_not_sent_again(publisher: Publisher) -> None:
    publisher.render()
    first = publisher.get(accept_encoding="gzip, br")
    assert first.headers["Content-Encoding"] == "gzip"
    assert publisher.get(if_none_match=first.headers["ETag"]).status == 304
    assert publisher.get(method="HEAD").status == 200
    assert publisher.get(method="POST").status == 405


CANARY = "kestrel"


@settings(max_examples=15)
@given(st.data())
def test_nothing_private_is_in_any_document(data: st.DataObject) -> None:
    """A canary in every field of ours that is not meant for readers."""
    world = build(embedded.endpoint())
    publisher = Publisher(world)
    count = iter(range(100))

    def secret() -> str:
        return f"{CANARY}{next(count)}"

    service = world.service.model_copy(
        update={"id": f"svc_{secret()}", "runbook": secret(), "dashboard": secret()}
    )
    hook = StatusPageWebhook(
        **dict(
            Receiver(
                id=secret(), name=secret(), channel=Channel.WEBHOOK, to=secret(), secret=secret()
            )
        )
    )
    other = world.other_service.model_copy(update={"name": secret()})
    page = publisher.publish(
        services=[service.id],
        names={other.id: secret()},
        automatic_after=timedelta(minutes=1) if data.draw(st.booleans()) else None,
    ).model_copy(update={"webhooks": (hook,)})
    world.table.put_all([directory_item(each) for each in (service, other, page)], deadline())
    body = event(
        severity=data.draw(st.sampled_from(["critical", "error", "info"])),
        dedup_key=secret(),
        service_id=service.id,
        payload={"summary": secret(), "source": secret(), "custom_details": {secret(): secret()}},
    )
    incident_id = world.send(body, key=world.api_key).incident["id"]
    do(world, incident_id, Note(secret()))
    world.clock.advance(minutes=data.draw(st.integers(0, 200)))
    posts = Posts(world.table)
    for _ in range(data.draw(st.integers(0, 3))):
        kind = data.draw(st.sampled_from(PostKind))
        end = world.clock() + timedelta(hours=data.draw(st.integers(1, 100)))
        states = {service.id: data.draw(st.sampled_from(State)), other.id: State.DOWN}
        post = publisher.say(
            "Said",
            states,
            kind=kind,
            ends_at=end if kind is PostKind.MAINTENANCE else None,
            incident_id=data.draw(st.sampled_from([incident_id, None])),
            by=Actor(kind=ActorKind.USER, id=secret(), name=secret()),
        )
        if data.draw(st.booleans()):
            now = world.clock()
            update = Update(at=now, text="Over", phase=Phase.RESOLVED)
            ended = partial(updated, update=update)
            gone = partial(withdrawn, now=now)
            how = data.draw(st.sampled_from([ended, gone]))
            posts.change(page.id, post.id, how, deadline(), audit=audited.entry)
        world.clock.advance(minutes=data.draw(st.integers(1, 3000)))
        publisher.render()
    publisher.render()
    found = publisher.objects()
    assert len(found) >= 5
    for key, text in found.items():
        assert CANARY not in key
        assert CANARY not in text, key
        assert incident_id not in text, key
        assert service.team_id not in text, key


def test_the_auditor_of_each_minute_looks_whether_pages_are_rendered(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Pipeline(publisher.world).engine
    publisher.render()
    publisher.world.clock.advance(minutes=9)
    on_message(engine, AuditIncidents())
    assert "OldestDueSeconds" not in capsys.readouterr().out
    publisher.world.clock.advance(minutes=3)
    on_message(engine, AuditIncidents())
    assert "OldestDueSeconds" in capsys.readouterr().out
