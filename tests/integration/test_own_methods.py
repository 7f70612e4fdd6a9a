"""What people change of themselves: contact methods by their code, rules, keys; and the file beside
them, which takes over what it names and leaves alone what it does not.
"""

import json
from datetime import timedelta
from secrets import token_hex, token_urlsafe
from typing import Any

import pytest

from harness import audited
from harness.desk import Desk
from harness.pipeline import Pipeline
from harness.post import PAGES
from harness.processes import LINK_KEY
from harness.shell import Shell
from harness.world import Response, World, deadline, http_event
from opsknight.config.configuration import Configuration
from opsknight.config.diff import desired
from opsknight.directory import profile
from opsknight.directory.entries import ME_WRITE, USERS_READ, User, key_hash
from opsknight.directory.profile import MOST_METHODS, Refusal
from opsknight.directory.receivers import Channel, NotificationRule, Own, Receiver, Unconfirmed
from opsknight.directory.sessions import COOKIE, LOGIN_LIFE, RECENT, Login, Session, Way
from opsknight.incident.model import Urgency
from opsknight.notification.message import PageReason
from opsknight.runtime.queues import Queue
from opsknight.store import items
from opsknight.store.configurations import Configurations
from opsknight.store.own_methods import TOLD_WITHIN
from opsknight.store.profiles import Profiles
from opsknight.store.sessions import Sessions
from respond.handler import make

FILE = """
users:
  ada: {email: ada@example.com, role: ADMIN, name: Ada Lovelace}
  ben: {email: ben@example.com, role: RESPONDER}
teams:
  web: {members: {ada: , ben: {pages: false}}}
services:
  checkout: {team: web}
"""
NAMED = FILE.replace(
    "name: Ada Lovelace", "contact_methods: {desk: {channel: voice, to: '+4930123456'}}"
)
OLD, NEW, OTHER = "+4915112345678", "+4915187654321", "+4915100000000"


class Mine:
    """Ada, whom her team pages; the whole way of a code, and the command line beside it."""

    def __init__(self, world: World) -> None:
        self.world, self.shell = world, Shell(world)
        self.night, self.desk = Pipeline(world), Desk(world)
        self.desk.ssm.put_parameter(
            Name=self.desk.key_name, Value=LINK_KEY.hex(), Type="SecureString"
        )
        self.desk.function = make(
            world.table,
            world.counters,
            self.desk.keys,
            self.desk.keys.secret,
            Queue(self.night.post.sqs(), PAGES),
            self.desk.new_id,
            world.clock,
        )
        world.table.client.delete_item(TableName=world.table.name, Key=items.user_key("user_ada"))
        self.apply(FILE)
        self.key = self.desk.key("ada", USERS_READ, ME_WRITE)

    def apply(self, text: str, *more: str) -> Any:
        said = self.shell.opsknight("apply", "-", "--yes", "--json", "--force", *more, stdin=text)
        assert said.code == 0, said.all
        return json.loads(said.out)

    def call(self, method: str, path: str, body: object = None, **headers: Any) -> Response:
        return self.desk.call(method, path, body, key=self.key, **headers)

    def keeps(self, method: str, path: str, body: object = None) -> Response:
        return self.call(method, f"/api/keeping/me/{path}", body)

    @property
    def me(self) -> dict[str, Any]:
        me: dict[str, Any] = self.call("GET", "/api/me").body["me"]
        return me

    @property
    def addresses(self) -> dict[str, str]:
        return {each["id"]: each["address"] for each in self.me["contactMethods"]}

    @property
    def user(self) -> User:
        found = self.world.table.user("user_ada", deadline())
        assert found
        return found

    def asks(self, to: str, replaces: str | None = None, channel: str = "sms") -> str:
        """The id under which the address waits."""
        body = {"channel": channel, "to": to} | ({"replaces": replaces} if replaces else {})
        answer = self.keeps("POST", "contact-methods", body)
        assert answer.status == 201, answer.body
        return str(answer.body["waiting"]["id"])

    def types(self, waiting: str) -> None:
        """Has a code sent to it, and types it."""
        path = f"/api/me/contact-methods/{waiting}/codes"
        sent = self.call("POST", path)
        assert sent.status == 202, sent.body
        self.night.wait(seconds=1)
        heard = [each.message for each in self.night.listener.heard if each.message.code]
        code = heard[-1].code
        assert self.call("POST", f"{path}/{sent.body['id']}", {"code": code}).status == 200

    def uses(self, waiting: str) -> Response:
        return self.keeps("POST", f"contact-methods/{waiting}/use")

    def adds(self, to: str, replaces: str | None = None, channel: str = "sms") -> None:
        waiting = self.asks(to, replaces, channel)
        self.types(waiting)
        used = self.uses(waiting)
        assert used.status == 200, used.body


@pytest.fixture
def mine(world: World) -> Mine:
    return Mine(world)


def test_a_number_is_paged_at_only_after_its_code(mine: Mine) -> None:
    waiting = mine.asks("+49 (151) 123-45678")
    assert mine.addresses == {}
    assert [each["address"] for each in mine.me["waiting"]] == [OLD]
    assert mine.uses(waiting).status == 409
    assert mine.addresses == {}
    mine.types(waiting)
    assert mine.uses(waiting).status == 200
    # The e-mail address reached her before, and still does.
    assert mine.addresses == {"email": "ada@example.com", "cm_sms": OLD}
    assert mine.me["waiting"] == []
    shown = {each["id"]: "confirmedAt" in each for each in mine.me["contactMethods"]}
    assert shown == {"email": False, "cm_sms": True}


def test_the_number_before_stays_until_the_code_and_is_told(mine: Mine) -> None:
    mine.adds(OLD)
    mine.night.listener.heard.clear()
    waiting = mine.asks(NEW, "cm_sms")
    assert mine.addresses["cm_sms"] == OLD
    mine.types(waiting)
    assert mine.addresses["cm_sms"] == OLD
    told = {each.receiver.to: each.message for each in mine.night.listener.heard}
    assert told[OLD].about is PageReason.CHANGED
    assert NEW not in (told[OLD].note or "") and "+49…21" in (told[OLD].note or "")
    assert told[NEW].about is PageReason.CODE
    assert mine.uses(waiting).status == 200
    assert mine.addresses["cm_sms"] == NEW
    assert mine.desk.confirmed("ada", "cm_sms") == NEW


def test_nothing_is_taken_into_use_before_the_number_before_was_told(mine: Mine) -> None:
    mine.adds(OLD)
    waiting = mine.asks(NEW, "cm_sms")
    path = f"/api/me/contact-methods/{waiting}/codes"
    sent = mine.call("POST", path)
    # Somebody who knows the code at once is not faster than the message.
    mine.desk.world.table.client.update_item(
        TableName=mine.world.table.name,
        Key=items.receiver_state_key(f"user#user_ada#{waiting}"),
        UpdateExpression="SET confirmed_at = :now, confirmed_to = :to",
        ExpressionAttributeValues={
            ":now": {"S": f"{mine.world.clock():%Y-%m-%dT%H:%M:%S.%fZ}"},
            ":to": {"S": NEW},
        },
    )
    assert sent.status == 202
    assert mine.uses(waiting).body["error"] == "Not yet"
    assert mine.addresses["cm_sms"] == OLD
    mine.world.clock.advance(seconds=TOLD_WITHIN.total_seconds())
    assert mine.uses(waiting).status == 200, "a provider that is down holds nobody up"


def test_a_code_for_the_old_address_opens_no_other(mine: Mine) -> None:
    mine.adds(OLD)
    first = mine.asks(NEW, "cm_sms")
    mine.types(first)
    # Changed again before it was taken into use: what was confirmed is another address.
    second = mine.asks(OTHER, "cm_sms")
    assert mine.uses(first).status == 404
    assert mine.uses(second).status == 409
    assert mine.addresses["cm_sms"] == OLD
    path = f"/api/me/contact-methods/{first}/codes"
    assert mine.call("POST", path).status == 404


def test_another_person_s_method_is_out_of_reach(mine: Mine) -> None:
    mine.adds(OLD)
    waiting = mine.asks(NEW)
    mine.types(waiting)
    mine.key = mine.desk.key("ben", USERS_READ, ME_WRITE)
    assert mine.uses(waiting).status == 404
    assert mine.keeps("DELETE", "contact-methods/cm_sms").status == 404
    assert mine.keeps("PATCH", "contact-methods/cm_sms", {"name": "Mine"}).status == 404
    rules = {"rules": [{"urgency": "HIGH", "methodId": "cm_sms"}]}
    assert mine.keeps("POST", "rules", rules).status == 404
    assert mine.user.rules == ()


def test_the_last_one_that_works_stays_while_somebody_pages_them(mine: Mine) -> None:
    mine.adds(OLD)
    # The e-mail address has never been shown to reach her.
    assert mine.keeps("DELETE", "contact-methods/cm_sms").body["error"] == "Last contact method"
    mine.adds(NEW)
    assert mine.keeps("DELETE", "contact-methods/cm_sms").status == 200
    assert mine.keeps("DELETE", "contact-methods/email").status == 200
    assert mine.keeps("DELETE", "contact-methods/cm_sms-2").status == 409
    mine.apply(FILE.replace("ada: , ben: {pages: false}", "ada: {pages: false}, ben: "))
    assert mine.keeps("DELETE", "contact-methods/cm_sms-2").status == 200, "nobody pages her"


def test_of_two_that_are_removed_at_once_one_stays(mine: Mine) -> None:
    mine.adds(OLD)
    mine.adds(NEW)
    mine.keeps("DELETE", "contact-methods/email")
    answers: list[Response] = []

    def between(user: User, reached: Any) -> User | Refusal:
        if not answers:
            answers.append(mine.keeps("DELETE", "contact-methods/cm_sms"))
        shown = {each.id for each in user.contact_methods}
        return profile.removed(
            user, "cm_sms-2", is_paged=reached(), shown=shown, now=mine.world.clock()
        )

    decided = Profiles(mine.world.table).change(
        "user_ada", between, token_hex(8), deadline(), audit=audited.entry
    )
    assert answers[0].status == 200
    assert decided is Refusal.LAST
    assert mine.addresses == {"cm_sms-2": NEW}


def test_a_policy_that_begins_to_page_them_meanwhile_counts(mine: Mine) -> None:
    unpaged = FILE.replace("ada: , ben: {pages: false}", "ada: {pages: false}, ben: ")
    mine.apply(unpaged)
    mine.adds(OLD)
    mine.keeps("DELETE", "contact-methods/email")
    applied: list[Any] = []

    def between(user: User, reached: Any) -> User | Refusal:
        paged = reached()
        if not applied:
            applied.append(mine.apply(FILE))
        return profile.removed(
            user, "cm_sms", is_paged=paged, shown={"cm_sms"}, now=mine.world.clock()
        )

    decided = Profiles(mine.world.table).change(
        "user_ada", between, token_hex(8), deadline(), audit=audited.entry
    )
    assert decided is Refusal.LAST
    assert mine.addresses == {"cm_sms": OLD}


def test_a_plan_from_before_a_change_is_overtaken(mine: Mine) -> None:
    before = Configurations(mine.world.table).read(deadline()).revision
    mine.adds(OLD)
    assert Configurations(mine.world.table).read(deadline()).revision > before


def test_the_file_leaves_alone_what_it_does_not_name(mine: Mine) -> None:
    mine.adds(OLD)
    rules = [{"urgency": "HIGH", "methodId": "cm_sms", "afterSeconds": 60}]
    assert mine.keeps("POST", "rules", {"rules": rules}).status == 200
    mine.apply(FILE.replace("Ada Lovelace", "Countess Lovelace"), "--prune")
    assert mine.addresses["cm_sms"] == OLD
    assert (mine.user.name, len(mine.user.rules)) == ("Countess Lovelace", 1)
    exported = mine.shell.opsknight("export").out
    assert OLD not in exported and "rules" not in exported
    again = mine.shell.opsknight("plan", "-", "--prune", stdin=exported)
    assert again.code == 0, again.all


def test_a_file_that_names_them_takes_them_over_and_says_so(mine: Mine) -> None:
    mine.adds(OLD)
    mine.keeps("POST", "rules", {"rules": [{"urgency": "HIGH", "methodId": "cm_sms"}]})
    waiting = mine.asks(NEW, "cm_sms")
    mine.types(waiting)
    planned = mine.shell.opsknight("plan", "-", stdin=NAMED)
    assert "their own (E-mail by email, sms by sms)" in planned.out
    assert OLD not in planned.out
    mine.apply(NAMED)
    # What she had confirmed a moment before does not come back.
    assert mine.uses(waiting).body["error"] == "Managed by the file"
    assert mine.addresses == {"cm_desk": "+4930123456"}
    assert mine.user.rules == () and mine.user.own is None
    assert mine.me["ownsContactMethods"] is False
    body = {"channel": "sms", "to": OLD}
    for answer in (
        mine.keeps("POST", "contact-methods", body),
        mine.keeps("DELETE", "contact-methods/cm_desk"),
        mine.keeps("PATCH", "contact-methods/cm_desk", {"name": "Mine"}),
    ):
        assert (answer.status, answer.body["error"]) == (409, "Managed by the file")
    assert mine.user.contact_methods[0].name == "desk"


def test_what_the_file_names_no_more_is_theirs_and_still_reaches_them(mine: Mine) -> None:
    mine.apply(NAMED)
    mine.apply(FILE)
    assert mine.addresses == {"cm_desk": "+4930123456"}
    assert mine.me["ownsContactMethods"] is True
    mine.adds(NEW, "cm_desk")
    assert mine.addresses == {"cm_desk": NEW}


def test_the_file_taking_over_in_the_middle_of_a_change_wins(mine: Mine) -> None:
    mine.adds(OLD)
    done: list[Any] = []

    def between(user: User, _: Any) -> User | Refusal:
        changed = profile.renamed(user, "cm_sms", "Pocket")
        if not done:
            done.append(mine.apply(NAMED))
        return changed

    decided = Profiles(mine.world.table).change(
        "user_ada", between, token_hex(8), deadline(), audit=audited.entry
    )
    assert decided is Refusal.UNKNOWN
    assert mine.addresses == {"cm_desk": "+4930123456"}


def test_rules_are_paged_by_and_name_methods_that_are_there(mine: Mine) -> None:
    mine.adds(OLD)
    unknown = {"rules": [{"urgency": "HIGH", "methodId": "cm_pigeon"}]}
    assert mine.keeps("POST", "rules", unknown).status == 404
    only_mail = {"rules": [{"urgency": "HIGH", "methodId": "email"}]}
    assert mine.keeps("POST", "rules", only_mail).body["error"] == "Last contact method"
    rules = [
        {"urgency": "LOW", "methodId": "cm_sms"},
        {"urgency": "HIGH", "methodId": "cm_sms"},
        {"urgency": "HIGH", "methodId": "email", "afterSeconds": 300},
    ]
    assert mine.keeps("POST", "rules", {"rules": rules}).status == 200
    assert mine.user.rules == (
        NotificationRule(urgency=Urgency.HIGH, method_id="cm_sms"),
        NotificationRule(urgency=Urgency.HIGH, method_id="email", delay=timedelta(minutes=5)),
        NotificationRule(urgency=Urgency.LOW, method_id="cm_sms"),
    )
    assert mine.keeps("POST", "rules", {"rules": []}).status == 200
    assert not mine.user.rules


def test_what_people_write_is_read_carefully(mine: Mine) -> None:
    for wrong in (
        {"channel": "slack", "to": "C0123ABC"},
        {"channel": "sms", "to": "0151 12345678"},
        {"channel": "email", "to": "ada"},
        {"channel": "ntfy", "to": "topic"},
    ):
        assert mine.keeps("POST", "contact-methods", wrong).status == 400
    mine.adds(OLD)
    again = mine.keeps("POST", "contact-methods", {"channel": "sms", "to": OLD})
    assert (again.status, again.body["error"]) == (409, "Known already")
    for number in range(MOST_METHODS - 2):
        mine.asks(f"+49151000001{number:02}")
    most = mine.keeps("POST", "contact-methods", {"channel": "sms", "to": OTHER})
    assert (most.status, most.body["error"]) == (409, "Too many")
    mine.world.clock.advance(days=1)
    assert mine.me["waiting"] == []
    assert mine.keeps("POST", "contact-methods", {"channel": "sms", "to": OTHER}).status == 201


def test_a_session_needs_a_recent_login_and_a_key_its_scope(mine: Mine) -> None:
    secret, now = token_urlsafe(32), mine.world.clock()
    sessions, ends_at = Sessions(mine.world.table), now + timedelta(hours=12)
    ada = mine.world.table.user("user_ada", deadline())
    whose: dict[str, Any] = {"user_id": "user_ada", "user_since": ada and ada.since}
    session = Session(id="ses_1", way=Way.LINK, created_at=now, ends_at=ends_at, **whose)
    sessions.offer("a login", Login(ends_at=now + LOGIN_LIFE, **whose), deadline())
    assert sessions.begin(
        "a login", key_hash(secret), session, "t", deadline(), audit=audited.entry()
    )
    body = {"channel": "sms", "to": OLD}
    headers = {"sec-fetch-site": "same-origin", "x-opsknight-console": "1"}
    sent = http_event(body, path="/api/keeping/me/contact-methods", headers=headers)
    sent["cookies"] = [f"{COOKIE}={secret}"]
    assert mine.desk.send(sent).status == 201
    mine.world.clock.advance(seconds=RECENT.total_seconds() + 1)
    assert mine.desk.send(sent).status == 403
    mine.key = mine.desk.key("ada", USERS_READ)
    assert mine.keeps("POST", "contact-methods", body).status == 403


def test_people_end_their_own_keys_alone(mine: Mine) -> None:
    bens = mine.desk.key("ben", USERS_READ, key_id="key_ben")
    lost = mine.desk.key("ada", USERS_READ, key_id="key_lost")
    assert mine.keeps("DELETE", "keys/key_ben").status == 404
    assert mine.keeps("DELETE", "keys/key_lost").status == 200
    assert mine.keeps("DELETE", "keys/key_lost").status == 409
    assert mine.desk.call("GET", "/api/me", key=bens).status == 200
    mine.world.clock.advance(seconds=31)
    assert mine.desk.call("GET", "/api/me", key=lost).status == 401


def test_a_test_message_reaches_one_method(mine: Mine) -> None:
    mine.adds(OLD)
    mine.night.listener.heard.clear()
    sent = mine.call("POST", "/api/me/contact-methods/cm_sms/tests")
    assert (sent.status, sent.body["state"]) == (202, "PENDING")
    mine.night.wait(seconds=1)
    [heard] = mine.night.listener.heard
    assert (heard.receiver.to, heard.message.about) == (OLD, PageReason.TEST)
    path = f"/api/me/contact-methods/cm_sms/tests/{sent.body['id']}"
    assert mine.call("GET", path).body["state"] == "SENT"
    waiting = mine.asks(NEW)
    assert mine.call("POST", f"/api/me/contact-methods/{waiting}/tests").status == 404


def test_what_a_newer_version_wrote_is_not_written_away(mine: Mine) -> None:
    mine.adds(OLD)
    table = mine.world.table
    table.client.update_item(
        TableName=table.name,
        Key=items.user_key("user_ada"),
        UpdateExpression="SET contact_methods[0].channel = :pigeon",
        ExpressionAttributeValues={":pigeon": {"S": "pigeon"}},
    )
    assert mine.keeps("PATCH", "contact-methods/cm_sms", {"name": "Pocket"}).status == 409
    stored = table.item(items.user_key("user_ada"), deadline())
    assert stored and len(stored["contact_methods"]["L"]) == 2


def test_own_rules_of_a_method_of_the_file_go_with_it() -> None:
    phone = Receiver(id="cm_phone", name="Phone", channel=Channel.SMS, to=OLD)
    rule = NotificationRule(urgency=Urgency.HIGH, method_id="cm_phone")
    file = User.model_validate(
        {"id": "user_ada", "name": "Ada", "email": "ada@example.com", "role": "ADMIN"}
    )
    live = file.model_copy(
        update={
            "contact_methods": (phone,),
            "rules": (rule,),
            "own": Own(
                contact_methods=True,
                rules=True,
                unconfirmed=(
                    Unconfirmed(
                        id="new_1",
                        name="x",
                        channel=Channel.SMS,
                        to=NEW,
                        until="2026-11-24T00:00:00Z",  # type: ignore[arg-type]
                    ),
                ),
            ),
        }
    )
    kept = desired(Configuration.of([live]), Configuration.of([file]), prune=True)
    assert kept.configuration.users["user_ada"] == live
    desk = phone.model_copy(update={"id": "cm_desk"})
    named = file.model_copy(update={"contact_methods": (desk,)})
    taken = desired(Configuration.of([live]), Configuration.of([named]), prune=False)
    assert taken.configuration.users["user_ada"] == named
