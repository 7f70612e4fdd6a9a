"""Twilio in a night: its API as our functions call it, and its own signed requests to us."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Final
from urllib.parse import parse_qs, urlencode

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from harness.simulation.functions import Process
from harness.simulation.receivers import Receivers
from harness.simulation.weather import Mood
from harness.simulation.web import Reply
from harness.twilio import ACCOUNT, NUMBER, TOKEN, TOKEN_NAME, URL

HOST: Final = "api.twilio.com"
NAME: Final = "/opsknight/opsknight/twilio"
KEYS: Final = re.compile(r"/twilio/keys/(p[0-9a-f]{20})/inc_[0-9a-f]{28}")


def parameters() -> dict[str, str]:
    """What the template and the operator keep in SSM."""
    account = {
        "account": ACCOUNT,
        "token": TOKEN_NAME,
        "texts_from": NUMBER,
        "calls_from": NUMBER,
        "url": URL,
    }
    return {NAME: json.dumps(account), TOKEN_NAME: TOKEN}


def signed(path: str, form: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The headers and the body of a request of Twilio's."""
    form = {"AccountSid": ACCOUNT, **form}
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": RequestValidator(TOKEN).compute_signature(URL + path, form),
    }
    return headers, urlencode(form)


def text(sid: str, sender: str, body: str) -> tuple[dict[str, str], str]:
    """A text message to our number."""
    form = {"MessageSid": sid, "From": sender, "To": NUMBER, "Body": body}
    return signed("/twilio/texts", form)


@dataclass(frozen=True)
class Twilio:
    receivers: Receivers
    process: Process

    def post(
        self, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> Reply:
        self.process.strike()
        if "IncomingPhoneNumbers" in path:
            ours = {"incoming_phone_numbers": [{"sms_url": f"{URL}/twilio/texts"}]}
            return Reply(200, {}, json.dumps(ours).encode())
        form = {name: values[0] for name, values in parse_qs((body or b"").decode()).items()}
        text = form.get("Body") or unescape(form["Twiml"])
        # A call's keys say which delivery it is.
        found = KEYS.search(text)
        delivery = found[1] if found else ""
        mood = self.receivers.take(self.process, form["To"], text, delivery, timeout)
        self.process.strike()
        if mood in (Mood.REFUSES, Mood.FAILS):
            return Reply(400 if mood is Mood.REFUSES else 503, {}, b'{"code": 21211}')
        sid = f"{'SM' if 'Body' in form else 'CA'}{self.process.token(16)}"
        return Reply(201, {}, json.dumps({"sid": sid, "status": "queued"}).encode())
