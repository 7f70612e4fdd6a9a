"""The address of an incident, which channels link to: it tells nothing, and sends a link of their
own to whoever may see the incident.
"""

from secrets import token_hex

import pytest

from harness.desk import Desk
from harness.post import PAGES
from harness.world import World, deadline
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.incident.model import Status
from opsknight.notification.message import PageReason
from opsknight.runtime.wakeups import SendDelivery
from opsknight.store import directory_items, items
from respond.addressed import MOST_AN_HOUR
from tests.integration.steps import in_order, incident, incident_in, put

OUTSIDER = User(id="user_eve", name="Eve", email="eve@example.com", role=Role.USER)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    put(world, directory_items.directory_item(OUTSIDER))
    desk.configured(users=["user_ada", "user_ben", "user_eve"])
    return desk


def test_the_address_shows_nothing_of_the_incident(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    before = in_order(desk.world.items())
    page = desk.ask(f"/incidents/{incident_id}")
    assert page.status == 200
    assert "CPU" not in page.text
    assert "Checkout" not in page.text
    assert incident_id[:18] in page.text
    unknown = desk.ask(f"/incidents/inc_{'0' * 28}")
    assert unknown.status == 200
    assert desk.ask(f"/incidents/{incident_id}", "HEAD").text == ""
    assert in_order(desk.world.items()) == before


def test_whoever_may_see_it_gets_a_link_of_their_own(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    page = desk.press(f"/incidents/{incident_id}", email="Ada@Example.com ")
    assert (page.status, "on its way" in page.text) == (200, True)
    [delivery] = desk.world.table.deliveries(incident_id, deadline())
    assert (delivery.user_id, delivery.about) == ("user_ada", PageReason.REQUESTED)
    [queued] = desk.post.queued
    assert queued.queue == PAGES
    assert isinstance(queued.message, SendDelivery)
    assert queued.message.delivery_id == delivery.id
    assert "You act as Ada" in desk.ask(desk.path(delivery)).text


def test_the_link_comes_by_e_mail_where_there_is_one(desk: Desk) -> None:
    ada = desk.world.table.user("user_ada", deadline())
    assert ada
    sms = Receiver(id="cm_sms", name="SMS", channel=Channel.SMS, to="+4915112345678")
    email = Receiver(id="cm_mail", name="Mail", channel=Channel.EMAIL, to="ada@home.example")
    put(
        desk.world,
        directory_items.directory_item(ada.model_copy(update={"contact_methods": (sms, email)})),
    )
    incident_id = incident_in(desk.world, Status.OPEN)
    desk.press(f"/incidents/{incident_id}", email="ada@example.com")
    [delivery] = desk.world.table.deliveries(incident_id, deadline())
    assert delivery.receiver_id == "cm_mail"


@pytest.mark.parametrize(
    ("channels", "asked"),
    [
        ((Channel.SMS, Channel.VOICE, Channel.PUSHOVER), [Channel.PUSHOVER]),
        ((Channel.VOICE, Channel.SMS), [Channel.SMS]),
        ((Channel.VOICE,), []),
    ],
)
def test_nobodys_telephone_rings_for_a_link(
    desk: Desk, channels: tuple[Channel, ...], asked: list[Channel]
) -> None:
    ada = desk.world.table.user("user_ada", deadline())
    assert ada
    methods = tuple(
        Receiver(id=f"cm_{each}", name=str(each), channel=each, to="+4915112345678")
        for each in channels
    )
    put(
        desk.world,
        directory_items.directory_item(ada.model_copy(update={"contact_methods": methods})),
    )
    incident_id = incident_in(desk.world, Status.OPEN)
    page = desk.press(f"/incidents/{incident_id}", email="ada@example.com")
    assert (page.status, "on its way" in page.text) == (200, True)
    found = desk.world.table.deliveries(incident_id, deadline())
    assert [each.channel for each in found] == asked


@pytest.mark.parametrize("address", ["eve@example.com", "nobody@example.com", "", "x" * 3000])
def test_nobody_else_gets_one_and_learns_nothing(desk: Desk, address: str) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    known = desk.press(f"/incidents/{incident_in(desk.world, None)}", email="ada@example.com")
    before = in_order(desk.world.items())
    page = desk.press(f"/incidents/{incident_id}", email=address)
    assert (page.status, page.text) == (known.status, known.text)
    gone = desk.press(f"/incidents/inc_{'0' * 28}", email="ada@example.com")
    assert (gone.status, gone.text) == (known.status, known.text)
    assert in_order(desk.world.items()) == before


def test_a_service_that_is_gone_opens_its_incidents_to_no_other_team(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    known = incident(desk.world, incident_id)
    table = desk.world.table
    table.client.delete_item(TableName=table.name, Key=items.service_key(known.service_id))
    desk.press(f"/incidents/{incident_id}", email="eve@example.com")
    assert desk.post.queued == []


def test_asking_again_at_once_sends_no_second_one(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    for _ in range(5):
        desk.press(f"/incidents/{incident_id}", email="ada@example.com")
    assert len(desk.world.table.deliveries(incident_id, deadline())) == 1
    assert len(desk.post.queued) == 1
    desk.world.clock.advance(minutes=5)
    desk.press(f"/incidents/{incident_id}", email="ada@example.com")
    assert len(desk.world.table.deliveries(incident_id, deadline())) == 2


@pytest.mark.parametrize("path", ["", "inc_1", "inc_" + "g" * 28, "../api/incidents"])
def test_what_is_no_address_is_404(desk: Desk, path: str) -> None:
    assert desk.ask(f"/incidents/{path}").status == 404


def test_other_methods_of_an_address_are_405(desk: Desk) -> None:
    page = desk.ask(f"/incidents/inc_{'0' * 28}", "DELETE")
    assert (page.status, page.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_nobody_can_fill_a_mailbox_with_links(desk: Desk) -> None:
    for _ in range(MOST_AN_HOUR + 3):
        incident_id = incident_in(desk.world, Status.OPEN, dedup_key=token_hex(4))
        # Asked twice, it is one.
        for _ in range(2):
            page = desk.press(f"/incidents/{incident_id}", email="ada@example.com")
            # Whoever asks does not see whether it was one too many.
            assert (page.status, "on its way" in page.text) == (200, True)
    assert len(desk.post.queued) == MOST_AN_HOUR
    # Of everybody there are as many.
    desk.press(f"/incidents/{incident_id}", email="ben@example.com")
    assert len(desk.post.queued) == MOST_AN_HOUR + 1
    desk.world.clock.advance(hours=1)
    desk.press(f"/incidents/{incident_id}", email="ada@example.com")
    assert len(desk.post.queued) == MOST_AN_HOUR + 2
