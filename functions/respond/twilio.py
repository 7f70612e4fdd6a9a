"""What Twilio posts: replies by text message, keys pressed in a call, and what became of a message.

Imported only where text messages or calls go by Twilio. Each request is signed with the account's
token over the address that Twilio called, and over the fields of its form; nothing else is heard.
https://www.twilio.com/docs/usage/security
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.classes import dataclass
from opsknight.http.gateway import Answer, Failure, Request, unavailable
from opsknight.notification import twiml
from opsknight.notification.delivery import Report
from opsknight.runtime.queues import NotTaken, Queue
from opsknight.runtime.ssm_secrets import (
    ASKED_AGAIN,
    FAILURE_REMEMBERED,
    REMEMBERED,
    Secret,
    SecretReader,
    SecretsUnavailable,
)
from opsknight.runtime.twilio import TwilioAccount, read_account
from opsknight.runtime.wakeups import MessageReported, Wakeup
from opsknight.store.calls import Deadline, Unavailable
from respond.calls import Calls
from respond.texts import Inbound, Texts

LARGEST_BODY: Final = 64 * 1024
# A report may be here before the sender has written down which message it was.
SETTLED_AFTER: Final = timedelta(seconds=10)

_SIGNATURE: Final = re.compile(r"[A-Za-z0-9+/]{27}=")
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_KEYS: Final = re.compile(r"/twilio/keys/(p[0-9a-f]{20})/(inc_[0-9a-f]{28})")
_XML: Final = {"Content-Type": "text/xml; charset=utf-8"}

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values and
# https://www.twilio.com/docs/voice/api/call-resource#call-status-values: on its way is no report.
_REPORTS: Final = {
    "delivered": Report.DELIVERED,
    "read": Report.DELIVERED,
    "undelivered": Report.FAILED,
    "completed": Report.DELIVERED,
    "busy": Report.FAILED,
    "no-answer": Report.FAILED,
    "canceled": Report.FAILED,
    "failed": Report.FAILED,
}


@dataclass(frozen=True, slots=True)
class Twilio:
    reader: SecretReader
    name: str
    """The SSM parameter that describes the account."""
    pages: Queue
    texts: Texts
    calls: Calls

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        if request.method != "POST":
            return Answer(405, Failure(error="Method not allowed"), {"Allow": "POST"})
        try:
            form = form_of(request.body)
            if form is None:
                return Answer(400, Failure(error="Invalid request body"))
            account = self._signed_by(request, form, now)
            if account is None:
                return Answer(403, Failure(error="Invalid signature"))
            return self._heard(request.path, form, account, log_fields, now, deadline)
        except (Unavailable, SecretsUnavailable, NotTaken, BotoCoreError, ClientError) as cause:
            return unavailable(log_fields, cause)

    def _signed_by(
        self, request: Request, form: Sequence[tuple[str, str]], now: datetime
    ) -> TwilioAccount | None:
        """The account, if its token signed the request."""
        sent = request.headers.get("x-twilio-signature", "")
        # What can be no request of Twilio's costs nobody a look for the secret.
        if request.query or not _SIGNATURE.fullmatch(sent):
            return None
        # Perhaps by a token that is newer than what we remember.
        for age in (REMEMBERED, ASKED_AGAIN):
            text = self.reader.read(self.name, now, age, failure=FAILURE_REMEMBERED)
            account = read_account(text or "")
            if account is None:
                continue
            tokens = Secret(self.reader, account.token_name).values(now, age)
            if is_signed(sent, account.url + request.path, form, tokens):
                # A token of another account cannot sign, so this is but a second look.
                return account if ("AccountSid", account.sid) in form else None
        return None

    def _heard(
        self,
        path: str,
        form: Sequence[tuple[str, str]],
        account: TwilioAccount,
        log_fields: dict[str, Any],
        now: datetime,
        deadline: Deadline,
    ) -> Answer:
        fields = dict(form)
        match path:
            case "/twilio/texts":
                return self._text(fields, log_fields, now, deadline)
            case "/twilio/status":
                return self._status(fields, log_fields, now)
            case _ if found := _KEYS.fullmatch(path):
                answer = self.calls.key(found[1], found[2], fields, log_fields, now, deadline)
                # Whoever is on the line may press again: a silence would say nothing.
                again = twiml.ask(account.url + path, twiml.say(answer.said)) if answer.asks else ""
                end = twiml.say("Goodbye." if answer.asks else f"{answer.said} Goodbye.")
                return Answer(200, twiml.document(again, end), _XML)
            case _:
                return Answer(404, Failure(error="Not found"))

    def _text(
        self,
        fields: Mapping[str, str],
        log_fields: dict[str, Any],
        now: datetime,
        deadline: Deadline,
    ) -> Answer:
        sid, sender, to = (fields.get(name, "") for name in ("MessageSid", "From", "To"))
        if not _SID.fullmatch(sid) or not sender or not to:
            return Answer(400, Failure(error="Invalid request body"))
        log_fields["inbound_id"] = sid
        inbound = Inbound(sid, sender[:100], to[:100], fields.get("Body", "")[:2000])
        self.texts.take(inbound, log_fields, now, deadline)
        # What is to be said goes out as a message, which is tried again when it fails.
        return Answer(200, twiml.EMPTY, _XML)

    def _status(
        self, fields: Mapping[str, str], log_fields: dict[str, Any], now: datetime
    ) -> Answer:
        sid = fields.get("MessageSid") or fields.get("CallSid") or ""
        said = fields.get("MessageStatus") or fields.get("CallStatus") or ""
        report = _REPORTS.get(said)
        if report is None or not _SID.fullmatch(sid):
            return Answer(200, twiml.EMPTY, _XML)
        code = fields.get("ErrorCode", "")[:10]
        why = f"{said}: Twilio error {code}" if code.isdigit() and code != "0" else said
        log_fields |= {"provider_id": sid, "report": str(report)}
        self.pages.enqueue_all(
            [Wakeup(MessageReported(sid, report, why), now + SETTLED_AFTER)], now
        )
        return Answer(200, twiml.EMPTY, _XML)


def form_of(body: bytes) -> list[tuple[str, str]] | None:
    """The fields in their order, those without a value, too: they are signed. None for no form."""
    if len(body) > LARGEST_BODY:
        return None
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        return None


def is_signed(sent: str, url: str, form: Sequence[tuple[str, str]], tokens: Sequence[str]) -> bool:
    values: dict[str, set[str]] = {}
    for name, value in form:
        values.setdefault(name, set()).add(value)
    fields = "".join(name + each for name in sorted(values) for each in sorted(values[name]))
    expected = (
        b64encode(hmac.digest(token.encode(), (address + fields).encode(), "sha1"))
        for token in tokens
        for address in _ports(url)
    )
    return any(hmac.compare_digest(sent.encode("utf-8", "replace"), each) for each in expected)


def _ports(url: str) -> tuple[str, ...]:
    """With the port and without: which of them Twilio signs is not the same in all its products."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
    places = (f"{host}:{port}", host)
    return tuple(urlunsplit(parts._replace(netloc=each)) for each in places)
