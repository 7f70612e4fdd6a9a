"""Posting JSON to a URL, and the channels that need no more than that: incoming webhooks, whose URL
is the secret.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from notify.channels.protocol import Outcome, PermanentFailure, Sent, Unaccepted
from notify.channels.text import clean, cut, disarmed
from notify.outbound import Answer, Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message

# 404 and 410, too: where the URL holds the secret, a replaced secret is a URL that is gone.
NOT_ACCEPTED: Final = frozenset({401, 403, 404, 410})
LONGEST_REASON: Final = 120
SHORTEST_SECRET: Final = 5
LONGEST_RUN: Final = 8
"""So many letters of a secret in a row are no chance."""
_WORD: Final = re.compile(r"[a-z]+(_[a-z]+){0,8}")


def encoded(payload: Mapping[str, object]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def decoded(answer: Answer) -> Mapping[str, object]:
    """The JSON object in the answer; empty if there is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def word(answer: Mapping[str, object], name: str) -> str | None:
    """An id from a provider; None for anything long or strange."""
    value = answer.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        return None
    # It is stored, and the table holds no half of a surrogate pair.
    return value if value.isascii() and value.isprintable() else None


def outcome_of(answer: Answer) -> Outcome:
    outcome = answer.outcome()
    return Unaccepted(outcome.why) if answer.status in NOT_ACCEPTED else outcome  # type: ignore[union-attr]


def explained(outcome: Outcome, answer: Answer, secret: str) -> Outcome:
    """A refusal for good with the provider's own words, which go into the timeline: only where we
    know who answers, and without anything of the secret.
    """
    if not isinstance(outcome, PermanentFailure):
        return outcome
    reason = _reason(answer)
    words = cut(disarmed(clean(reason)), LONGEST_REASON)
    if not words or _tells(reason, secret):
        return outcome
    return replace(outcome, why=f"{outcome.why}: {words}")


def _tells(reason: str, secret: str) -> bool:
    """Whether the words, before anything is cut off them, have a part of the secret, or so much of
    a longer part that a provider may have cut it itself.
    """
    runs = {
        part[start : start + LONGEST_RUN]
        for form in _forms(secret)
        for part in re.split(r"[^\w-]+", form)
        if len(part) >= SHORTEST_SECRET
        for start in range(max(len(part) - LONGEST_RUN, 0) + 1)
    }
    return any(run in form for form in _forms(clean(reason)) for run in runs)


def _forms(text: str) -> tuple[str, ...]:
    """As it is, and percent-decoded once and twice: providers repeat addresses in either form."""
    once = unquote(text)
    return text, once, unquote(once)


def _reason(answer: Answer) -> str:
    """Telegram's `description`, Discord's `message`, Google's `error.message`, Pushover's `errors`,
    and the one word of an incoming webhook of Slack's.
    """
    match decoded(answer):
        case {"description": str(text)} | {"message": str(text)}:
            return text
        case {"error": {"message": str(text)}} | {"error": str(text)}:
            return text
        case {"errors": [*texts]}:
            return "; ".join(text for text in texts if isinstance(text, str))
        case _:
            text = answer.body.decode("ascii", errors="replace")
            return text if _WORD.fullmatch(text) else ""


def post_json(
    http: Outbound,
    url: str,
    payload: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
    *,
    id_name: str = "id",
    secret: str | None = None,
) -> Outcome:
    """`id_name`: the field of the answer that holds the provider's id of the message. `secret`: of
    a provider whose words are to be repeated where it refuses.
    """
    head = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    answer = http.post(url, encoded(payload), head)
    if not isinstance(answer, Answer):
        return answer
    outcome = outcome_of(answer)
    if secret is not None:
        outcome = explained(outcome, answer, secret)
    return Sent(word(decoded(answer), id_name)) if isinstance(outcome, Sent) else outcome


@dataclass(frozen=True, slots=True)
class IncomingWebhook:
    """`render` makes the payload. `query` is added to the URL's own."""

    http: Outbound
    secrets: Secrets
    render: Callable[[Message], Mapping[str, object]]
    query: str = ""
    id_name: str = "id"

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        http, payload = self.http.bounded(), self.render(message)

        def attempt(url: str) -> Outcome:
            to = self.extended(url)
            return post_json(http, to, payload, id_name=self.id_name, secret=url)

        return self.secrets.using(receiver.secret, attempt)

    def extended(self, url: str) -> str:
        if not self.query:
            return url
        try:
            parts = urlsplit(url)
        except ValueError:
            return url  # Calling it fails with a reason.
        query = f"{parts.query}&{self.query}" if parts.query else self.query
        return urlunsplit(parts._replace(query=query))


def api_url(base: str, *path: str) -> str | PermanentFailure:
    """PermanentFailure for a part that would leave its place in the path, by a slash or a space."""
    if not all(part and all(_plain(letter) for letter in part) for part in path):
        return PermanentFailure(
            "the secret or the receiver has a character that is not allowed there"
        )
    return "/".join((base.rstrip("/"), *path))


def _plain(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter in "-_:.~")
