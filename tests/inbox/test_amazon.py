"""SES and End User Messaging, called through the AWS SDK as the functions call them."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from inbox.looks.phone import segments
from inbox.mailbox import Message
from inbox.server import Inbox
from tests.inbox.conftest import Post
from tests.inbox.samples import LINK, TITLE, amazon, email, sms, voice

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local"}


def test_a_mail_is_accepted_and_can_be_read(inbox: Inbox, newest: Callable[[], Message]) -> None:
    answer = amazon("sesv2", inbox.url).send_email(**email())
    assert answer["MessageId"]
    message = newest()
    assert (message.channel, message.to) == ("email", "ada@example.com")
    assert message.title == f"[HIGH] {TITLE}"
    assert LINK in message.text
    assert not message.why


def test_a_raw_mail_is_read_like_a_simple_one(inbox: Inbox, newest: Callable[[], Message]) -> None:
    head = b"From: a@example.com\r\nTo: b@example.com\r\n"
    raw = head + b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi"
    amazon("sesv2", inbox.url).send_email(Content={"Raw": {"Data": raw}})
    message = newest()
    assert (message.to, message.title, message.text) == ("b@example.com", "Grüße", "Hi")


HEADERS_16 = [{"Name": f"X-{number}", "Value": "1"} for number in range(16)]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"Content": {}}, "Simple or Raw"),
        ({"Content": {"Simple": {"Subject": {"Data": "x"}}}}, "Missing required parameter in"),
        (email(Subjekt="x"), 'Unknown parameter in input: "Subjekt"'),
        (email(Destination={"ToAddresses": "ada@example.com"}), "Invalid type for parameter"),
        (email(Destination={"ToAddresses": ["ada"]}), "Missing final '@domain'"),
        (email(Destination={}), "At least one recipient"),
        (email(FromEmailAddress=""), "Missing final '@domain'"),
        (
            email(
                Content={
                    "Simple": {
                        "Subject": {"Data": "x"},
                        "Body": {},
                        "Headers": HEADERS_16,
                    }
                }
            ),
            "Content.Simple.Headers: at most 15",
        ),
        (
            email(
                Content={
                    "Simple": {
                        "Subject": {"Data": "x"},
                        "Body": {},
                        "Headers": [{"Name": "Größe", "Value": "1"}],
                    }
                }
            ),
            "must match",
        ),
    ],
)
def test_ses_refuses_requests_that_do_not_fit_its_model(
    payload: dict[str, Any], why: str, post: Post, newest: Callable[[], Message]
) -> None:
    answer = post("/v2/email/outbound-emails", json=payload, headers=SIGNED)
    assert answer.status_code == 400
    assert answer.headers["x-amzn-ErrorType"] == "BadRequestException"
    assert why in answer.json()["message"]
    assert why in newest().why


def test_the_sdk_understands_the_refusals(inbox: Inbox) -> None:
    with pytest.raises(ClientError) as refused:
        amazon("sesv2", inbox.url).send_email(**email(Destination={"ToAddresses": ["ada"]}))
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
    with pytest.raises(ClientError) as refused:
        phone = amazon("pinpoint-sms-voice-v2", inbox.url)
        phone.send_text_message(**sms(DestinationPhoneNumber="0151"))
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_an_unsigned_request_is_refused(post: Post) -> None:
    answer = post("/v2/email/outbound-emails", json=email())
    assert answer.status_code == 403
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_an_sms_and_a_call_are_accepted(inbox: Inbox) -> None:
    phone = amazon("pinpoint-sms-voice-v2", inbox.url)
    assert phone.send_text_message(**sms())["MessageId"]
    assert phone.send_voice_message(**voice())["MessageId"]
    text, call = inbox.mailbox.after(0)
    assert (text.channel, text.to) == ("sms", "+4915112345678")
    assert text.path == "/PinpointSMSVoiceV2.SendTextMessage"
    assert (call.channel, call.to) == ("voice", "+4915112345678")
    assert call.title.startswith("This is OpsKnight. High urgency")


@pytest.mark.parametrize(
    ("name", "payload", "why"),
    [
        ("SendTextMessage", sms(MessageBody="x" * 1601), "MessageBody: at most 1600"),
        ("SendTextMessage", sms(MessageBody=" "), "MessageBody: must match"),
        ("SendTextMessage", sms(MessageType="URGENT"), "MessageType: one of"),
        ("SendTextMessage", sms(DestinationPhoneNumber="0151"), "must match"),
        ("SendTextMessage", sms(TimeToLive=1), "valid min value"),
        ("SendTextMessage", sms(TimeToLive=10**6), "TimeToLive: at most"),
        ("SendTextMessage", sms(Message="x"), 'Unknown parameter in input: "Message"'),
        ("SendVoiceMessage", {"DestinationPhoneNumber": "+49151"}, '"OriginationIdentity"'),
        ("SendVoiceMessage", voice(VoiceId="HAL"), "VoiceId: one of"),
    ],
)
def test_end_user_messaging_refuses_requests_that_do_not_fit_its_model(
    name: str, payload: dict[str, Any], why: str, post: Post
) -> None:
    target = {"X-Amz-Target": f"PinpointSMSVoiceV2.{name}", **SIGNED}
    answer = post("/", json=payload, headers=target)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.0"
    assert answer.json()["__type"] == "ValidationException"
    assert why in answer.json()["Message"]


def test_other_operations_and_unreadable_bodies_are_refused(post: Post) -> None:
    target = {"X-Amz-Target": "PinpointSMSVoiceV2.DeletePool", **SIGNED}
    assert post("/", json={}, headers=target).json()["__type"] == "UnknownOperationException"
    target["X-Amz-Target"] = "PinpointSMSVoiceV2.SendTextMessage"
    assert post("/", data=b"{", headers=target).json()["__type"] == "SerializationException"
    broken = {"Content": {"Raw": {"Data": "no base64!"}}}
    answer = post("/v2/email/outbound-emails", json=broken, headers=SIGNED)
    assert "cannot be read" in answer.json()["message"]
    empty = {"Content": {"Raw": {"Data": b64encode(b"").decode()}}}
    assert post("/v2/email/outbound-emails", json=empty, headers=SIGNED).status_code == 400


@pytest.mark.parametrize(
    ("text", "parts", "coding"),
    [
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("€" * 81, 2, "GSM-7"),
        ("ж" * 70, 1, "UCS-2"),
        ("ж" * 71, 2, "UCS-2"),
        ("🔴" * 35, 1, "UCS-2"),
    ],
)
def test_an_sms_is_counted_as_it_is_billed(text: str, parts: int, coding: str) -> None:
    assert segments(text)[:2] == (parts, coding)
