"""`opsknight me`: the same rules and the same shapes as the HTTP API has for one's own methods."""

import json
from typing import Any

import pytest

from harness.account import Refusal, Scripted
from harness.pipeline import Pipeline
from harness.post import PAGES_HIGH
from harness.processes import LINK_KEY
from harness.shell import Said, Shell
from harness.world import World, deadline
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel
from opsknight.notification.message import PageReason
from opsknight.runtime.queues import Queue
from opsknight.store import items
from tests.integration.test_own_methods import FILE, NAMED, NEW, OLD


class Me:
    """Ada at a terminal; what is sent arrives at a listener."""

    def __init__(self, world: World) -> None:
        self.world, self.night, self.shell = world, Pipeline(world), Shell(world)
        self.shell.pages = Queue(self.night.post.sqs(), PAGES_HIGH)
        account = Scripted(world)
        account.answers["ssm.GetParameter"] = {"Parameter": {"Value": LINK_KEY.hex()}}
        self.shell.account = account
        world.table.client.delete_item(TableName=world.table.name, Key=items.user_key("user_ada"))
        self.apply(FILE)

    def apply(self, text: str) -> None:
        said = self.shell.opsknight("apply", "-", "--yes", "--force", stdin=text)
        assert said.code == 0, said.all

    def types(self, *words: str, user: str = "ada") -> Said:
        return self.shell.opsknight("me", *words, "--as", user)

    def data(self, *words: str) -> Any:
        said = self.types(*words, "--json")
        assert said.code == 0, said.all
        return json.loads(said.out)

    def code(self) -> str:
        self.night.wait(seconds=1)
        return [each.message.code for each in self.night.listener.heard if each.message.code][-1]

    def adds(self, to: str, *more: str) -> None:
        asked = self.data("add", "sms", to, *more)
        self.data("confirm", asked["waiting"]["id"], asked["code"]["id"], self.code())

    @property
    def user(self) -> User:
        found = self.world.table.user("user_ada", deadline())
        assert found
        return found

    @property
    def places(self) -> dict[str, str]:
        return {each.id: each.to for each in self.user.contact_methods}


@pytest.fixture
def me(world: World) -> Me:
    return Me(world)


def test_a_number_counts_after_its_code(me: Me) -> None:
    asked = me.data("add", "sms", "+49 (151) 123-45678", "--name", "Mobile")
    assert me.places == {}
    [waiting] = me.data("methods")["me"]["waiting"]
    assert waiting == asked["waiting"]
    assert waiting["address"] == OLD
    words = ("confirm", waiting["id"], asked["code"]["id"])
    assert me.types(*words, "1234 5678").code == 1
    assert me.places == {}
    assert me.data(*words, me.code()) == {"status": "success"}
    assert me.places == {"email": "ada@example.com", "cm_sms": OLD}
    shown = me.data("methods")["me"]["contactMethods"]
    assert {each["id"]: "confirmedAt" in each for each in shown} == {"email": False, "cm_sms": True}


def test_the_number_before_is_told_and_stays_until_the_code(me: Me) -> None:
    me.adds(OLD)
    me.night.listener.heard.clear()
    asked = me.data("add", "sms", NEW, "--replaces", "sms")
    code = me.code()
    assert me.places["cm_sms"] == OLD
    told = {each.receiver.to: each.message.about for each in me.night.listener.heard}
    assert told == {OLD: PageReason.CHANGED, NEW: PageReason.CODE}
    me.data("confirm", asked["waiting"]["id"], asked["code"]["id"], code)
    assert me.places["cm_sms"] == NEW


def test_a_code_is_over_after_ten_minutes_and_another_can_be_sent(me: Me) -> None:
    asked = me.data("add", "sms", OLD)
    code = me.code()
    me.world.clock.advance(minutes=10)
    waiting = asked["waiting"]["id"]
    said = me.types("confirm", waiting, asked["code"]["id"], code)
    assert "ten minutes are over" in said.err
    again = me.data("code", waiting)
    # The code of the message before opens nothing of this one.
    assert me.types("confirm", waiting, again["id"], code).code == 1
    me.data("confirm", waiting, again["id"], me.code())
    assert me.places["cm_sms"] == OLD


def test_a_code_of_somebody_else_opens_nothing(me: Me) -> None:
    asked = me.data("add", "sms", OLD)
    said = me.types("confirm", asked["waiting"]["id"], asked["code"]["id"], me.code(), user="ben")
    assert (said.code, me.places) == (1, {})


def test_rules_are_set_whole_and_removed(me: Me) -> None:
    me.adds(OLD)
    rules = me.data("rules", "--set", "HIGH=sms", "--set", "high=email after 5m")["rules"]
    assert rules == [
        {"urgency": "HIGH", "methodId": "cm_sms", "afterSeconds": 0},
        {"urgency": "HIGH", "methodId": "email", "afterSeconds": 300},
    ]
    assert me.data("rules")["rules"] == rules
    assert me.data("rules", "--defaults")["rules"] == []
    for wrong in ("HIGH", "HIGH=sms after 90s", "HIGH=sms after 25h", "SOON=sms"):
        assert me.types("rules", "--set", wrong).code == 64
    assert "no contact method" in me.types("rules", "--set", "HIGH=pager").err


def test_the_last_one_that_reaches_somebody_stays(me: Me) -> None:
    me.adds(OLD)
    assert "Last contact method" in me.types("remove", "sms").err
    assert "Last contact method" in me.types("rules", "--set", "HIGH=email").err
    me.data("rename", "sms", "Mobile")
    assert [each.name for each in me.user.contact_methods] == ["E-mail", "Mobile"]
    asked = me.data("add", "sms", NEW)
    me.data("remove", asked["waiting"]["id"])
    assert me.data("methods")["me"]["waiting"] == []


def test_what_the_file_has_is_changed_there(me: Me) -> None:
    me.apply(NAMED)
    shown = me.data("methods")["me"]
    assert (shown["ownsContactMethods"], shown["ownsRules"]) == (False, True)
    for words in (("add", "sms", OLD), ("remove", "desk"), ("rename", "desk", "Desk")):
        said = me.types(*words)
        assert (said.code, "The configuration file has them" in said.err) == (1, True), words


def test_a_test_goes_to_the_one_that_was_named(me: Me) -> None:
    me.adds(OLD)
    me.night.listener.heard.clear()
    sent = me.data("test", "sms")
    assert (sent["id"][:5], sent["state"]) == ("test_", "PENDING")
    me.night.wait(seconds=1)
    heard = [(each.receiver.to, each.message.about) for each in me.night.listener.heard]
    assert heard == [(OLD, PageReason.TEST)]


def test_channels_that_need_a_secret_are_the_file_s(me: Me) -> None:
    for channel in (Channel.SLACK, Channel.PUSHOVER):
        said = me.types("add", channel, "U0123ABC")
        assert (said.code, "the file has it" in said.err) == (64, True)
    assert me.types("add", "sms", "0151 123").code == 64


def test_nothing_is_sent_under_hold_or_confirmed_without_the_key(me: Me) -> None:
    asked = me.data("add", "sms", OLD)
    code = me.code()
    assert me.shell.account
    me.shell.account.answers["ssm.GetParameter"] = Refusal("AccessDeniedException")
    said = me.types("confirm", asked["waiting"]["id"], asked["code"]["id"], code)
    assert "could not be read" in said.err
    me.shell.opsknight("hold", "on", "--for", "15m")
    said = me.types("add", "voice", OLD)
    assert (said.code, "ON HOLD" in said.err) == (1, True)
    assert [each["channel"] for each in me.data("methods")["me"]["waiting"]] == ["sms"]
