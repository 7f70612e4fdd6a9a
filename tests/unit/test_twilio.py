"""Text messages and calls by Twilio: what is sent, what its answers mean, and what a call says."""

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest

from harness.notices import BRIEF, BUNDLE, NOTICES, PAGE, THREE, Stage, stage
from harness.receivers import Act, answers, closes
from inbox.mailbox import Mailbox
from inbox.providers.provider import Context
from inbox.providers.twilio import twilio as played
from inbox.wire import Request
from notify.channels import twilio
from notify.channels.protocol import Misconfigured, PermanentFailure, Sent, TemporaryFailure
from notify.channels.registry import Senders
from notify.outbound import Limits
from notify.wiring import numbers
from opsknight.directory.receivers import Channel
from opsknight.incident.model import Status
from opsknight.notification.message import Message, PageReason
from opsknight.notification.replies import MOST_BY_KEY
from opsknight.notification.twiml import LONGEST
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.runtime.twilio import read_account, sender_to

TOKEN = "1234567890abcdef" * 2
ACCOUNT = {
    "account": f"AC{'1' * 32}",
    "token": "/twilio-token",
    "texts_from": "+12025550100, +4930901820",
    "calls_from": "+4930901820",
    "url": "https://oncall.example.com/",
}
CREATED = answers(201, b'{"sid": "SM0123", "status": "queued"}')


@pytest.fixture
def sending() -> Iterator[Stage]:
    with stage(Limits(connect=0.5, read=0.5, total=1)) as sending:
        by_twilio(sending)
        sending.http.then(CREATED)
        yield sending


def by_twilio(sending: Stage, **changes: str) -> None:
    sending.ssm.values |= {"/twilio": json.dumps(ACCOUNT | changes), "/twilio-token": TOKEN}
    outside = sending.senders.outside
    settings = replace(outside.settings, twilio="/twilio", twilio_url=sending.url)
    # One that remembers nothing.
    secrets = replace(outside.secrets, reader=SecretReader(sending.ssm.client()))
    sending.senders = Senders(replace(outside, settings=settings, secrets=secrets))


def form(sending: Stage) -> dict[str, str]:
    return dict(parse_qsl(sending.sent().body.decode(), keep_blank_values=True))


def read(twiml: str) -> ElementTree.Element:
    return ElementTree.fromstring(twiml)  # noqa: S314


def spoken(twiml: str) -> str:
    return " ".join(each.text or "" for each in read(twiml).iter("Say"))


def test_a_text_message_goes_by_twilio_from_the_number_of_its_country(sending: Stage) -> None:
    assert sending.send(Channel.SMS, PAGE) == Sent("SM0123")
    sent = sending.sent()
    assert sent.path == f"/2010-04-01/Accounts/{ACCOUNT['account']}/Messages.json"
    basic = sent.headers["Authorization"].removeprefix("Basic ")
    assert b64decode(basic).decode() == f"{ACCOUNT['account']}:{TOKEN}"
    found = form(sending)
    assert found.pop("Body").startswith("HIGH: ")
    assert found == {
        "To": "+4915112345678",
        "From": "+4930901820",
        "ValidityPeriod": "1800",
        "StatusCallback": "https://oncall.example.com/twilio/status",
    }
    assert sending.phone.calls == []


def test_a_call_reads_the_message_and_only_a_key_acknowledges(sending: Stage) -> None:
    assert isinstance(sending.send(Channel.VOICE, PAGE), Sent)
    found = form(sending)
    document = read(found["Twiml"])
    gather = document.find("Gather")
    assert gather is not None
    place = f"{PAGE.delivery_id}/{PAGE.incidents[0].id}"
    assert gather.get("action") == f"https://oncall.example.com/twilio/keys/{place}"
    assert (gather.get("input"), gather.get("numDigits")) == ("dtmf", "1")
    assert gather.get("actionOnEmptyResult") == "false"
    assert "Press 4 to acknowledge, 6 to resolve." in spoken(found["Twiml"])
    assert spoken(found["Twiml"]).endswith("nothing was acknowledged. Goodbye.")
    assert found["StatusCallback"] == "https://oncall.example.com/twilio/status"


def test_what_needs_no_answer_offers_no_key() -> None:
    for name in ("test", "acknowledged", "resolved"):
        twiml = twilio.render(NOTICES[name], "https://x.example")
        assert "Gather" not in twiml
        assert "Press" not in twiml
    over = replace(PAGE, incidents=(replace(BRIEF, status=Status.ACKNOWLEDGED),))
    also = replace(PAGE, about=PageReason.ALSO_PAGED)
    many = replace(PAGE, incidents=(BRIEF,) * (MOST_BY_KEY + 1))
    for message in (over, also, many):
        assert "Gather" not in twilio.render(message, "https://x.example")


def test_a_call_of_several_says_how_many_a_key_acknowledges() -> None:
    number = len(BUNDLE.incidents)
    twiml = twilio.render(BUNDLE, "https://x.example")
    assert f"Press 4 to acknowledge all {number}." in spoken(twiml)
    assert "resolve" not in spoken(twiml)


@pytest.mark.parametrize(
    "title", ["&" * 400, "<Say>" * 90, '"' * 500, "日本" * 250, "\x00\ud800]]>" * 60, "x"]
)
def test_whatever_a_monitor_sends_is_read_and_never_obeyed(title: str) -> None:
    brief = replace(BRIEF, title=title, service_name=title[:100])
    for message in (
        replace(PAGE, incidents=(brief,)),
        replace(BUNDLE, incidents=(brief, *BUNDLE.incidents[1:])),
    ):
        twiml = twilio.render(message, "https://x.example")
        assert len(twiml) <= LONGEST
        verbs = {each.tag for each in read(twiml).iter()}
        assert verbs == {"Response", "Pause", "Say", "Gather"}
        assert "to acknowledge" in spoken(twiml)


@pytest.mark.parametrize("message", NOTICES.values(), ids=NOTICES)
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.VOICE])
def test_twilio_takes_every_message(channel: Channel, message: Message, sending: Stage) -> None:
    sending.send(channel, message)
    sent = sending.sent()
    headers = {name.lower(): value for name, value in sent.headers.items()}
    request = Request("POST", f"/twilio{sent.path}", {}, headers, sent.body)
    receipt = played(request, Context(Mailbox()))
    assert (receipt.answer.status, receipt.why) == (201, "")


@pytest.mark.parametrize(
    ("act", "kind", "why"),
    [
        (answers(400, b'{"code": 21211}'), PermanentFailure, "Twilio answered 400: it is no numb"),
        (answers(400, b'{"code": 21610}'), PermanentFailure, "Twilio answered 400: the number re"),
        (answers(400, b'{"code": 99999}'), PermanentFailure, "Twilio answered 400: error 99999"),
        (answers(400, b"<html>"), PermanentFailure, "Twilio answered 400: no code"),
        (answers(400, b'{"code": "+49151"}'), PermanentFailure, "Twilio answered 400: no code"),
        (answers(429, headers={"Retry-After": "3"}), TemporaryFailure, "answered 429"),
        (answers(500), TemporaryFailure, "answered 500"),
        (answers(401, b'{"code": 20003}'), Misconfigured, "Twilio does not accept the account"),
        (closes, TemporaryFailure, ""),
    ],
)
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.VOICE])
def test_an_answer_is_an_outcome_and_tells_no_secret(
    channel: Channel, act: Act, kind: type[Any], why: str, sending: Stage
) -> None:
    sending.http.then(act)
    outcome = sending.send(channel, PAGE)
    assert type(outcome) is kind
    assert outcome.why.startswith(why)
    for secret in (TOKEN, "+49151", "Checkout", sending.url):
        assert secret not in repr(outcome)
    assert getattr(outcome, "after", None) in (None, timedelta(seconds=3))


def test_a_token_that_was_replaced_is_read_anew(sending: Stage) -> None:
    assert isinstance(sending.send(Channel.SMS, PAGE), Sent)
    sending.ssm.values["/twilio-token"] = "newer,older"
    sending.http.then(answers(401), CREATED)
    assert isinstance(sending.send(Channel.SMS, PAGE), Sent)
    basic = sending.sent().headers["Authorization"].removeprefix("Basic ")
    assert b64decode(basic).endswith(b":newer")


def test_what_does_not_go_by_twilio_goes_by_aws(sending: Stage) -> None:
    by_twilio(sending, texts_from="")
    assert sending.send(Channel.SMS, PAGE) == Sent("sms-1")
    assert sending.http.requests == []
    assert isinstance(sending.send(Channel.VOICE, PAGE), Sent)
    assert len(sending.http.requests) == 1
    by_twilio(sending, calls_from="")
    assert sending.send(Channel.VOICE, PAGE) == Sent("sms-1")


def test_without_its_settings_a_page_is_tried_again(sending: Stage) -> None:
    sending.ssm.values["/twilio"] = "{}"
    assert type(sending.send(Channel.SMS, PAGE)) is Misconfigured
    by_twilio(sending)
    del sending.ssm.values["/twilio-token"]
    outcome = sending.send(Channel.SMS, PAGE)
    assert isinstance(outcome, PermanentFailure)
    assert "/twilio-token" in outcome.why


def test_replies_are_offered_where_our_address_is_set_and_the_country_is_the_same(
    sending: Stage,
) -> None:
    asked = numbers(sending.senders.outside, Silent())  # type: ignore[arg-type]
    listed = {"incoming_phone_numbers": [{"sms_url": "https://oncall.example.com/twilio/texts"}]}
    sending.http.then(answers(200, json.dumps(listed).encode()))
    assert asked.reply_to("+4915112345678", THREE) == "+4930901820"
    assert sending.sent().line.startswith("GET ")
    assert sending.sent().path.endswith("/IncomingPhoneNumbers.json?PhoneNumber=%2B4930901820")
    # Remembered, and not even asked for another country.
    sending.http.then(answers(500))
    assert asked.reply_to("+4915112345678", THREE + timedelta(minutes=14)) == "+4930901820"
    assert asked.reply_to("+33612345678", THREE) is None
    assert asked.reply_to("+4915112345678", THREE + timedelta(minutes=16)) is None
    elsewhere = {"incoming_phone_numbers": [{"sms_url": "https://other.example.com/"}, 5]}
    sending.http.then(answers(200, json.dumps(elsewhere).encode()))
    assert asked.reply_to("+4915112345678", THREE + timedelta(hours=1)) is None


class Silent:
    def reply_to(self, _number: str, _now: object) -> str | None:
        return "by AWS"


def test_replies_to_what_goes_by_aws_are_asked_there(sending: Stage) -> None:
    by_twilio(sending, texts_from="")
    asked = numbers(sending.senders.outside, Silent())  # type: ignore[arg-type]
    assert asked.reply_to("+4915112345678", THREE) == "by AWS"


def test_only_what_the_template_writes_is_an_account() -> None:
    account = read_account(json.dumps(ACCOUNT))
    assert account is not None
    assert account.texts_from == ("+12025550100", "+4930901820")
    assert account.url == "https://oncall.example.com"
    for text in ("", "[]", "{}", "null", json.dumps(ACCOUNT | {"url": 5})):
        assert read_account(text) is None


def test_a_message_comes_from_its_receivers_country_where_it_can() -> None:
    ours = ("+12025550100", "+4930901820")
    assert sender_to("+4915112345678", ours) == "+4930901820"
    assert sender_to("+33612345678", ours) == "+12025550100"
    assert sender_to("+4915112345678", ("OpsKnight",)) == "OpsKnight"


def test_nothing_of_twilio_is_loaded_where_nothing_goes_by_it() -> None:
    said = (
        "import sys, notify.handler, respond.handler\n"
        "print([each for each in sys.modules if 'twilio' in each or 'twiml' in each])"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
