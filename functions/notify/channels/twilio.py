"""Text messages and calls by Twilio, where the operator has chosen it for them. Imported only then.

In a call, a key acknowledges: an answer alone, or a mailbox, never does.
https://www.twilio.com/docs/messaging/api/message-resource,
https://www.twilio.com/docs/voice/api/call-resource
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from notify.channels import sms, voice
from notify.channels.posting import decoded, word
from notify.channels.protocol import (
    Misconfigured,
    Outcome,
    PermanentFailure,
    Sender,
    Sent,
    TemporaryFailure,
)
from notify.channels.words import words
from notify.outbound import Answer, Limits, Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.incident.model import Status
from opsknight.notification import twiml
from opsknight.notification.message import Message, PageReason
from opsknight.notification.replies import MOST_BY_KEY, calling_code
from opsknight.runtime.telemetry import logger, signal
from opsknight.runtime.twilio import TwilioAccount, read_account, sender_to

if TYPE_CHECKING:
    from notify.channels.registry import Outside

NUMBERS_REMEMBERED: Final = timedelta(minutes=15)
# Asked on the way of a page, which goes out without.
_QUESTION: Final = Limits(connect=1, read=1, total=1.5)
# As with AWS: whoever reads it later is woken for nothing.
_VALID_SECONDS: Final = 1800
# A mailbox answers after that.
_RINGS_SECONDS: Final = 30
_SHORT_TITLE: Final = 60

# https://www.twilio.com/docs/api/errors
_WHY: Final[Mapping[object, str]] = {
    21211: "it is no number that can be called or texted",
    21214: "it is no number that can be called or texted",
    21408: "the account may not send to this country",
    21606: "the account has no such number to send from",
    21608: "a trial account sends to verified numbers only",
    21610: "the number replied STOP",
    21614: "the number takes no text messages",
}


@dataclass(frozen=True, slots=True)
class Twilio:
    """Calls of Twilio's API. `name`: the SSM parameter that describes the account."""

    http: Outbound
    secrets: Secrets
    name: str
    base: str

    def account(self) -> TwilioAccount | TemporaryFailure | PermanentFailure:
        found = self.secrets.named(self.name)
        if not isinstance(found, str):
            return found
        account = read_account(found)
        return account or Misconfigured(f"SSM parameter {self.name} describes no account")

    def create(self, account: TwilioAccount, kind: str, form: Mapping[str, str]) -> Outcome:
        """`kind`: Messages or Calls."""
        body, http = urlencode(form).encode(), self.http.bounded()

        def post(url: str, headers: Mapping[str, str]) -> Answer | Outcome:
            return http.post(
                url, body, {**headers, "Content-Type": "application/x-www-form-urlencoded"}
            )

        answer = self._ask(account, f"{kind}.json", post)
        if not isinstance(answer, Answer):
            return answer
        outcome, said = answer.outcome(), decoded(answer)
        match outcome:
            case Sent():
                return Sent(word(said, "sid"))
            case TemporaryFailure():
                return outcome
            case PermanentFailure():
                code = said.get("code")
                why = _WHY.get(code, f"error {code}" if isinstance(code, int) else "no code")
                return PermanentFailure(f"Twilio answered {answer.status}: {why}")

    def takes_replies(self, account: TwilioAccount, number: str) -> bool:
        """Whether text messages to this number of ours are posted to us."""
        http = replace(self.http, limits=_QUESTION).bounded()
        query = urlencode({"PhoneNumber": number})
        answer = self._ask(account, f"IncomingPhoneNumbers.json?{query}", http.get)
        if not isinstance(answer, Answer) or answer.status != 200:
            logger.warning("a number for replies is not known", provider="twilio")
            return False
        listed = decoded(answer).get("incoming_phone_numbers")
        found = listed if isinstance(listed, list) else []
        ours = f"{account.url}/twilio/texts"
        return any(isinstance(each, dict) and each.get("sms_url") == ours for each in found)

    def _ask(
        self,
        account: TwilioAccount,
        resource: str,
        call: Callable[[str, Mapping[str, str]], Answer | Outcome],
    ) -> Answer | Outcome:
        url = f"{self.base}/2010-04-01/Accounts/{account.sid}/{resource}"
        # The second time with a token that is newer than what we remember, if there is one.
        tried = ""
        for age in (None, timedelta(0)):
            name = account.token_name
            token = self.secrets.named(name) if age is None else self.secrets.named(name, age)
            if not isinstance(token, str):
                return token
            # While the token is replaced there are two, the newer one first.
            token = token.partition(",")[0].strip()
            if token == tried:
                break
            tried = token
            basic = b64encode(f"{account.sid}:{token}".encode()).decode()
            answer = call(url, {"Authorization": f"Basic {basic}"})
            if not isinstance(answer, Answer) or answer.status != 401:
                return answer
        signal("Failures")
        logger.error(
            "Twilio does not accept the token of its account", parameter=account.token_name
        )
        return Misconfigured("Twilio does not accept the account and its token")


def api(outside: "Outside") -> Twilio:
    settings = outside.settings
    http = outside.through("/twilio")
    return Twilio(http, outside.secrets, settings.twilio, settings.twilio_url)


@dataclass(frozen=True, slots=True)
class Texts:
    """`amazon`: sends where text messages do not go by Twilio."""

    twilio: Twilio
    amazon: Callable[[], Sender]

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        account = self.twilio.account()
        if not isinstance(account, TwilioAccount):
            return account
        if not account.texts_from:
            return self.amazon().send(message, receiver)
        form = {
            "To": receiver.to,
            "From": sender_to(receiver.to, account.texts_from),
            "Body": sms.render(message),
            "ValidityPeriod": str(_VALID_SECONDS),
            "StatusCallback": f"{account.url}/twilio/status",
        }
        return self.twilio.create(account, "Messages", form)


@dataclass(frozen=True, slots=True)
class Calls:
    twilio: Twilio
    amazon: Callable[[], Sender]

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        account = self.twilio.account()
        if not isinstance(account, TwilioAccount):
            return account
        if not account.calls_from:
            return self.amazon().send(message, receiver)
        form = {
            "To": receiver.to,
            "From": sender_to(receiver.to, account.calls_from),
            "Twiml": render(message, account.url),
            "Timeout": str(_RINGS_SECONDS),
            "StatusCallback": f"{account.url}/twilio/status",
        }
        return self.twilio.create(account, "Calls", form)


def render(message: Message, url: str) -> str:
    """TwiML. Whatever does not fit is not said twice; then the title is cut."""
    for longest, times in ((voice.LONGEST_TITLE, 2), (voice.LONGEST_TITLE, 1)):
        text = _call(message, url, longest, times)
        if len(text) <= twiml.LONGEST:
            return text
    return _call(message, url, _SHORT_TITLE, 1)


def _call(message: Message, url: str, longest: int, times: int) -> str:
    keys = _offers_keys(message)
    said = voice.sentences(words(message), message, longest)
    if keys:
        # In place of the last sentence, which says to use the link.
        said[-1:] = [twiml.offer(len(message.incidents))]
    once = twiml.say(" ".join(said))
    verbs = [twiml.say("This is OpsKnight."), once]
    for _ in range(times - 1):
        verbs += [twiml.pause(), twiml.say("I repeat."), once]
    if not keys:
        return twiml.document(twiml.pause(), *verbs)
    address = f"{url}/twilio/keys/{message.delivery_id}/{message.incidents[0].id}"
    ending = twiml.say("No key was pressed, so nothing was acknowledged. Goodbye.")
    return twiml.document(twiml.pause(), twiml.ask(address, *verbs), ending)


def _offers_keys(message: Message) -> bool:
    """A digest of very many is acknowledged on its page, where one sees which."""
    return (
        message.about is PageReason.PAGED
        and 0 < len(message.incidents) <= MOST_BY_KEY
        and any(each.status is Status.OPEN for each in message.incidents)
    )


@dataclass(slots=True)
class TwilioNumbers:
    """Which of the account's numbers bring replies to us; asked of Twilio now and then."""

    twilio: Twilio
    amazon: Callable[[str, datetime], str | None]
    """The same question where text messages do not go by Twilio."""
    _known: dict[str, tuple[datetime, bool]] = field(default_factory=dict, repr=False)

    def reply_to(self, number: str, now: datetime) -> str | None:
        account = self.twilio.account()
        if not isinstance(account, TwilioAccount):
            return None
        if not account.texts_from:
            return self.amazon(number, now)
        ours, code = sender_to(number, account.texts_from), calling_code(number)
        # A reply abroad costs its sender, or does not arrive.
        if not code or calling_code(ours) != code:
            return None
        known = self._known.get(ours)
        if known is None or not timedelta(0) <= now - known[0] < NUMBERS_REMEMBERED:
            known = self._known[ours] = now, self.twilio.takes_replies(account, ours)
        return ours if known[1] else None
