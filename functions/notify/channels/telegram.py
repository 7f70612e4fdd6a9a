"""Telegram: a bot's sendMessage in HTML. A change replies to the first message of its incident."""

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Final

from notify.channels.posting import (
    api_url,
    decoded,
    encoded,
    explained,
    outcome_of,
    word,
)
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure
from notify.channels.tones import MARKS, Tone
from notify.channels.words import words
from notify.outbound import Answer, Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message
from opsknight.notification.throttle import Moved

# https://core.telegram.org/bots/api#sendmessage: 4096 characters without markup. A title of this
# length leaves room for five incidents of a bundle and all names.
LONGEST_TITLE: Final = 500
_SAME: Final = "message is not modified"


def render(message: Message) -> dict[str, object]:
    said = words(message)
    lines = [
        f"{MARKS[said.tone]} <b>{_text(said.headline(LONGEST_TITLE))}</b>",
        _text(said.happened),
        "",
    ]
    lines += [f"{name}: {_text(said.shown(value))}" for name, value in said.facts]
    if said.references:
        # Not buttons: one with an address that Telegram does not like costs the whole message.
        links = (f'<a href="{escape(url)}">{_text(label)}</a>' for label, url in said.references)
        lines += [" · ".join(links)]
    lines += [f"• {_text(line)}" for line in said.listed]
    lines += [said.more] if said.more else []
    lines += ["", f"<i>{_text(said.todo)}</i>"] if said.todo else []
    payload: dict[str, object] = {
        "text": "\n".join(lines).strip(),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": said.tone in (Tone.LOW, Tone.OVER, Tone.HELD),
    }
    if said.link:
        button = {"text": said.link_label, "url": said.link}
        payload["reply_markup"] = {"inline_keyboard": [[button]]}
    if (first := message.remembered.get("message_id", "")).isascii() and first.isdigit():
        payload["reply_parameters"] = {
            "message_id": int(first),
            "allow_sending_without_reply": True,
        }
    return payload


def place(to: str) -> dict[str, object]:
    """A chat, or with a number behind a colon a topic of one."""
    chat, _, topic = to.partition(":")
    return {"chat_id": chat} | ({"message_thread_id": int(topic)} if topic else {})


def _chat(to: str) -> str:
    return to.partition(":")[0]


def _text(text: str) -> str:
    return escape(text, quote=False)


@dataclass(frozen=True, slots=True)
class Telegram:
    """`base` is https://api.telegram.org, or a stand-in."""

    http: Outbound
    secrets: Secrets
    base: str

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        http, payload = self.http.bounded(), {**place(receiver.to), **render(message)}
        chat, known = _chat(receiver.to), message.remembered
        # An older version did not remember the chat, so its message may be in another one.
        first = known.get("message_id") if known.get("chat") == chat else None
        if first is None:
            payload.pop("reply_parameters", None)

        def attempt(token: str) -> Outcome:
            answer = self._call(http, token, "sendMessage", payload)
            moved = _moved(answer, receiver.to) if isinstance(answer, Answer) else None
            if moved is not None:
                # A message of the old group cannot be answered in the new one.
                left = {name: payload[name] for name in payload.keys() - {"reply_parameters"}}
                there = {**left, **place(moved.to)}
                answer = self._call(http, token, "sendMessage", there)
            outcome = _outcome(answer)
            if not isinstance(answer, Answer):
                return outcome
            if not isinstance(outcome, Sent):
                return explained(outcome, answer, token)
            result = decoded(answer).get("result")
            sent = word(result, "message_id") if isinstance(result, dict) else None
            where = _chat(moved.to) if moved else chat
            number = sent if moved else first or sent
            return Sent(sent, {"message_id": number, "chat": where} if number else {}, moved)

        return self.secrets.using(receiver.secret, attempt)

    def update(self, message: Message, receiver: Receiver, place: Mapping[str, str]) -> Outcome:
        """https://core.telegram.org/bots/api#editmessagetext."""
        number = place.get("message_id", "")
        if not (number.isascii() and number.isdigit()):
            # Telegram names none like this.
            return PermanentFailure("the message has no number")
        chat = _chat(receiver.to)
        if place.get("chat") != chat:
            return PermanentFailure("the message may be in a chat that was left since")
        http, payload = self.http.bounded(), render(message)
        # Only a new message makes a sound.
        payload.pop("disable_notification", None)
        payload |= {"chat_id": chat, "message_id": int(number)}

        def attempt(token: str) -> Outcome:
            answer = self._call(http, token, "editMessageText", payload)
            if isinstance(answer, Answer) and _is_the_same(answer):
                # A sender that died, or got no answer, has made the change.
                return Sent(number)
            return _outcome(answer)

        return self.secrets.using(receiver.secret, attempt)

    def _call(
        self, http: Outbound, token: str, method: str, payload: Mapping[str, object]
    ) -> Answer | Outcome:
        url = api_url(self.base, f"bot{token}", method)
        if isinstance(url, PermanentFailure):
            return url
        return http.post(url, encoded(payload), {"Content-Type": "application/json"})


def _is_the_same(answer: Answer) -> bool:
    return answer.status == 400 and _SAME in str(decoded(answer).get("description"))


def _outcome(answer: Answer | Outcome) -> Outcome:
    """With Telegram's own pause, which only the body holds."""
    if not isinstance(answer, Answer):
        return answer
    outcome = outcome_of(answer)
    if isinstance(outcome, TemporaryFailure):
        return TemporaryFailure(outcome.why, outcome.after or _pause(decoded(answer)))
    return outcome


def _moved(answer: Answer, was: str) -> Moved | None:
    """https://core.telegram.org/bots/api#responseparameters: a group that becomes a supergroup has
    another id from then on, and its old one takes nothing.
    """
    if answer.status != 400:
        return None
    parameters = decoded(answer).get("parameters")
    to = word(parameters, "migrate_to_chat_id") if isinstance(parameters, dict) else None
    if not to or not to.removeprefix("-").isdigit():
        return None
    _, colon, topic = was.partition(":")
    return Moved(was=was, to=f"{to}{colon}{topic}")


def _pause(reply: object) -> timedelta | None:
    """Telegram's Retry-After, which only the body holds."""
    parameters = reply.get("parameters") if isinstance(reply, dict) else None
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return timedelta(seconds=min(max(seconds, 0), 3600)) if isinstance(seconds, int) else None
