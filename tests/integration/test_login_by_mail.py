"""Logging in by a code that comes by e-mail, through the deployment's own queue and sender; and
what a stranger learns by it.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest

from console import devices
from console.by_mail import (
    MOST_OF_A_DEVICE,
    MOST_OF_A_PLACE,
    MOST_OF_A_PLACE_FOR_ALL,
    MOST_OF_STRANGERS,
)
from console.handler import Mailing, make
from harness import audited
from harness.desk import Desk
from harness.pipeline import Pipeline
from harness.post import PAGES_HIGH
from harness.processes import LINK_KEY
from harness.visitor import OWN, Told, Visitor
from harness.world import World, deadline
from notify.channels import email_layout, voice
from notify.channels.email import subject
from opsknight.directory.entries import key_hash
from opsknight.directory.receivers import Channel
from opsknight.directory.sessions import COOKIE, Session, Way
from opsknight.notification import codes
from opsknight.notification.message import Message, PageReason
from opsknight.runtime import clock
from opsknight.runtime.queues import Queue
from opsknight.runtime.ssm_secrets import LinkKeys, Secret, SecretReader
from opsknight.store import directory_items
from opsknight.store.sessions import Sessions

CODE = "__Host-opsknight-code"


@dataclass
class Mailbox:
    night: Pipeline
    desk: Desk
    calls: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.night.world

    def visitor(self, source: str = "192.0.2.7", **jar: str) -> Visitor:
        reader = SecretReader(self.desk.ssm)
        mailing = Mailing(
            LinkKeys(Secret(reader, self.desk.key_name)),
            Queue(self.night.post.sqs(), PAGES_HIGH),
            self.world.counters,
        )
        function = make(self.world.table, reader, clock.new_id, self.world.clock, by_mail=mailing)
        return Visitor(function, dict(jar), source)

    def messages(self) -> list[Message]:
        """Those that came since the last time."""
        self.night.wait(seconds=1)
        heard = [*self.night.listener.heard]
        self.night.listener.heard.clear()
        return [each.message for each in heard]

    def message(self) -> Message:
        [only] = self.messages()
        return only

    def sessions(self, user: str = "ada") -> list[Session]:
        return Sessions(self.world.table).of(f"user_{user}", deadline())

    def change(self, user: str, **changes: Any) -> None:
        found = self.world.table.user(f"user_{user}", deadline())
        assert found
        self.night.put(directory_items.directory_item(found.model_copy(update=changes)))


@pytest.fixture
def mailbox(world: World) -> Mailbox:
    desk = Desk(world)
    desk.configured(services=["svc_checkout"], users=["user_ada", "user_ben"])
    desk.ssm.put_parameter(Name=desk.key_name, Value=LINK_KEY.hex(), Type="SecureString")
    return Mailbox(Pipeline(world), desk)


def asks(visitor: Visitor, email: str = "ada@example.com", **more: str) -> Told:
    told = visitor.ask("/auth/mail", "POST", form={"email": email, **more})
    assert (told.status, told.leads_to) == (303, "/auth/code"), told.text
    return told


def types(visitor: Visitor, code: str) -> Told:
    return visitor.ask("/auth/code", "POST", form={"code": code})


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**codes.DIGITS:0{codes.DIGITS}}"


def test_one_types_the_code_where_one_asked(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    shown = visitor.ask("/auth/login?next=/console/oncall")
    assert 'action="/auth/mail"' in shown.text and "/console/oncall" in shown.text
    asks(visitor, " Ada@Example.com ", next="/console/oncall")
    typing = visitor.ask("/auth/code")
    assert 'autocomplete="one-time-code"' in typing.text and 'inputmode="numeric"' in typing.text
    message = mailbox.message()
    assert (message.about, message.incidents) == (PageReason.CODE, ())
    assert message.code and re.fullmatch(r"\d{8}", message.code)
    told = types(visitor, f"{message.code[:4]} {message.code[4:]}")
    assert (told.status, told.leads_to) == (303, "/console/oncall")
    [session] = mailbox.sessions()
    assert session.way is Way.MAIL and session.is_recent(mailbox.world.clock())
    assert {*visitor.jar} == {COOKIE, devices.NAME}
    assert message.code not in str(mailbox.world.items()), "no code is stored"


def test_the_mail_says_what_it_is_for(mailbox: Mailbox) -> None:
    asks(mailbox.visitor())
    message = mailbox.message()
    code = f"{message.code[:4]} {message.code[4:]}"  # type: ignore[index]
    assert subject(message) == f"Your code: {code}"
    text, html = email_layout.render(message)
    assert code in text and code in html and message.link and message.link in text
    assert "If you did not ask for it, do nothing." in text
    assert ", ".join(message.code or "") in voice.render(message), "a call spells it"


def test_the_link_has_a_button_and_works_once_in_any_browser(mailbox: Mailbox) -> None:
    asked, other = mailbox.visitor(), mailbox.visitor()
    asks(asked)
    message = mailbox.message()
    path = (message.link or "").removeprefix("https://ops.example.com")
    for _ in range(2):
        assert "Log in as Ada" in other.ask(path).text
    assert other.ask(path, "POST").status == 303
    assert other.ask(path, "POST").status == 404
    assert types(asked, message.code or "").status == 403, "one of the two is enough"
    [session] = mailbox.sessions()
    assert session.way is Way.MAIL


def test_a_code_that_was_used_spends_its_link(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    asks(visitor)
    jar = dict(visitor.jar)
    message = mailbox.message()
    assert types(visitor, message.code or "").status == 303
    path = (message.link or "").removeprefix("https://ops.example.com")
    assert mailbox.visitor().ask(path).status == 404
    assert types(mailbox.visitor(**jar), message.code or "").status == 403


def test_a_code_counts_in_its_browser_only(mailbox: Mailbox) -> None:
    asks(mailbox.visitor())
    code = mailbox.message().code or ""
    stranger = mailbox.visitor()
    assert types(stranger, code).status == 403
    asks(stranger, "ben@example.com")
    assert types(stranger, code).status == 403
    # What names the attempt in a cookie is no link.
    assert stranger.ask(f"/auth/{stranger.jar[CODE]}").status == 404
    assert mailbox.sessions() == mailbox.sessions("ben") == []


def test_what_went_to_an_address_counts_as_long_as_it_is_theirs(mailbox: Mailbox) -> None:
    visitor, other = mailbox.visitor(), mailbox.visitor()
    asks(visitor)
    message = mailbox.message()
    mailbox.change("ada", email="ada@elsewhere.example")
    assert types(visitor, message.code or "").status == 403
    path = (message.link or "").removeprefix("https://ops.example.com")
    assert other.ask(path).status == other.ask(path, "POST").status == 404
    assert mailbox.sessions() == []
    # Changed before the mail goes, its code is that of another address than was asked for.
    mailbox.night.wait(minutes=1)
    asks(visitor, "ada@elsewhere.example")
    mailbox.change("ada", email="ada@example.com")
    late = mailbox.message()
    assert types(visitor, late.code or "").status == 403
    assert other.ask((late.link or "").removeprefix("https://ops.example.com")).status == 404


def test_five_tries_and_no_more(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    asks(visitor)
    code = mailbox.message().code or ""
    for wrong in ("", "x" * 8, another(code), code[:7]):
        assert "That is not the code." in types(visitor, wrong).text
    jar = dict(visitor.jar)
    assert "does not count any more" in types(visitor, another(code)).text
    assert CODE not in visitor.jar
    assert types(mailbox.visitor(**jar), code).status == 403
    assert mailbox.sessions() == []
    [failed] = audited.written(mailbox.world)
    assert (failed.kind, failed.actor.name) == ("login_failed", "Somebody")
    assert [each.id for each in failed.things] == ["user_ada"]
    assert failed.source == "192.0.2.7"


def test_what_strangers_try_for_nobody_is_not_in_the_audit_log(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    asks(visitor, "nobody@example.com")
    for _ in range(5):
        types(visitor, "12345678")
    assert audited.written(mailbox.world) == []


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_the_last_wrong_code_takes_the_same_calls_for_somebody_and_nobody(
    mailbox: Mailbox, email: str
) -> None:
    visitor = mailbox.visitor()
    asks(visitor, email)
    for _ in range(4):
        types(visitor, "12345678")
    calls: list[str] = []
    events: Any = mailbox.world.table.client.meta.events
    events.register("before-parameter-build.dynamodb", lambda model, **_: calls.append(model.name))
    types(visitor, "12345678")
    reads = [each for each in calls if each == "GetItem"]
    assert (len(reads), len(calls) - len(reads)) == (2, 2)


def test_what_is_tried_at_once_counts_as_well(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    asks(visitor)
    hashed, sessions = key_hash(visitor.jar[CODE]), Sessions(mailbox.world.table)
    seen = sessions.code_login(hashed, mailbox.world.clock(), deadline())
    assert seen and sessions.try_code(hashed, seen, deadline())
    assert not sessions.try_code(hashed, seen, deadline())


def test_ten_minutes_and_no_longer(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    asks(visitor)
    message = mailbox.message()
    mailbox.world.clock.advance(seconds=codes.LIFE.total_seconds() - 1)
    assert types(visitor, message.code or "").status == 403
    path = (message.link or "").removeprefix("https://ops.example.com")
    assert mailbox.visitor().ask(path, "POST").status == 404


def test_nobody_learns_whose_address_it_is(mailbox: Mailbox) -> None:
    """The same answer after the same calls; and nobody gets a mail."""
    made: list[str] = []
    events = mailbox.world.table.client.meta.events

    def note(model: Any, **_: object) -> None:
        made.append(model.name)

    events.register("before-call.dynamodb", note)
    try:
        seen = []
        mailbox.change("ben", disabled=True)
        for email in ("ada@example.com", "nobody@example.com", "ben@example.com"):
            visitor = mailbox.visitor()
            made.clear()
            told = asks(visitor, email)
            calls = [*made]
            typing = visitor.ask("/auth/code").text
            made.clear()
            wrong = types(visitor, "nothing").text
            calls += made
            seen.append((told.status, told.headers.keys(), len(told.cookies), calls, typing, wrong))
    finally:
        events.unregister("before-call.dynamodb", note)
    assert seen[0] == seen[1] == seen[2]
    assert len(mailbox.messages()) == 1
    # Nor by a code: whoever has none is wrong in the same way.
    visitor = mailbox.visitor()
    asks(visitor, "nobody@example.com")
    assert "That is not the code." in types(visitor, "12345678").text


def test_strangers_who_ask_do_not_make_it_read_all_users_each_time(mailbox: Mailbox) -> None:
    made: list[str] = []
    events = mailbox.world.table.client.meta.events

    def note(model: Any, **_: object) -> None:
        made.append(model.name)

    visitor = mailbox.visitor()
    events.register("before-call.dynamodb", note)
    try:
        for number in range(20):
            asks(visitor, f"stranger{number}@example.com")
    finally:
        events.unregister("before-call.dynamodb", note)
    assert made.count("BatchGetItem") == 1


def test_an_address_of_two_users_gets_nothing(mailbox: Mailbox) -> None:
    mailbox.change("ben", email="ADA@example.com")
    asks(mailbox.visitor())
    assert mailbox.messages() == []


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_a_mailbox_gets_a_bounded_number_of_codes(mailbox: Mailbox, email: str) -> None:
    for number in range(MOST_OF_STRANGERS):
        asks(mailbox.visitor(f"198.51.100.{number}"), email)
    told = mailbox.visitor().ask("/auth/mail", "POST", form={"email": email.upper()})
    assert (told.status, told.headers["Retry-After"]) == (429, "3600")
    asks(mailbox.visitor(), "ben@example.com")
    mailbox.world.clock.advance(hours=1)
    asks(mailbox.visitor(), email)


def refused(visitor: Visitor, email: str = "ada@example.com") -> bool:
    return visitor.ask("/auth/mail", "POST", form={"email": email}).status == 429


def test_one_stranger_uses_up_nobody_s_codes(mailbox: Mailbox) -> None:
    for _ in range(MOST_OF_A_PLACE):
        asks(mailbox.visitor("2001:db8::1"))
    # In a network of their own, everybody has as many addresses as they like.
    for number in range(2, 2 * MOST_OF_STRANGERS):
        assert refused(mailbox.visitor(f"2001:db8::{number:x}"))
    asks(mailbox.visitor("2001:db8:0:1::1"))
    asks(mailbox.visitor("198.51.100.1"))


def test_one_place_asks_for_few_people(mailbox: Mailbox) -> None:
    for number in range(MOST_OF_A_PLACE_FOR_ALL):
        asks(mailbox.visitor(), f"stranger{number}@example.com")
    assert refused(mailbox.visitor(), "ada@example.com")
    asks(mailbox.visitor("198.51.100.1"))


def test_a_browser_that_was_logged_in_has_codes_of_its_own(mailbox: Mailbox) -> None:
    known = mailbox.visitor()
    asks(known)
    types(known, mailbox.message().code or "")
    known.ask("/auth/logout", "POST", form={})
    for number in range(2 * MOST_OF_STRANGERS):
        mailbox.visitor(f"198.51.100.{number}").ask(
            "/auth/mail", "POST", form={"email": "ada@example.com"}
        )
    assert refused(mailbox.visitor("203.0.113.9")), "the strangers' allowance is used up"
    forged = known.jar[devices.NAME][:-1] + ("A" if known.jar[devices.NAME][-1] != "A" else "B")
    assert refused(mailbox.visitor(**{devices.NAME: forged}))
    mailbox.messages()
    asks(known, "ADA@example.com")
    assert types(known, mailbox.message().code or "").status == 303
    # Each browser has the same, and no more.
    spent = sum(not refused(known) for _ in range(2 * MOST_OF_A_DEVICE))
    assert spent == MOST_OF_A_DEVICE
    assert devices.NAME in known.jar


def test_a_known_browser_is_known_by_its_own_address(mailbox: Mailbox) -> None:
    known = mailbox.visitor()
    asks(known)
    path = (mailbox.message().link or "").removeprefix("https://ops.example.com")
    assert known.ask(path, "POST").status == 303
    assert devices.NAME in known.jar, "a link from the mail shows it as well"
    for number in range(MOST_OF_STRANGERS):
        asks(mailbox.visitor(f"198.51.100.{number}"), "ben@example.com")
    assert refused(known, "ben@example.com")


@pytest.mark.parametrize("email", ["", "x", "a" * 400, "é"])
def test_what_is_no_address_is_said_to_be_none(mailbox: Mailbox, email: str) -> None:
    told = mailbox.visitor().ask("/auth/mail", "POST", form={"email": email})
    assert (told.status, told.cookies) == (400, [])


FROM_ELSEWHERE = [
    {"Host": "oncall.example.com", "Sec-Fetch-Site": "cross-site"},
    {"Host": "oncall.example.com", "Origin": "https://evil.example"},
    {"Host": "oncall.example.com"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=str)
def test_no_other_page_asks_or_types(mailbox: Mailbox, headers: dict[str, str]) -> None:
    visitor = mailbox.visitor()
    form = {"email": "ada@example.com"}
    assert visitor.ask("/auth/mail", "POST", headers, form).status == 403
    asks(visitor)
    code = {"code": mailbox.message().code or ""}
    assert visitor.ask("/auth/code", "POST", headers, code).status == 403
    assert mailbox.sessions() == []
    assert visitor.ask("/auth/code", "POST", OWN, code).status == 303


def test_for_keys_a_fresh_code_is_asked_for(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    asks(visitor)
    types(visitor, mailbox.message().code or "")
    mailbox.world.clock.advance(hours=2)
    shown = visitor.ask("/auth/again?next=/console/services")
    assert 'value="ada@example.com"' in shown.text
    asks(visitor, next="/console/services")
    told = types(visitor, mailbox.message().code or "")
    assert told.leads_to == "/console/services"
    [session] = mailbox.sessions()
    assert session.is_recent(mailbox.world.clock()), "and the session before has ended"


def test_a_user_who_is_disabled_meanwhile_is_refused(mailbox: Mailbox) -> None:
    visitor = mailbox.visitor()
    asks(visitor)
    code = mailbox.message().code or ""
    mailbox.change("ada", disabled=True)
    assert types(visitor, code).status == 403
    assert mailbox.sessions() == []


def test_it_comes_by_mail_whatever_else_one_has(mailbox: Mailbox) -> None:
    """The address says who one is; a telephone does not."""
    asks(mailbox.visitor())
    mailbox.night.wait(seconds=1)
    [heard] = mailbox.night.listener.heard
    assert (heard.receiver.channel, heard.receiver.to) == (Channel.EMAIL, "ada@example.com")


def test_a_code_comes_late_or_not_at_all(mailbox: Mailbox) -> None:
    asks(mailbox.visitor())
    mailbox.world.clock.advance(seconds=timedelta(minutes=11).total_seconds())
    assert mailbox.messages() == []


def test_a_provider_s_second_factor_is_not_for_a_mailbox_to_pass_by(mailbox: Mailbox) -> None:
    name = f"/opsknight/{token_hex(4)}/oidc"
    settings = (
        '{"issuer": "https://login.example.com", "client": "c", "secret": "",'
        ' "trusts_email": "false", "url": "https://oncall.example.com"}'
    )
    mailbox.desk.ssm.put_parameter(Name=name, Value=settings, Type="String")
    visitor = mailbox.visitor()
    visitor.console.login.by_provider.settings_name = name
    assert "e-mail address" not in visitor.ask("/auth/login").text
    told = visitor.ask("/auth/mail", "POST", form={"email": "ada@example.com"})
    assert (told.status, told.cookies) == (404, [])


@pytest.mark.parametrize("typed", ["04071234", "0407 1234", "0407-1234"])
def test_people_type_a_code_as_they_like(typed: str) -> None:
    key = bytes(32)
    delivery = next(f"p{n}" for n in range(10**6) if codes.code(f"p{n}", key).startswith("0"))
    made = codes.code(delivery, key)
    spelt = {"04071234": made, "0407 1234": codes.spaced(made)}.get(typed, f"{made[:4]}-{made[4:]}")
    assert codes.is_code(spelt, delivery, [b"another" * 5, key])
    assert not codes.is_code(made, delivery, [b"another" * 5])
    assert not codes.is_code(made, delivery, [])
