"""Twilio as the inbox plays it: takes what it takes, refuses what it refuses, and is shown."""

from base64 import b64encode
from urllib.parse import urlencode

import pytest

from inbox.looks import look
from inbox.mailbox import Mailbox
from inbox.providers import provider_of
from inbox.providers.provider import Context, Receipt
from inbox.wire import Request
from opsknight.directory.receivers import Channel

ACCOUNT, TOKEN = f"AC{'0' * 32}", "0123456789abcdef" * 2
TEXT = {"To": "+4915112345678", "From": "+18005550100", "Body": "HIGH: it burns"}
CALL = {
    "To": "+4915112345678",
    "From": "+18005550100",
    "Twiml": "<Response><Gather><Say>It burns &amp; burns.</Say><Pause length='1'/></Gather>"
    "<Say>Goodbye.</Say></Response>",
}


def ask(kind: str, form: dict[str, str], token: str = TOKEN) -> tuple[Request, Receipt]:
    basic = b64encode(f"{ACCOUNT}:{token}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"}
    path = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/{kind}.json"
    request = Request("POST", path, {}, headers, urlencode(form).encode())
    provider = provider_of(request)
    assert provider is not None
    return request, provider(request, Context(Mailbox()))


@pytest.mark.parametrize(
    ("kind", "form", "shown"),
    [
        ("Messages", TEXT, ["HIGH: it burns", "+18005550100", "1 SMS"]),
        ("Calls", CALL, ["It burns &amp; burns.", "pause 1s", "waits for a key", "Goodbye."]),
    ],
)
def test_a_message_is_taken_and_shown(kind: str, form: dict[str, str], shown: list[str]) -> None:
    request, receipt = ask(kind, form)
    assert (receipt.answer.status, receipt.to) == (201, "+4915112345678")
    message = Mailbox().add(
        channel=receipt.channel,
        to=receipt.to,
        title=receipt.title,
        text=receipt.text,
        status=201,
        why="",
        well_formed=True,
        thread="",
        notes={},
        method="POST",
        path=request.place,
        headers=request.headers,
        body=request.body,
    )
    drawn = look(message, [])
    for each in shown:
        assert each in drawn


@pytest.mark.parametrize(
    ("kind", "form", "code"),
    [
        ("Messages", TEXT | {"To": "0151"}, 21211),
        ("Messages", TEXT | {"From": ""}, 21603),
        ("Messages", TEXT | {"Body": ""}, 21602),
        ("Messages", TEXT | {"Body": "x" * 1601}, 21617),
        ("Calls", CALL | {"Twiml": ""}, 21205),
        ("Calls", CALL | {"Twiml": "x" * 4001}, 21218),
        ("Calls", CALL | {"Twiml": "<Response>"}, 12100),
        ("Faxes", TEXT, 20404),
    ],
)
def test_what_twilio_refuses_is_refused(kind: str, form: dict[str, str], code: int) -> None:
    _, receipt = ask(kind, form)
    assert receipt.why.startswith(f"{code}: ")
    assert receipt.answer.status >= 400


def test_the_token_has_to_have_its_form() -> None:
    _, receipt = ask("Messages", TEXT, token="short")
    assert (receipt.channel, receipt.answer.status) == (Channel.SMS, 401)
