"""Pushover: an emergency rings through Do Not Disturb until somebody answers the phone."""

from collections.abc import Mapping
from typing import Final

from notify.channels.posting import api_url, decoded, encoded, explained, outcome_of, word
from notify.channels.protocol import Outcome, PermanentFailure, Sent, Unaccepted
from notify.channels.text import cut
from notify.channels.tones import Tone
from notify.channels.words import words
from notify.outbound import Answer, Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification.message import ASKS_TO_ACT, Message
from opsknight.notification.ringing import RINGS_FOR

# https://pushover.net/api#limits
LONGEST_TITLE: Final = 240
LONGEST_MESSAGE: Final = 1000
LONGEST_URL: Final = 512

_EMERGENCY: Final = 2
# Seconds between two rings, and until Pushover gives up. Few, as the escalation pages again.
_RETRY: Final = 60
_EXPIRE: Final = int(RINGS_FOR[Channel.PUSHOVER].total_seconds())


def render(message: Message) -> dict[str, object]:
    said = words(message)
    lines = [said.happened, *(f"• {line}" for line in said.listed)]
    lines += [said.more] if said.more else []
    lines += [f"{name}: {said.shown(value)}" for name, value in said.facts]
    lines += [f"{label}: {url}" for label, url in said.references]
    lines += [said.todo] if said.todo else []
    priority = _priority(said.tone, calling=message.about in ASKS_TO_ACT)
    payload: dict[str, object] = {
        "title": said.headline(LONGEST_TITLE),
        "message": cut("\n".join(lines), LONGEST_MESSAGE),
        "priority": priority,
        "timestamp": int(message.at.timestamp()),
    }
    if priority == _EMERGENCY:
        payload |= {"retry": _RETRY, "expire": _EXPIRE}
        # By it `silence` calls the emergency off.
        payload["tags"] = message.delivery_id
    if said.link and len(said.link) <= LONGEST_URL:
        payload |= {"url": said.link, "url_title": said.link_label}
    return payload


def _priority(tone: Tone, *, calling: bool) -> int:
    match tone:
        case Tone.HIGH:
            return _EMERGENCY if calling else 0
        case Tone.MEDIUM:
            return 1 if calling else 0
        case Tone.NEUTRAL:
            return 0
        case _:
            return -1


_UNACCEPTED: Final = Unaccepted("Pushover does not know the application's token")


def _is_of_another_token(status: int, reply: Mapping[str, object]) -> bool:
    return status == 400 and reply.get("token") == "invalid"


@dataclass(frozen=True, slots=True)
class Pushover:
    """`base` is https://api.pushover.net, or a stand-in."""

    http: Outbound
    secrets: Secrets
    base: str

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        http, payload = self.http.bounded(), {"user": receiver.to, **render(message)}
        url = api_url(self.base, "1", "messages.json")
        if isinstance(url, PermanentFailure):
            return url

        def attempt(token: str) -> Outcome:
            body = encoded({"token": token, **payload})
            answer = http.post(url, body, {"Content-Type": "application/json"})
            if not isinstance(answer, Answer):
                return answer
            reply, outcome = decoded(answer), outcome_of(answer)
            if isinstance(outcome, Sent):
                return Sent(word(reply, "receipt") or word(reply, "request"))
            if _is_of_another_token(answer.status, reply):
                return _UNACCEPTED
            if answer.status == 400 and reply.get("user") == "invalid":
                return PermanentFailure("Pushover does not know the user's key")
            return explained(outcome, answer, token)

        return self.secrets.using(receiver.secret, attempt)

    def silence(self, ring: str, receiver: Receiver) -> Outcome:
        """https://pushover.net/api/receipts#cancel."""
        http = self.http.bounded()
        url = api_url(self.base, "1", "receipts", "cancel_by_tag", f"{ring}.json")
        if isinstance(url, PermanentFailure):
            return url

        def attempt(token: str) -> Outcome:
            headers = {"Content-Type": "application/json"}
            answer = http.post(url, encoded({"token": token}), headers)
            if not isinstance(answer, Answer):
                return answer
            if _is_of_another_token(answer.status, decoded(answer)):
                return _UNACCEPTED
            return outcome_of(answer)

        return self.secrets.using(receiver.secret, attempt)
