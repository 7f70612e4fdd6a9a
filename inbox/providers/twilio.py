"""Twilio's messages and calls: https://www.twilio.com/docs/messaging/api/message-resource and
https://www.twilio.com/docs/voice/api/call-resource.
"""

import re
from base64 import b64decode
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.etree import ElementTree

from inbox.fields import first_line
from inbox.providers.provider import Context, Receipt
from inbox.wire import Request, as_json
from opsknight.directory.receivers import Channel

PLACE: Final = "/twilio/2010-04-01/Accounts/"
_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
_SENDER: Final = re.compile(r"\+[1-9]\d{6,14}|(?=.*[A-Za-z])[0-9A-Za-z ]{1,11}|MG[0-9a-f]{32}")
_LONGEST_TEXT: Final = 1600
_LONGEST_TWIML: Final = 4000


class _Refusal(Exception):
    def __init__(self, code: int, why: str, status: int = 400) -> None:
        super().__init__(f"{code}: {why}")
        self.code, self.why, self.status = code, why, status


def twilio(request: Request, _context: Context) -> Receipt:
    account, _, resource = request.path.removeprefix(PLACE).partition("/")
    channel = Channel.VOICE if resource == "Calls.json" else Channel.SMS
    try:
        _check_token(request, account)
        if resource == "IncomingPhoneNumbers.json":
            # It stands in for receivers, who have no number that replies could come to.
            answer = as_json(200, {"incoming_phone_numbers": [], "page_size": 50})
            return Receipt(channel, answer, title="IncomingPhoneNumbers", is_message=False)
        if resource not in {"Messages.json", "Calls.json"}:
            raise _Refusal(20404, f"The requested resource {request.path} was not found", 404)
        form = form_of(request.body)
        text = _call(form) if channel is Channel.VOICE else _text(form)
    except _Refusal as refusal:
        error = {
            "code": refusal.code,
            "message": refusal.why,
            "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
            "status": refusal.status,
        }
        return Receipt(channel, as_json(refusal.status, error), why=str(refusal))
    sid = ("CA" if channel is Channel.VOICE else "SM") + uuid4().hex
    made: dict[str, str | None] = {
        "sid": sid,
        "account_sid": account,
        "status": "queued",
        "to": form["To"],
    }
    made |= {"from": form["From"], "error_code": None, "error_message": None}
    return Receipt(channel, as_json(201, made), to=form["To"], title=first_line(text), text=text)


def form_of(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def words_of(twiml: str) -> list[str]:
    """What a listener hears, in its order."""
    # From this very machine.
    found = ElementTree.fromstring(twiml)  # noqa: S314
    return [each.text or "" for each in found.iter("Say")]


def _check_token(request: Request, account: str) -> None:
    kind, _, basic = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, token = b64decode(basic, validate=True).decode().partition(":")
    except ValueError:
        user = token = ""
    if kind != "Basic" or user != account or not re.fullmatch(r"AC[0-9a-f]{32}", account):
        raise _Refusal(20003, "Authenticate", 401)
    if not re.fullmatch(r"[0-9a-z]{32}", token):
        raise _Refusal(20003, "Authenticate: a token has 32 letters and digits", 401)


def _numbers(form: dict[str, Any]) -> None:
    if not _NUMBER.fullmatch(form.get("To", "")):
        raise _Refusal(21211, f"Invalid 'To' Phone Number: {form.get('To', '')}")
    if not _SENDER.fullmatch(form.get("From", "")):
        raise _Refusal(21603, "A 'From' phone number is required")


def _text(form: dict[str, str]) -> str:
    _numbers(form)
    text = form.get("Body", "")
    if not text:
        raise _Refusal(21602, "Message body is required")
    if len(text) > _LONGEST_TEXT:
        raise _Refusal(21617, f"The concatenated message body exceeds {_LONGEST_TEXT} characters")
    return text


def _call(form: dict[str, str]) -> str:
    _numbers(form)
    twiml = form.get("Twiml", "")
    if not twiml:
        raise _Refusal(21205, "Url parameter is required")
    if len(twiml) > _LONGEST_TWIML:
        raise _Refusal(21218, f"Twiml must have at most {_LONGEST_TWIML} characters")
    try:
        said = words_of(twiml)
    except ElementTree.ParseError as fault:
        raise _Refusal(12100, f"Document parse failure: {fault}") from None
    return " ".join(said)
