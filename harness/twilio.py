"""Twilio, as far as it calls us: its requests are signed by its own library."""

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from harness.desk import Desk, RawResponse
from harness.world import http_event

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

ACCOUNT = f"AC{'1' * 32}"
NUMBER = "+4915700000000"
TOKEN = "12345678901234567890123456789012"
TOKEN_NAME = "/opsknight/twilio-auth-token"
URL = "https://oncall.example.com"


def keep_account(
    ssm: "SSMClient", name: str, *, texts_from: str = NUMBER, calls_from: str = NUMBER
) -> None:
    """As the template and the operator do."""
    account = {
        "account": ACCOUNT,
        "token": TOKEN_NAME,
        "texts_from": texts_from,
        "calls_from": calls_from,
        "url": URL,
    }
    ssm.put_parameter(Name=name, Value=json.dumps(account), Type="String", Overwrite=True)
    keep_token(ssm, TOKEN)


def keep_token(ssm: "SSMClient", value: str) -> None:
    ssm.put_parameter(Name=TOKEN_NAME, Value=value, Type="SecureString", Overwrite=True)


def set_up(desk: Desk) -> None:
    """From here on text messages and calls go by Twilio."""
    desk.twilio_name = f"{desk.key_name}-twilio"
    keep_account(desk.ssm, desk.twilio_name)
    desk.function = desk.responder()


def post(
    desk: Desk,
    path: str,
    *,
    token: str = TOKEN,
    signature: str | None = None,
    method: str = "POST",
    url: str = URL,
    **form: str,
) -> RawResponse:
    """A request of Twilio's. `url`: where Twilio believes us to be."""
    form = {"AccountSid": ACCOUNT} | form
    signed = RequestValidator(token).compute_signature(url + path, form)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signed if signature is None else signature,
    }
    return desk.send(http_event(urlencode(form), path=path, method=method, headers=headers))
