"""A code to one's own contact method, by the HTTP API; and one's keys."""

from typing import Any

import pytest

from harness import audited
from harness.desk import Desk
from harness.pipeline import Pipeline
from harness.post import PAGES
from harness.processes import LINK_KEY
from harness.world import Response, World, deadline
from notify.channels.protocol import PermanentFailure
from opsknight.directory.entries import SCOPES, USERS_READ, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification import codes
from opsknight.notification.message import Message, PageReason
from opsknight.runtime.queues import Queue
from opsknight.store import directory_items
from opsknight.store.holds import Holds
from respond.handler import make
from respond.my_methods import MOST_AN_HOUR
from tests.integration.steps import put

PHONE = Receiver(id="cm_phone", name="Mobile", channel=Channel.SMS, to="+4915112345678")
MAIL = Receiver(id="cm_mail", name="Mail", channel=Channel.EMAIL, to="ada@example.com")


class Mine:
    """Ada, and the deployment's own queue and sender behind the API."""

    def __init__(self, world: World) -> None:
        self.night, self.desk = Pipeline(world), Desk(world)
        self.world = world
        ssm, name = self.desk.ssm, self.desk.key_name
        ssm.put_parameter(Name=name, Value=LINK_KEY.hex(), Type="SecureString")
        self.desk.function = make(
            world.table,
            world.counters,
            self.desk.keys,
            self.desk.keys.secret,
            Queue(self.night.post.sqs(), PAGES),
            self.desk.new_id,
            world.clock,
        )
        self.ada(PHONE, MAIL)
        self.key = self.desk.key("ada", USERS_READ)

    def ada(self, *methods: Receiver) -> None:
        found = self.world.table.user("user_ada", deadline())
        assert found
        changed: User = found.model_copy(update={"contact_methods": methods})
        put(self.world, directory_items.directory_item(changed))

    def call(self, method: str, path: str, body: object = None, key: str = "") -> Response:
        path = f"/api/me{path}"
        return self.desk.call(method, path, body, key=key or self.key)

    def asks(self, method: str = "cm_phone") -> tuple[str, Message]:
        """The path of a new code, and the message that brought it."""
        sent = self.call("POST", f"/contact-methods/{method}/codes")
        assert (sent.status, sent.body["state"]) == (202, "PENDING")
        self.night.wait(seconds=1)
        heard = self.night.listener.heard.pop()
        return f"/contact-methods/{method}/codes/{sent.body['id']}", heard.message

    def types(self, path: str, code: str | None, key: str = "") -> int:
        return self.call("POST", path, {"code": code}, key).status

    def confirmed(self) -> dict[str, Any]:
        found = self.call("GET", "").body["me"]["contactMethods"]
        return {each["id"]: each.get("confirmedAt") for each in found}


@pytest.fixture
def mine(world: World) -> Mine:
    return Mine(world)


def test_a_code_that_arrives_shows_that_the_method_works(mine: Mine) -> None:
    assert mine.confirmed() == {"cm_phone": None, "cm_mail": None}
    path, message = mine.asks()
    assert (message.about, message.link) == (PageReason.CODE, None)
    shown = mine.call("GET", path).body
    assert (shown["state"], shown["endsAt"]) == ("SENT", "2026-11-23T03:10:00.000Z")
    assert mine.types(path, codes.spaced(message.code or "")) == 200
    assert mine.confirmed() == {"cm_phone": "2026-11-23T03:00:01.000Z", "cm_mail": None}
    # Another number has yet to show it.
    mine.ada(PHONE.model_copy(update={"to": "+4915187654321"}), MAIL)
    mine.world.clock.advance(seconds=31)
    assert mine.confirmed()["cm_phone"] is None


def test_a_code_is_its_owner_s_and_its_method_s(mine: Mine) -> None:
    path, message = mine.asks()
    bens = mine.desk.key("ben", *SCOPES)
    assert mine.call("POST", "/contact-methods/cm_phone/codes", key=bens).status == 404
    assert mine.types(path, message.code, bens) == 404
    assert mine.types(path.replace("cm_phone", "cm_mail"), message.code) == 404
    other, _ = mine.asks("cm_mail")
    assert mine.types(other, message.code) == 403
    assert mine.confirmed() == {"cm_phone": None, "cm_mail": None}


def test_five_tries_and_ten_minutes(mine: Mine) -> None:
    path, message = mine.asks()
    for _ in range(codes.TRIES):
        assert mine.types(path, "no code") == 403
    assert mine.types(path, message.code) == 410
    path, message = mine.asks()
    mine.world.clock.advance(seconds=codes.LIFE.total_seconds() - 1)
    assert mine.types(path, message.code) == 410
    assert mine.confirmed()["cm_phone"] is None


def test_a_number_that_changed_since_is_not_shown_to_work(mine: Mine) -> None:
    path, message = mine.asks()
    mine.ada(MAIL)
    assert mine.types(path, message.code) == 404


def test_a_code_to_an_old_address_says_nothing_about_the_new_one(mine: Mine) -> None:
    path, message = mine.asks()
    moved = PHONE.model_copy(update={"to": "+4915187654321"})
    mine.ada(moved, MAIL)
    assert mine.types(path, message.code) == 403
    assert mine.confirmed()["cm_phone"] is None
    path, message = mine.asks()
    assert mine.types(path, message.code) == 200
    mine.world.clock.advance(seconds=31)
    assert mine.confirmed()["cm_phone"]


def test_why_a_code_does_not_come_is_told(mine: Mine) -> None:
    mine.night.listener.answer("cm_phone", [PermanentFailure("the number does not exist")])
    path, _ = mine.asks()
    shown = mine.call("GET", path).body
    assert (shown["state"], shown["why"]) == ("FAILED", "the number does not exist")


def test_codes_are_bounded_and_none_is_sent_on_hold(mine: Mine) -> None:
    for _ in range(MOST_AN_HOUR):
        assert mine.call("POST", "/contact-methods/cm_mail/codes").status == 202
    refused = mine.call("POST", "/contact-methods/cm_phone/codes")
    assert (refused.status, refused.body["error"]) == (429, "Too many codes")
    mine.world.clock.advance(hours=1)
    now = mine.world.clock()
    Holds(mine.world.table).change(
        lambda hold: hold.begun(now, codes.LIFE, "Ada", "a storm"),
        deadline(),
        audit=audited.entry,
    )
    refused = mine.call("POST", "/contact-methods/cm_phone/codes")
    assert (refused.status, refused.body["error"]) == (409, "On hold")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/contact-methods/cm_gone/codes"),
        ("GET", "/contact-methods/cm_phone/codes/code_gone"),
        ("POST", "/contact-methods/cm_phone/codes/inc_1"),
    ],
)
def test_what_is_not_there_is_404(mine: Mine, method: str, path: str) -> None:
    assert mine.call(method, path, {"code": "12345678"}).status == 404


def test_one_sees_one_s_own_keys_that_work(mine: Mine) -> None:
    mine.desk.key("ben", *SCOPES)
    shown = mine.call("GET", "/keys").body["keys"]
    assert [each["scopes"] for each in shown if each["current"]] == [[USERS_READ]]
    assert "opsk_" not in str(shown)
    assert len(shown) == len([each for each in shown if each["name"]])
    bens = mine.call("GET", "/keys", key=mine.desk.key("ben", USERS_READ)).body["keys"]
    assert not {each["id"] for each in bens} & {each["id"] for each in shown}
