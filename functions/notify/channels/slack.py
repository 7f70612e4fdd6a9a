"""Slack: blocks, and the two ways to post them: with a bot's token and by an incoming webhook.

A change updates the first message about its incident, and replies in its thread. A page is always a
message of its own: an update makes no phone ring.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from notify.channels.posting import decoded, encoded, outcome_of, word
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure, Unaccepted
from notify.channels.said import Words
from notify.channels.text import cut, moment, units
from notify.channels.tones import COLOURS, MARKS
from notify.channels.words import words
from notify.outbound import Answer, Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import IncidentEvent, Receiver
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.incident.model import Status
from opsknight.notification.message import ASKS_TO_ACT, Message

# A little under the limits of https://docs.slack.dev/reference/block-kit/blocks.
LONGEST_HEADER: Final = 140
LONGEST_SECTION: Final = 2900
LONGEST_TEXT: Final = 1000
LONGEST_URL: Final = 3000

UPDATING: Final = frozenset(IncidentEvent) - {IncidentEvent.TRIGGERED}

# Errors that Slack answers with 200; https://docs.slack.dev/reference/methods/chat.postMessage#errors
_PASSING: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
_SECRET: Final = frozenset(
    {"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"}
)
_NO_LONGER_THERE: Final = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)
_ERROR: Final = re.compile(r"(?=.{5,60}$)[a-z]+(_[a-z]+)+")
_LASTING: Final = frozenset(
    {
        "as_user_not_supported",
        "channel_not_found",
        "is_archived",
        "invalid_blocks",
        "messages_tab_disabled",
        "missing_scope",
        "msg_too_long",
        "no_permission",
        "no_text",
        "not_in_channel",
        "restricted_action",
        "user_not_found",
    }
)


def escaped(text: str) -> str:
    """Shows as text what mrkdwn would read as a mention, a link or a call for everybody."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"@(?=channel|here|everyone|group)", "@\N{WORD JOINER}", text, flags=re.I)


def render(message: Message, *, buttons: bool = False) -> dict[str, object]:
    """`text` is for notifications. The header is plain text, as strangers write titles. Without
    `buttons` to act there is only the link: nobody would hear them pressed.
    """
    said = words(message)
    header = f"{MARKS[said.tone]} {said.headline(LONGEST_HEADER)}"
    blocks: list[dict[str, object]] = [_section(_body(said))]
    if units(said.title) > LONGEST_HEADER - 20:
        blocks.insert(0, {"type": "section", "text": _plain(cut(said.title, LONGEST_SECTION))})
    if said.facts:
        fields = [f"*{name}*\n{_shown(value)}" for name, value in said.facts]
        blocks.append({"type": "section", "fields": [_mrkdwn(field) for field in fields[:10]]})
    if said.todo:
        blocks.append({"type": "context", "elements": [_mrkdwn(escaped(said.todo))]})
    # Slack refuses a message with an empty section.
    if links := _references(said):
        blocks.append(_section(links))
    if elements := list(_buttons(message, said, acting=buttons)):
        # Slack names it when a button is pressed.
        named = {"block_id": message.delivery_id} if buttons else {}
        blocks.append({"type": "actions", **named, "elements": elements})
    return {
        "text": escaped(f"{header} - {said.happened}")[:LONGEST_TEXT],
        "blocks": [{"type": "header", "text": _plain(header)}],
        "attachments": [{"color": COLOURS[said.tone], "blocks": blocks}],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _references(said: Words) -> str:
    found = ""
    for label, url in said.references:
        link = f"{' · ' if found else ''}<{_target(url)}|{escaped(label)}>"
        # A link that is cut in two is none.
        found += link if len(found) + len(link) <= LONGEST_SECTION else ""
    return found


def _target(url: str) -> str:
    return escaped(url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E"))


def _body(said: Words) -> str:
    lines = [f"*{escaped(said.happened)}*"]
    lines += [f"• {escaped(line)}" for line in said.listed]
    lines += [escaped(said.more)] if said.more else []
    return "\n".join(lines)[:LONGEST_SECTION]


def _shown(value: str | datetime) -> str:
    if isinstance(value, str):
        return escaped(value)
    # In the reader's own time zone.
    return f"<!date^{int(value.timestamp())}^{{date_short_pretty}} {{time}}|{moment(value)}>"


def _buttons(message: Message, said: Words, *, acting: bool) -> list[dict[str, object]]:
    buttons: list[dict[str, object]] = []
    # A status page's message is for everybody, so it has no buttons to act.
    acting = (
        acting and len(message.incidents) == 1 and not isinstance(message.about, StatusPageEvent)
    )
    status = message.incidents[0].status if acting else None
    offered = (
        {
            Status.OPEN: (("Acknowledge", "primary"), ("Resolve", None)),
            Status.SNOOZED: (("Acknowledge", None), ("Resolve", None)),
            Status.SUPPRESSED: (("Acknowledge", None), ("Resolve", None)),
            Status.ACKNOWLEDGED: (("Resolve", "primary"),),
        }.get(status, ())
        if status
        else ()
    )
    for label, style in offered:
        button: dict[str, object] = {
            "type": "button",
            "action_id": label.lower(),
            "text": _plain(label),
            "value": message.incidents[0].id,
        }
        buttons.append(button | ({"style": style} if style else {}))
    if said.link and len(said.link) <= LONGEST_URL:
        label = "Open" if offered else said.link_label
        buttons.append(
            {"type": "button", "action_id": "open", "text": _plain(label), "url": said.link}
        )
    return buttons


def _reply(message: Message, place: Mapping[str, str]) -> dict[str, object]:
    """What is said in the thread of the first message."""
    return {
        "channel": place["channel"],
        "thread_ts": place["ts"],
        "text": escaped(words(message).happened)[:LONGEST_TEXT],
        "reply_broadcast": message.about in ASKS_TO_ACT,
    }


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> dict[str, object]:
    # Without `emoji`, `:fire:` in a title stays text.
    return {"type": "plain_text", "text": text, "emoji": False}


@dataclass(frozen=True, slots=True)
class Slack:
    """With a bot's token. `base` is https://slack.com/api, or a stand-in."""

    http: Outbound
    secrets: Secrets
    base: str
    hears_buttons: Callable[[], bool]
    """Whether the signing secret is there, without which nobody knows who pressed a button."""

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        http, payload = self.http.bounded(), render(message, buttons=self.hears_buttons())

        def attempt(token: str) -> Outcome:
            if message.about in UPDATING and {"channel", "ts"} <= message.remembered.keys():
                place = {name: message.remembered[name] for name in ("channel", "ts")}
                outcome = self._updated(http, token, payload, place)
                if isinstance(outcome, Sent):
                    # The message is updated already: how its reply ends does not matter.
                    self._call(http, token, "chat.postMessage", _reply(message, place))
                if outcome is not None:
                    return outcome
            target = {"channel": receiver.to}
            return self._sent(self._call(http, token, "chat.postMessage", payload | target))

        return self.secrets.using(receiver.secret, attempt)

    def update(self, message: Message, receiver: Receiver, place: Mapping[str, str]) -> Outcome:
        http = self.http.bounded()
        payload = render(message, buttons=self.hears_buttons())

        def attempt(token: str) -> Outcome:
            outcome = self._updated(http, token, payload, place)
            return outcome or PermanentFailure("the message is not there any more")

        return self.secrets.using(receiver.secret, attempt)

    def _updated(
        self,
        http: Outbound,
        token: str,
        payload: Mapping[str, object],
        place: Mapping[str, str],
    ) -> Outcome | None:
        """None when the earlier message cannot be changed any more."""
        answer = self._call(http, token, "chat.update", {**payload, **place})
        if isinstance(answer, Mapping) and word(answer, "error") in _NO_LONGER_THERE:
            return None
        return self._sent(answer)

    def _call(
        self, http: Outbound, token: str, method: str, payload: Mapping[str, object]
    ) -> Mapping[str, object] | Outcome:
        if not token.isascii() or not token.isprintable():
            return PermanentFailure("the bot token has a character that tokens cannot have")
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json; charset=utf-8",
        }
        answer = http.post(f"{self.base.rstrip('/')}/{method}", encoded(payload), headers)
        if not isinstance(answer, Answer):
            return answer
        outcome = outcome_of(answer)
        if not isinstance(outcome, Sent):
            return outcome
        return decoded(answer) or TemporaryFailure("Slack answered something that is not JSON")

    def _sent(self, answer: Mapping[str, object] | Outcome) -> Outcome:
        if not isinstance(answer, Mapping):
            return answer
        if answer.get("ok") is True:
            channel, ts = word(answer, "channel"), word(answer, "ts")
            return Sent(ts, {"channel": channel, "ts": ts} if channel and ts else {})
        error = word(answer, "error")
        if error in _PASSING:
            return TemporaryFailure(f"Slack: {error}")
        if error in _SECRET:
            return Unaccepted(f"Slack: {error}")
        # An error that Slack does not document is shown only if it looks like one of Slack's.
        known = error in _LASTING or (error is not None and _ERROR.fullmatch(error))
        return PermanentFailure(f"Slack: {error if known else 'unknown error'}")
