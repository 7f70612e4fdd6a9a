"""ntfy: a message published as JSON. A page of high urgency breaks through Do Not Disturb."""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from notify.channels.posting import post_json
from notify.channels.protocol import Outcome, PermanentFailure
from notify.channels.tones import Tone
from notify.channels.words import words
from notify.outbound import Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import ASKS_TO_ACT, Message

# https://docs.ntfy.sh/publish: ntfy turns a message of more than 4096 bytes into an attachment.
LONGEST_TITLE: Final = 200
LONGEST_MESSAGE_BYTES: Final = 3900
MOST_ACTIONS: Final = 3

# 5 rings on and may override Do Not Disturb; 2 makes no sound.
_PRIORITIES: Final = {Tone.HIGH: 5, Tone.MEDIUM: 4, Tone.LOW: 2}
_TAGS: Final = {
    Tone.HIGH: "red_circle",
    Tone.MEDIUM: "orange_circle",
    Tone.LOW: "large_blue_circle",
    Tone.HELD: "eyes",
    Tone.OVER: "white_check_mark",
    Tone.NEUTRAL: "bell",
}


def render(message: Message) -> dict[str, object]:
    said = words(message)
    lines = [said.happened, ""]
    lines += [f"{name}: {said.shown(value)}" for name, value in said.facts]
    lines += [f"• {line}" for line in said.listed]
    lines += [line for line in (said.more, said.todo) if line]
    text = "\n".join(lines).encode()[:LONGEST_MESSAGE_BYTES].decode(errors="ignore")
    priority = _PRIORITIES.get(said.tone, 3)
    payload: dict[str, object] = {
        "title": said.headline(LONGEST_TITLE),
        "message": text.strip(),
        "priority": priority if message.about in ASKS_TO_ACT else min(priority, 3),
        "tags": [_TAGS[said.tone]],
    }
    if said.link:
        payload["click"] = said.link
    links = [(said.link_label, said.link)] if said.link else []
    if actions := [*links, *said.references][:MOST_ACTIONS]:
        payload["actions"] = [
            {"action": "view", "label": label, "url": url, "clear": url == said.link}
            for label, url in actions
        ]
    return payload


@dataclass(frozen=True, slots=True)
class Ntfy:
    http: Outbound
    secrets: Secrets

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        try:
            parts = urlsplit(receiver.to)
        except ValueError:
            return PermanentFailure("the topic's URL is not valid")
        root, _, topic = parts.path.rstrip("/").rpartition("/")
        if not topic:
            return PermanentFailure("the URL has no topic")
        # JSON goes to the server's root and names the topic inside.
        url = urlunsplit((parts.scheme, parts.netloc, root + "/", "", ""))
        http, payload = self.http.bounded(), {"topic": topic, **render(message)}
        if not receiver.secret:
            outcome = post_json(http, url, payload)
            return (
                PermanentFailure(outcome.why) if isinstance(outcome, PermanentFailure) else outcome
            )

        def attempt(token: str) -> Outcome:
            if not token.isascii() or not token.isprintable():
                return PermanentFailure("the access token has a character that tokens cannot have")
            return post_json(http, url, payload, {"Authorization": f"Bearer {token}"})

        return self.secrets.using(receiver.secret, attempt)
