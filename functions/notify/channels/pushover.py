"""Pushover: an emergency rings through Do Not Disturb until somebody answers the phone."""

from typing import Final

from notify.channels.posting import api_url, decoded, encoded, outcome_of, word
from notify.channels.protocol import Outcome, PermanentFailure, Sent, Unaccepted
from notify.channels.text import cut
from notify.channels.tones import Tone
from notify.channels.words import ASKS_TO_ACT, words
from notify.outbound import Answer, Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message

# https://pushover.net/api#limits
LONGEST_TITLE: Final = 240
LONGEST_MESSAGE: Final = 1000
LONGEST_URL: Final = 512

_EMERGENCY: Final = 2
# Seconds between two rings, and until Pushover gives up. Few, as the escalation pages again, and
# Pushover cannot see that somebody acknowledged the incident elsewhere.
_RETRY: Final = 60
_EXPIRE: Final = 600


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
        # The tag can call the emergency off.
        payload["tags"] = message.incidents[0].id if len(message.incidents) == 1 else "bundle"
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
            if answer.status == 400 and reply.get("token") == "invalid":
                return Unaccepted("Pushover does not know the application's token")
            if answer.status == 400 and reply.get("user") == "invalid":
                return PermanentFailure("Pushover does not know the user's key")
            return outcome

        return self.secrets.using(receiver.secret, attempt)
